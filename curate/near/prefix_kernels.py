"""The compiled loops that get sets ready to be joined: equal ones collapsed, the rare shingles of each, the lists of these.

Two sets that are alike share one of their rarest shingles (the prefix filter of AllPairs: Bayardo, Ma, Srikant, WWW 2007, with
the shorter prefix for the smaller set of PPJoin: Xiao, Wang, Lin, Yu, TODS 2011). So only rows that stand in one list of such a
shingle are ever held against each other.

Thresholds are fractions ``top / bottom`` of whole numbers: 0.8 * 85 is 68.00000000000001 in floating point, and its ceiling would
lose pairs.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_ONE = np.uint64(1)
_SMALL = 64  # up to here insertion sorts faster than anything else
WORDS = 4  # u64 of a bitmap: 256 bits, three times the shingles of a usual text


@njit(cache=True, nogil=True)
def first_of_equal(sizes, sums, slots):
    """Return for each row the first row with an equal set; itself where there is none, -1 for an empty set.

    ``slots`` is i64, filled with -1, a power of two over twice the rows.
    """
    mask = np.uint64(slots.size - 1)
    first = np.empty(sizes.size, np.int64)
    for row in range(sizes.size):
        if sizes[row] <= 0:
            first[row] = -1
            continue
        slot = (sums[row, 0] ^ (sums[row, 1] >> np.uint64(32))) & mask
        while True:
            held = slots[slot]
            if held < 0:
                slots[slot] = row
                first[row] = row
                break
            if sums[held, 0] == sums[row, 0] and sums[held, 1] == sums[row, 1] and sizes[held] == sizes[row]:
                first[row] = held
                break
            slot = (slot + _ONE) & mask
    return first


@njit(cache=True, nogil=True, inline="always")
def ceiling(number, top, bottom):
    """Return ``number * top / bottom``, rounded up."""
    return (number * top + bottom - 1) // bottom


@njit(cache=True, nogil=True, inline="always")
def probe_length(size, top, bottom):
    """Shingles of the larger set of a pair that must hold a common one."""
    return size - ceiling(size, top, bottom) + 1


@njit(cache=True, nogil=True, inline="always")
def index_length(size, top, bottom):
    """Shingles of the smaller set of a pair that must hold a common one."""
    return size - ceiling(size, 2 * top, top + bottom) + 1


@njit(cache=True, nogil=True)
def pick_prefixes(hashes, starts, sizes, numbers, counts, ranks, places, keys, bitmaps, top, bottom):
    """Write the rarest shingles of each set, rarest first, to ``keys`` from ``places`` on, and its bitmap.

    The order is by the count's number of bits and then by the hash: any order that all sets share makes the filter exact, and
    one that puts rare shingles first makes it sharp. A key holds both and stands for the shingle from here on.

    Args:
        hashes, starts, sizes: the sets.
        numbers: i64, the sets to do.
        counts: u8, how often shingles stand.
        ranks: u64 (256), the upper four bits of the key for each count.
        places: i64, where each set's keys begin.
        keys, bitmaps: take the results.
        top, bottom: the threshold.
    """
    mask = np.uint64(counts.size - 1)
    scratch = np.empty(1024, np.uint64)
    among = np.empty(16, np.int64)
    for at in range(numbers.size):
        number = numbers[at]
        start, size = starts[number], sizes[number]
        length = probe_length(size, top, bottom)
        if size > scratch.size:
            scratch = np.empty(2 * size, np.uint64)
        among[:] = 0
        for index in range(size):
            hashed = hashes[start + index]
            bit = hashed >> np.uint64(56)
            bitmaps[number, np.int64(bit >> np.uint64(6))] |= _ONE << (bit & np.uint64(63))
            rank = ranks[counts[hashed & mask]]
            among[np.int64(rank >> np.uint64(60))] += 1
            scratch[index] = rank | (hashed >> np.uint64(4))
        # Within a rank hashes are spread evenly, so where the last one wanted lies can be computed; some more are taken.
        rank, below = 0, 0
        while below + among[rank] < length:
            below += among[rank]
            rank += 1
        wanted = length - below
        share = (wanted + 2.0 * np.sqrt(wanted) + 2.0) / among[rank]
        pivot = np.uint64(rank) << np.uint64(60) | (
            np.uint64(0x0FFFFFFFFFFFFFFF) if share >= 1.0 else np.uint64(share * 1152921504606846976.0)
        )
        kept = 0
        for index in range(size):  # without a branch that could be guessed wrong
            key = scratch[index]
            other = scratch[kept]
            scratch[kept] = key
            scratch[index] = other
            kept += np.int64(key <= pivot)
        if kept < length:
            kept = size
        if kept > _SMALL:
            scratch[:kept].sort()
        else:
            for index in range(1, kept):
                key = scratch[index]
                slot = index
                while slot > 0 and scratch[slot - 1] > key:
                    scratch[slot] = scratch[slot - 1]
                    slot -= 1
                scratch[slot] = key
        place = places[number]
        for index in range(length):
            keys[place + index] = scratch[index]


@njit(cache=True, nogil=True, inline="always")
def _cell(key, mask):
    key = key * np.uint64(0x9E3779B97F4A7C15)
    return (key >> np.uint64(20)) & mask


@njit(cache=True, nogil=True)
def mark_repeated(keys, cells, part, parts):
    """Mark in ``cells`` (u8, four cells of two bits each a byte) which keys stand once and which again.

    Cells are shared out by their number among ``parts`` callers, so that no two write the same byte.
    """
    mask = np.uint64(cells.size * 4 - 1)
    share = np.uint64(cells.size // parts * 4)  # whole bytes, also for parts that are no power of two
    low = np.uint64(part) * share
    high = low + share if part + 1 < parts else np.uint64(cells.size * 4)
    for index in range(keys.size):
        cell = _cell(keys[index], mask)
        if low <= cell < high:
            byte, shift = cell >> np.uint64(2), np.uint8((cell & np.uint64(3)) << _ONE)
            held = (cells[byte] >> shift) & np.uint8(3)
            if held < 2:
                cells[byte] += np.uint8(1) << shift


@njit(cache=True, nogil=True)
def number_lists(keys, cells, lists, slots_key, slots_list):
    """Give every key that stands twice or more the number of its list, -1 to the rest; return how many lists there are.

    Returns a number below 0 when the table of slots is too small.
    """
    mask = np.uint64(cells.size * 4 - 1)
    slot_mask = np.uint64(slots_key.size - 1)
    room = slots_key.size // 2
    count = 0
    for index in range(keys.size):
        key = keys[index]
        cell = _cell(key, mask)
        if (cells[cell >> np.uint64(2)] >> np.uint8((cell & np.uint64(3)) << _ONE)) & np.uint8(3) < 2:
            lists[index] = -1
            continue
        slot = (key * np.uint64(0xFF51AFD7ED558CCD)) >> np.uint64(24) & slot_mask
        while slots_list[slot] >= 0 and slots_key[slot] != key:
            slot = (slot + _ONE) & slot_mask
        if slots_list[slot] < 0:
            if count == room:
                return -1
            slots_key[slot] = key
            slots_list[slot] = count
            count += 1
        lists[index] = slots_list[slot]
    return count
