"""Several answers a row: pass@k, the chance that one of k answers is right (Chen et al. 2021, eq. 1, without bias)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from ...curate.errors import UsageError, quote
from ..runs.results import SCORE

PASSES = pl.Schema({"id": pl.String, "answers": pl.Int64, "right": pl.Int64, "pass": pl.Float64, "weight": pl.Float64})
"""Columns of pass@k by row: ``pass`` is null where a row has fewer than k answers."""


def pass_at_k(answers: npt.ArrayLike, right: npt.ArrayLike, k: int) -> npt.NDArray[np.float64]:
    """Return for each row the unbiased estimate of the chance that one of k answers is right.

    ``1 - C(n - c, k) / C(n, k)``, as a product, which does not overflow. ``1 - (1 - c / n) ** k``, often used, is biased.

    Args:
        answers: (r) how many answers each row has: n.
        right: (r) how many of them are right: c.
        k: answers that are looked at.

    Returns:
        (r) from 0 to 1; NaN where a row has fewer than k answers.

    Raises:
        UsageError: k is no positive number, or more are right than there are.

    >>> pass_at_k([10, 10, 2], [3, 0, 1], 5).round(4).tolist()
    [0.9167, 0.0, nan]
    """
    n, c = (np.atleast_1d(np.asarray(one, np.int64)) for one in (answers, right))
    if k < 1:
        raise UsageError(f"pass@k needs a k of 1 or more, not {k}.")
    if (c > n).any() or (c < 0).any():
        raise UsageError("pass@k: a row has more right answers than answers; check the counts.")
    below = np.arange(k)
    # C(n - c, k) / C(n, k) is the product of (n - c - i) / (n - i): 0 as soon as fewer than k are wrong.
    parts = np.clip((n - c)[:, None] - below, 0, None) / np.maximum(n[:, None] - below, 1)
    return np.where(n >= k, 1.0 - parts.prod(axis=1), np.nan)


def pass_by_row(results: pl.DataFrame, *, scorer: str, k: int, least: float = 1.0) -> pl.DataFrame:
    """Return pass@k of each row of a run (``PASSES``).

    What has no answer (``error``) is left out of n; an answer that is cut off, refuses or can't be parsed is not right.

    Args:
        results: of a run.
        scorer: by which an answer is right.
        k: answers that are looked at.
        least: score from which an answer is right.

    Raises:
        UsageError: the run has no such scorer.
    """
    column = SCORE + scorer
    if column not in results.columns:
        known = [name.removeprefix(SCORE) for name in results.columns if name.startswith(SCORE)]
        raise UsageError(f"the run has no scorer {quote(scorer, 40)}; it has {', '.join(known) or 'none'}.")
    answered = pl.col("status") != "error"
    rows = results.group_by("id", maintain_order=True).agg(
        answered.sum().cast(pl.Int64).alias("answers"),
        (answered & (pl.col(column) >= least).fill_null(value=False)).sum().cast(pl.Int64).alias("right"),
        pl.col("weight").first(),
    )
    passes = pl.Series("pass", pass_at_k(rows["answers"], rows["right"], k)).fill_nan(None)
    return rows.with_columns(passes).select(PASSES.names())


def mean_pass(passes: pl.DataFrame) -> float | None:
    """Return the mean over rows, weighted; ``None`` where no row has k answers."""
    known = passes.filter(pl.col("pass").is_not_null())
    weights: Sequence[float] = known["weight"].fill_null(1.0).to_list()
    return float(np.average(known["pass"].to_numpy(), weights=weights)) if known.height else None
