"""Texts as sets of shingles: what a shingle is, and the sets of many texts in few arrays.

The set of a text is the set of its runs of ``width`` words (w-shingling: Broder, "On the resemblance and containment of
documents", 1997) after folding (``folding``), each as a 64-bit hash.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from .. import text
from ..errors import UsageError
from . import folding
from .compiled import compiled

_CHUNK = 8 << 20  # bytes of text read at a time: the copy that Arrow needs and the scratch stay small beside the text
_LARGEST = 1 << 24  # cells of the table of counts: 16 MB stay in cache


@dataclass(frozen=True)
class Shingle:
    """What a text is cut into: runs of ``width`` words or characters."""

    unit: str = "word"
    width: int = 5  # short enough to survive an edit every ten words at 0.8, long enough that chance repeats are rare

    @classmethod
    def named(cls, name: str) -> Shingle:
        """Return the shingle of a name such as ``word5`` or ``char5``.

        Raises:
            UsageError: the name is none.

        >>> Shingle.named("char5")
        Shingle(unit='char', width=5)
        """
        found = re.fullmatch(r"(word|char)([1-9]\d?)", name)
        if found is None:
            raise UsageError(
                f"--shingle takes word or char and a number from 1 to 99, such as word5 or char5, not '{name}'."
            )
        return cls(found[1], int(found[2]))

    def __str__(self) -> str:
        """Return the name."""
        return f"{self.unit}{self.width}"


@dataclass(frozen=True)
class Sets:
    """The shingle sets of n texts."""

    hashes: npt.NDArray[np.uint64]
    """All sets, one behind the other; within a set no hash stands twice."""
    starts: npt.NDArray[np.int64]
    """(n) where each set starts in ``hashes``."""
    sizes: npt.NDArray[np.int64]
    """(n) shingles of each; 0 for a text in which nothing is seen."""
    sums: npt.NDArray[np.uint64]
    """(n, 2) a hash of each set, equal for equal sets."""
    counts: npt.NDArray[np.uint8]
    """How often shingles stand, up to 255, in cells by the low bits of their hash."""


def shingled(
    pieces: pl.Series,
    bounds: npt.NDArray[np.int64] | None = None,
    *,
    shingle: Shingle | None = None,
    threads: int | None = None,
) -> Sets:
    """Cut texts into sets of shingles.

    Args:
        pieces: strings; a null is empty.
        bounds: (n + 1) the first piece of each text, for texts of several pieces (the turns of a chat); no word goes over
            the end of a piece. Each piece is a text by itself for ``None``.
        shingle: five words for ``None``. Characters are taken of the text folded by ``text.fold``.
        threads: as many as there are cores for ``None``; the result is the same for any number.
    """
    shingle = shingle or Shingle()
    if not compiled():
        from .shingles_in_numpy import shingled as slowly

        return slowly(pieces, bounds, shingle=shingle)
    pieces = pieces.fill_null("")
    if bounds is None:
        bounds = np.arange(len(pieces) + 1, dtype=np.int64)
    count = len(bounds) - 1
    starts, sizes, sums = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros((count, 2), np.uint64)
    spans = list(_spans(pieces, bounds))
    threads = threads or os.cpu_count() or 1

    def cut(span: tuple[int, int]) -> npt.NDArray[np.uint64]:
        return _cut(pieces, bounds, span, shingle, sizes, sums)

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(cut, spans))
    late = np.flatnonzero(sizes < 0)
    if late.size:
        parts.append(_cut_late(pieces, bounds, late, shingle, sizes, sums))
    place = 0
    for low, high in spans:
        lengths = sizes[low:high].copy()
        lengths[np.isin(np.arange(low, high), late, assume_unique=True)] = 0
        starts[low:high] = place + np.cumsum(lengths) - lengths
        place += int(lengths.sum())
    starts[late] = place + np.cumsum(sizes[late]) - sizes[late]
    hashes = _joined(parts)
    return Sets(hashes, starts, sizes, sums, _counted(hashes))


def _spans(pieces: pl.Series, bounds: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Rows of about ``_CHUNK`` bytes each; a longer row stands by itself."""
    ends = np.concatenate([[0], np.cumsum(pieces.str.len_bytes().to_numpy(), dtype=np.int64)])[bounds]
    low = 0
    while low < len(ends) - 1:
        high = max(int(np.searchsorted(ends, ends[low] + _CHUNK, side="right")) - 1, low + 1)
        yield low, high
        low = high


