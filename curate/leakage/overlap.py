"""How much of each eval text stands in a train text: shared grams, weighed by how rare they are.

The weight of a gram is its idf, ``ln(N / df)``, over the distinct texts of both sides: a phrase of the task that every text
holds weighs nothing, and one that only the eval side repeats weighs as little as one that only train repeats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ..near.shingles import Sets, Shingle, shingled
from .sides import Ints, Texts

_CHUNK = 20_000  # train rows cut at a time: of these only grams of the eval side are kept
_LEAST, _SHARE = 10, 1000
_WIDEST = Shingle("word", 99)


@dataclass(frozen=True)
class Grams:
    """The grams of the eval texts, and where they stand on both sides. Equal texts of a side count once."""

    sets: Sets
    """The eval texts' grams, in the order of the text."""
    numbers: npt.NDArray[np.int32]
    """The number of each gram of ``sets``."""
    known: npt.NDArray[np.int32]
    """Those grams of the train texts that have a number, one distinct text behind the other."""
    known_bounds: Ints
    first: Ints
    """(eval texts) the first equal text."""
    known_first: Ints
    """(train texts)."""
    tested_in: Ints
    """(grams) how many distinct eval texts hold each."""
    trained_in: Ints
    """(grams) how many distinct train texts hold each."""

    def places(self, texts: Ints) -> Ints:
        """Return where the grams of some eval texts stand in ``sets.hashes``, text by text."""
        return _places(self.sets, texts)

    def sizes(self) -> tuple[int, int]:
        """Return how many distinct texts each side has."""
        return int(np.unique(self.first).size), int(np.unique(self.known_first).size)

    def weights(self) -> npt.NDArray[np.float64]:
        """Return the idf of each gram over both sides.

        Of at least three texts: with one on each side, all that they share would stand everywhere and weigh nothing.
        """
        return np.log(max(sum(self.sizes()), 3) / np.maximum(self.tested_in + self.trained_in, 1))

    def holding(self, wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Say which eval texts hold a gram of those wanted (one flag a gram)."""
        ends = np.concatenate([[0], np.cumsum(wanted[self.numbers])])
        return ends[self.sets.starts + self.sets.sizes] > ends[self.sets.starts]

    def everywhere(self) -> npt.NDArray[np.bool_]:
        """Say which grams stand everywhere on one of the sides (``too_many``), and so are no evidence."""
        tested, trained = self.sizes()
        return (self.tested_in > too_many(tested)) | (self.trained_in > too_many(trained))


@dataclass(frozen=True)
class Partners:
    """The best partner of each text that has one; all arrays are parallel."""

    own: Ints
    """Texts of the side that is told."""
    peer: Ints
    """Their partners on the other side."""
    share: npt.NDArray[np.float64]
    """Which part of the eval text's weight is shared."""
    gram: Ints
    """The heaviest gram shared, as a place in the eval text's set."""


def too_many(texts: int) -> int:
    """Return in how many of so many distinct texts a gram may stand before it counts as standing everywhere.

    One in a thousand, at least ten (a third of a set of fewer than 30): on GSM8K (7,473 texts) no shared 8-gram stands in more
    than 4, while closing phrases of support chats ("thank you for your booking, have a nice day") stand in 64 of 20,000.
    """
    return max(2, min(_LEAST, texts // 3), texts // _SHARE)


def grams_of(tested: Texts, trained: Texts, shingle: Shingle) -> Grams:
    """Cut both sides into grams and count those of the eval side."""
    from .overlap_kernels import look_up, number

    sets = shingled(tested.pieces, tested.bounds, shingle=shingle)
    slots = 1 << max(4, (2 * sets.hashes.size).bit_length())
    keys, table = np.zeros(slots, np.uint64), np.zeros(slots, np.int32)
    numbers = np.empty(sets.hashes.size, np.int32)
    count = int(number(sets.hashes, keys, table, numbers))
    parts, lengths, sums = [np.empty(0, np.int32)], [np.empty(0, np.int64)], [np.empty((0, 2), np.uint64)]
    for low in range(0, len(trained), _CHUNK):
        part = trained.take(np.arange(low, min(low + _CHUNK, len(trained))))
        cut = shingled(part.pieces, part.bounds, shingle=shingle)
        out, kept = np.empty(cut.hashes.size, np.int32), np.empty(len(part), np.int64)
        used = look_up(cut.hashes, cut.starts, cut.sizes, keys, table, out, kept)
        parts.append(out[:used].copy())
        lengths.append(kept)
        sums.append(cut.sums)
    first, known_first = _first(sets.sums), _first(np.concatenate(sums))
    known, sizes = np.concatenate(parts), np.concatenate(lengths)
    distinct = known_first == np.arange(known_first.size)
    known = known[np.repeat(distinct, sizes)]
    bounds = np.concatenate([[0], np.cumsum(np.where(distinct, sizes, 0))]).astype(np.int64)
    own = np.flatnonzero(first == np.arange(first.size))
    return Grams(
        sets, numbers, known, bounds, first, known_first,
        np.bincount(numbers[_places(sets, own)], minlength=count), np.bincount(known, minlength=count),
    )  # fmt: skip


def partners(grams: Grams, counted: npt.NDArray[np.bool_], least: float, *, outside: bool) -> Partners:
    """Find the best partner of each text.

    Args:
        grams: the grams.
        counted: (grams) those that count; the others have no weight.
        least: the part of an eval text's weight that a train text must hold, 0 for one gram that counts.
        outside: tell the train texts, each with the eval text of which it holds most; else the eval texts, each with the
            train text that holds most of it.
    """
    from .overlap_kernels import best_partners

    weights = np.where(counted, grams.weights(), 0.0)
    sets = grams.sets
    texts = np.flatnonzero((grams.first == np.arange(grams.first.size)) & (sets.sizes > 0))
    places = grams.places(texts)
    owner = np.repeat(np.arange(texts.size), sets.sizes[texts])
    order = np.lexsort((places, -weights[grams.numbers[places]], owner))
    places, asked = places[order], grams.numbers[places[order]]
    bounds = np.concatenate([[0], np.cumsum(sets.sizes[texts])]).astype(np.int64)
    heavy = weights[asked]
    before = np.cumsum(heavy) - heavy
    before -= np.repeat(before[bounds[:-1]], np.diff(bounds))
    total = np.bincount(owner, heavy, minlength=texts.size)
    spare = total * (1 - least) + 1e-9 * (total + 1)
    # Whatever holds enough of a text holds one of its heaviest grams, up to where what may be missing is used up.
    looked = np.flatnonzero((before <= spare[owner]) & (heavy > 0))
    posts = np.concatenate([[0], np.cumsum(np.bincount(asked[looked], minlength=weights.size))]).astype(np.int64)
    posted = owner[looked][np.argsort(asked[looked], kind="stable")].astype(np.int32)
    best, shared = np.full((texts.size, 2), -1), np.zeros(texts.size)
    back, back_share = np.full((grams.known_first.size, 2), -1), np.zeros(grams.known_first.size)
    best_partners(
        asked, bounds, weights, np.stack([total, spare], axis=1), posts, posted, grams.known, grams.known_bounds,
        best, shared, back, back_share,
    )  # fmt: skip
    if outside:
        place, share, first = back, back_share, grams.known_first
        peers = np.where(place[:, 0] >= 0, texts[place[:, 0]] if texts.size else -1, -1)
    else:
        place, share, first = np.full((grams.first.size, 2), -1), np.zeros(grams.first.size), grams.first
        place[texts], share[texts] = best, shared / np.maximum(total, 1e-12)
        peers = place[:, 0]
    own = np.flatnonzero(place[first, 0] >= 0)
    at = first[own]
    whose = peers[at] if outside else at
    return Partners(own, peers[at], share[at], places[place[at, 1]] - sets.starts[whose])


def fewer_words(texts: Texts, width: int, sets: Sets | None = None) -> npt.NDArray[np.bool_]:
    """Say which texts have fewer than ``width`` words (up to 99).

    ``shingled`` makes one shingle of all words of such a text, the same for every width that is too long: that tells it from
    a text of just ``width`` words, or of one word again and again.

    Args:
        texts: the texts.
        width: words.
        sets: the texts cut by ``Shingle("word", width)``, where they are at hand.
    """
    sets = sets or shingled(texts.pieces, texts.bounds, shingle=Shingle("word", width))
    short = sets.sizes == 0
    one = np.flatnonzero(sets.sizes == 1)
    if one.size:
        part = texts.take(one)
        wide = shingled(part.pieces, part.bounds, shingle=_WIDEST)
        short[one] = wide.sums[:, 0] == sets.sums[one, 0]
    return short | ~worded(texts)


def worded(texts: Texts) -> npt.NDArray[np.bool_]:
    """Say which texts have a word: of one without, shingles are of its signs."""
    there = texts.pieces.str.contains(r"[\p{L}\p{N}_]").to_numpy()
    before = np.concatenate([[0], np.cumsum(there)])[texts.bounds]
    return before[1:] > before[:-1]


def _first(sums: npt.NDArray[np.uint64]) -> Ints:
    """The first row with the same sums."""
    frame = pl.DataFrame({"a": sums[:, 0], "b": sums[:, 1]}).with_row_index("row")
    return frame.select(pl.col("row").min().over("a", "b")).to_series().to_numpy().astype(np.int64)


def _places(sets: Sets, rows: Ints) -> Ints:
    """Where the grams of some rows stand in ``sets.hashes``."""
    sizes = sets.sizes[rows]
    ends = np.cumsum(sizes)
    within = np.arange(int(ends[-1]) if ends.size else 0) - np.repeat(ends - sizes, sizes)
    return within + np.repeat(sets.starts[rows], sizes)
