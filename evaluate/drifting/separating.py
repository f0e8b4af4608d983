"""Vectors: whether a classifier can tell new texts from those that were known.

The classifier two-sample test (Lopez-Paz and Oquab 2017), with two changes. Its classifier is ridge regression and not logistic:
what it says of a held-out text is then a fixed linear map of which texts are called new, so that it is *fitted anew for every
permutation* at the price of one matrix product. And its p is that of the permutation, which holds at every size, in place of the
normal approximation of one held-out half.
"""

from __future__ import annotations

import numpy as np

from ...curate.embed.encoder import Encoder
from ...curate.embed.encoding import encode
from ...curate.near.cosine import Ints, Vectors
from .permuting import Doubles, Statistic
from .pooling import Flags, Pool

_FOLDS = 5
_PENALTY = 1.0  # for vectors of length 1: scikit-learn's own for ridge on TF-IDF; the test holds for any


def text_vectors(texts: list[str], encoder: Encoder) -> Vectors:
    """Return (n, d) vectors; zeros for a text of which the encoder makes nothing."""
    import polars as pl

    encoded = encode(pl.Series(texts, dtype=pl.String), encoder)
    vectors = np.zeros((len(texts), encoded.vectors.shape[1] if encoded.vectors.size else 1), np.float32)
    seen = encoded.of_row >= 0
    vectors[seen] = encoded.vectors[encoded.of_row[seen]]
    return vectors


def separation_statistic(pool: Pool, vectors: Vectors, *, seed: int = 0) -> Statistic:
    """Return the area under the ROC curve of the classifier on held-out texts: 0.5 is none, 1 is every one told apart.

    Whole units are held out, so that a conversation or a copy of which the classifier knows a part tells it nothing.

    Args:
        pool: the texts.
        vectors: (n, d) of length 1.
        seed: of the folds.
    """
    folds = _folds(pool, seed=seed)
    maps = [_held_out(vectors, fold) for fold in folds]

    def statistic(sides: Flags) -> Doubles:
        called = sides[:, pool.unit].T.astype(np.float32)
        areas = np.zeros(len(sides))
        pairs = np.zeros(len(sides))
        for fold, linear in zip(folds, maps, strict=True):
            rest = called[~fold]
            scores = linear @ (rest - rest.mean(axis=0, keepdims=True))
            right, total = _right_pairs(scores, called[fold] > 0)
            areas += right
            pairs += total
        area = np.where(pairs > 0, areas / np.maximum(pairs, 1), 0.5)
        return np.stack([area, area], axis=1)

    return statistic


def scores(pool: Pool, vectors: Vectors, *, seed: int = 0) -> Doubles:
    """Return (n) how new each text looks to a classifier that was fitted without it."""
    found = np.zeros(len(pool.texts))
    for fold in _folds(pool, seed=seed):
        rest = pool.new[~fold].astype(np.float32)
        found[fold] = _held_out(vectors, fold) @ (rest - rest.mean())
    return found


def _folds(pool: Pool, *, seed: int) -> list[Flags]:
    """Cut units into folds of about as many; no side is looked at, so that an assignment by chance has the same folds."""
    units = pool.unit_new.size
    count = min(_FOLDS, units)
    number: Ints = np.random.default_rng(seed).permutation(units) % max(count, 1)
    return [number[pool.unit] == fold for fold in range(count)]


def _held_out(vectors: Vectors, fold: Flags) -> Vectors:
    """Return (held out, rest) the map from what the rest is called to what is foretold: ridge regression in its dual form."""
    from scipy.linalg import cho_factor, cho_solve
    from threadpoolctl import threadpool_limits

    rest = vectors[~fold]
    middle = rest.mean(axis=0, keepdims=True)
    rest, held = rest - middle, vectors[fold] - middle
    with threadpool_limits(1, user_api="blas"):
        factor = cho_factor(rest @ rest.T + np.float32(_PENALTY) * np.eye(len(rest), dtype=np.float32), lower=True)
        return cho_solve(factor, rest @ held.T).T.astype(np.float32)


def _right_pairs(scores: Vectors, new: Flags) -> tuple[Doubles, Doubles]:
    """Return, for each assignment, the pairs of a new and a known text in the right order, and all pairs (Mann and Whitney)."""
    order = np.argsort(scores, axis=0, kind="stable")  # rows stand in an order by chance, so ties favour no side
    ranked = np.take_along_axis(new, order, axis=0)
    places = np.arange(1, len(scores) + 1, dtype=np.float64)
    count = ranked.sum(axis=0, dtype=np.float64)
    right = places @ ranked - count * (count + 1) / 2
    return right, count * (len(scores) - count)
