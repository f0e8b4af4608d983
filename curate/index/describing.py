"""What an index holds and how its rows were signed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .stores import opened, shown


@dataclass(frozen=True)
class IndexInfo:
    """The figures of an index."""

    index: str
    version: int
    writer: str
    """The vetset that made it."""
    shingle: str
    threshold: float
    recall: float
    """The chance that a pair of just the threshold is found."""
    exact: bool
    sketches: int
    """Distinct sets of shingles."""
    bytes: int | None
    sets: list[dict[str, Any]]
    """``set, split, rows, first, last``: rows that differ, and the times of the first and the last addition."""

    def summary(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        return asdict(self)


def info(index: str | Path) -> IndexInfo:
    """Return what an index holds.

    Raises:
        UsageError: there is none, or its rows were signed in another way.
        DataError: it is damaged.
        MissingExtra: Redis is named, and its client is not installed.
    """
    with opened(index) as store:
        head, figures = store.settings, store.figures()
    return IndexInfo(
        shown(index),
        head.version,
        head.writer,
        head.shingle,
        head.threshold,
        round(head.recall, 4),
        head.exact,
        **figures,
    )
