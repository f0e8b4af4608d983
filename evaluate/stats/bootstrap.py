"""Intervals by drawing clusters again: percentile, and bias-corrected and accelerated (BCa).

Efron (1979); Efron (1987), Better bootstrap confidence intervals. A weighted mean is a function of two sums over clusters, and
clusters with the same sums are alike, so a draw is how often each kind was drawn: 20,000 draws of 1,319 rows of 0/1 scores are
20,000 draws of three numbers. Whole clusters are drawn, never rows of them.

Shown beside the interval that decides (``gain``) as a second opinion: with fewer than about 50 clusters the bootstrap's are too
narrow, since it knows nothing of the degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...curate.errors import DataError, UsageError
from .clustered import Design, Floats, design
from .intervals import Bounds, check_confidence

DRAWS = 20_000  # the third digit of a 95% bound stands still, as far as a mean of 0/1 scores has one
_ENTRIES = 2_000_000  # numbers held at a time
_KINDS = 16  # a kind of cluster costs a binomial draw, about as much as so many indices
_TIE = 1e-12  # draws this near to the mean are equal to it: sums in another order


@dataclass(frozen=True)
class Resampled:
    """Intervals of a mean by resampling; ``None`` where the draws say nothing, and why."""

    mean: float
    percentile: Bounds | None
    bca: Bounds | None
    draws: int
    why: str | None = None


def bootstrap_mean(
    values: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    clusters: Iterable[Any] | None = None,
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Resampled:
    """Return bootstrap intervals of a weighted mean; for a paired difference, give the differences.

    Args:
        values: (n) scores or differences.
        weights: (n) what each row stands for.
        clusters: (n) names of what hangs together.
        confidence: two-sided.
        draws: of all clusters.
        seed: of the draws.

    Raises:
        DataError: a value is missing, or the columns don't match.
        UsageError: fewer than 100 draws, which have no tails.

    >>> bootstrap_mean([1.0, 0.0, 0.0, -1.0] * 50, draws=1000).bca
    Bounds(low=-0.1..., high=0.1...)
    """
    check_confidence(confidence)
    if draws < 100:
        raise UsageError(f"{draws} draws have no tails; give at least 100, better {DRAWS:,}.")
    column = np.asarray(values, np.float64)
    if column.ndim != 1 or not np.isfinite(column).all():
        raise DataError("a value is missing, or values are no column; leave rows without one out.")
    form = design(len(column), weights=weights, clusters=clusters)
    sums = form.sums(column * form.weights)
    mean = float(sums.sum() / form.total.sum())
    if np.ptp(sums / form.total) < _TIE:
        why = "all clusters have one mean, so every draw gives it: that says nothing of how sure it is"
        return Resampled(mean, None, None, draws, why)
    drawn = _drawn(sums, form.total, draws, np.random.default_rng(seed))
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    percentile = Bounds(*np.quantile(drawn, tails).tolist())
    moved = _moved(drawn, mean, sums, form, tails)
    why = None if moved is not None else "too few clusters differ for BCa: its correction runs out of the draws"
    return Resampled(mean, percentile, moved, draws, why)


def _drawn(sums: Floats, total: Floats, draws: int, random: np.random.Generator) -> Floats:
    """Return (draws) means of clusters drawn with replacement."""
    many = len(sums)
    kinds, counts = np.unique(sums + 1j * total, return_counts=True)
    if len(kinds) * _KINDS <= many:
        weights = random.multinomial(many, counts / many, size=draws)
        return (weights @ kinds.real) / (weights @ kinds.imag)
    same = np.ptp(total) < _TIE
    found = np.empty(draws)
    block = max(1, _ENTRIES // many)
    small = np.uint16 if many <= np.iinfo(np.uint16).max else np.uint32
    for begin in range(0, draws, block):
        index = random.integers(0, many, (min(block, draws - begin), many), dtype=small).astype(np.intp)
        above = sums.take(index).sum(axis=1)
        below = many * total[0] if same else total.take(index).sum(axis=1)
        found[begin : begin + len(index)] = above / below
    return found


def _moved(drawn: Floats, mean: float, sums: Floats, form: Design, tails: Floats) -> Bounds | None:
    """Return Efron's BCa: tails moved for bias and for how the error changes with the mean (by the jackknife)."""
    from scipy.special import ndtr, ndtri

    below = ((drawn < mean - _TIE).mean() + (drawn <= mean + _TIE).mean()) / 2  # a tie counts half
    if not 0 < below < 1:
        return None
    bias = ndtri(below)
    without = (sums.sum() - sums) / (form.total.sum() - form.total)
    change = without.mean() - without
    speed = (change**3).sum() / (6 * (change**2).sum() ** 1.5)
    z = bias + ndtri(tails)
    scale = 1 - speed * z
    if not (scale > 0).all():
        return None
    return Bounds(*np.quantile(drawn, ndtr(bias + z / scale)).tolist())
