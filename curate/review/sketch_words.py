"""Texts as rows of small numbers, by their words: signs of each word's hash, weighed by how rare the word is, and summed.

A sparse random projection of TF-IDF (Kane and Nelson, "Sparser Johnson-Lindenstrauss transforms", 2014; a word lies on 128 of
the 256 axes): the cosine of two rows is that of the two texts' words, give or take 0.06. Words are those of ``near.shingles``:
folded in every script; where a script sets no space between words, characters, and runs of two of them.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt
import polars as pl

from ..near.compiled import compiled
from ..near.row_texts import row_pieces
from ..near.shingles import Sets, Shingle, shingled
from ..text import fold

AXES = 256
"""Of a row; 64 bits of a hash give as many axes."""

Sums = npt.NDArray[np.int32]
_SALTS = np.array([0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89], np.uint64)
_CELLS = 1 << 20  # that counts of words are hashed to: 4 MB, and words that share one seem a little less rare
_FIRST, _SECOND, _HALF = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33)
_SPACELESS = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Myanmar}\p{Khmer}]"


def words_of_rows(rows: pl.DataFrame) -> list[Sets]:
    """Return the distinct words of each row, and the pairs of characters of rows that hold a script without spaces."""
    pieces, bounds = row_pieces(rows)
    found = [shingled(pieces, bounds, shingle=Shingle("word", 1), threads=1)]
    spaceless = pieces.str.contains(_SPACELESS).to_numpy()
    if spaceless.any():
        pairs = shingled(pieces, bounds, shingle=Shingle("word", 2), threads=1)
        there = np.concatenate([[0], np.cumsum(spaceless)])[bounds]
        found.append(
            Sets(pairs.hashes, pairs.starts, np.where(np.diff(there) > 0, pairs.sizes, 0), pairs.sums, pairs.counts)
        )
    return found


def rarities(rows: pl.DataFrame) -> npt.NDArray[np.int32]:
    """Return how much a word weighs, by the low bits of its hash: the logarithm of how rare it is among ``rows``."""
    counts = np.zeros(_CELLS, np.int64)
    for sets in words_of_rows(rows):
        hashes = sets.hashes[_places(sets)]
        counts += np.bincount((hashes & np.uint64(_CELLS - 1)).astype(np.int64), minlength=_CELLS)
    return _weights(counts, rows.height)


def _weights(counts: npt.NDArray[np.int64], height: int) -> npt.NDArray[np.int32]:
    # Whole numbers, so that no order of adding them up gives another sum; 16ths are finer than counts of a sample are true.
    return np.rint(16 * np.log(1 + (height + 1) / (counts + 0.5))).astype(np.int32)


def summed(rows: pl.DataFrame, weights: npt.NDArray[np.int32]) -> Sums:
    """Return (n, AXES) the sum of the signs of each row's words; zeros where nothing is to be seen."""
    sums = np.zeros((rows.height, AXES), np.int32)
    for sets in words_of_rows(rows):
        if compiled():
            from .sketch_kernels import add_signs as quickly

            quickly(sets.hashes, sets.starts, sets.sizes, weights, _SALTS, sums)
        else:
            add_signs(sets.hashes, sets.starts, sets.sizes, weights, _SALTS, sums)
    return sums


def add_signs(
    hashes: npt.NDArray[np.uint64],
    starts: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int64],
    weights: npt.NDArray[np.int32],
    salts: npt.NDArray[np.uint64],
    sums: Sums,
) -> None:
    """Add to each text's sums the signs of its words (``sketch_kernels.add_signs``, which is some ten times as fast)."""
    for row in np.flatnonzero(sizes):
        own = hashes[starts[row] : starts[row] + sizes[row]]
        bits = own[:, None] ^ salts
        bits ^= bits >> _HALF
        bits *= _FIRST
        bits ^= bits >> _HALF
        bits *= _SECOND
        bits ^= bits >> _HALF
        ones = np.unpackbits(bits.astype("<u8").view(np.uint8), axis=1, bitorder="little").astype(np.int64)
        first = own >> np.uint64(62)
        second = (first + np.uint64(1) + (own >> np.uint64(40)) % np.uint64(3)) & np.uint64(3)
        parts = np.arange(4, dtype=np.uint64)
        lies = (first[:, None] == parts) | (second[:, None] == parts)
        weight = weights[(own & np.uint64(weights.size - 1)).astype(np.int64)]
        sums[row] += ((2 * ones - 1) * np.repeat(lies, 64, axis=1) * weight[:, None]).sum(axis=0).astype(np.int32)


