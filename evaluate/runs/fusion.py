"""Several rankings made into one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)

DAMPING = 60
"""Added to each rank, so that the first place of one ranking does not outweigh good places in all: the paper's value, which it
found to matter little."""


def fuse(rankings: Sequence[Sequence[Item]], *, damping: int = DAMPING) -> list[Item]:
    """Return the items of all rankings, best first, by reciprocal rank fusion.

    The score of an item is the sum of ``1 / (damping + rank)`` over the rankings that hold it, ranks from 1 (Cormack, Clarke and
    Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods", SIGIR 2009). It needs no
    scores that could be compared: those of BM25 and a cosine can't be. Ties go to the ranking that is named first.

    Args:
        rankings: each best first; no item twice in one.
        damping: see ``DAMPING``.

    >>> fuse([["a", "b", "c"], ["c", "b"]])
    ['c', 'b', 'a']
    """
    total: dict[Item, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            total[item] = total.get(item, 0.0) + 1 / (damping + rank)
    return sorted(total, key=lambda item: -total[item])
