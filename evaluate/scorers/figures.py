"""What a run took: answers of each status, seconds, tokens, cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import polars as pl

from ..runs.results import Status

STATUSES: tuple[str, ...] = get_args(Status)


@dataclass(frozen=True)
class Spread:
    """A number of each answer, where it is known."""

    known: int
    total: float | None
    mean: float | None
    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, values: pl.Series) -> Spread:
        """Return the spread of the values that are there; percentiles are interpolated (Hyndman and Fan 1996, type 7).

        >>> Spread.of(pl.Series([1.0, 2.0, None])).p95
        1.95
        """
        known = values.drop_nulls()
        if known.is_empty():
            return cls(0, None, None, None, None)
        p50, p95 = (known.quantile(share, interpolation="linear") for share in (0.5, 0.95))
        return cls(len(known), known.sum(), known.cast(pl.Float64).mean(), p50, p95)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True)
class Figures:
    """What a run took."""

    answers: int
    statuses: dict[str, int]
    """How many answers have each status; all five are named."""
    seconds: Spread
    prompt_tokens: Spread
    completion_tokens: Spread
    cost: Spread
    """In the currency of the price file; nothing is known without one."""

    def share(self, status: Status) -> float:
        """Return the share of answers with a status; 0 of none."""
        return self.statuses[status] / self.answers if self.answers else 0.0

    def summary(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "answers": self.answers,
            "statuses": self.statuses,
            **{name: vars(getattr(self, name)) for name in ("seconds", "prompt_tokens", "completion_tokens", "cost")},
        }


def run_figures(results: pl.DataFrame) -> Figures:
    """Return what a run took; a call that failed has no seconds, tokens or cost of its own unless its server told them."""
    counts = dict(results.group_by("status").len().iter_rows())
    return Figures(
        answers=results.height,
        statuses={status: counts.get(status, 0) for status in STATUSES},
        seconds=Spread.of(results["seconds"]),
        prompt_tokens=Spread.of(results["prompt_tokens"]),
        completion_tokens=Spread.of(results["completion_tokens"]),
        cost=Spread.of(results["cost"]),
    )
