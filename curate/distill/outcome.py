"""What became of a draft: exactly one of accepted, rejected, under review, failed; with every verdict that led to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from ..calls import Answer, Request
from .draft import Draft, Made
from .lineage import Verdict

Fate = Literal["accepted", "rejected", "review", "failed"]
FATES: tuple[Fate, ...] = get_args(Fate)

SURPLUS = "distill.surplus"
"""The gate of a good row of a cell that was full: it waits for a run that asks for more."""
BUDGET = "distill.budget"
CALL = "distill.call"
"""The gates of drafts that failed: nothing was sent, or no answer came."""
REVIEW = "distill.review"
"""The gate of what the kind itself is unsure of, such as a vote that was close."""


@dataclass(frozen=True)
class Outcome:
    """What became of one draft."""

    draft: Draft
    fate: Fate
    gate: str | None = None
    """That decided; ``None`` for accepted rows."""
    why: str | None = None
    made: Made | None = None
    verdicts: tuple[Verdict, ...] = ()
    calls: tuple[tuple[Request, Answer], ...] = ()
    """What was asked and came back, the failed ones too."""

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens of prompts and replies, as the server told them."""
        answers = [answer for _, answer in self.calls]
        return sum(one.prompt_tokens or 0 for one in answers), sum(one.completion_tokens or 0 for one in answers)


def count_fates(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return how many drafts there were, and of each fate; ``planned`` is their sum.

    >>> count_fates([])
    {'planned': 0, 'accepted': 0, 'rejected': 0, 'review': 0, 'failed': 0}
    """
    counts = Counter(outcome.fate for outcome in outcomes)
    return {"planned": counts.total(), **{fate: counts[fate] for fate in FATES}}


def count_gates(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return how many drafts each gate kept from being accepted, most first."""
    counts = Counter(outcome.gate for outcome in outcomes if outcome.gate is not None)
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
