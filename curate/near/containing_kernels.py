"""The compiled loops that find sets which stand (nearly) inside a larger one.

The method is the prefix filter of AllPairs (Bayardo, Ma, Srikant, WWW 2007) with the measure turned to one side: a set of
n shingles of which ``needed`` stand in a larger one shares with it at least one of any n - needed + 1, so the rarest of
them are looked up in the larger sets. Before that, a set is asked only if as many as ``needed`` of its shingles stand in
any other set at all, which leaves few.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .pair_kernels import fill, shared

_ZERO, _ONE = np.uint64(0), np.uint64(1)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True)
def mark_twice(hashes, starts, sizes, cells):
    """Mark in ``cells`` (u8, four cells of two bits a byte, a power of two) which shingles stand once and which again."""
    mask = np.uint64(cells.size * 4 - 1)
    for row in range(starts.size):
        for index in range(starts[row], starts[row] + sizes[row]):
            cell = (hashes[index] * _GOLDEN >> np.uint64(24)) & mask
            byte, shift = cell >> np.uint64(2), np.uint8((cell & np.uint64(3)) << _ONE)
            if (cells[byte] >> shift) & np.uint8(3) < 2:
                cells[byte] += np.uint8(1) << shift


@njit(cache=True, nogil=True)
def could_be_inside(hashes, starts, sizes, needed, cells, counts, weights, asked):
    """Write to ``asked`` (bool) which sets have ``needed`` shingles that stand elsewhere too; 0 needed is not asked.

    Nor is one of which all shingles weigh nothing.
    """
    mask = np.uint64(cells.size * 4 - 1)
    count_mask = np.uint64(counts.size - 1)
    for row in range(starts.size):
        spare = sizes[row] - needed[row]
        asked[row] = needed[row] > 0
        if not asked[row]:
            continue
        weighs = False
        for index in range(starts[row], starts[row] + sizes[row]):
            cell = (hashes[index] * _GOLDEN >> np.uint64(24)) & mask
            if (cells[cell >> np.uint64(2)] >> np.uint8((cell & np.uint64(3)) << _ONE)) & np.uint8(3) < 2:
                spare -= 1
                if spare < 0:
                    break
            weighs = weighs or weights[counts[hashes[index] & count_mask]] > 0
        asked[row] = spare >= 0 and weighs


@njit(cache=True, nogil=True)
def _share_weighs(hashes, start, size, slots, mask, counts, weights, top, bottom):
    """Say whether what a set shares with the table weighs ``top / bottom`` of all it has."""
    whole = part = 0
    count_mask = np.uint64(counts.size - 1)
    for index in range(start, start + size):
        hashed = hashes[index]
        weight = weights[counts[hashed & count_mask]]
        whole += weight
        slot = (hashed >> _ONE) & mask
        while slots[slot] != _ZERO and slots[slot] != hashed:
            slot = (slot + _ONE) & mask
        if slots[slot] == hashed:
            part += weight
    return whole > 0 and part * bottom >= whole * top


@njit(cache=True, nogil=True)
def find_containing(
    hashes, starts, sizes, needed, asked, counts, weights, share, whole, smallest, top, bottom, limit, slots, best
):
    """Find for each set a larger one that it stands inside; sets are numbered by rising size.

    Args:
        hashes, starts, sizes: the sets, by number, no two equal.
        needed: i64 (n), how many shingles of each must stand in the other.
        asked: bool (n), which sets are looked for.
        counts: u8, how often shingles stand (``Sets.counts``).
        weights: i64 (256), what a shingle weighs by its count.
        share, whole: what is shared must weigh ``share / whole`` of the set, too.
        smallest: i64 (n), the least size of a set that each can stand inside without being alike to it; never falls.
        top, bottom: pairs with a Jaccard index of ``top / bottom`` or more are alike, and not these.
        limit: shingles of a set that are looked up at most, over all that it is held against.
        slots: u64 zeros, scratch for the largest set.
        best: i64 (n, 2), filled with -1; takes the containing set that shares most, the smallest of such, and how many
            it shares.

    Returns:
        How often two sets were compared, and how many sets were given up at ``limit``.
    """
    total = 0
    for row in range(starts.size):
        if asked[row]:
            total += sizes[row] - needed[row] + 1
    room = np.int64(8)
    while room < 2 * total:
        room *= 2
    slot_mask = np.uint64(room - 1)
    slot_hash = np.zeros(room, np.uint64)
    slot_head = np.full(room, -1, np.int32)
    entry_next = np.full(total, -1, np.int32)
    entry_row = np.empty(total, np.int32)
    bits = np.int64(64)
    while bits < 8 * total and bits < 1 << 26:
        bits *= 2
    bit_mask = np.uint64(bits - 1)
    there = np.zeros(bits // 8, np.uint8)
    seen = np.full(starts.size, -1, np.int32)
    spent = np.zeros(starts.size, np.int64)
    done = np.zeros(starts.size, np.bool_)
    count_mask = np.uint64(counts.size - 1)
    histogram = np.zeros(256, np.int64)
    entries = compared = cut = waiting = 0
    for row in range(starts.size):
        size = sizes[row]
        while waiting < row and smallest[waiting] <= size:
            if asked[waiting]:
                length = sizes[waiting] - needed[waiting] + 1
                # By counting: the ranks are 256, and a sort by insertion takes a minute on a text of 10 MB.
                histogram[:] = 0
                for index in range(starts[waiting], starts[waiting] + sizes[waiting]):
                    histogram[counts[hashes[index] & count_mask]] += 1
                last = below = 0
                while below + histogram[last] < length:
                    below += histogram[last]
                    last += 1
                spare = length - below  # of those that stand as often as the last one taken
                for index in range(starts[waiting], starts[waiting] + sizes[waiting]):
                    hashed = hashes[index]
                    rank = np.int64(counts[hashed & count_mask])
                    if rank > last or (rank == last and spare == 0):
                        continue
                    spare -= np.int64(rank == last)
                    bit = hashed >> np.uint64(8) & bit_mask
                    there[bit >> np.uint64(3)] |= np.uint8(1) << np.uint8(bit & np.uint64(7))
                    slot = (hashed * _GOLDEN >> np.uint64(20)) & slot_mask
                    while slot_head[slot] != -1 and slot_hash[slot] != hashed:
                        slot = (slot + _ONE) & slot_mask
                    slot_hash[slot] = hashed
                    entry_row[entries] = waiting
                    entry_next[entries] = slot_head[slot] if slot_head[slot] >= 0 else -1
                    slot_head[slot] = entries
                    entries += 1
            waiting += 1
        mask = _ZERO
        for index in range(starts[row], starts[row] + size):
            hashed = hashes[index]
            bit = hashed >> np.uint64(8) & bit_mask
            if not (there[bit >> np.uint64(3)] >> np.uint8(bit & np.uint64(7))) & np.uint8(1):
                continue
            slot = (hashed * _GOLDEN >> np.uint64(20)) & slot_mask
            while slot_head[slot] != -1 and slot_hash[slot] != hashed:
                slot = (slot + _ONE) & slot_mask
            before = np.int64(-1)
            entry = np.int64(slot_head[slot])
            while entry >= 0:
                inner = np.int64(entry_row[entry])
                following = np.int64(entry_next[entry])
                if done[inner]:
                    # Out of the list for good. An emptied list keeps its slot (-2), or others behind it would be lost.
                    if before >= 0:
                        entry_next[before] = following
                    else:
                        slot_head[slot] = following if following >= 0 else -2
                    entry = following
                    continue
                spent[inner] += 1
                if seen[inner] != row:
                    seen[inner] = row
                    if mask == _ZERO:
                        mask = fill(hashes, starts[row], size, slots)
                    compared += 1
                    common = shared(hashes, starts[inner], sizes[inner], slots, mask, needed[inner])
                    spent[inner] += sizes[inner] if common >= 0 else sizes[inner] - needed[inner] + 1
                    if (
                        common >= needed[inner]
                        and common > best[inner, 1]
                        and common * bottom < top * (sizes[inner] + size - common)
                        and _share_weighs(
                            hashes, starts[inner], sizes[inner], slots, mask, counts, weights, share, whole
                        )
                    ):
                        best[inner, 0], best[inner, 1] = row, common
                        done[inner] = common == sizes[inner]
                    if spent[inner] >= limit and not done[inner]:
                        done[inner] = True
                        cut += 1
                before = entry
                entry = following
        if mask != _ZERO:
            for index in range(np.int64(mask) + 1):
                slots[index] = _ZERO
    return compared, cut


@njit(cache=True, nogil=True)
def places_inside(hashes, starts, sizes, inner, outer, slots, places):
    """Write for each pair where in the outer set, in the order of its text, the inner one's shingles stand.

    Args:
        hashes, starts, sizes: the sets.
        inner, outer: i64 (p), the pairs.
        slots: u64 zeros, scratch for the largest inner set.
        places: i64 (p, 2), takes the place of the first shingle and of the last one that are shared.
    """
    for pair in range(inner.size):
        mask = fill(hashes, starts[inner[pair]], sizes[inner[pair]], slots)
        places[pair, 0], places[pair, 1] = -1, -1
        start = starts[outer[pair]]
        for index in range(sizes[outer[pair]]):
            hashed = hashes[start + index]
            slot = (hashed >> _ONE) & mask
            while slots[slot] != _ZERO and slots[slot] != hashed:
                slot = (slot + _ONE) & mask
            if slots[slot] == hashed:
                if places[pair, 0] < 0:
                    places[pair, 0] = index
                places[pair, 1] = index
        for index in range(np.int64(mask) + 1):
            slots[index] = _ZERO
