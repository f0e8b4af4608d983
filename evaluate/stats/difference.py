"""The mean difference of paired scores: its interval and one-sided p, for weighted and clustered rows.

Student's t with the error and degrees of ``clustered``. Where fewer than 40 rows' worth of differences were seen, the interval
is widened to Tango's (``score_interval``) and p is the larger of both: at 10% disagreement on 50 rows the t interval misses a
true gain of 5 points in 4.5% and one of 10 points in 12% of samples, the two together in 2.4% and 1.5%.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .clustered import Design, clustered_mean
from .intervals import check_confidence
from .score_interval import score, score_interval

FEW = 40
"""Effective differences below which the t interval is not trusted by itself (20 was tried: coverage 91% in places)."""


@dataclass(frozen=True)
class Difference:
    """A mean difference; floats, or arrays where many columns were given."""

    mean: Any
    error: Any
    """Standard error; NaN where there is one cluster only."""
    degrees: Any
    low: Any
    high: Any
    effective_rows: Any
    """Independent rows of equal weight that would say as much."""
    differing: Any
    """Of these, how many differ."""
    few: Any
    """Whether the score interval counts too."""
    up: Any
    """Mean of the gains, losses taken for 0."""
    down: Any
    """Mean of the losses, as a positive number."""


def mean_difference(
    differences: npt.ArrayLike, design: Design, *, confidence: float = 0.95, bounded: bool = True
) -> Difference:
    """Return the mean difference with its two-sided interval.

    Args:
        differences: (n), or (..., n) for many columns at once.
        design: of the n rows.
        confidence: two-sided.
        bounded: whether differences lie from -1 to 1; else there is Student's t alone, and nothing is known without spread.

    Raises:
        UsageError: a confidence that is none.
    """
    from scipy.special import stdtrit

    check_confidence(confidence)
    values = np.asarray(differences, np.float64)
    found = clustered_mean(values, design)
    known = np.isfinite(found.error)
    effective = _effective_rows(found.error, found.spread, design)
    degrees = np.where(known, found.degrees, 1.0)
    critical = stdtrit(degrees, (1 + confidence) / 2)
    half = critical * np.where(known, found.error, 0.0)
    low, high = found.mean - half, found.mean + half
    share = design.weights / design.weights.sum()
    up, down = np.maximum(values, 0) @ share, np.maximum(-values, 0) @ share
    differing = _differing(values, design) * effective / design.effective_rows
    few = bounded & known & ((differing < FEW) | (found.error == 0))
    if np.any(few):
        wide = score_interval(up * effective, down * effective, effective, critical)
        low, high = np.where(few, np.minimum(low, wide[0]), low), np.where(few, np.maximum(high, wide[1]), high)
    end = 1.0 if bounded else np.inf
    told = known & (bounded | (found.error > 0))
    low, high = np.where(told, np.maximum(low, -end), -end), np.where(told, np.minimum(high, end), end)
    return Difference(
        found.mean, found.error, found.degrees, low, high, effective, differing, few, up, down
    )  # fmt: skip


def p_not_above(found: Difference, null: float = 0.0) -> Any:
    """Return the one-sided p of a mean difference that is ``null`` or less; 1 where nothing speaks against it."""
    from scipy.special import stdtr

    told = np.isfinite(found.error) & (found.degrees > 0) & ((found.error > 0) | found.few)
    degrees = np.where(told, found.degrees, 1.0)
    gap = found.mean - null
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(found.error > 0, stdtr(degrees, -gap / found.error), 0.0)
    if np.any(found.few):
        rows = found.effective_rows
        p = np.where(
            found.few, np.maximum(p, stdtr(degrees, -score(found.up * rows, found.down * rows, rows, null))), p
        )
    return np.where(told & ~((gap == 0) & (found.differing == 0)), p, 1.0)


def mirrored(found: Difference) -> Difference:
    """Return the difference as seen from the other side."""
    return Difference(
        -found.mean, found.error, found.degrees, -found.high, -found.low, found.effective_rows, found.differing, found.few,
        found.down, found.up,
    )  # fmt: skip


def _effective_rows(error: Any, spread: Any, design: Design) -> Any:
    """Return the number of independent rows that would have this error; at least one, never more than weights leave (Kish).

    Without an error nothing is known of how clusters hang together: each then counts as one row.
    """
    known = np.isfinite(error) & (error > 0)
    by_error = np.where(known, spread, 1.0) / np.where(known, error, 1.0) ** 2
    return np.where(known, np.clip(by_error, 1.0, max(1.0, design.effective_rows)), design.effective_clusters)


def _differing(values: npt.NDArray[np.float64], design: Design) -> Any:
    """Return how many rows carry the sum of squared differences: of 0/1 scores those that differ."""
    squares = values**2 * design.weights
    fourth = (squares**2).sum(axis=-1)
    return np.where(fourth > 0, squares.sum(axis=-1) ** 2 / np.where(fourth > 0, fourth, 1.0), 0.0)