def _places(sets: Sets) -> npt.NDArray[np.int64]:
    """Return where the words of all rows stand in ``hashes``: not all of it is of a row where some are left out."""
    first = np.repeat(sets.starts - np.cumsum(sets.sizes) + sets.sizes, sets.sizes)
    return first + np.arange(int(sets.sizes.sum()))


_UNSPACED_RANGES = (
    (0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xAC00, 0xD7A3), (0x20000, 0x3FFFF)
)  # fmt: skip
_RANGES = np.array([(low, high + 1) for low, high in _UNSPACED_RANGES], np.uint64).ravel()
ALONE = "".join(f"{chr(low)}-{chr(high)}" for low, high in _UNSPACED_RANGES)
# Python's \w has no vowel signs: without them a word of Hindi is as many pieces as it has syllables.
MARKS = "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1-\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
MARKS += "\u0900-\u0963\u0966-\u0dff\u0f00-\u0f0a\u0f20-\u0fff\u1700-\u177f\u1800-\u1bff\ua800-\uabff"
_UNSPACED, _WORD = re.compile(f"[{ALONE}]"), re.compile(rf"[\w{MARKS}]+")
_SPACED_WORD = re.compile(rf"(?:[^\W{ALONE}]|[{MARKS}])+")
_POINTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1-\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670]")
_SIGN = re.compile(r"\S")
_ASCII_WORDS = {code: chr(code).lower() if chr(code).isalnum() or chr(code) == "_" else " " for code in range(128)}
READ = 1_000
"""Characters of a text that are read where a person waits."""

_SHORT = 40  # letters of a word whose hash is kept
_TABLE = 1 << 16


def words(text: str) -> set[int]:
    """Return hashes of the words of a text's beginning, of runs of two characters in scripts without spaces.

    Nearly those of the sketch: accents and vowel points are let go, vowel signs are a part of their word. This one needs no
    compiled loop and no tables, as a server that answers at once wants it.

    >>> words("Don't STOP") == words("don t stop!")
    True
    """
    text = text[:READ]
    if text.isascii():  # most texts, at a fifth of the cost
        return set(map(_hash, text.translate(_ASCII_WORDS).split() or _SIGN.findall(text)))
    text = _POINTS.sub("", fold(text))
    if _UNSPACED.search(text):
        found = {*map(_hash, _SPACED_WORD.findall(text)), *_pairs(text).tolist()}
    else:
        found = set(map(_hash, _WORD.findall(text)))
    return found or set(map(_hash, _SIGN.findall(text)))


def _pairs(text: str) -> npt.NDArray[np.uint64]:
    """Return hashes of each two characters that stand side by side in a script without spaces, and of those that stand alone."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    inside = np.concatenate([[False], np.searchsorted(_RANGES, codes, side="right") % 2 == 1, [False]])
    two = np.flatnonzero(inside[1:-2] & inside[2:-1])
    alone = np.flatnonzero(inside[1:-1] & ~inside[:-2] & ~inside[2:])
    keys = np.concatenate([codes[two] << np.uint64(21) | codes[two + 1], codes[alone]])
    return keys * _FIRST >> _HALF


def _hash(word: str) -> int:
    return _hash_of_short(word) if len(word) <= _SHORT else zlib.crc32(word.encode("utf-8", "replace"))


@functools.lru_cache(maxsize=1 << 16)  # texts that are alike share most of their words
def _hash_of_short(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "replace"))


def rarities_of_words(texts: list[str]) -> npt.NDArray[np.float32]:
    """Return how much each of ``words`` weighs, by the low bits of its hash, as counted among ``texts``."""
    counts = Counter(word % _TABLE for text in texts for word in words(text))
    cells = np.zeros(_TABLE, np.int64)
    cells[list(counts)] = list(counts.values())
    return (_weights(cells, len(texts)) / 16).astype(np.float32)


def alike(one: set[int], others: Sequence[set[int]], weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return (n) the cosines of a text's words to those of n others, each weighed by how rare it is.

    0 without a common word, 1 with the same.

    >>> alike({1, 2}, [{1, 3}, {1, 2}, {4}], np.ones(8, np.float32))
    array([0.5, 1. , 0. ])
    """
    sizes = np.array([len(other) for other in others], np.int64)
    every = np.fromiter(chain.from_iterable(others), np.int64, int(sizes.sum()))
    common = np.isin(every, np.fromiter(one, np.int64, len(one)))
    squares = np.square(weights.astype(np.float64))
    weighed = squares[every % weights.size]
    of = np.repeat(np.arange(sizes.size), sizes)
    own = squares[np.fromiter(sorted(one), np.int64, len(one)) % weights.size].sum()
    both = own * np.bincount(of, weighed, sizes.size)
    shared = np.bincount(of, weighed * common, sizes.size)
    return np.round(shared / np.sqrt(np.where(both > 0, both, 1.0)), 6)
