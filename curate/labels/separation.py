"""How well the texts of labels can be told apart by their vectors, out of sample."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .labelled import Labelled

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_FOLDS = 5
_MOST = 1_000  # texts of a label that are looked at: more would narrow what is known of two labels below what matters
_SHRINK = (
    0.3  # share of the mean variance that is added to each axis; 0.1 to 1 tell the labels of real sets apart alike
)
_NEIGHBOURS = 10


@dataclass(frozen=True)
class Separation:
    """Distinct texts of each label, whitened by what all of them share, and the folds that they are held out in."""

    points: npt.NDArray[np.float32]
    """(u, d) whitened by the shrunk covariance of all texts: the discriminant of two labels is the difference of their means."""
    text: Ints
    """(u) position in ``Labelled.vectors``."""
    code: Ints
    """(u) the label."""
    fold: Ints
    """(u) equal for equal texts, so that no text is judged by a copy of itself."""
    labels: int

    @cached_property
    def members(self) -> list[Ints]:
        """The texts of each label, as positions in ``points``."""
        order = np.argsort(self.code, kind="stable")
        return np.split(order, np.searchsorted(self.code[order], np.arange(1, self.labels)))

    @cached_property
    def sums(self) -> Floats:
        """(folds, labels, d) sum of each label's points in each fold."""
        found = np.zeros((_FOLDS, self.labels, self.points.shape[1]))
        np.add.at(found, (self.fold, self.code), self.points)
        return found

    @cached_property
    def sizes(self) -> Floats:
        """(folds, labels) texts."""
        found = np.zeros((_FOLDS, self.labels))
        np.add.at(found, (self.fold, self.code), 1.0)
        return found

    @cached_property
    def means(self) -> Floats:
        """(labels, d)."""
        return self.sums.sum(axis=0) / np.maximum(self.sizes.sum(axis=0), 1.0)[:, None]

    def auc(self, one: list[int], other: list[int]) -> float:
        """Return how often a text of some labels is told from one of other labels: 0.5 is by chance, 1 always.

        The direction from one mean to the other is learnt on four fifths, and texts of the fifth left out are compared with each
        other along it. Below 0.5 is chance, too.
        """
        hits = compared = 0.0
        ours, theirs = (np.sort(np.concatenate([self.members[code] for code in side])) for side in (one, other))
        for fold in range(_FOLDS):
            towards = self._mean(one, fold) - self._mean(other, fold)
            here, there = (self.points[side[self.fold[side] == fold]] @ towards for side in (ours, theirs))
            hits += _wins(here, there)
            compared += here.size * there.size
        return hits / compared if compared else 0.5

    def neighbour_auc(self, one: int, other: int) -> float:
        """Return the same by nearest neighbours: two labels of one mean may still stand in different places."""
        both = np.concatenate([self.members[one], self.members[other]])
        mine = np.arange(both.size) < self.members[one].size
        points = self.points[both]
        lengths = np.einsum("ij,ij->i", points, points)
        apart = lengths[:, None] + lengths[None, :] - 2 * points @ points.T
        apart[self.text[both][:, None] == self.text[both][None, :]] = np.inf
        count = min(_NEIGHBOURS, both.size - 1)
        nearest = np.argpartition(apart, count - 1, axis=1)[:, :count]
        share = mine[nearest].mean(axis=1)
        return _wins(share[mine], share[~mine]) / max(int(mine.sum()) * int((~mine).sum()), 1)

    def rank(self, one: int, other: int) -> float:
        """Return the share of third labels that fit a text of ``one`` better than ``other`` does, 0 where none does.

        The median over the texts: of three rows under a misspelt name one may be odd.
        """
        fit = self.points[self.members[one]] @ self.means.T - 0.5 * np.einsum("ij,ij->i", self.means, self.means)
        thirds = np.delete(np.arange(self.labels), [one, other])
        return float(np.median((fit[:, thirds] > fit[:, [other]]).mean(axis=1))) if thirds.size else 0.0

    def close_pairs(self, codes: Ints, each: int = 5) -> set[tuple[int, int]]:
        """Return each of these labels with those whose means stand nearest, the lower one first."""
        means = self.means[codes]
        lengths = np.einsum("ij,ij->i", means, means)
        apart = lengths[:, None] + lengths[None, :] - 2 * means @ means.T
        np.fill_diagonal(apart, np.inf)
        nearest = np.argsort(apart, axis=1, kind="stable")[:, : min(each, codes.size - 1)]
        return {(int(min(a, b)), int(max(a, b))) for a, near in zip(codes, codes[nearest], strict=True) for b in near}

    def _mean(self, codes: list[int], fold: int) -> Floats:
        left = [other for other in range(_FOLDS) if other != fold]
        total = self.sums[np.ix_(left, codes)].sum(axis=(0, 1))
        return total / max(self.sizes[np.ix_(left, codes)].sum(), 1.0)


def chance_error(one: int, other: int) -> float:
    """Return the standard error of an AUC of two samples that are alike (Mann and Whitney 1947)."""
    return ((one + other + 1) / (12 * max(one * other, 1))) ** 0.5


def separation(of: Labelled) -> Separation:
    """Return the labelled texts, whitened; at most a thousand of each label, the same ones in any order of the rows."""
    pairs = np.unique(np.stack([of.code, of.text], axis=1), axis=0)
    code, text = pairs[:, 0], pairs[:, 1]
    marks = np.array([zlib.crc32(said.encode()) if said else at for at, said in enumerate(of.texts)], np.int64)
    order = np.lexsort((text, marks[text], code))
    code, text = code[order], text[order]
    place = np.arange(code.size) - np.searchsorted(code, code)
    kept = place < _MOST
    code, text = code[kept], text[kept]
    # By the mark and not by the place in the class: a text that stands under two labels is held out of both at once.
    return Separation(_whitened(of.vectors[text]), text, code, marks[text] // 7 % _FOLDS, len(of.names))


def _whitened(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The square root of the inverse of the covariance, shrunk towards a sphere (Ledoit and Wolf 2004, with a fixed share)."""
    centred = (vectors - vectors.mean(axis=0)).astype(np.float32)
    covariance = (centred.T @ centred).astype(np.float64) / max(len(centred), 1)
    axes = len(covariance)
    spread = float(np.trace(covariance)) / axes
    if spread < 1e-9:  # all vectors are the same
        return np.zeros_like(centred)
    values, turned = np.linalg.eigh(covariance + _SHRINK * spread * np.eye(axes))
    return centred @ (turned / np.sqrt(values)).astype(np.float32)


def _wins(here: npt.NDArray[np.floating], there: npt.NDArray[np.floating]) -> float:
    """Pairs of which the first is the larger, ties as halves."""
    order = np.sort(there)
    return float((np.searchsorted(order, here, side="left") + np.searchsorted(order, here, side="right")).sum() / 2)
