"""The compiled loops of the exact join: which rows could be alike, and the proof that they are.

Rows are held against those that they share a rare shingle with (``prefix_kernels``), if their sizes, the places of that shingle
(the positional filter of PPJoin: Xiao, Wang, Lin, Yu, TODS 2011) and their bitmaps allow it. What is ours: lists are kept by
component, so that rows that hang together already are not compared again: a template of 20,000 rows costs 20,000 comparisons,
not 200 million. Rows in lists that stay long all the same are left to ``crowd_kernels``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .pair_kernels import could, fill, find_root, shared
from .prefix_kernels import ceiling, index_length

_ZERO = np.uint64(0)


@njit(cache=True, nogil=True)
def link(hashes, starts, sizes, bitmaps, places, lists, list_count, slots, top, bottom, patience, parents, crowds):
    """Join rows whose sets are alike into components; rows are numbered by rising size.

    Once lists cost more than ``patience`` steps a row, those that cost most are given up: their rows, those met before and those
    still to come, are named in ``crowds``, and pairs of one crowd are left to ``crowd_kernels``.

    Args:
        hashes, starts, sizes: the sets, by number.
        bitmaps: u64 (n, WORDS).
        places: i64 (n + 1), where each row's entries start in ``lists``.
        lists: i64, the list of each entry, -1 for none.
        list_count: number of lists.
        slots: u64 zeros, scratch for the largest set.
        top, bottom: the threshold.
        patience: steps, some nanoseconds each, that are spent on lists before any is given up: so many a row and 64 shingles.
        parents: i64 (n), takes the forest.
        crowds: i64 (n), filled with -1; takes the forest of the rows of crowds.

    Returns:
        Number of comparisons.
    """
    count = starts.size
    # A list is a chain of groups; a group is a chain of entries whose rows are in one component.
    list_head = np.full(list_count, -1, np.int64)  # from -2 down: given up, and -2 - a row of its crowd
    list_spent = np.zeros(list_count, np.int64)
    group_next = np.full(lists.size, -1, np.int64)  # a group is named by its first entry
    group_last = np.empty(lists.size, np.int64)
    entry_next = np.full(lists.size, -1, np.int64)
    entry_row = np.empty(lists.size, np.int64)
    seen = np.full(count, -1, np.int64)
    group_of_root = np.empty(count, np.int64)
    group_stamp = np.full(count, -1, np.int64)
    compared = stamp = spent = 0
    allowed = patience << 8
    for row in range(count):
        parents[row] = row
    for row in range(count):
        size = sizes[row]
        smallest = ceiling(size, top, bottom)
        indexed = index_length(size, top, bottom)
        allowed += patience * (1 + (size >> 6))
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
            if group < -1:
                _crowd(crowds, row, -2 - group)
                continue
            steps = 0
            while group >= 0:
                steps += 1
                following = group_next[group]
                other = find_root(parents, entry_row[group])
                if other != root:
                    member = group
                    while member >= 0:
                        steps += 1
                        peer = entry_row[member]
                        if seen[peer] != row:
                            seen[peer] = row
                            peer_size = sizes[peer]
                            if peer_size >= smallest:
                                needed = ceiling(size + peer_size, top, top + bottom)
                                most = min(size - depth, peer_size - (member - places[peer]))
                                if most >= needed and could(bitmaps, row, peer, size + peer_size, needed):
                                    if mask == _ZERO:
                                        mask = fill(hashes, starts[row], size, slots)
                                    compared += 1
                                    steps += peer_size >> 2
                                    if shared(hashes, starts[peer], peer_size, slots, mask, needed) >= needed:
                                        parents[max(root, other)] = min(root, other)
                                        root = min(root, other)
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
            if steps > patience >> 3:  # what is less is not worth counting
                spent += steps
                list_spent[which] += steps
                if spent > allowed and list_spent[which] > patience * (16 + (size >> 2)):
                    _crowd_list(crowds, row, list_head[which], group_next, entry_next, entry_row)
                    list_head[which] = -2 - row
                    continue
            if depth < indexed:
                entry_row[entry] = row
                group_last[entry] = entry
                group_next[entry] = list_head[which]
                list_head[which] = entry
        if mask != _ZERO:
            for index in range(np.int64(mask) + 1):
                slots[index] = _ZERO
    return compared


@njit(cache=True, nogil=True)
def _crowd(crowds, row, other):
    """Put two rows into one crowd."""
    if crowds[row] < 0:
        crowds[row] = row
    if crowds[other] < 0:
        crowds[other] = other
    one, two = find_root(crowds, row), find_root(crowds, other)
    crowds[max(one, two)] = min(one, two)


@njit(cache=True, nogil=True)
def _crowd_list(crowds, row, group, group_next, entry_next, entry_row):
    """Put a row and all of a list into one crowd."""
    while group >= 0:
        member = group
        while member >= 0:
            _crowd(crowds, row, entry_row[member])
            member = entry_next[member]
        group = group_next[group]


@njit(cache=True, nogil=True)
def match(
    hashes, starts, sizes, bitmaps, sides, places, lists, list_count, slots, top, bottom, patience, crowds, worth, pairs, best
):  # fmt: skip
    """Find pairs of rows whose sets are alike; rows are numbered by rising size. Pairs of one crowd are left, as in ``link``.

    Args:
        hashes, starts, sizes, bitmaps, places, lists, list_count, slots, top, bottom, patience, crowds: as for ``link``.
        sides: u8 (n); two rows are compared when their sides together have both lowest bits. All 3 compares everything.
        worth: i64 (n), the less the better, for equally close rows.
        pairs: i64 (m, 3), takes one number, the other, and how many shingles they share; may have no room at all.
        best: i64 (n, 2), filled with -1; takes for rows of side 1 the closest row found and the shared shingles.

    Returns:
        Number of pairs; those beyond the room of ``pairs`` are counted, not kept.
    """
    count = starts.size
    list_head = np.full(list_count, -1, np.int64)
    list_last = np.full(list_count, -1, np.int64)
    list_spent = np.zeros(list_count, np.int64)
    entry_next = np.full(lists.size, -1, np.int64)
    entry_row = np.empty(lists.size, np.int64)
    seen = np.full(count, -1, np.int64)
    found = spent = 0
    allowed = patience << 8
    for row in range(count):
        size = sizes[row]
        smallest = ceiling(size, top, bottom)
        indexed = index_length(size, top, bottom)
        allowed += patience * (1 + (size >> 6))
        mask = _ZERO
        for entry in range(places[row], places[row + 1]):
            which = lists[entry]
            if which < 0:
                continue
            depth = entry - places[row]
            if list_head[which] < -1:
                _crowd(crowds, row, -2 - list_head[which])
                continue
            steps = 0
            while list_head[which] >= 0 and sizes[entry_row[list_head[which]]] < smallest:
                list_head[which] = entry_next[list_head[which]]  # sizes only rise: too small now is too small for ever
            member = list_head[which]
            while member >= 0:
                steps += 1
                peer = entry_row[member]
                if seen[peer] != row:
                    seen[peer] = row
                    peer_size = sizes[peer]
                    needed = ceiling(size + peer_size, top, top + bottom)
                    most = min(size - depth, peer_size - (member - places[peer]))
                    both = sides[row] | sides[peer]
                    if both == 3 and most >= needed and could(bitmaps, row, peer, size + peer_size, needed):
                        if mask == _ZERO:
                            mask = fill(hashes, starts[row], size, slots)
                        steps += peer_size >> 2
                        common = shared(hashes, starts[peer], peer_size, slots, mask, needed)
                        if common >= needed:
                            if found < pairs.shape[0]:
                                pairs[found, 0], pairs[found, 1], pairs[found, 2] = row, peer, common
                            found += 1
                            if sides[row] & 1:
                                _keep_better(best, sizes, worth, row, peer, common)
                            if sides[peer] & 1:
                                _keep_better(best, sizes, worth, peer, row, common)
                member = entry_next[member]
            if steps > patience >> 3:
                spent += steps
                list_spent[which] += steps
                if spent > allowed and list_spent[which] > patience * (16 + (size >> 2)):
                    member = list_head[which]
                    while member >= 0:
                        _crowd(crowds, row, entry_row[member])
                        member = entry_next[member]
                    list_head[which] = -2 - row
                    continue
            if depth < indexed:
                entry_row[entry] = row
                if list_head[which] < 0:
                    list_head[which] = entry
                else:
                    entry_next[list_last[which]] = entry
                list_last[which] = entry
        if mask != _ZERO:
            for index in range(np.int64(mask) + 1):
                slots[index] = _ZERO
    return found


@njit(cache=True, nogil=True, inline="always")
def _keep_better(best, sizes, worth, row, peer, common):
    """Keep ``peer`` where it is closer to ``row`` than the one before: common / (sizes - common), compared crosswise."""
    held = best[row, 0]
    better = held < 0
    if not better:
        mine, other = common * (sizes[row] + sizes[held]), best[row, 1] * (sizes[row] + sizes[peer])
        better = mine > other or (mine == other and worth[peer] < worth[held])
    if better:
        best[row, 0], best[row, 1] = peer, common
