"""What the nearest rows are called: the labels of the neighbours of each text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

NEIGHBOURS = 15
_REACH = 16_384  # texts among which neighbours are looked for: all up to here, then as many drawn; cost stays linear
_AXES = 128  # of the vectors when neighbours are drawn: the nearest of sixteen thousand are told by fewer numbers
_SHARP = 10.0  # how fast a neighbour's voice falls with the cosine: e-fold for each 0.1


@dataclass(frozen=True)
class Neighbours:
    """The nearest texts of m texts, the nearest first."""

    near: Ints
    """(m, j) positions among the texts."""
    cosine: Floats
    """(m, j)."""


def find_neighbours(vectors: Floats, *, count: int = NEIGHBOURS, seed: int = 0) -> Neighbours:
    """Return the nearest texts of each text by cosine, itself left out.

    Args:
        vectors: (m, d) of length 1.
        count: how many, fewer where there are fewer texts.
        seed: of the texts that are drawn where there are more than 16,384.
    """
    size = len(vectors)
    among = np.arange(size)
    if size > _REACH:
        among = np.sort(np.random.default_rng(seed).permutation(size)[:_REACH])
        vectors = _fewer_axes(vectors)
    count = max(min(count, among.size - 1), 0)
    near, cosine = np.empty((size, count), np.int64), np.empty((size, count), np.float32)
    others = np.ascontiguousarray(vectors[among].T)
    own = np.full(size, -1)
    own[among] = np.arange(among.size)
    block = max(1, 32_000_000 // max(among.size, 1))
    for low in range(0, size if count else 0, block):
        alike = vectors[low : low + block] @ others
        mine = own[low : low + block]
        alike[np.flatnonzero(mine >= 0), mine[mine >= 0]] = -2.0
        best = np.argpartition(-alike, count - 1, axis=1)[:, :count]
        value = np.take_along_axis(alike, best, axis=1)
        order = np.lexsort((best, -value), axis=1)
        near[low : low + block] = among[np.take_along_axis(best, order, axis=1)]
        cosine[low : low + block] = np.take_along_axis(value, order, axis=1)
    return Neighbours(near, cosine)


def neighbour_scores(found: Neighbours, targets: Floats, shares: Floats) -> Floats:
    """Return (m, k) log of the share of each label among the neighbours, over its share among all rows.

    Half a neighbour is spread over all labels, so that none is impossible.
    """
    count = found.near.shape[1]
    if not count:
        return np.zeros_like(targets)
    voice = np.exp((found.cosine - found.cosine[:, :1]) * _SHARP)
    voice /= voice.sum(axis=1, keepdims=True)
    heard = np.zeros_like(targets)
    for place in range(count):
        heard += voice[:, place, None] * targets[found.near[:, place]]
    return np.log(heard + (0.5 / count) * shares) - np.log(shares)


def _fewer_axes(vectors: Floats) -> Floats:
    """Return the vectors along the axes on which they differ most, of length 1 again."""
    if vectors.shape[1] <= _AXES:
        return vectors
    sample = vectors[:: max(1, len(vectors) // 20_000)]
    _, axes = np.linalg.eigh((sample.T @ sample).astype(np.float64))
    fewer = vectors @ axes[:, -_AXES:].astype(np.float32)
    return fewer / np.maximum(np.linalg.norm(fewer, axis=1, keepdims=True), 1e-12)
