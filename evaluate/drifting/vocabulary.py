"""Words: whether they are used as often as before, and whether there are some that were never used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...curate.masking import mask
from ..word_list import words
from .permuting import Doubles, Statistic
from .pooling import Flags, Pool

_READ = 4_000  # characters of a masked text; twice as many are masked, so that no secret is cut in half
_MOST = 20_000  # words; of more the rarest, which stand in one text each, say little for their cost
_SHOWN = 8
_LONGEST = 24  # characters of a word that is shown


@dataclass(frozen=True)
class Vocabulary:
    """Which words stand in how many texts of each unit."""

    words: list[str]
    """(v)"""
    counts: Any
    """(u, v) sparse."""


def vocabulary(pool: Pool) -> Vocabulary:
    """Return the words of a pool; each counts once a text, so that no long text outweighs a hundred short ones."""
    from scipy import sparse

    place: dict[str, int] = {}
    units: list[int] = []
    columns: list[int] = []
    for unit, text in zip(pool.unit.tolist(), pool.texts, strict=True):
        for word in sorted(set(words(mask(text[: 2 * _READ])[:_READ]))):
            units.append(unit)
            columns.append(place.setdefault(word, len(place)))
    shape = (pool.unit_new.size, max(len(place), 1))
    counts = sparse.csr_matrix((np.ones(len(units), np.float32), (units, columns)), shape=shape)
    names = list(place) or [""]
    if len(names) > _MOST:
        often = np.asarray(counts.sum(axis=0)).ravel()
        kept = np.sort(np.lexsort((np.array(names, object).astype(str), -often))[:_MOST])
        counts, names = counts[:, kept], [names[at] for at in kept]
    return Vocabulary(names, counts)


def mix_statistic(of: Vocabulary) -> Statistic:
    """Return the Jensen-Shannon divergence (Lin 1991; bits, 0 to 1) of the words of the two samples."""
    whole = np.asarray(of.counts.sum(axis=0), np.float64).ravel()

    def statistic(sides: Flags) -> Doubles:
        apart = np.concatenate([_divergence(new, whole) for new in _new_counts(of, sides)])
        return np.stack([apart, apart], axis=1)

    return statistic


def unseen_statistic(of: Vocabulary) -> Statistic:
    """Return the share of the words in new texts that no other text has."""
    whole = np.asarray(of.counts.sum(axis=0), np.float64).ravel()

    def statistic(sides: Flags) -> Doubles:
        shares = [
            (new * (new >= whole)).sum(axis=1) / np.maximum(new.sum(axis=1), 1e-9) for new in _new_counts(of, sides)
        ]
        share = np.concatenate(shares)
        return np.stack([share, share], axis=1)

    return statistic


def telling(of: Vocabulary, unit_new: Flags, *, unseen: bool = False) -> list[str]:
    """Return the words that became more frequent and tell most, or those that were never used before."""
    new, known = (np.asarray(of.counts[side].sum(axis=0), np.float64).ravel() for side in (unit_new, ~unit_new))
    share, before = new / max(new.sum(), 1.0), known / max(known.sum(), 1.0)
    middle = (share + before) / 2
    gain = np.where(share > before, share * np.log2(np.where(share > 0, share / np.maximum(middle, 1e-12), 1.0)), 0.0)
    if unseen:
        gain = np.where(known == 0, new, 0.0)
    first = sorted(np.flatnonzero(gain > 0), key=lambda at: (-gain[at], of.words[at]))
    return [of.words[at] for at in first if 1 < len(of.words[at]) <= _LONGEST and of.words[at].isalpha()][:_SHOWN]


def _new_counts(of: Vocabulary, sides: Flags) -> Any:
    size = max(1, 2_000_000 // len(of.words))
    turned = of.counts.T.tocsr()
    for low in range(0, len(sides), size):
        yield np.asarray(turned @ sides[low : low + size].T.astype(np.float32), np.float64).T


def _divergence(new: Doubles, whole: Doubles) -> Doubles:
    known = whole - new
    one = new / np.maximum(new.sum(axis=1, keepdims=True), 1e-9)
    other = known / np.maximum(known.sum(axis=1, keepdims=True), 1e-9)
    middle = np.maximum((one + other) / 2, 1e-300)
    return (_bits(one, middle) + _bits(other, middle)).sum(axis=1) / 2


def _bits(share: Doubles, middle: Doubles) -> Doubles:
    return share * np.log2(np.where(share > 0, share / middle, 1.0))
