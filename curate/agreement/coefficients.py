"""Coefficients of agreement over all annotators: Fleiss' kappa and Krippendorff's alpha, as sums over items.

Fleiss (1971), Measuring nominal scale agreement among many raters. Where items have differing numbers of votes, each
item counts once: its share of agreeing pairs, and its shares of labels (Gwet 2014, Handbook of inter-rater reliability,
chapter 3). With equal numbers that is Fleiss' own formula.

Krippendorff (2011), Computing Krippendorff's alpha-reliability. Each pair of votes counts by 1 / (votes on the item - 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .resampling import Statistic
from .votes import Floats, Ints, Votes

Level = Literal["nominal", "ordinal", "interval"]
"""What labels mean: names; an order; numbers."""

_NOTHING = 1e-12


@dataclass(frozen=True)
class Kinds:
    """Items with two votes or more, those with the same votes as one: p kinds."""

    counts: Any
    """(p, k) scipy CSR: votes for each label."""
    many: Ints
    """(p) how many items are of each kind."""

    @property
    def items(self) -> int:
        """How many items there are."""
        return int(self.many.sum())


def kinds(votes: Votes) -> Kinds:
    """Return the kinds of items that have two votes or more."""
    from scipy import sparse

    # The sum of one random number a label is the same for the same votes, and for others with a chance of 1 in 2^64.
    marks = np.random.default_rng(0).integers(0, 2**63, len(votes.labels), dtype=np.uint64)
    sums = np.zeros(len(votes.items), np.uint64)
    np.add.at(sums, votes.item, marks[votes.label])
    place = np.flatnonzero(votes.per_item > 1)
    _, first, many = np.unique(sums[place], return_index=True, return_counts=True)
    shape = (len(votes.items), len(votes.labels))
    counts = sparse.csr_matrix((np.ones(len(votes.item)), (votes.item, votes.label)), shape=shape)
    return Kinds(counts[place[first]], many)  # in the order of their sums: the names of items change no draw


def fleiss(found: Kinds) -> Statistic:
    """Return Fleiss' kappa."""
    from scipy import sparse

    votes = _row_sums(found.counts)
    pairs = (_row_sums(found.counts.power(2)) - votes) / (votes * (votes - 1))
    shares = sparse.diags_array(1 / votes) @ found.counts
    adds = sparse.csr_matrix(sparse.hstack([shares, pairs[:, None], np.ones((len(votes), 1))]))

    def value(sums: Floats) -> Floats:
        mean = sums[:, :-1] / sums[:, -1:]
        by_chance = (mean[:, :-1] ** 2).sum(axis=1)
        return _over(mean[:, -1] - by_chance, 1 - by_chance)

    return Statistic(adds, value)


def krippendorff(found: Kinds, level: Level = "nominal", *, values: Floats | None = None) -> Statistic:
    """Return Krippendorff's alpha.

    Args:
        found: the kinds of items.
        level: ``ordinal`` takes the order of the labels, ``interval`` their values.
        values: (k) the labels as numbers, for ``interval``.
    """
    if level == "nominal":
        return _nominal(found)
    if level == "ordinal":
        return _ordinal(found)
    if values is None:
        raise ValueError("alpha on the interval level needs the labels as numbers.")
    return _interval(found, values)


def _nominal(found: Kinds) -> Statistic:
    from scipy import sparse

    votes = _row_sums(found.counts)
    unlike = (votes**2 - _row_sums(found.counts.power(2))) / (votes - 1)

    def value(sums: Floats) -> Floats:
        margin = sums[:, :-1]
        total = margin.sum(axis=1)
        return 1 - _over((total - 1) * sums[:, -1], total**2 - (margin**2).sum(axis=1))

    return Statistic(sparse.csr_matrix(sparse.hstack([found.counts, unlike[:, None]])), value)


def _interval(found: Kinds, values: Floats) -> Statistic:
    from scipy import sparse

    middle = np.average(values, weights=found.counts.T @ found.many.astype(np.float64) + _NOTHING)
    values = (values - middle) / max(np.abs(values - middle).max(), _NOTHING)  # sums of squares that don't cancel out
    votes, first, second = _row_sums(found.counts), found.counts @ values, found.counts @ values**2
    unlike = 2 * (votes * second - first**2) / (votes - 1)

    def value(sums: Floats) -> Floats:
        total, first, second, unlike = sums.T
        return 1 - _over((total - 1) * unlike, 2 * (total * second - first**2))

    return Statistic(sparse.csr_matrix(np.stack([votes, first, second, unlike], axis=1)), value)


def _ordinal(found: Kinds) -> Statistic:
    """Ordinal differences are those of mid-ranks: of the votes below a label, and half of its own."""
    from scipy import sparse

    labels = found.counts.shape[1]
    row, low, high, weight = _unlike_pairs(found.counts)
    cells, cell = np.unique(low * labels + high, return_inverse=True)
    low, high = cells // labels, cells % labels
    pairs = sparse.csr_matrix((weight, (row, cell)), shape=(len(found.many), len(cells)))

    def value(sums: Floats) -> Floats:
        margin = sums[:, :labels]
        rank = np.cumsum(margin, axis=1) - margin / 2
        total = margin.sum(axis=1)
        rank -= total[:, None] / 2
        unlike = (sums[:, labels:] * (rank[:, high] - rank[:, low]) ** 2).sum(axis=1)
        spread = total * (margin * rank**2).sum(axis=1) - (margin * rank).sum(axis=1) ** 2
        return 1 - _over((total - 1) * unlike, 2 * spread)

    return Statistic(sparse.csr_matrix(sparse.hstack([found.counts, pairs])), value)


def _unlike_pairs(counts: Any) -> tuple[Ints, Ints, Ints, Floats]:
    """Return kind, lower label, higher label and weight of each pair of labels that stand in one kind of item."""
    counts.sort_indices()
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    votes = _row_sums(counts)
    found = []
    for apart in range(1, int(np.diff(counts.indptr).max(initial=0))):
        first = np.flatnonzero(row[:-apart] == row[apart:])
        second = first + apart
        weight = 2 * counts.data[first] * counts.data[second] / (votes[row[first]] - 1)
        found.append((row[first], counts.indices[first], counts.indices[second], weight))
    if not found:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing, np.zeros(0)
    kind, low, high, weight = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return kind, low.astype(np.int64), high.astype(np.int64), weight


def _row_sums(counts: Any) -> Floats:
    return np.asarray(counts.sum(axis=1), np.float64).ravel()


def _over(above: Floats, below: Floats) -> Floats:
    """Divide; NaN where nothing could differ by chance."""
    defined = np.abs(below) > _NOTHING
    return np.where(defined, above / np.where(defined, below, 1.0), np.nan)
