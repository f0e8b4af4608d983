"""Texts as sets of shingles where numba can't be had: the definition of ``kernels``, over whole arrays of code points.

The sets are the same as sets; the hashes differ from those of the compiled loops, so the two are never mixed in one join.
About 20 times slower, and some 60 bytes of scratch a character of the chunk that is read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from .. import text
from . import folding
from .shingles import Sets, Shingle

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

_CHUNK = 1 << 20  # characters read at a time
_LARGEST = 1 << 24  # cells of the table of counts, as in ``shingles``
_BASE = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)
_SHORT, _SIGNS = np.uint64(0x51ED270B0A1F39C1), np.uint64(0x2545F4914F6CDD1D)
_PLACE = np.uint64(21)  # bits of a code point; above them stands its place in the word


def shingled(
    pieces: pl.Series, bounds: Ints | None = None, *, shingle: Shingle | None = None, threads: int | None = None
) -> Sets:
    """Cut texts into sets of shingles, as ``shingles.shingled`` does.

    Args:
        pieces: strings; a null is empty.
        bounds: (n + 1) the first piece of each text; each piece is a text by itself for ``None``.
        shingle: five words for ``None``.
        threads: not used; taken so that callers need not know which path runs.
    """
    del threads
    shingle = shingle or Shingle()
    pieces = pieces.fill_null("")
    if bounds is None:
        bounds = np.arange(len(pieces) + 1, dtype=np.int64)
    sizes, parts = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for low, high in _spans(pieces, bounds):
        here = bounds[low : high + 1] - bounds[low]
        units, counts, start = _units(pieces[int(bounds[low]) : int(bounds[high])], here, shingle)
        found, held = _distinct(*_runs(units, counts, start, shingle.width), high - low)
        parts.append(found)
        sizes.append(held)
    hashes, size = np.concatenate(parts), np.concatenate(sizes)
    starts = np.cumsum(size) - size
    sums = np.stack([_sums(hashes, starts, size), _sums(_mix(hashes), starts, size)], axis=1)
    return Sets(hashes, starts, size, sums, _counted(hashes))


def _spans(pieces: pl.Series, bounds: Ints) -> Iterator[tuple[int, int]]:
    """Rows of about ``_CHUNK`` characters each; a longer row stands by itself."""
    ends = np.concatenate([[0], np.cumsum(pieces.str.len_chars().to_numpy(), dtype=np.int64)])[bounds]
    low = 0
    while low < len(ends) - 1:
        high = max(int(np.searchsorted(ends, ends[low] + _CHUNK, side="right")) - 1, low + 1)
        yield low, high
        low = high


def _units(pieces: pl.Series, bounds: Ints, shingle: Shingle) -> tuple[Hashes, Ints, Hashes]:
    """Return the units of all rows, how many each row has, and what each row's shingles start from."""
    start = np.zeros(len(bounds) - 1, np.uint64)
    if shingle.unit == "char":
        pieces = text.fold_all(pieces)
        lengths = pieces.str.len_chars().to_numpy().astype(np.int64)
        codes, piece = _decoded(pieces), np.repeat(np.arange(len(pieces)), lengths)
        # A space stands between two pieces of a row.
        follows = np.ones(len(pieces), np.bool_)
        follows[bounds[:-1][np.diff(bounds) > 0]] = False
        places = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)[follows] if len(pieces) else piece
        row = np.insert(piece, places, np.flatnonzero(follows))
        units = _mix(np.insert(codes, places, np.uint32(32)).astype(np.uint64))
        return units, np.bincount(_row_of(bounds)[row], minlength=len(start)).astype(np.int64), start
    entries, piece = _entries(pieces, bounds)
    kinds = entries >> np.uint32(folding.KIND)
    codes = (entries & np.uint32(folding.CHARACTER)).astype(np.uint64)
    words, row = _words(kinds, codes, piece, _row_of(bounds))
    counts = np.bincount(row, minlength=len(start)).astype(np.int64)
    if (counts > 0).all():
        return words, counts, start
    # Rows without a word: every character that is seen is a unit. 127 is the one control character over a space.
    seen = (counts == 0)[_row_of(bounds)[piece]] & (kinds != folding.DROPPED) & (codes > 32) & (codes != 127)
    signs, sign_row = _mix(codes[seen]), _row_of(bounds)[piece[seen]]
    start[counts == 0] = _SIGNS
    order = np.argsort(np.concatenate([row, sign_row]), kind="stable")
    counts = counts + np.bincount(sign_row, minlength=len(start))
    return np.concatenate([words, signs])[order], counts, start


def _entries(pieces: pl.Series, bounds: Ints) -> tuple[npt.NDArray[np.uint32], Ints]:
    """Return the entry of each folded character, dropped ones among them, and the piece that it stands in."""
    tables = folding.tables()
    codes, piece = _decoded(pieces), _piece_of(pieces)
    entries = _looked_up(codes, tables.first, tables.entries)
    leaning = entries >> np.uint32(folding.KIND) == folding.CONTEXT
    if leaning.any():
        rows = _row_of(bounds)
        late = np.isin(rows, rows[piece[leaning]])
        texts = [
            unicodedata.normalize("NFKC", piece) if again else piece
            for piece, again in zip(pieces.to_list(), late, strict=True)
        ]
        pieces = pl.Series(texts, dtype=pl.String)
        codes, piece = _decoded(pieces), _piece_of(pieces)
        normalised = _looked_up(codes, tables.first, tables.normalised)
        entries = np.where(late[piece], normalised, _looked_up(codes, tables.first, tables.entries))
    several = entries >> np.uint32(folding.KIND) == folding.EXPANDS
    if not several.any():
        return entries, piece
    where = np.where(several, entries & np.uint32(folding.CHARACTER), 0).astype(np.int64)
    times = np.where(several, tables.expansions[where], 1).astype(np.int64)
    step = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
    spread = tables.expansions[np.minimum(np.repeat(where, times) + 1 + step, tables.expansions.size - 1)]
    return np.where(np.repeat(several, times), spread, np.repeat(entries, times)), np.repeat(piece, times)


