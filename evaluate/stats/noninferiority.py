"""Is a candidate at least not worse by more than a margin? Paired and one-sided, for what must not be forgotten.

The lower bound of the mean difference against minus the margin: Tango (1998) for shares, Student's t with the cluster-robust
error else; as CONSORT's extension for non-inferiority trials reads it (Piaggio et al. 2012). "Not significantly worse" is no
evidence of the kind: few rows never find anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...curate.errors import DataError, UsageError
from .clustered import design
from .difference import mean_difference, p_not_above


@dataclass(frozen=True)
class NonInferiority:
    """Whether a candidate was shown not to be worse than by the margin."""

    holds: bool
    gain: float
    low: float
    """One-sided bound: the candidate loses at most so much."""
    margin: float
    p: float
    """One-sided, of "worse by the margin or more"."""
    rows: int
    clusters: int
    confidence: float


def noninferior(
    baseline: npt.ArrayLike,
    candidate: npt.ArrayLike,
    *,
    margin: float,
    weights: npt.ArrayLike | None = None,
    clusters: Iterable[Any] | None = None,
    confidence: float = 0.95,
    bounded: bool = True,
) -> NonInferiority:
    """Return whether the candidate is not worse than the baseline by ``margin``.

    Args:
        baseline: (n) scores, more is better: for a perplexity give minus the mean loss of each text.
        candidate: (n) scores of the same rows, in the same order.
        margin: loss that would matter, above 0, in the scores' own unit.
        weights: (n) what each row stands for.
        clusters: (n) names of what hangs together.
        confidence: one-sided; 0.95 is a chance of 5% to pass what is worse by the margin.
        bounded: whether scores lie from 0 to 1; else few rows that differ are not widened, and rows without any spread show
            nothing.

    Raises:
        DataError: the columns don't match, hold no rows, or a score is missing (or not from 0 to 1 where bounded).
        UsageError: a margin of 0 or less, or a confidence that is not above a half.

    >>> noninferior([1.0, 0.0] * 100, [1.0, 0.0] * 100, margin=0.03).holds
    True
    """
    if not margin > 0:
        raise UsageError(f"a margin of {margin!r} allows no loss at all; give one above 0, such as 0.02.")
    if not 0.5 < confidence < 1:
        raise UsageError(f"a one-sided confidence of {confidence!r} is none; give one above 0.5, such as 0.95.")
    first, second = np.asarray(baseline, np.float64), np.asarray(candidate, np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise DataError(
            f"two columns of scores {first.shape} and {second.shape} can't be paired; give the scores of the same rows."
        )
    inside = np.isfinite(first) & np.isfinite(second)
    if bounded:
        inside &= (first >= 0) & (first <= 1) & (second >= 0) & (second <= 1)
    if not inside.all():
        raise DataError(
            f"row {int(np.flatnonzero(~inside)[0])} has no score that can be compared; leave such rows out, or say that scores "
            "are not bounded by 0 and 1."
        )
    form = design(len(first), weights=weights, clusters=clusters)
    found = mean_difference(second - first, form, confidence=2 * confidence - 1, bounded=bounded)
    low = float(found.low)
    return NonInferiority(
        low > -margin,
        float(found.mean),
        low,
        margin,
        float(p_not_above(found, -margin)),
        form.rows,
        form.clusters,
        confidence,
    )
