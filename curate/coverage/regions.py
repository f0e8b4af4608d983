"""Regions of the input space: k-means on the sphere, the same whatever the order of the rows."""

from __future__ import annotations

import numpy as np

from ..near.cosine import Ints, Vectors

_TURNS = 8  # more move the middles little
_SAMPLE = 64  # vectors a middle that are looked at to place it


def regions(vectors: Vectors, count: int, *, seed: int = 0) -> Ints:
    """Return the region of each vector, numbers from 0; one that keeps no vector has no number.

    Spherical k-means (Dhillon and Modha 2001) from middles that are drawn among the vectors.

    Args:
        vectors: (n, d) of length 1.
        count: regions at most.
        seed: of the draw.
    """
    if not len(vectors):
        return np.zeros(0, np.int64)
    order = by_value(vectors)
    found = np.empty(len(vectors), np.int64)
    found[order] = _cut(vectors[order], min(count, len(vectors)), np.random.default_rng(seed))
    return _numbered(found)


def cells(vectors: Vectors, size: int, *, seed: int = 0) -> Ints:
    """Return the same with some ``size`` vectors each, found region by region: linear where ``regions`` is quadratic.

    Args:
        vectors: (n, d) of length 1.
        size: vectors a cell, about.
        seed: of the draws.
    """
    if not len(vectors):
        return np.zeros(0, np.int64)
    order, draw = by_value(vectors), np.random.default_rng(seed)
    sorted_ = vectors[order]
    coarse = _cut(sorted_, max(1, round((len(vectors) / size) ** 0.5)), draw)
    fine = np.empty(len(vectors), np.int64)
    first = 0
    for region in range(int(coarse.max()) + 1):
        members = np.flatnonzero(coarse == region)
        if members.size:
            count = max(1, round(members.size / size))
            fine[members] = first + _cut(sorted_[members], count, draw)
            first += count
    found = np.empty(len(vectors), np.int64)
    found[order] = fine
    return _numbered(found)


def by_value(vectors: Vectors) -> Ints:
    """Order vectors by their bytes: an order of no meaning that hangs on no row."""
    rows = np.ascontiguousarray(vectors, np.float32)
    return np.argsort(rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel(), kind="stable")


def _cut(vectors: Vectors, count: int, draw: np.random.Generator) -> Ints:
    if count == 1:
        return np.zeros(len(vectors), np.int64)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(
        1, user_api="blas"
    ):  # small products: two threads that wait for each other took ten times the CPU
        return _cut_by_one(vectors, count, draw)


def _cut_by_one(vectors: Vectors, count: int, draw: np.random.Generator) -> Ints:
    sample = vectors[np.sort(draw.choice(len(vectors), min(len(vectors), _SAMPLE * count), replace=False))]
    middles = _spread(sample, count, draw)
    for _ in range(_TURNS):
        nearest = _nearest(sample, middles)
        by_middle = np.argsort(nearest, kind="stable")
        filled, starts = np.unique(nearest[by_middle], return_index=True)
        sums = np.add.reduceat(sample[by_middle], starts, axis=0)
        middles[filled] = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(1e-12))
    return _nearest(vectors, middles)


def _spread(sample: Vectors, count: int, draw: np.random.Generator) -> Vectors:
    """Draw middles far from each other (k-means++, Arthur and Vassilvitskii 2007), so that no topic goes without one."""
    chosen = np.empty(count, np.int64)
    chosen[0] = draw.integers(len(sample))
    away = np.full(len(sample), np.inf)
    for number in range(1, count):
        away = np.minimum(away, np.maximum(1.0 - sample @ sample[chosen[number - 1]], 0.0))
        steps = np.cumsum(away)
        chosen[number] = min(int(np.searchsorted(steps, draw.random() * steps[-1], side="right")), len(sample) - 1)
    return sample[chosen].copy()


def _nearest(vectors: Vectors, middles: Vectors) -> Ints:
    parts = [(vectors[low : low + 4_096] @ middles.T).argmax(axis=1) for low in range(0, len(vectors), 4_096)]
    return np.concatenate(parts)


def _numbered(found: Ints) -> Ints:
    return np.unique(found, return_inverse=True)[1].astype(np.int64)
