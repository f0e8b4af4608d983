"""Intervals by resampling: items are drawn again, with replacement, and the statistic is computed of each draw.

Every statistic here is a function of sums over items, and items whose votes are alike add the same. So a draw is how
often each kind of item was drawn, and costs one product of that with what a kind of item adds; votes aren't looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .votes import Floats, Ints

DRAWS = 1000
LEVEL = 0.95
_ENTRIES = 4_000_000  # numbers held at a time
_UNDEFINED = 0.05  # share of draws without a value from which on the others say nothing of the whole


@dataclass(frozen=True)
class Statistic:
    """A number that is a function of sums over items."""

    adds: Any
    """(p, s) scipy CSR: what an item of each of p kinds adds to each of s sums."""
    value: Callable[[Floats], Floats]
    """(b, s) sums to (b) values, NaN where there is none."""


@dataclass(frozen=True)
class Interval:
    """Bounds of a value, or why there are none."""

    low: float | None
    high: float | None
    why: str | None = None


def whole(statistic: Statistic, many: Ints) -> float:
    """Return the value of all items, NaN where there is none; ``many`` (p) is how many items each kind has."""
    return float(statistic.value((statistic.adds.T @ many.astype(np.float64))[None])[0])


def drawn(statistics: list[Statistic], many: Ints, *, draws: int = DRAWS, seed: int = 0) -> list[Floats]:
    """Return, for each statistic, its values (draws) over items drawn again; all of them see the same draws."""
    from scipy import sparse

    if not statistics:
        return []
    adds = sparse.hstack([statistic.adds for statistic in statistics], format="csr").T.tocsr()
    ends = np.cumsum([statistic.adds.shape[1] for statistic in statistics])
    random = np.random.default_rng(seed)
    batch = max(1, _ENTRIES // max(len(many), adds.shape[0]))
    values: list[list[Floats]] = [[] for _ in statistics]
    for begin in range(0, draws, batch):
        weights = _weights(random, many, min(batch, draws - begin))
        sums = np.split((adds @ weights.T).T, ends[:-1], axis=1)
        for kept, statistic, part in zip(values, statistics, sums, strict=True):
            kept.append(statistic.value(part))
    return [np.concatenate([np.zeros(0), *kept]) for kept in values]


def _weights(random: np.random.Generator, many: Ints, draws: int) -> Floats:
    """Return (draws, p) how often each kind of item is drawn."""
    items = int(many.sum())
    if len(many) * 4 < items:
        return random.multinomial(items, many / items, size=draws).astype(np.float64)
    kind = np.repeat(np.arange(len(many)), many)  # numpy's multinomial takes a binomial for each kind: slow for many
    found = np.empty((draws, len(many)))
    for weights in found:
        weights[:] = np.bincount(kind[random.integers(0, items, items)], minlength=len(many))
    return found


def interval(values: Floats, *, point: float, level: float = LEVEL) -> Interval:
    """Return the percentile interval of drawn values (Efron 1979).

    Args:
        values: (draws) of ``drawn``.
        point: the value of all items.
        level: how often it should hold the truth.
    """
    known = values[np.isfinite(values)]
    if len(known) < (1 - _UNDEFINED) * len(values):
        return Interval(None, None, "too few items: many draws hold one label only, where it has no value")
    if np.ptp(known) < 1e-12:
        return Interval(None, None, f"every draw of the items gives {point:.3g}, which says nothing of how sure it is")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    if not low - 1e-12 <= point <= high + 1e-12:
        return Interval(
            None, None, "the draws miss the value itself: items are too much alike, or labels too rare, to draw"
        )
    return Interval(float(low), float(high))
