"""One figure of one run: its weighted score, with the interval that clusters leave."""

from __future__ import annotations

import polars as pl

from ...curate.errors import GateError, UsageError
from ..stats.weighted import Estimate, weighted_mean
from .results import SCORE, Run


def run_score(run: Run, *, scorer: str | None = None, confidence: float = 0.95) -> Estimate:
    """Return the mean score of the population that the rows stand for.

    Answers that could not be scored (unparsed, truncated, refused) are not right and count as 0, as in ``vetset compare``; rows
    of which a call failed are left out, and how many these are stands in the manifest's ``counts``.

    Args:
        run: the run.
        scorer: the primary one for ``None``.
        confidence: of the interval, two-sided.

    Raises:
        UsageError: the run has no such scorer.
        GateError: no row was answered.
    """
    name = scorer or run.manifest.get("primary") or next(iter(run.scorers), "")
    if SCORE + name not in run.results.columns:
        raise UsageError(f"{run.folder} was not scored by {name!r}; it has {', '.join(run.scorers) or 'no scorer'}.")
    failed = pl.col("status") == "error"
    rows = run.results.group_by("id", maintain_order=True).agg(
        pl.col(SCORE + name).fill_null(0.0).mean().alias("score"),
        failed.any().alias("failed"),
        pl.col("weight").first().fill_null(1.0),
        pl.col("cluster").first().fill_null(pl.col("id").first()),
    )
    rows = rows.filter(~pl.col("failed"))
    if rows.is_empty():
        raise GateError(f"{run.folder} has no row whose calls were all answered; run `vetset eval` again.")
    return weighted_mean(
        rows["score"].to_numpy(), weights=rows["weight"].to_numpy(), clusters=rows["cluster"], confidence=confidence
    )
