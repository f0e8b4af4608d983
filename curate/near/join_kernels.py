"""The compiled loops of the exact join: prefixes, the rows that could be alike, and the proof that they are.

The method is the prefix filter of AllPairs (Bayardo, Ma, Srikant, WWW 2007) with the shorter index prefix and the positional
filter of PPJoin (Xiao, Wang, Lin, Yu, TODS 2011) and the bitmap bound of Sandes, Teodoro and Melo (2017). What is ours:
lists are kept by component, so that rows that hang together already are not compared again: a template of 20,000 rows costs
20,000 comparisons, not 200 million.

Thresholds are fractions ``top / bottom`` of whole numbers: 0.8 * 85 is 68.00000000000001 in floating point, and its ceiling would
lose pairs.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_ZERO, _ONE = np.uint64(0), np.uint64(1)
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
def _ceiling(number, top, bottom):
    return (number * top + bottom - 1) // bottom


@njit(cache=True, nogil=True, inline="always")
def probe_length(size, top, bottom):
    """Shingles of the larger set of a pair that must hold a common one."""
    return size - _ceiling(size, top, bottom) + 1


@njit(cache=True, nogil=True, inline="always")
def index_length(size, top, bottom):
    """Shingles of the smaller set of a pair that must hold a common one."""
    return size - _ceiling(size, 2 * top, top + bottom) + 1


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
    share = np.uint64(cells.size * 4 // parts)
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


@njit(cache=True, nogil=True, inline="always")
def _bits(value):
    value -= (value >> _ONE) & np.uint64(0x5555555555555555)
    value = (value & np.uint64(0x3333333333333333)) + ((value >> np.uint64(2)) & np.uint64(0x3333333333333333))
    value = (value + (value >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((value * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True, nogil=True)
def _could(bitmaps, one, other, sum_of_sizes, needed):
    """Say whether two sets may share ``needed``: each bit that only one has is a shingle that the other lacks."""
    apart = 0
    for word in range(bitmaps.shape[1]):
        apart += _bits(bitmaps[one, word] ^ bitmaps[other, word])
    return (sum_of_sizes - apart) // 2 >= needed


@njit(cache=True, nogil=True)
def fill(hashes, start, size, slots):
    """Put a set into a table (u64 zeros, a power of two) and return the mask that was used."""
    room = 8
    while room < 2 * size:
        room *= 2
    mask = np.uint64(room - 1)
    for index in range(start, start + size):
        slot = (hashes[index] >> _ONE) & mask
        while slots[slot] != _ZERO:
            slot = (slot + _ONE) & mask
        slots[slot] = hashes[index]
    return mask


@njit(cache=True, nogil=True)
def shared(hashes, start, size, slots, mask, needed):
    """Count how many of a set stand in the table; stop with -1 once ``needed`` can't be reached."""
    spare = size - needed
    found = 0
    for index in range(start, start + size):
        hashed = hashes[index]
        slot = (hashed >> _ONE) & mask
        held = slots[slot]
        while held != _ZERO and held != hashed:
            slot = (slot + _ONE) & mask
            held = slots[slot]
        if held == _ZERO:
            spare -= 1
            if spare < 0:
                return -1
        else:
            found += 1
    return found


