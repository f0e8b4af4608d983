"""What speaks against a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import polars as pl

from ...curate.masking import mask


@dataclass(frozen=True)
class Problem:
    """One thing that would go wrong, mostly without a word."""

    kind: str
    """``what.how``, such as ``end.untrained``."""
    level: Literal["refuse", "warn"]
    said: str
    """What is wrong, what comes of it, what to do: a sentence."""
    rows: list[dict[str, Any]]
    """The rows it is about: ``id, file, line`` and what else there is to say of each."""

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def refused(kind: str, said: str, rows: pl.DataFrame | None = None, *more: str) -> Problem:
    """Return a problem with which nothing is trained; ``more`` names columns that its rows are listed with."""
    return Problem(kind, "refuse", said, _listed(rows, more))


def warned(kind: str, said: str, rows: pl.DataFrame | None = None, *more: str) -> Problem:
    """Return a problem that is said, and trained with."""
    return Problem(kind, "warn", said, _listed(rows, more))


def _listed(rows: pl.DataFrame | None, more: tuple[str, ...]) -> list[dict[str, Any]]:
    if rows is None:
        return []
    texts = [name for name in more if rows.schema[name] == pl.String]  # some quote what rows say
    masked = pl.col(texts).map_elements(mask, return_dtype=pl.String)
    return rows.select("id", "file", "line", *more).with_columns(masked).to_dicts()
