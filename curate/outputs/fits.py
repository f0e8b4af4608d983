"""How well an answer fits an input: the rare words and numbers that both hold, each weighed by how rare it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from ..near.forest import power
from ..near.shingles import Sets, Shingle, shingled

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
_WORD = Shingle("word", 1)
_CELLS = 1 << 22  # words are counted by the low bits of their hash: 16 MB, and two words of a million share one in four


@dataclass(frozen=True)
class Fits:
    """The words of n inputs and n answers, with their weights."""

    asked: Sets
    answers: Sets
    weights: Floats
    """The idf ``ln(N / df)`` of each word over inputs and answers, by the low bits of its hash;
    0 for one that a tenth of all hold."""

    @cached_property
    def asked_weight(self) -> Doubles:
        """(n) the weight of each input's words."""
        return self._weight(self.asked)

    @cached_property
    def answer_weight(self) -> Doubles:
        """(n) the weight of each answer's words."""
        return self._weight(self.answers)

    @cached_property
    def room(self) -> Doubles:
        """(n) what input and answer of a row could share at most: the smaller of their weights."""
        return np.minimum(self.asked_weight, self.answer_weight)

    def _weight(self, sets: Sets) -> Doubles:
        order = np.argsort(sets.starts, kind="stable")  # texts that were cut late lie behind the others
        owner = np.repeat(order, sets.sizes[order])
        cells = (sets.hashes & np.uint64(_CELLS - 1)).astype(np.int64)
        return np.bincount(owner, self.weights[cells], minlength=len(sets.sizes)).astype(np.float64)

    def of(self, pairs: Ints) -> Floats:
        """Return the weight that input and answer share for each pair ``(input, answer)``."""
        from .fit_kernels import shared_weight

        out = np.zeros(len(pairs), np.float32)
        slots = np.zeros(power(2 * int(self.asked.sizes.max(initial=4)) + 2), np.uint64)
        one, other = self.asked, self.answers
        shared_weight(
            one.hashes, one.starts, one.sizes, other.hashes, other.starts, other.sizes, pairs, self.weights, slots, out
        )
        return out

    def own(self, shift: int = 0) -> Floats:
        """Return how well the answer of the row ``shift`` further fits each input; 0 where there is no such row."""
        count = len(self.asked.sizes)
        here = np.arange(count, dtype=np.int64)
        there = here + shift
        inside = (there >= 0) & (there < count)
        found = self.of(np.column_stack([here, np.where(inside, there, 0)]))
        return np.where(inside, found, np.float32(0))


def fits(asked: pl.Series, answers: pl.Series) -> Fits:
    """Cut inputs and answers into words (``near.shingles``) and weigh each word.

    Args:
        asked: (n) strings.
        answers: (n) strings.
    """
    one, other = shingled(asked, shingle=_WORD), shingled(answers, shingle=_WORD)
    held = np.zeros(_CELLS, np.int64)
    for sets in (one, other):
        for low in range(0, sets.hashes.size, 1 << 22):
            held += np.bincount(
                (sets.hashes[low : low + (1 << 22)] & np.uint64(_CELLS - 1)).astype(np.int64), minlength=_CELLS
            )
    total = max(2 * len(asked), 3)
    weights = np.log(total / np.maximum(held, 1)).astype(np.float32)
    weights[held * 10 > total] = 0
    return Fits(one, other, weights)
