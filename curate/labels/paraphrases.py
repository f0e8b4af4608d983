"""Pairs of vectors at a high cosine among many: each looks only at those that lie nearest to the same few of a sample."""

from __future__ import annotations

import numpy as np

from ..near.cosine import Hits, Ints, Vectors, joined, pairs
from ..near.listing import refuse_over

_EXACT = 20_000  # vectors: all products of 50,000 take half a minute
_PROBES = (
    6  # landmarks of each; at a cosine of 0.95 two vectors share one nearly always (docs/rules/labels.near_conflict.md)
)
_BLOCK = 4_096


def paraphrases(vectors: Vectors, threshold: float, *, most: int) -> Hits:
    """Return every pair of vectors at or over a high cosine, the lower one as ``rows``; of over 20,000 nearly every one.

    ``near.cells`` would find as many and take three times as long: k-means pays where thousands of vectors lie close to each
    other at lower cosines.

    Args:
        vectors: (n, d) of length 1.
        threshold: a cosine, 0.9 and more.
        most: pairs at most.

    Raises:
        UsageError: there are more.
    """
    if len(vectors) <= _EXACT:
        table = pairs(vectors, threshold, most=most)
        one, other = (table[side].to_numpy().astype(np.int64) for side in ("a", "b"))
        return Hits(one, other, table["cosine"].to_numpy().astype(np.float32))
    nearest = _landmarks(vectors)
    home = nearest[:, 0]
    members = np.argsort(home, kind="stable")
    asking = np.argsort(nearest.ravel(), kind="stable")
    count = int(nearest.max()) + 1
    homes = np.searchsorted(home[members], np.arange(count + 1))
    edges = np.searchsorted(nearest.ravel()[asking], np.arange(count + 1))
    found, total = [], 0
    for landmark in range(count):
        here = members[homes[landmark] : homes[landmark + 1]]
        who = asking[edges[landmark] : edges[landmark + 1]] // nearest.shape[1]
        for low in range(0, who.size, _BLOCK):
            product = vectors[who[low : low + _BLOCK]] @ vectors[here].T
            rows, at = np.divmod(np.flatnonzero(product.ravel() >= np.float32(threshold)), max(here.size, 1))
            one, other = who[low + rows], here[at]
            apart = one != other
            refuse_over(total := total + int(apart.sum()) // 2, most)
            found.append(Hits(one[apart], other[apart], product.ravel()[rows * here.size + at][apart]))
    return _once(joined(found), len(vectors))


def _landmarks(vectors: Vectors) -> Ints:
    """Return the few landmarks that are nearest to each vector, the nearest first: vectors spread evenly over the set."""
    count = int(4 * len(vectors) ** 0.5)
    chosen = vectors[np.linspace(0, len(vectors) - 1, count).astype(np.int64)]
    found = np.empty((len(vectors), _PROBES), np.int64)
    for low in range(0, len(vectors), _BLOCK):
        product = vectors[low : low + _BLOCK] @ chosen.T
        few = np.argpartition(product, -_PROBES, axis=1)[:, -_PROBES:]
        order = np.argsort(-np.take_along_axis(product, few, axis=1), axis=1, kind="stable")
        found[low : low + _BLOCK] = np.take_along_axis(few, order, axis=1)
    return found


def _once(hits: Hits, count: int) -> Hits:
    """Each pair once, the lower one first: most are met from both sides."""
    low, high = np.minimum(hits.rows, hits.others), np.maximum(hits.rows, hits.others)
    _, first = np.unique(low * count + high, return_index=True)
    return Hits(low[first], high[first], hits.scores[first])
