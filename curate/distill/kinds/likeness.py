"""How far a text was changed, by its words."""

from __future__ import annotations

import re
from collections import Counter

from ...text import fold
from ..draft import Fault

COPY = "distill.copy"
"""The gate for what was to be written anew, and was not."""

_CHARACTERS = (
    "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0eff"  # scripts without blanks: a character counts as a word
)
_WORD = re.compile(rf"[{_CHARACTERS}]|[^\W{_CHARACTERS}]+")


def changed(text: str, other: str) -> float:
    """Return the share of words that two texts do not have in common, whatever their order (Dice's measure, from 1).

    >>> changed("I lost my card", "I LOST my phone!"), changed("no", "No.")
    (0.25, 0.0)
    """
    own, others = (Counter(_WORD.findall(fold(one))) for one in (text, other))
    total = own.total() + others.total()
    return 1 - 2 * (own & others).total() / total if total else 0.0


def copied(text: str, other: str, *, least: float = 0.0) -> Fault | None:
    """Return a fault where a text is another one, or differs in no more than a share of its words."""
    share = changed(text, other)
    if share > least:
        return None
    return Fault(
        COPY, "It is the row that it was made from." if not share else f"Only {share:.0%} of its words are new."
    )
