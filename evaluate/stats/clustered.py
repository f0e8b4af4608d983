"""The mean of weighted rows that hang together in clusters, its standard error, and on how many degrees of freedom that stands.

Rows of one document, customer or near copy are one observation rather than many. The error is the jackknife's over clusters
(CR3: Bell and McCaffrey 2002; MacKinnon, Nielsen and Webb 2023), (G-1)/G times the sum of squared changes when a cluster is
left out. For clusters of equal weight that is the usual cluster-robust error with G/(G-1), to be read with Student's t on
G-1 degrees; for rows on their own it is that of the paired t-test.

Where clusters are unequal, G-1 is too many: a few large clusters decide. Satterthwaite's degrees (Bell and McCaffrey 2002) are
computed under two working models, rows that are independent, and rows that correlate within clusters as the data say
(Imbens and Kolesár 2016), and their geometric mean is taken. Of nine variants that were tried on worlds such as
``benchmarks/verdict_simulation.py``'s, the first degrees alone miss 1.2 times too often, the second hold the truth in 99.9%
instead of 95%, and the sandwich with G-1 misses up to three times too often.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...curate.errors import DataError

Floats = npt.NDArray[np.float64]
_NOTHING = 1e-12  # relative: what is smaller is rounding


@dataclass(frozen=True)
class Design:
    """How rows weigh and hang together; what of an error is known before any score is."""

    weights: Floats
    """(n) in mean 1."""
    order: npt.NDArray[np.intp] | None
    """(n) rows in the order of clusters; ``None`` where each row is its own cluster."""
    starts: npt.NDArray[np.intp]
    """(G) first place of each cluster in that order."""
    apart: Floats
    """(G) sums of squared weights: variances of cluster sums if rows are independent."""
    total: Floats
    """(G) sums of weights; squared, the variances if rows of a cluster are one."""

    @property
    def rows(self) -> int:
        """Rows."""
        return len(self.weights)

    @property
    def clusters(self) -> int:
        """Clusters."""
        return len(self.starts)

    @property
    def effective_rows(self) -> float:
        """Rows of equal weight that would say as much, clusters aside (Kish 1965)."""
        return float(self.weights.sum() ** 2 / self.apart.sum())

    @property
    def effective_clusters(self) -> float:
        """Clusters of equal weight that would say as much if rows of one cluster were all alike."""
        return float(self.total.sum() ** 2 / (self.total**2).sum())

    def sums(self, values: Floats) -> Floats:
        """Return (..., G) sums over each cluster of (..., n) values."""
        return values if self.order is None else np.add.reduceat(values[..., self.order], self.starts, axis=-1)


@dataclass(frozen=True)
class ClusteredMean:
    """A mean with its error; floats, or arrays where many columns were given. One cluster has no error: NaN, 0 degrees."""

    mean: Any
    error: Any
    degrees: Any
    spread: Any
    """Variance of single rows around the mean."""


def design(rows: int, *, weights: npt.ArrayLike | None = None, clusters: Iterable[Any] | None = None) -> Design:
    """Return the design of so many rows.

    Args:
        rows: how many.
        weights: (n) what each row stands for; all alike for ``None``.
        clusters: (n) names; rows of one name are dependent. ``None``: each row by itself.

    Raises:
        DataError: no rows, another length, a weight that is not positive, or a cluster without a name.
    """
    if rows < 1:
        raise DataError("there are no rows to compare; give at least one that both sides have a score for.")
    weight = np.ones(rows) if weights is None else np.asarray(weights, np.float64)
    if weight.shape != (rows,):
        raise DataError(f"the number of weights {weight.shape} must match the number of rows ({rows}).")
    wrong = np.flatnonzero(~(np.isfinite(weight) & (weight > 0)))
    if len(wrong):
        raise DataError(f"row {wrong[0]} weighs {weight[wrong[0]]}; give every row a positive weight, or leave it out.")
    weight = weight / weight.mean()
    code = None if clusters is None else _codes(clusters, rows)
    if code is None or code.max() + 1 == rows:
        return Design(weight, None, np.arange(rows), weight**2, weight)
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    apart, total = (np.add.reduceat(part[order], starts) for part in (weight**2, weight))
    return Design(weight, order, starts, apart, total)


def clustered_mean(values: npt.ArrayLike, design: Design) -> ClusteredMean:
    """Return the weighted mean with its cluster-robust error and degrees of freedom.

    Args:
        values: (n), or (..., n) for many columns at once.
        design: of the n rows.

    >>> found = clustered_mean([0.0, 0.0, 1.0, 1.0], design(4, clusters="aabb"))
    >>> float(found.mean), float(found.error), float(found.degrees)
    (0.5, 0.5, 1.0)
    """
    columns = np.asarray(values, np.float64)
    weight, many = design.weights, design.clusters
    whole = weight.sum()
    mean = columns @ weight / whole
    residuals = columns - mean[..., None]
    spread = (residuals**2) @ weight / whole * _unbiased(design.effective_rows)
    spread = np.where(spread <= (_NOTHING * mean) ** 2, 0.0, spread)
    if many == 1:
        return ClusteredMean(mean, np.full_like(mean, np.nan), np.zeros_like(mean), spread)
    sums = design.sums(residuals * weight)
    left = 1 - design.total / whole
    error = np.sqrt((many - 1) / many * ((sums / left) ** 2).sum(axis=-1)) / whole
    error = np.where((spread == 0) | (error <= _NOTHING * np.sqrt(spread)), 0.0, error)  # all clusters have one mean
    return ClusteredMean(mean, error, _degrees(design, _alike(sums, spread, design)), spread)


def _codes(clusters: Iterable[Any], rows: int) -> npt.NDArray[np.intp]:
    known: dict[Any, int] = {}
    code = np.array([known.setdefault(name, len(known)) for name in clusters], np.intp)
    if code.shape != (rows,):
        raise DataError(f"the number of clusters' names {code.shape} must match the number of rows ({rows}).")
    if None in known or any(isinstance(name, float) and np.isnan(name) for name in known):
        raise DataError("a row has no cluster; give a row that stands alone its own id for one.")
    return code


def _unbiased(effective: float) -> float:
    return effective / (effective - 1) if effective > 1 + _NOTHING else 1.0


def _alike(sums: Floats, spread: Floats, design: Design) -> Floats:
    """Return the correlation of rows within clusters, by the method of moments, from 0 to 1.

    Without spread nothing is known of it, and 1 is the careful answer.
    """
    apart, together = float(design.apart.sum()), float((design.total**2).sum())
    if together - apart <= _NOTHING * together:
        return np.zeros_like(spread)
    seen = (sums**2 / (1 - design.total / design.total.sum())).sum(axis=-1)
    known = spread > 0
    found = (seen / np.where(known, spread, 1.0) - apart) / (together - apart)
    return np.where(known, np.clip(found, 0.0, 1.0), 1.0)


def _degrees(design: Design, alike: Floats) -> Floats:
    """Return Satterthwaite's degrees: the geometric mean of those for no correlation and for ``alike``."""
    share = design.total / design.total.sum()
    scale = np.sqrt((design.clusters - 1) / design.clusters) / (1 - share)
    together = design.total**2
    none, one, half = (
        _moments(variance, share, scale)
        for variance in (design.apart, together, (design.apart + together) / 2)
    )  # fmt: skip
    mixed = 4 * half[1] - none[1] - one[1]  # the second moment is a quadratic form of the correlation
    first = (1 - alike) * none[0] + alike * one[0]
    second = (1 - alike) ** 2 * none[1] + alike**2 * one[1] + alike * (1 - alike) * mixed
    return np.sqrt(none[0] ** 2 / none[1] * first**2 / second)


def _moments(variance: Floats, share: Floats, scale: Floats) -> tuple[float, float]:
    """Return the traces of C and of C squared, C the covariance of the scaled sums of residuals.

    With independent sums of these variances, C = diag(scale) (D - share v' - v share' + V share share') diag(scale), a
    diagonal and a matrix of rank two, so neither trace needs the G x G matrix.
    """
    whole = variance.sum()
    diagonal, p, q = scale**2 * variance, scale * share, scale * variance
    rest = whole * p * p - 2 * p * q
    pp, qq, pq = p @ p, q @ q, p @ q
    square = 2 * pp * qq + 2 * pq * pq - 4 * whole * pq * pp + whole**2 * pp**2
    return float((diagonal + rest).sum()), float(diagonal @ diagonal + 2 * diagonal @ rest + square)
