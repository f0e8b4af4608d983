"""Whether two answers are the same, and which label a reply means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from ...text import fold

LABEL, ANSWER = "distill.label", "distill.answer"
"""The gates for a label that is none of the set's, and for an answer that is not the row's."""

_MARKED = re.compile(r"####[ \t]*([^\n]{1,200})|\\boxed\{([^{}]{1,200})\}")
_NUMBER = re.compile(r"(?:(?<![\w.)])[-−])?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)")  # "10-3" ends with 3
_BREAK = re.compile(r"[^\w\s-]+")
_SENTENCE = 200  # characters: in a longer reply a label stands among thoughts
_EDGES = " \t\n.,;:!?\"'`*()[]<>“”«»"


def find_label(said: str, labels: Sequence[str]) -> str | None:
    """Return the label that a reply means: the same but for case, marks around it and dashes for blanks, or the one in it.

    >>> find_label('"Card-Lost".', ["card_lost", "pin"]), find_label("I'd say card_lost.", ["card_lost", "lost"])
    ('card_lost', 'card_lost')

    Args:
        said: the reply.
        labels: those that it may mean.
    """
    if said in labels:
        return said
    plain = _plain(said)
    same = {label for label in labels if _plain(label) == plain}
    if len(same) == 1:
        return same.pop()
    held = [(label, f" {_plain(label)} ") for label in dict.fromkeys(labels)] if len(said) <= _SENTENCE else []
    words = f" {_plain(_BREAK.sub(' ', said))} "
    held = [(label, spaced) for label, spaced in held if spaced in words]
    # "card lost" holds "lost": of labels that stand in one another the longest is meant, but two that don't are two
    outer = [label for label, spaced in held if not any(spaced != other and spaced in other for _, other in held)]
    return outer[0] if len(outer) == 1 and not same else None


def same_answer(said: str, known: str) -> bool:
    """Say whether a short answer is the known one: where that is a number by the last number in it, else by the text.

    Of either the final part counts where it is marked, ``#### 42`` or a box of LaTeX.

    >>> same_answer("The answer is 1,200.", "10 * 120 = 1200 #### 1200"), same_answer("Yes.", "yes"), same_answer("no", "yes")
    (True, True, False)
    """
    wanted = final(known)
    number = _NUMBER.fullmatch(wanted.strip("$€£% ").rstrip("."))
    if number is None:
        return fold(final(said)).strip(_EDGES) == fold(wanted).strip(_EDGES) != ""
    given = _NUMBER.findall(final(said))
    return bool(given) and _value(given[-1]) == _value(number[0])


def final(answer: str) -> str:
    """Return the marked end of an answer; all of it where nothing is marked."""
    found = _MARKED.findall(answer)
    return (found[-1][0] or found[-1][1]).strip() if found else answer.strip()


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", fold(text).strip(_EDGES)).strip()


def _value(number: str) -> Decimal:
    return Decimal(number.replace(",", "").replace("−", "-"))
