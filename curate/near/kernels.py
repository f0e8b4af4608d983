"""The compiled loops: UTF-8 bytes to sets of shingle hashes, and to counts of how often each shingle stands.

Compiled by numba at first use and kept beside the module (or in the user's cache folder) for the next run. Every loop
releases the GIL, writes only what it owns, and gives the same result with any number of threads.

Hashes: FNV-1a over folded code points, finished by the mixer of MurmurHash3 (both public domain); a shingle's hash is a
polynomial over the hashes of its words modulo 2^64, finished again. Among the 10^8 distinct shingles of a million documents two
collide with a chance of 5 in 10^4 (the lowest bit is set in all).
"""

from __future__ import annotations

import numpy as np
from numba import njit

_MULTIPLIER = np.uint64(0x100000001B3)
_START = np.uint64(0xCBF29CE484222325)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)
_ZERO, _ONE = np.uint64(0), np.uint64(1)

SHORT = np.uint64(0x51ED270B0A1F39C1)  # a text of fewer units than a shingle has is one shingle of its own kind
SIGNS = np.uint64(0x2545F4914F6CDD1D)  # a text without a word is compared by its signs, never with words

NEEDS_CONTEXT = -1  # a row whose text must be normalised before it can be read


@njit(cache=True, nogil=True, inline="always")
def _mix(value):
    value ^= value >> _HALF
    value *= _FIRST
    value ^= value >> _HALF
    value *= _SECOND
    return value ^ (value >> _HALF)


@njit(cache=True, nogil=True, inline="always")
def _decode(data, at):
    """Code point at ``at`` and its length; the text is valid UTF-8."""
    lead = np.uint32(data[at])
    if lead < 0xE0:
        return ((lead & np.uint32(0x1F)) << np.uint32(6)) | (np.uint32(data[at + 1]) & np.uint32(0x3F)), 2
    if lead < 0xF0:
        return (
            ((lead & np.uint32(0x0F)) << np.uint32(12))
            | ((np.uint32(data[at + 1]) & np.uint32(0x3F)) << np.uint32(6))
            | (np.uint32(data[at + 2]) & np.uint32(0x3F))
        ), 3
    return (
        ((lead & np.uint32(0x07)) << np.uint32(18))
        | ((np.uint32(data[at + 1]) & np.uint32(0x3F)) << np.uint32(12))
        | ((np.uint32(data[at + 2]) & np.uint32(0x3F)) << np.uint32(6))
        | (np.uint32(data[at + 3]) & np.uint32(0x3F))
    ), 4


@njit(cache=True, nogil=True)
def _words(data, at, end, ascii_table, first, entries, expansions, units, count):
    """Write the hash of each word of a piece to ``units`` from ``count`` on; return the count, or ``NEEDS_CONTEXT``."""
    word = _START
    inside = False
    while at < end:
        byte = data[at]
        if byte < 128:
            # Without a branch: where words end can't be foreseen, and a wrong guess costs more than a store a byte.
            letter = ascii_table[byte]
            units[count] = word
            count += np.int64(inside) & np.int64(letter == 0)
            word = (word ^ np.uint64(letter)) * _MULTIPLIER if letter != 0 else _START
            inside = letter != 0
            at += 1
            continue
        code, length = _decode(data, at)
        at += length
        entry = entries[(np.int64(first[code >> np.uint32(8)]) << 8) | np.int64(code & np.uint32(255))]
        kind = np.int64(entry >> np.uint32(24))
        if kind == 5:
            return NEEDS_CONTEXT
        where, many = 0, 1
        if kind == 4:
            where = np.int64(entry & np.uint32(0x1FFFFF))
            many = np.int64(expansions[where])
        for step in range(many):
            if where:
                entry = expansions[where + 1 + step]
                kind = np.int64(entry >> np.uint32(24))
            folded = np.uint64(entry & np.uint32(0x1FFFFF))
            if kind == 1:
                word = (word ^ folded) * _MULTIPLIER
                inside = True
            elif kind != 3:
                if inside:
                    units[count] = word
                    count += 1
                    word = _START
                    inside = False
                if kind == 2:
                    units[count] = (_START ^ folded) * _MULTIPLIER
                    count += 1
    units[count] = word
    return count + np.int64(inside)


@njit(cache=True, nogil=True)
def _signs(data, at, end, first, entries, expansions, units, count):
    """Write the hash of each character that is seen (no space, no control) of a piece without words."""
    while at < end:
        if data[at] < 128:
            if 32 < data[at] < 127:
                units[count] = _START ^ np.uint64(data[at])
                count += 1
            at += 1
            continue
        code, length = _decode(data, at)
        at += length
        entry = entries[(np.int64(first[code >> np.uint32(8)]) << 8) | np.int64(code & np.uint32(255))]
        where, many = 0, 1
        if entry >> np.uint32(24) == 4:
            where = np.int64(entry & np.uint32(0x1FFFFF))
            many = np.int64(expansions[where])
        for step in range(many):
            if where:
                entry = expansions[where + 1 + step]
            folded = np.uint64(entry & np.uint32(0x1FFFFF))
            if entry >> np.uint32(24) != 3 and folded > 32:
                units[count] = _START ^ folded
                count += 1
    return count


