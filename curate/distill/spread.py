"""How far vectors lie apart, and where those of made rows lie among real ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..coverage.regions import regions
from ..near.cosine import Ints, Vectors
from .wordings import expected_distinct

Floats = npt.NDArray[np.float64]

_BLOCK = 1_024  # rows a product: with 5,000 columns 20 MB
_A_REGION = 10  # real rows a region at least: of fewer, chance says whether one is reached
_REGIONS = 100  # more than anybody reads
_WITHIN = (95, 99)  # percent of the real rows that have another real row so near


@dataclass(frozen=True)
class Spread:
    """How far some vectors lie apart."""

    rows: int
    nearest: float | None
    """Median cosine of a row to the row nearest to it; ``None`` with fewer than two rows."""
    near: float | None
    """Share of the rows with another at the threshold or nearer."""
    vendi: float | None
    """How many rows that share nothing would be as diverse (Friedman and Dieng 2023); 1 where all are the same."""


@dataclass(frozen=True)
class Region:
    """A part of the real rows."""

    real: int
    """Real rows in it."""
    made: int
    """Made rows within reach in it."""
    members: Ints
    """Positions of its real rows."""


@dataclass(frozen=True)
class Reach:
    """Where made rows lie among real ones."""

    regions: tuple[Region, ...]
    """The largest first."""
    expected: float
    """Share of the regions that as many rows drawn from the real ones would hold."""
    outside: tuple[float, float]
    """Share of the made rows farther from every real row than 95% and 99% of the real rows are from the nearest other."""
    reach: tuple[float, float]
    """The cosines at which a made row is so far."""
    nearest: float
    """Median cosine of a made row to the real row nearest to it."""
    near: float
    """Share of the made rows with a real one at the threshold or nearer."""

    @property
    def covered(self) -> float:
        """Share of the regions that hold a made row within reach."""
        return sum(region.made > 0 for region in self.regions) / len(self.regions)


def spread(vectors: Vectors, *, near: float) -> Spread:
    """Measure how far vectors lie apart.

    Args:
        vectors: (n, d) of length 1.
        near: cosine from which two rows are near.
    """
    if len(vectors) < 2:
        return Spread(len(vectors), None, None, 1.0 if len(vectors) else None)
    cosines, _ = nearest(vectors)
    return Spread(len(vectors), float(np.median(cosines)), float((cosines >= near - 1e-6).mean()), vendi(vectors))


def vendi(vectors: Vectors) -> float:
    """Return the Vendi score: e to the entropy of the eigenvalues of the rows' cosines, divided by n.

    The n x n matrix of cosines and the d x d matrix of the axes' products have the same eigenvalues but for zeros, so the
    smaller is made.

    >>> round(vendi(np.eye(3, dtype=np.float32)), 6), round(vendi(np.ones((5, 1), np.float32)), 6)
    (3.0, 1.0)

    Args:
        vectors: (n, d) of length 1, n at least 1.
    """
    return _vendi(vectors, by_axes=len(vectors) > vectors.shape[1])


def _vendi(vectors: Vectors, *, by_axes: bool) -> float:
    wide = vectors.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    products = wide.T @ wide if by_axes else wide @ wide.T
    values = np.maximum(np.linalg.eigvalsh(products / len(wide)), 0.0)
    values = values[values > 0] / values.sum()
    return float(np.exp(-(values * np.log(values)).sum()))


def nearest(vectors: Vectors, known: Vectors | None = None) -> tuple[Floats, Ints]:
    """Return, for each vector, the cosine to the nearest of ``known`` and which that is; among themselves without it."""
    others = vectors if known is None else known
    cosines, which = np.empty(len(vectors)), np.empty(len(vectors), np.int64)
    for low in range(0, len(vectors), _BLOCK):
        block = vectors[low : low + _BLOCK]
        products = block @ others.T
        if known is None:
            products[np.arange(len(block)), np.arange(low, low + len(block))] = -2.0
        best = products.argmax(axis=1)
        which[low : low + len(block)] = best
        cosines[low : low + len(block)] = np.clip(products[np.arange(len(block)), best], -1.0, 1.0)
    return cosines, which


def reach(made: Vectors, real: Vectors, *, near: float, seed: int = 0) -> Reach:
    """Say where made rows lie among real ones.

    Real rows are cut into regions by k-means. A made row is in that of the real row nearest to it, and within reach if it is no
    farther from it than 95% of the real rows are from the nearest other: the idea of precision and coverage for generated samples
    (Kynkäänniemi et al. 2019; Naeem et al. 2020), with one radius for all, since sparse regions would let in anything.

    Args:
        made: (m, d) of length 1, m at least 1.
        real: (n, d) of length 1, n at least 2; a text once, or copies say that rows lie nearer than they do.
        near: cosine from which two rows are near.
        seed: of the regions.
    """
    among, _ = nearest(real)
    bounds = np.percentile(among, [100 - share for share in _WITHIN])
    cosines, which = nearest(made, real)
    of = regions(real, max(1, min(_REGIONS, len(real) // _A_REGION)), seed=seed)
    within = cosines >= bounds[0] - 1e-6
    counts = np.bincount(of)
    holds = np.bincount(of[which[within]], minlength=counts.size)
    found = [
        Region(int(counts[at]), int(holds[at]), np.flatnonzero(of == at)) for at in np.argsort(-counts, kind="stable")
    ]
    expected = expected_distinct(counts.astype(np.int64), min(len(made), len(real))) / counts.size
    low, high = (float((cosines < bound - 1e-6).mean()) for bound in bounds)
    return Reach(
        tuple(found), expected, (low, high), (float(bounds[0]), float(bounds[1])),
        float(np.median(cosines)), float((cosines >= near - 1e-6).mean()),
    )  # fmt: skip