def _cut(
    pieces: pl.Series, bounds: npt.NDArray[np.int64], span: tuple[int, int], shingle: Shingle,
    sizes: npt.NDArray[np.int64], sums: npt.NDArray[np.uint64], *, normalised: bool = False,
) -> npt.NDArray[np.uint64]:  # fmt: skip
    """Cut the rows of a span; write sizes and sums, return the hashes."""
    from .kernels import shingle_rows

    low, high = span
    here = pieces[int(bounds[low]) : int(bounds[high])]
    characters = shingle.unit == "char"
    data, offsets = _buffers(text.fold_all(here) if characters else here)
    rows = bounds[low : high + 1] - bounds[low]
    longest = int(np.max(np.diff(offsets[rows]), initial=0))
    plain = characters or not (data.size and data.max() > 127)
    tables = _NO_TABLES if plain else folding.tables()
    entries = tables.normalised if normalised else tables.entries
    spaces = int(np.max(np.diff(rows), initial=0))  # one between two pieces, also of pieces that are empty
    room = 2 * longest + spaces + 16  # one character of three bytes may fold to six words
    units = np.empty(room, np.uint64)
    slots = np.zeros(1 << (2 * room).bit_length(), np.uint64)
    out = np.empty(len(data) // (1 if characters else 2) + room, np.uint64)
    found, done, used = [], 0, 0
    while done < high - low:
        read, used = shingle_rows(
            data, offsets, rows[done:], _ASCII, tables.first, entries, tables.expansions, shingle.width, characters, out,
            sizes[low + done : high], sums[low + done : high], units, slots,
        )  # fmt: skip
        found.append(out[:used].copy())
        done += read
    return np.concatenate(found) if len(found) > 1 else found[0] if found else np.empty(0, np.uint64)


def _cut_late(
    pieces: pl.Series, bounds: npt.NDArray[np.int64], late: npt.NDArray[np.int64], shingle: Shingle,
    sizes: npt.NDArray[np.int64], sums: npt.NDArray[np.uint64],
) -> npt.NDArray[np.uint64]:  # fmt: skip
    """Cut the texts in which characters lean on their neighbours: they are normalised first."""
    taken = np.concatenate([np.arange(int(bounds[row]), int(bounds[row + 1])) for row in late])
    lengths = bounds[late + 1] - bounds[late]
    own = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    texts = pl.Series([unicodedata.normalize("NFKC", piece) for piece in pieces.gather(taken)], dtype=pl.String)
    own_sizes, own_sums = np.zeros(late.size, np.int64), np.zeros((late.size, 2), np.uint64)
    hashes = [_cut(texts, own, span, shingle, own_sizes, own_sums, normalised=True) for span in _spans(texts, own)]
    sizes[late], sums[late] = own_sizes, own_sums
    return np.concatenate(hashes)


def _buffers(texts: pl.Series) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """UTF-8 of all strings and where each starts (n + 1)."""
    array: Any = texts.rechunk().to_arrow()
    _, offsets, data = array.buffers()
    where = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8), where


def _joined(parts: list[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    """Join arrays, giving each back as soon as it is copied: never two copies of all."""
    whole = np.empty(sum(map(len, parts)), np.uint64)
    place = 0
    for index, part in enumerate(parts):
        whole[place : place + len(part)] = part
        place += len(part)
        parts[index] = whole[:0]
    return whole


def _counted(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    from .kernels import count_shingles

    counts = np.zeros(min(_LARGEST, 1 << max(hashes.size // 2, 1 << 12).bit_length()), np.uint8)
    count_shingles(hashes, counts)
    return counts


_ASCII = folding.ascii_table()
_NO_TABLES = folding.Tables(
    np.zeros(1, np.uint16), np.zeros(1, np.uint32), np.zeros(1, np.uint32), np.zeros(1, np.uint32)
)
