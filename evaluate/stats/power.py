"""What a number of rows can see: least gain at a power, rows that a gain takes, rows that would settle what is open.

For paired scores with a mean squared difference d (of 0/1 scores the share of rows that differ) the error of a gain g over n
independent rows is sqrt((d - g^2) / n), and a two-sided test at level a finds it with power 1 - b where g / error = t_a/2 + t_b
(Lachin 1981; for McNemar's test Connor 1987, Miettinen 1968). Clusters divide n by their design effect (Kish 1965). A gain of g
takes at least a share g of rows that differ, so d is never taken for less.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import Literal

from ...curate.errors import UsageError
from .intervals import check_confidence

_ROUNDS = 50  # rows and degrees of freedom depend on each other; a few are enough


def minimum_gain(
    rows: float,
    *,
    disagreement: float,
    design_effect: float = 1.0,
    degrees: float | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
) -> float:
    """Return the least true gain whose interval lies above 0 with so much power; 1 where none does.

    Args:
        rows: of the eval set.
        disagreement: share of rows on which baseline and candidate differ; 0.2 is usual before one knows.
        design_effect: by how many times clusters make the variance larger; see ``design_effect``.
        degrees: of freedom: clusters less one; effective rows less one for ``None``.
        confidence: two-sided.
        power: chance that the gain is seen.

    Raises:
        UsageError: a number that is out of its range.

    >>> round(minimum_gain(200, disagreement=0.2), 3)
    0.087
    """
    _check(rows, disagreement, design_effect, confidence, power)
    effective = rows / design_effect
    reach = _reach(effective - 1 if degrees is None else degrees, confidence, power)
    if reach == inf:
        return 1.0
    found = reach * sqrt(disagreement / (effective + reach**2))
    return found if 0 < found <= disagreement else reach**2 / (effective + reach**2)


def rows_needed(
    gain: float, *, disagreement: float, design_effect: float = 1.0, confidence: float = 0.95, power: float = 0.8
) -> int:
    """Return how many rows a true gain takes to be seen with so much power.

    Args:
        gain: absolute, from 0 to 1.
        disagreement: share of rows that differ.
        design_effect: as ``minimum_gain``; stays what it is when rows come in more clusters of the same size.
        confidence: two-sided.
        power: chance that the gain is seen.

    Raises:
        UsageError: a number that is out of its range.

    >>> rows_needed(0.05, disagreement=0.2)
    623
    """
    if not 0 < gain <= 1:
        raise UsageError(f"a gain of {gain!r} can't be planned for; give one above 0 and at most 1, such as 0.05.")
    _check(2, disagreement, design_effect, confidence, power)
    variance = max(disagreement, gain) - gain**2
    effective = 1000.0
    for _ in range(_ROUNDS):
        effective = max(2.0, _reach(max(effective, 3.0) - 1, confidence, power) ** 2 * variance / gain**2)
    return ceil(round(effective * design_effect, 6))


def design_effect(cluster_size: float, correlation: float, *, spread: float = 0.0) -> float:
    """Return by how many times clusters make a mean's variance larger: 1 + (m (1 + c^2) - 1) r.

    Kish (1965) for equal sizes, Eldridge, Ashby and Kerry (2006) for unequal ones.

    Args:
        cluster_size: m, mean number of rows in a cluster.
        correlation: r, of two rows of one cluster: the ICC of the paired differences.
        spread: c, standard deviation of sizes over their mean.

    Raises:
        UsageError: a size below 1, or a correlation that is not from 0 to 1.

    >>> design_effect(5, 0.3)
    2.2
    """
    if not cluster_size >= 1 or not 0 <= correlation <= 1 or not spread >= 0:
        raise UsageError(
            f"clusters of {cluster_size!r} rows, a correlation of {correlation!r} and a spread of {spread!r} make no design; "
            "give sizes from 1, a correlation from 0 to 1, and a spread from 0."
        )
    return 1 + (cluster_size * (1 + spread**2) - 1) * correlation


@dataclass(frozen=True)
class MoreRows:
    """What would settle an open comparison, if the gain stays where it is."""

    outcome: Literal["above", "below"]
    """Which bound would be settled: the low one above 0, or the high one below the margin."""
    rows: int
    """Rows in all."""
    more: int
    """Rows beyond those at hand."""


def rows_to_settle(
    gain: float,
    *,
    error: float,
    rows: int,
    margin: float,
    degrees: float | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
    most: int = 1_000_000,
) -> MoreRows | None:
    """Return how many rows of the same kind would settle a comparison with so much power.

    At or over the margin what is missing is a lower bound above 0; under it, an upper bound below the margin, which shows that
    the gain falls short. The error shrinks by the root of the rows; new rows come in new clusters.

    Args:
        gain: that was seen.
        error: of it, on ``rows`` rows.
        rows: that were compared.
        margin: gain that is asked for.
        degrees: of freedom at hand; they grow with the rows.
        confidence: two-sided.
        power: chance that it is settled then, if the true gain is the one that was seen.
        most: rows beyond which the answer is ``None``: the gain is too near the margin. So it is where the error is NaN.

    Raises:
        UsageError: a number that is out of its range.

    >>> rows_to_settle(0.06, error=0.04, rows=200, margin=0.05)
    MoreRows(outcome='above', rows=700, more=500)
    """
    _check(rows, 0.0, 1.0, confidence, power)
    outcome = "above" if gain >= margin else "below"
    distance = gain if outcome == "above" else margin - gain
    if not distance > 0 or not error >= 0:
        return None
    if error == 0:  # nothing differs yet: take the variance under a gain of the margin, as ``score_interval`` does
        error = sqrt(margin * (1 - margin) / rows)
    share = (rows - 1 if degrees is None else degrees) / rows  # degrees that a row brings
    needed = float(rows)
    for _ in range(_ROUNDS):
        needed = rows * (_reach(max(1.0, share * needed), confidence, power) * error / distance) ** 2
        if needed > most:
            return None
    total = max(rows + 1, ceil(round(needed, 6)))
    return MoreRows(outcome, total, total - rows)


def _reach(degrees: float, confidence: float, power: float) -> float:
    """Return how many errors away from the bound a gain must lie."""
    from scipy.special import stdtrit

    if not degrees > 0:
        return inf
    return float(stdtrit(degrees, (1 + confidence) / 2) + stdtrit(degrees, power))


def _check(rows: float, disagreement: float, effect: float, confidence: float, power: float) -> None:
    check_confidence(confidence)
    if not rows >= 1:
        raise UsageError(f"{rows!r} rows can't be planned with; give at least 1.")
    if not 0 <= disagreement <= 1:
        raise UsageError(f"a disagreement of {disagreement!r} is no share; give one from 0 to 1, such as 0.2.")
    if not effect > 0:
        raise UsageError(
            f"a design effect of {effect!r} is none; give 1 for rows that are independent, more for clusters."
        )
    if not 0 < power < 1:
        raise UsageError(f"a power of {power!r} is none; give a share between 0 and 1, such as 0.8.")
