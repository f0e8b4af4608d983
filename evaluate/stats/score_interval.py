"""The interval of a paired difference where few rows differ: Tango's, by the score.

Tango (1998), Equivalence test and confidence interval for the difference in proportions for the paired-sample design. A t
interval measures its width by the differences that were seen, so it is too narrow where they are few, and without any it has
none at all. The score takes for each possible gain the variance that rows would have under that gain. Without any row that
differs, it holds gains up to about 3.8 rows of n.

Clustered or weighted rows enter by their effective number, as Korn and Graubard (1998) and Franco, Little, Louis and Slud
(2019) do it for intervals of survey shares.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_STEPS = 50  # of bisection: to rounding


def score(wins: Any, losses: Any, rows: Any, null: Any) -> Any:
    """Return the score of a gain of ``null``: how many errors what was seen lies above it.

    Args:
        wins: rows that only the candidate has right, or the sum of what it gains; arrays are taken element by element.
        losses: rows that only the baseline has right.
        rows: all rows, at least wins and losses together.
        null: the gain to be tested, from -1 to 1.

    >>> float(score(209.0, 152.0, 1319.0, 0.0))  # the root of McNemar's chi-squared: 57 / sqrt(361)
    3.0
    """
    gap = (wins - losses) / rows - null
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gap == 0, 0.0, gap / np.sqrt(_variance(wins, losses, rows, null)))


def score_interval(wins: Any, losses: Any, rows: Any, critical: Any) -> tuple[Any, Any]:
    """Return the gains whose score is at most ``critical``: low, high.

    >>> [round(float(bound), 3) for bound in score_interval(0.0, 0.0, 200.0, 1.96)]
    [-0.019, 0.019]
    """
    middle = (wins - losses) / rows
    return tuple(_edge(middle, end, wins, losses, rows, critical) for end in (-1.0, 1.0))


def _edge(middle: Any, end: float, wins: Any, losses: Any, rows: Any, critical: Any) -> Any:
    inside = np.asarray(middle, np.float64)
    outside = np.full_like(inside, end)
    for _ in range(_STEPS):
        between = (inside + outside) / 2
        holds = (between - middle) ** 2 <= critical**2 * _variance(wins, losses, rows, between)
        inside, outside = np.where(holds, between, inside), np.where(holds, outside, between)
    return outside


def _variance(wins: Any, losses: Any, rows: Any, null: Any) -> Any:
    """Return the variance of the gain if it is ``null``; the share lost is then the likeliest one, Tango's eq. 9."""
    middle = (2 * rows - wins + losses) * null - wins - losses
    root = np.sqrt(np.maximum(middle**2 + 8 * rows * losses * null * (1 - null), 0.0))
    lost = (root - middle) / (4 * rows)
    return np.maximum(2 * lost + null * (1 - null), 0.0) / rows
