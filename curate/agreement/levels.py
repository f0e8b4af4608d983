"""What labels mean: names, an order, or numbers; and which of these the user can ask for."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ..errors import UsageError, quote
from ..masking import mask
from .coefficients import Level
from .votes import Votes, gathered, numbers


def in_order(
    frame: pl.DataFrame, *, level: Level | None = None, order: Sequence[str] | None = None
) -> tuple[Votes, Level]:
    """Return the votes with their labels in order, and the level: names, unless something else was said.

    Args:
        frame: ``item, annotator, label``.
        level: what the labels mean; an order makes them ordinal.
        order: the labels from low to high.

    Raises:
        UsageError: an order that does not fit, or labels that have none.
        DataError: there is no vote.
    """
    if order is not None and level not in (None, "ordinal"):
        raise UsageError(f"--order is for ordinal labels; leave it out with --level {level}.")
    votes = gathered(frame, order=order)
    level = level or ("nominal" if order is None else "ordinal")
    if level == "ordinal" and order is None and votes.values is None:
        few = ", ".join(quote(mask(label[:200]), 20) for label in votes.labels[:5])
        raise UsageError(
            f"the labels ({few}{' ...' if len(votes.labels) > 5 else ''}) are words, and nothing says which is more; "
            "give them from low to high with --order."
        )
    if level == "interval" and votes.values is None:
        raise UsageError(
            f"--level interval needs numbers, and {quote(mask(_word(votes)[:200]), 60)} is none; take --order low,mid,high."
        )
    return votes, level


def _word(votes: Votes) -> str:
    return next(label for label in votes.labels if numbers([label]) is None)