def _words(kinds: npt.NDArray[np.uint32], codes: Hashes, piece: Ints, row_of: Ints) -> tuple[Hashes, Ints]:
    """Return the hash of each word and its row."""
    kept = np.flatnonzero(kinds != folding.DROPPED)
    kinds, codes, piece = kinds[kept], codes[kept], piece[kept]
    letter = kinds == folding.LETTER
    goes_on = letter.copy()
    goes_on[1:] &= letter[:-1] & (piece[1:] == piece[:-1])
    goes_on[:1] = False
    begins = np.flatnonzero((letter | (kinds == folding.ALONE)) & ~goes_on)
    if not begins.size:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    # Summed: each character hashed with its place in the word; what lies between two words weighs nothing.
    inside = letter | (kinds == folding.ALONE)
    ordinal = np.cumsum(inside & ~goes_on) - 1
    place = np.arange(kinds.size) - begins[np.maximum(ordinal, 0)]
    weighed = np.where(inside, _mix(codes | (place.astype(np.uint64) << _PLACE)), np.uint64(0))
    return _mix(np.add.reduceat(weighed, begins)), row_of[piece[begins]]


def _runs(units: Hashes, counts: Ints, start: Hashes, width: int) -> tuple[Hashes, Ints]:
    """Return the shingles of all rows in the order of the text, and their rows."""
    row = np.repeat(np.arange(counts.size), counts)
    whole = counts >= width
    last = units.size - width + 1
    found, held = np.empty(0, np.uint64), np.empty(0, np.int64)
    if last > 0:
        rolling = np.zeros(last, np.uint64)
        for step in range(width):
            rolling = rolling * _BASE + units[step : step + last]
        inside = row[:last] == row[width - 1 :]
        held = row[:last][inside]
        found = _mix(rolling[inside] + start[held])
    few = np.flatnonzero(~whole & (counts > 0))
    if few.size:
        # A text of fewer units than a shingle has is one shingle of its own kind.
        begins = np.cumsum(counts) - counts
        rolling = start[few] + _SHORT * counts[few].astype(np.uint64)
        for step in range(width - 1):
            there = step < counts[few]
            unit = units[np.minimum(begins[few] + step, units.size - 1)]
            rolling = np.where(there, rolling * _BASE + unit, rolling)
        order = np.argsort(np.concatenate([held, few]), kind="stable")
        found, held = np.concatenate([found, _mix(rolling)])[order], np.concatenate([held, few])[order]
    return found | np.uint64(1), held


def _distinct(hashes: Hashes, row: Ints, count: int) -> tuple[Hashes, Ints]:
    """Return the first of equal hashes of a row, in the order of the text, and how many each row has."""
    order = np.argsort(hashes, kind="stable")  # rows rise already: equal hashes of one row come to stand side by side
    again = np.zeros(hashes.size, np.bool_)
    again[order[1:]] = (hashes[order[1:]] == hashes[order[:-1]]) & (row[order[1:]] == row[order[:-1]])
    return hashes[~again], np.bincount(row[~again], minlength=count).astype(np.int64)


def _sums(values: Hashes, starts: Ints, sizes: Ints) -> Hashes:
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(values, dtype=np.uint64)])  # wraps, and so do differences
    return total[starts + sizes] - total[starts]


def _counted(hashes: Hashes) -> npt.NDArray[np.uint8]:
    size = min(_LARGEST, 1 << max(hashes.size // 2, 1 << 12).bit_length())
    counts = np.zeros(size, np.int32)
    for low in range(0, hashes.size, 8 * _CHUNK):
        cells = hashes[low : low + 8 * _CHUNK] & np.uint64(size - 1)
        counts += np.bincount(cells.astype(np.int64), minlength=size).astype(np.int32)
    return np.minimum(counts, 255).astype(np.uint8)


def _decoded(pieces: pl.Series) -> npt.NDArray[np.uint32]:
    return np.frombuffer("".join(pieces.to_list()).encode("utf-32-le"), np.uint32)


def _piece_of(pieces: pl.Series) -> Ints:
    return np.repeat(np.arange(len(pieces)), pieces.str.len_chars().to_numpy().astype(np.int64))


def _row_of(bounds: Ints) -> Ints:
    return np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))


def _looked_up(
    codes: npt.NDArray[np.uint32], first: npt.NDArray[np.uint16], entries: npt.NDArray[np.uint32]
) -> npt.NDArray[np.uint32]:
    blocks = first[codes >> np.uint32(folding.BLOCK)].astype(np.uint32) << np.uint32(folding.BLOCK)
    return entries[blocks | (codes & np.uint32(255))]


def _mix(value: Hashes) -> Hashes:
    """The finishing mixer of MurmurHash3 (public domain)."""
    value = (value ^ (value >> _HALF)) * _FIRST
    value = (value ^ (value >> _HALF)) * _SECOND
    return value ^ (value >> _HALF)
