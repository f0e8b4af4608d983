"""A confidence sequence: intervals that hold at every number of labels at once, so that one may look, and label on.

Waudby-Smith and Ramdas (2023), Estimating means of bounded random variables by betting: the hedged capital process (their
section 4.4) with predictable plug-in bets. Against each possible mean two gamblers bet on the rows to come, one on more, one on
less; a mean at which half of the capital of one has reached 1/alpha is out for good, which by Ville's inequality happens to the
true one with a chance of at most alpha, whenever one stops. It holds for any distribution, with no number of rows that is too
small, and costs width: at 100 to 1,300 rows 1.5 to 1.8 times that of an interval for one look.

Rows have to come in an order that has nothing to do with their scores. Clusters are taken one by one, each as a bet in
proportion to its weight.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt

from ...curate.errors import DataError, UsageError
from .clustered import Floats, design
from .intervals import check_confidence

_STEPS = 2000  # means that are tried, over the range; bounds are rounded outwards to them
_CAP = 0.5  # share of the capital that a bet may risk, the paper's choice
_ENTRIES = 500_000  # numbers held at a time


@dataclass(frozen=True)
class Sequence:
    """The interval after each cluster, in the order in which clusters first came."""

    rows: npt.NDArray[np.int64]
    """(G) rows seen by then."""
    mean: Floats
    """(G) weighted mean by then."""
    low: Floats
    """(G) never falls."""
    high: Floats
    """(G) never rises."""
    confidence: float


def confidence_sequence(
    values: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    clusters: Iterable[Any] | None = None,
    confidence: float = 0.95,
    least: float = 0.0,
    most: float = 1.0,
) -> Sequence:
    """Return an interval of the mean after each row or cluster, all of them right at once with chance ``confidence``.

    Args:
        values: (n) in the order in which they were labelled.
        weights: (n) what each row stands for; known before its label.
        clusters: (n) names of what hangs together.
        confidence: two-sided.
        least: least value there can be.
        most: largest value there can be.

    Raises:
        DataError: a value lies outside of the range, or the columns don't match.
        UsageError: a range that is none.

    >>> found = confidence_sequence([1.0, 1.0, 0.0, 1.0] * 100)
    >>> round(float(found.low[-1]), 2), round(float(found.high[-1]), 2)
    (0.6..., 0.8...)
    """
    check_confidence(confidence)
    if not least < most:
        raise UsageError(
            f"the range from {least!r} to {most!r} is none; give the least and the largest value there can be."
        )
    column = (np.asarray(values, np.float64) - least) / (most - least)
    wrong = np.flatnonzero(~((column >= 0) & (column <= 1)))
    if column.ndim != 1 or len(wrong):
        raise DataError(
            f"row {wrong[:1].tolist()} lies outside of {least} to {most}; give the range that values can have at all."
        )
    names = None if clusters is None else list(clusters)
    form = design(len(column), weights=weights, clusters=names)
    sums = form.sums(column * form.weights)
    low, high = _bounds(np.clip(sums / form.total, 0.0, 1.0), form.total / form.total.max(), 1 - confidence)
    sizes = np.diff(form.starts, append=form.rows)
    mean = np.cumsum(sums) / np.cumsum(form.total)
    mean, low, high = (least + (most - least) * part for part in (mean, low, high))
    return Sequence(np.cumsum(sizes), mean, low, high, confidence)


def gain_sequence(
    baseline: npt.ArrayLike,
    candidate: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    clusters: Iterable[Any] | None = None,
    confidence: float = 0.95,
) -> Sequence:
    """Return an interval of the gain after each row or cluster; scores lie from 0 to 1, differences from -1 to 1.

    >>> found = gain_sequence([0.0, 1.0] * 200, [1.0, 1.0] * 200)
    >>> bool(found.low[-1] > 0.3)
    True
    """
    first, second = np.asarray(baseline, np.float64), np.asarray(candidate, np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise DataError(f"scores {first.shape} and {second.shape} can't be paired; give the scores of the same rows.")
    return confidence_sequence(
        second - first, weights=weights, clusters=clusters, confidence=confidence, least=-1.0, most=1.0
    )


def _bounds(values: Floats, size: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Return (G) bounds in steps of the range; ``size`` (G) is each cluster's weight in shares of the largest."""
    bets = _bets(values, size, alpha)
    means = np.linspace(0.0, 1.0, _STEPS + 1)
    low, high = np.zeros(len(values)), np.ones(len(values))
    capital = np.zeros((2, len(means)))  # logs, of the gambler on more and of the one on less
    alive = np.ones(len(means), bool)
    block = max(1, _ENTRIES // len(means))
    for begin in range(0, len(values), block):
        part = slice(begin, begin + block)
        gap = (values[part, None] - means) * size[part, None]
        with np.errstate(divide="ignore"):
            more = np.minimum(bets[part, None], _CAP / (means * size[part, None]))
            less = np.minimum(bets[part, None], _CAP / ((1 - means) * size[part, None]))
        grown = capital[:, None] + np.cumsum(np.log1p(np.stack([more * gap, -less * gap])), axis=1)
        capital = grown[:, -1]
        out = (grown.max(axis=0) + log(0.5) >= log(1 / alpha)) | ~alive
        out = np.logical_or.accumulate(out, axis=0)
        alive = ~out[-1]
        kept = ~out
        some = kept.any(axis=1)  # none: a chance below alpha; the last bounds then stand
        first = np.maximum(kept.argmax(axis=1) - 1, 0)
        last = np.minimum(_STEPS - kept[:, ::-1].argmax(axis=1) + 1, _STEPS)
        low[part], high[part] = np.where(some, means[first], np.nan), np.where(some, means[last], np.nan)
    return _filled(low, 0.0), _filled(high, 1.0)


def _bets(values: Floats, size: Floats, alpha: float) -> Floats:
    """Return each row's bet, which may know all rows before it but not its own value (the paper's eq. 26)."""
    count = np.arange(1, len(values) + 1)
    mean = (0.5 + np.cumsum(values * size)) / (1 + np.cumsum(size))
    spread = (0.25 + np.cumsum((size * (values - mean)) ** 2)) / (count + 1)
    before = np.concatenate([[0.25], spread[:-1]])
    return np.sqrt(2 * log(2 / alpha) / (before * count * np.log1p(count)))


def _filled(bounds: Floats, begin: float) -> Floats:
    known = np.maximum.accumulate(np.where(np.isnan(bounds), -1, np.arange(len(bounds))))
    return np.where(known < 0, begin, bounds[known])
