"""One column of scores: its weighted mean with an interval, and how many rows of equal weight it is worth.

Wilson's interval on the effective number of rows where scores are 0 and 1 (Korn and Graubard 1998; Franco, Little, Louis and
Slud 2019), Student's t with the cluster-robust error elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...curate.errors import DataError
from .clustered import clustered_mean, design
from .intervals import Bounds, check_confidence, clopper_pearson, wilson


@dataclass(frozen=True)
class Estimate:
    """A mean of scores."""

    mean: float
    error: float
    """Standard error; NaN for one cluster."""
    degrees: float
    low: float
    high: float
    rows: int
    clusters: int
    effective_rows: float
    """Independent rows of equal weight that would say as much."""
    method: str


def weighted_mean(
    scores: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    clusters: Iterable[Any] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Return the mean score of the population that the rows stand for.

    Args:
        scores: (n) from 0 to 1.
        weights: (n) rows of the population that each stands for.
        clusters: (n) names of what hangs together.
        confidence: two-sided.

    Raises:
        DataError: a score is missing or not from 0 to 1, or the columns don't match.

    >>> weighted_mean([1.0, 0.0], weights=[3.0, 1.0]).mean
    0.75
    """
    from scipy.special import stdtrit

    check_confidence(confidence)
    values = checked_scores(scores, "score")
    form = design(len(values), weights=weights, clusters=clusters)
    found = clustered_mean(values, form)
    # A mean lies among its values; rounding puts that of ones a last place above 1, which would be no share.
    mean = min(max(float(found.mean), float(values.min())), float(values.max()))
    error, degrees = float(found.error), float(found.degrees)
    effective = min(form.effective_rows, form.effective_clusters if form.order is not None else np.inf)
    if error > 0:
        effective = min(form.effective_rows, float(found.spread) / error**2)
    if form.clusters == 1:
        one = clopper_pearson(mean, 1.0, confidence=confidence) if mean in (0.0, 1.0) else Bounds(0.0, 1.0)
        bounds, method = one, "one cluster is one observation: exact interval of one row"
    elif np.isin(values, (0.0, 1.0)).all():
        kind = "rows" if form.order is None and weights is None else "effective rows"
        rows = float(form.rows) if kind == "rows" else effective
        bounds, method = wilson(mean * rows, rows, confidence=confidence), f"Wilson's interval on {rows:.6g} {kind}"
    elif error > 0:
        half = float(stdtrit(degrees, (1 + confidence) / 2)) * error
        bounds = Bounds(max(0.0, mean - half), min(1.0, mean + half))
        method = f"t on {degrees:.4g} degrees of freedom with the jackknife's error"
    else:  # all alike: what other values unseen rows may have is bounded by how many were seen
        unseen = clopper_pearson(0.0, effective, confidence=confidence).high
        bounds = Bounds(mean * (1 - unseen), mean + (1 - mean) * unseen)
        method = f"all {form.rows} scores are alike: exact bound on the share of others"
    return Estimate(
        mean, error, degrees, bounds.low, bounds.high, form.rows, form.clusters, float(effective), method
    )  # fmt: skip


def kish(weights: npt.ArrayLike) -> float:
    """Return the number of rows of equal weight that weigh as much: (sum w)^2 / sum w^2 (Kish 1965, Survey Sampling).

    >>> kish([1.0, 1.0, 2.0])
    2.666...
    """
    weight = np.asarray(weights, np.float64)
    return design(len(weight), weights=weight).effective_rows


def checked_scores(scores: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    """Return a column of scores.

    Raises:
        DataError: it is no column, or a score is missing or not from 0 to 1; ``name`` says which column.
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 1 or not len(values):
        raise DataError(f"{name} holds no rows (shape {values.shape}); give one score a row.")
    wrong = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if len(wrong):
        raise DataError(
            f"{name} row {wrong[0]} has the score {values[wrong[0]]}; give scores from 0 to 1, and decide before how rows "
            "without one count."
        )
    return values