@njit(cache=True, nogil=True)
def _characters(data, at, end, units, count):
    """Write the hash of each character as it stands."""
    while at < end:
        code, length = np.uint32(data[at]), 1
        if code > 127:
            code, length = _decode(data, at)
        units[count] = _START ^ np.uint64(code)
        count += 1
        at += length
    return count


@njit(cache=True, nogil=True)
def _distinct(units, count, width, start, slots, out, used):
    """Write the distinct shingles of ``count`` units to ``out`` from ``used`` on; ``slots`` is left full of zeros."""
    if count < width:
        rolling = start + SHORT * np.uint64(count)
        for index in range(count):
            rolling = rolling * _BASE + units[index]
        out[used] = _mix(rolling) | _ONE
        return used + 1
    top = _ONE
    rolling = _ZERO
    for index in range(width):
        top *= _BASE
        rolling = rolling * _BASE + units[index]
    size = 8
    while size < 2 * (count - width + 1):
        size *= 2
    mask = np.uint64(size - 1)
    for index in range(width, count + 1):
        shingle = _mix(rolling + start) | _ONE  # never zero, which marks a free slot
        slot = (shingle >> _ONE) & mask
        held = slots[slot]
        while held != _ZERO and held != shingle:
            slot = (slot + _ONE) & mask
            held = slots[slot]
        if held == _ZERO:
            slots[slot] = shingle
            out[used] = shingle
            used += 1
        if index < count:
            rolling = rolling * _BASE + units[index] - units[index - width] * top
    for index in range(size):
        slots[index] = _ZERO
    return used


@njit(cache=True, nogil=True)
def shingle_rows(
    data, pieces, row_pieces, ascii_table, first, entries, expansions, width, characters, out, sizes, sums, units, slots
):
    """Write the distinct shingles of each row in the order of the text, one row behind the other.

    Args:
        data: u8, UTF-8 of all pieces.
        pieces: i64 (p + 1), where each piece starts in ``data``; a word never goes over the end of a piece.
        row_pieces: i64 (n + 1), the first piece of each row.
        ascii_table, first, entries, expansions: the tables of ``folding``; not read for characters.
        width: units in a shingle.
        characters: take characters as they stand; else words, or the signs of a row that has no word.
        out: u64, takes the hashes; the lowest bit of each is set.
        sizes: i64 (n), takes the number of distinct shingles, or ``NEEDS_CONTEXT``.
        sums: u64 (n, 2), takes a hash of each set, equal for equal sets.
        units: u64, scratch: twice the bytes of the longest row, as many as a row has pieces, and some.
        slots: u64 zeros, scratch: a power of two, twice as many as ``units``.

    Returns:
        Rows read (fewer than n where ``out`` was too small), and hashes written.
    """
    used = 0
    for row in range(row_pieces.size - 1):
        low, high = row_pieces[row], row_pieces[row + 1]
        count = 0
        start = _ZERO
        for piece in range(low, high):
            if characters:
                if piece > low:
                    units[count] = _START ^ np.uint64(32)
                    count += 1
                count = _characters(data, pieces[piece], pieces[piece + 1], units, count)
            else:
                count = _words(
                    data, pieces[piece], pieces[piece + 1], ascii_table, first, entries, expansions, units, count
                )
            if count < 0:
                break
        if count < 0:
            sizes[row] = NEEDS_CONTEXT
            continue
        if count == 0 and not characters:
            start = SIGNS
            for piece in range(low, high):
                count = _signs(data, pieces[piece], pieces[piece + 1], first, entries, expansions, units, count)
        if out.size - used < count:
            return row, used
        begin = used
        for index in range(count):
            units[index] = _mix(units[index])
        if count > 0:
            used = _distinct(units, count, width, start, slots, out, used)
        total, mixed = _ZERO, _ZERO
        for index in range(begin, used):
            total += out[index]
            mixed += _mix(out[index])
        sizes[row], sums[row, 0], sums[row, 1] = used - begin, total, mixed
    return row_pieces.size - 1, used


@njit(cache=True, nogil=True)
def count_shingles(hashes, counts):
    """Count each hash up to 255 in the cell of its low bits."""
    mask = np.uint64(counts.size - 1)
    for index in range(hashes.size):
        place = hashes[index] & mask
        if counts[place] < 255:
            counts[place] += np.uint8(1)