@njit(cache=True, nogil=True)
def find_root(parents, node):
    """Root of a node; halves the path on the way."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@njit(cache=True, nogil=True)
def link(hashes, starts, sizes, bitmaps, places, lists, list_count, slots, top, bottom, parents, edges):
    """Join rows whose sets are alike into components; rows are numbered by rising size.

    Args:
        hashes, starts, sizes: the sets, by number.
        bitmaps: u64 (n, WORDS).
        places: i64 (n + 1), where each row's entries start in ``lists``.
        lists: i64, the list of each entry, -1 for none.
        list_count: number of lists.
        slots: u64 zeros, scratch for the largest set.
        top, bottom: the threshold.
        parents: i64 (n), takes the forest.
        edges: i64 (n, 3), takes one number, the other, and how many shingles they share, for each joining of two components.

    Returns:
        Number of edges, of comparisons.
    """
    count = starts.size
    # A list is a chain of groups; a group is a chain of entries whose rows are in one component.
    list_head = np.full(list_count, -1, np.int64)
    group_next = np.full(lists.size, -1, np.int64)  # a group is named by its first entry
    group_last = np.empty(lists.size, np.int64)
    entry_next = np.full(lists.size, -1, np.int64)
    entry_row = np.empty(lists.size, np.int64)
    seen = np.full(count, -1, np.int64)
    group_of_root = np.empty(count, np.int64)
    group_stamp = np.full(count, -1, np.int64)
    found = compared = stamp = 0
    for row in range(count):
        parents[row] = row
    for row in range(count):
        size = sizes[row]
        smallest = _ceiling(size, top, bottom)
        indexed = index_length(size, top, bottom)
        mask = _ZERO
        for entry in range(places[row], places[row + 1]):
            which = lists[entry]
            if which < 0:
                continue
            depth = entry - places[row]
            stamp += 1
            root = find_root(parents, row)
            before = np.int64(-1)
            group = list_head[which]
            while group >= 0:
                following = group_next[group]
                other = find_root(parents, entry_row[group])
                if other != root:
                    member = group
                    while member >= 0:
                        peer = entry_row[member]
                        if seen[peer] != row:
                            seen[peer] = row
                            peer_size = sizes[peer]
                            if peer_size >= smallest:
                                needed = _ceiling(size + peer_size, top, top + bottom)
                                most = min(size - depth, peer_size - (member - places[peer]))
                                if most >= needed and _could(bitmaps, row, peer, size + peer_size, needed):
                                    if mask == _ZERO:
                                        mask = fill(hashes, starts[row], size, slots)
                                    compared += 1
                                    common = shared(hashes, starts[peer], peer_size, slots, mask, needed)
                                    if common >= needed:
                                        parents[max(root, other)] = min(root, other)
                                        root = min(root, other)
                                        edges[found, 0], edges[found, 1], edges[found, 2] = row, peer, common
                                        found += 1
                                        break
                        member = entry_next[member]
                component = find_root(parents, entry_row[group])
                if group_stamp[component] == stamp:  # met before in this list: the two groups become one
                    into = group_of_root[component]
                    entry_next[group_last[into]] = group
                    group_last[into] = group_last[group]
                    group_next[before] = following
                else:
                    group_stamp[component] = stamp
                    group_of_root[component] = group
                    before = group
                group = following
            if depth < indexed:
                entry_row[entry] = row
                group_last[entry] = entry
                group_next[entry] = list_head[which]
                list_head[which] = entry
        if mask != _ZERO:
            for index in range(np.int64(mask) + 1):
                slots[index] = _ZERO
    return found, compared


@njit(cache=True, nogil=True)
def match(hashes, starts, sizes, bitmaps, sides, places, lists, list_count, slots, top, bottom, limit, pairs, best):
    """Find pairs of rows whose sets are alike; rows are numbered by rising size.

    Args:
        hashes, starts, sizes, bitmaps, places, lists, list_count, slots, top, bottom: as for ``link``.
        sides: u8 (n); two rows are compared when their sides together have both lowest bits. All 3 compares everything.
        limit: comparisons a row at most, so that a template on both sides ends in time; the largest number for no limit.
        pairs: i64 (m, 3), takes one number, the other, and how many shingles they share; may have no room at all.
        best: i64 (n, 2), takes for rows of side 1 (lowest bit) and for those of side 2 the closest row found and the shared
            shingles; the first found wins a tie. -1 for none.

    Returns:
        Number of pairs (those beyond the room of ``pairs`` are counted, not kept), of comparisons, and rows cut at ``limit``.
    """
    count = starts.size
    list_head = np.full(list_count, -1, np.int64)
    list_last = np.full(list_count, -1, np.int64)
    entry_next = np.full(lists.size, -1, np.int64)
    entry_row = np.empty(lists.size, np.int64)
    seen = np.full(count, -1, np.int64)
    found = compared = cut = 0
    for row in range(count):
        size = sizes[row]
        smallest = _ceiling(size, top, bottom)
        indexed = index_length(size, top, bottom)
        mask = _ZERO
        tried = 0
        for entry in range(places[row], places[row + 1]):
            which = lists[entry]
            if which < 0:
                continue
            depth = entry - places[row]
            while list_head[which] >= 0 and sizes[entry_row[list_head[which]]] < smallest:
                list_head[which] = entry_next[list_head[which]]  # sizes only rise: too small now is too small for ever
            member = list_head[which]
            while member >= 0 and tried < limit:
                peer = entry_row[member]
                if seen[peer] != row:
                    seen[peer] = row
                    peer_size = sizes[peer]
                    needed = _ceiling(size + peer_size, top, top + bottom)
                    most = min(size - depth, peer_size - (member - places[peer]))
                    both = sides[row] | sides[peer]
                    if both == 3 and most >= needed and _could(bitmaps, row, peer, size + peer_size, needed):
                        if mask == _ZERO:
                            mask = fill(hashes, starts[row], size, slots)
                        tried += 1
                        common = shared(hashes, starts[peer], peer_size, slots, mask, needed)
                        if common >= needed:
                            if found < pairs.shape[0]:
                                pairs[found, 0], pairs[found, 1], pairs[found, 2] = row, peer, common
                            found += 1
                            _keep_better(best, sizes, row, peer, common)
                            _keep_better(best, sizes, peer, row, common)
                member = entry_next[member]
            if depth < indexed:
                entry_row[entry] = row
                if list_head[which] < 0:
                    list_head[which] = entry
                else:
                    entry_next[list_last[which]] = entry
                list_last[which] = entry
        compared += tried
        cut += np.int64(tried == limit)
        if mask != _ZERO:
            for index in range(np.int64(mask) + 1):
                slots[index] = _ZERO
    return found, compared, cut


@njit(cache=True, nogil=True, inline="always")
def _keep_better(best, sizes, row, peer, common):
    """Keep ``peer`` where it is closer to ``row`` than the one before: common / (sizes - common), compared crosswise."""
    held = best[row, 0]
    if held < 0:
        better = True
    else:
        union = sizes[row] + sizes[peer] - common
        held_union = sizes[row] + sizes[held] - best[row, 1]
        better = common * held_union > best[row, 1] * union
    if better:
        best[row, 0], best[row, 1] = peer, common


@njit(cache=True, nogil=True)
def gather_stars(hashes, starts, sizes, bitmaps, members, bounds, slots, top, bottom, keepers, common):
    """Give each row of each component a keeper that is alike to it, or make it a keeper itself.

    In the order of ``members`` every row joins the closest keeper before it that it is alike to (the first of equally close
    ones), or becomes one: no row is given up for one that it is not alike to, and no two keepers are alike.

    Args:
        hashes, starts, sizes, bitmaps, slots, top, bottom: as for ``link``.
        members: i64, the rows of all components, those of one component together, the best to keep first.
        bounds: i64 (components + 1), where each component starts in ``members``.
        keepers: i64 (n), takes the keeper of each row, itself for keepers.
        common: i64 (n), takes the shingles shared with it.
    """
    for component in range(bounds.size - 1):
        begin, end = bounds[component], bounds[component + 1]
        kept = np.empty(end - begin, np.int64)
        count = 0
        for at in range(begin, end):
            row = members[at]
            size = sizes[row]
            best, best_common = np.int64(-1), np.int64(0)
            mask = _ZERO
            for index in range(count):
                peer = kept[index]
                peer_size = sizes[peer]
                if min(size, peer_size) < _ceiling(max(size, peer_size), top, bottom):
                    continue
                needed = _ceiling(size + peer_size, top, top + bottom)
                if not _could(bitmaps, row, peer, size + peer_size, needed):
                    continue
                if mask == _ZERO:
                    mask = fill(hashes, starts[row], size, slots)
                found = shared(hashes, starts[peer], peer_size, slots, mask, needed)
                if found < needed:
                    continue
                better = best < 0
                if not better:
                    union, held = size + peer_size - found, size + sizes[best] - best_common
                    better = found * held > best_common * union
                if better:
                    best, best_common = peer, found
            if mask != _ZERO:
                for index in range(np.int64(mask) + 1):
                    slots[index] = _ZERO
            if best < 0:
                kept[count] = row
                count += 1
                best, best_common = row, size
            keepers[row], common[row] = best, best_common
