"""How an interrupt ends a command: what is kept, and how to go on, in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended: 128 and the number of the signal, as shells have it."""


class Stopped(Exception):
    """An interrupt, with the sentence that tells what is kept."""


@contextmanager
def stoppable(kept: Callable[[], str]) -> Iterator[None]:
    """Let an interrupt say what is kept; typer by itself makes a bare exit code of it.

    Args:
        kept: returns the sentence, when it is needed.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        raise Stopped(kept()) from stop


def answers_kept(journal: Path) -> str:
    """Return what to say where answers go to a journal."""
    if not journal.is_file():
        return f"stopped before an answer came to {journal}; the same command again begins anew."
    return (
        f"stopped: every answer that came is kept in {journal}; the same command again goes on from there and asks only for "
        "what is missing."
    )
