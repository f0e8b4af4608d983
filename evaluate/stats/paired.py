"""Two candidates on the same rows, as textbooks test them: paired t, and McNemar's test in its exact and mid-p forms.

Student (1908), The probable error of a mean; McNemar (1947), Note on the sampling error of the difference between correlated
proportions; mid-p: Fagerland, Lydersen and Laake (2013), The McNemar test for binary matched-pairs data. They take rows for
independent and alike in weight; ``gain`` does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...curate.errors import DataError, UsageError


@dataclass(frozen=True)
class PairedT:
    """A paired t-test; without spread there is no statistic, and it is NaN."""

    difference: float
    error: float
    """Standard error of the mean difference."""
    statistic: float
    degrees: int
    p: float
    """Two-sided."""


@dataclass(frozen=True)
class McNemar:
    """Two-sided p that as many rows are won as lost."""

    won: int
    lost: int
    p: float
    """Exact: binomial, never too small."""
    mid_p: float
    """Counts what was seen by half; closer to its level, and in rare cases a little above it."""


def paired_t(baseline: npt.ArrayLike, candidate: npt.ArrayLike) -> PairedT:
    """Test the mean difference of two columns of scores.

    Args:
        baseline: (n) scores.
        candidate: (n) scores of the same rows.

    Raises:
        DataError: the columns differ in length, a score is missing, or there are fewer than two rows.

    >>> paired_t([0.0, 0.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0]).statistic
    1.732...
    """
    from scipy.special import stdtr

    first, second = np.asarray(baseline, np.float64), np.asarray(candidate, np.float64)
    if first.ndim != 1 or first.shape != second.shape or len(first) < 2:
        raise DataError(
            f"a paired test needs two columns of at least two rows, not {first.shape} and {second.shape}; "
            "give the scores of the same rows."
        )
    differences = second - first
    if not np.isfinite(differences).all():
        raise DataError(
            f"row {int(np.flatnonzero(~np.isfinite(differences))[0])} has no score on one side; leave such rows out."
        )
    degrees = len(differences) - 1
    mean, error = float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))
    if error == 0:
        return PairedT(mean, 0.0, float("nan"), degrees, float("nan"))
    return PairedT(mean, error, mean / error, degrees, 2 * float(stdtr(degrees, -abs(mean / error))))


def mcnemar(won: int, lost: int) -> McNemar:
    """Test whether a candidate wins more rows than it loses; rows on which both are alike say nothing.

    Args:
        won: rows that only the candidate has right.
        lost: rows that only the baseline has right.

    Raises:
        UsageError: a count is negative.

    >>> round(mcnemar(209, 152).p, 6), round(mcnemar(209, 152).mid_p, 6)
    (0.003151, 0.002687)
    """
    from scipy.special import bdtr

    if won < 0 or lost < 0:
        raise UsageError(f"{won} rows won and {lost} lost: counts can't be negative; give both from 0 up.")
    both, fewer = won + lost, min(won, lost)
    if not both:
        return McNemar(won, lost, 1.0, 1.0)
    tail = float(bdtr(fewer, both, 0.5))
    below = float(bdtr(fewer - 1, both, 0.5)) if fewer else 0.0
    return McNemar(won, lost, min(1.0, 2 * tail), min(1.0, tail + below))
