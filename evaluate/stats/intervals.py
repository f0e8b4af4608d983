"""Intervals of a share: Wilson's for use, Clopper and Pearson's where it must never be too narrow.

Wilson (1927), Probable inference, the law of succession, and statistical inference, without continuity correction, as
Brown, Cai and DasGupta (2001) advise; Clopper and Pearson (1934), The use of confidence or fiducial limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from ...curate.errors import UsageError


@dataclass(frozen=True)
class Bounds:
    """Where a value lies, as far as the data say."""

    low: float
    high: float


def wilson(successes: float, rows: float, *, confidence: float = 0.95) -> Bounds:
    """Return Wilson's score interval of a share.

    Args:
        successes: rows that are right; a fraction where rows are weighted.
        rows: of which; the effective number where rows are weighted or clustered (``weighted.weighted_mean``).
        confidence: two-sided.

    Raises:
        UsageError: there are no rows, or more successes than rows.

    >>> wilson(458, 1319)
    Bounds(low=0.32201685..., high=0.37333590...)
    """
    from scipy.special import ndtri

    successes = _checked(successes, rows, confidence)
    z = float(ndtri((1 + confidence) / 2))
    share = successes / rows
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    # At none and at all a bound is exactly 0 or 1; rounding would leave 1e-18 there.
    return Bounds(
        0.0 if successes == 0 else max(0.0, middle - half), 1.0 if successes == rows else min(1.0, middle + half)
    )


def clopper_pearson(successes: float, rows: float, *, confidence: float = 0.95) -> Bounds:
    """Return the exact interval of a share: it holds the truth at least as often as it says, usually more often.

    Args:
        successes: rows that are right.
        rows: of which.
        confidence: two-sided.

    Raises:
        UsageError: there are no rows, or more successes than rows.

    >>> clopper_pearson(0, 200).high  # about three in 200, the rule of three, for one side at 95%
    0.0182...
    """
    from scipy.special import betaincinv

    successes = _checked(successes, rows, confidence)
    tail = (1 - confidence) / 2
    failures = rows - successes
    low = 0.0 if successes == 0 else float(betaincinv(successes, failures + 1, tail))
    high = 1.0 if failures == 0 else float(betaincinv(successes + 1, failures, 1 - tail))
    return Bounds(low, high)


def check_confidence(confidence: float) -> None:
    """Refuse a confidence that is none.

    Raises:
        UsageError: it is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence of {confidence!r} is none; give a share between 0 and 1, such as 0.95.")


_ROUNDING = (
    1e-9  # of the rows: a weighted mean of ones times the rows comes out some units in the last place beside them
)


def _checked(successes: float, rows: float, confidence: float) -> float:
    """Return the successes, with what rounding alone put beyond none or all taken back."""
    check_confidence(confidence)
    if not rows > 0 or not -_ROUNDING * rows <= successes <= rows * (1 + _ROUNDING):
        raise UsageError(f"{successes!r} of {rows!r} rows is no share; give at least one row, and at most all of them.")
    return min(max(successes, 0.0), rows)
