"""Points of many axes in two, so that those that are near stay near: attraction along edges, repulsion between chance pairs.

The neighbour graph and the sampled forces of UMAP (McInnes, Healy and Melville 2018) with the Cauchy kernel of t-SNE and edges
of equal weight, which do as well (Böhm, Berens and Kobak, "Attraction-repulsion spectrum", 2022). Whole arrays at a time and
in one order: the same bytes for the same points and seed, with numba or without.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# Chosen on 13,083 questions to a bank, by how many of the 10 nearest on the map have the label (0.62 before): 10 neighbours and
# 5 times the push give 0.577; 15 neighbours 0.569, 30 0.530; the push once 0.486, 30 times 0.553.
_NEAR = 10  # neighbours of each point
_TURNS = 100  # looks at every edge
_AGAINST = 5  # chance points that push, for each neighbour that pulls
_PUSH = 5.0  # what they push by, against what neighbours pull by
_STRIDES = 16  # parts of a turn: steps are small against what has moved in between
_FARTHEST = 4.0  # of a step
_BLOCK = 512  # points that are held against all at a time


def spread(
    values: Floats, start: Floats, *, seed: int = 0, turns: int = _TURNS, tell: Callable[[int, int], None] | None = None
) -> Floats:
    """Return (n, 2) where points lie.

    Args:
        values: (n, d), of length 1.
        start: (n, 2) where they lie to begin with, about 10 wide.
        seed: of the chance points, and of the order of the edges.
        turns: looks at every edge.
        tell: told the turn and how many there are.
    """
    heads, tails = _edges(values)
    draw = np.random.default_rng(seed)
    places = start.astype(np.float64)
    for turn in range(turns if heads.size else 0):
        if tell is not None:
            tell(turn, turns)
        step = 1.0 - turn / turns
        for part in np.array_split(draw.permutation(heads.size), _STRIDES):
            head, tail = heads[part], tails[part]
            pull = _pull(places[head] - places[tail])
            others = draw.integers(0, len(places), (_AGAINST, part.size))
            push = np.zeros_like(pull)
            for other in others:
                push += _push(places[head] - places[other])
            moved = np.concatenate([push - pull, pull])
            ends = np.concatenate([head, tail])
            for axis in range(2):
                places[:, axis] += step * np.bincount(ends, moved[:, axis], minlength=len(places))
    return places.astype(np.float32)


def nearest_points(values: Floats, near: int) -> Ints:
    """Return (n, near) the points with the highest products with each, itself left out."""
    found = np.empty((len(values), near), np.int64)
    for low in range(0, len(values), _BLOCK):
        products = values[low : low + _BLOCK] @ values.T
        here = np.arange(len(products))
        products[here, low + here] = -np.inf
        found[low : low + _BLOCK] = np.argpartition(-products, near - 1, axis=1)[:, :near]
    return found


def _edges(values: Floats) -> tuple[Ints, Ints]:
    """Return the two ends of each edge between neighbours, each edge once."""
    count, near = len(values), min(_NEAR, len(values) - 1)
    if near < 1:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    other = nearest_points(values, near).ravel()
    own = np.repeat(np.arange(count), near)
    edges = np.unique(np.minimum(own, other) * count + np.maximum(own, other))
    return np.divmod(edges, count)


def _pull(apart: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    square = (apart * apart).sum(axis=1, keepdims=True)
    return np.clip(2.0 / (1.0 + square) * apart, -_FARTHEST, _FARTHEST)


def _push(apart: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    square = (apart * apart).sum(axis=1, keepdims=True)
    return np.clip(2.0 * _PUSH / ((0.001 + square) * (1.0 + square)) * apart, -_FARTHEST, _FARTHEST)
