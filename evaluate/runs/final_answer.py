"""The answer within what a model wrote: without its thoughts, and after the mark where it was asked to set one."""

from __future__ import annotations

from ..scorers.answers import spoken

_AROUND = "*`#> \t\r"  # Markdown


def final_answer(text: str, mark: str) -> str | None:
    r"""Return what stands behind the mark, or ``None`` where there is none: then nothing was answered that could be scored.

    The mark begins a line, whatever Markdown stands around it; the last such line counts, as drafts come before it. Where the
    line ends with the mark, the next one that says something is the answer.

    Args:
        text: as the model wrote it.
        mark: such as ``Answer:``.

    >>> final_answer("6 * 7\n**Answer:** 42", "Answer:"), final_answer("Answer:\n\n42", "Answer:")
    ('42', '42')
    >>> final_answer("Answering takes thought: 42", "Answer:") is None
    True
    """
    wanted = mark.casefold()
    lines = spoken(text).splitlines()
    for at in range(len(lines) - 1, -1, -1):
        bare = lines[at].strip(_AROUND)
        if bare.casefold().startswith(wanted):
            rest = [bare[len(wanted) :], *lines[at + 1 :]]
            return next((said for line in rest if (said := line.strip(_AROUND))), None)
    return None
