"""The compiled loops for a crowd: rows that share so much with so many that no rare shingle tells them apart.

In a form that was filled in thousands of times, what differs are a few fields, and the shingles of one answer always stand
together: the rows that hold one hold all of them. Such shingles are one *group* here, of some weight, and a row is its few
groups. Two rows share what the groups that both have weigh, so differing groups, as bits, bound that from above:
10 groups in 256 bits hardly ever meet, where 200 shingles do.

All rows are held against all by these bits, 1 to 2 ns a pair with eight numbers an instruction: that is quadratic, and yet the
200 million pairs of 20,000 rows take less than any list of candidates that has no short end.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .pair_kernels import bits, find_root
from .prefix_kernels import ceiling

_TILE = 1_024  # rows at a time: their distances stay in the first cache
FINE = 10  # bits behind the point of a room


@njit(cache=True, nogil=True)
def _near(words, weights, room, own, limit, low, high, apart, near):
    """Write to ``near`` which of the rows ``low`` to ``high`` may be alike to one with the words ``own``; return how many.

    The loops are plain so that LLVM turns them into vectors, and weights are u32: a product of 64 bits takes three times as long.
    """
    count = high - low
    mine, weight, row, spare = own[0], np.uint64(weights[0]), words[0, low:high], room[low:high]
    for index in range(row.size):
        apart[index] = np.int64(weight * np.uint64(bits(mine ^ row[index]))) - spare[index]
    for word in range(1, words.shape[0]):
        mine, weight, row = own[word], np.uint64(weights[word]), words[word, low:high]
        for index in range(row.size):
            apart[index] += np.int64(weight * np.uint64(bits(mine ^ row[index])))
    found = 0
    for begin in range(0, count, 64):
        part = apart[begin : min(begin + 64, count)]
        least = part[0]
        for index in range(part.size):
            least = min(least, part[index])
        if least <= limit:
            for index in range(part.size):
                near[found] = low + begin + index
                found += np.int64(part[index] <= limit)
    return found


@njit(cache=True, nogil=True)
def _weigh(starts, groups, weights, row, marks, mark):
    """Sum the weights of a row's groups that are marked."""
    total = 0
    for index in range(starts[row], starts[row + 1]):
        if marks[groups[index]] == mark:
            total += weights[groups[index]]
    return total


@njit(cache=True, nogil=True)
def link_crowd(
    rows, sizes, words, word_weights, room, shareable, starts, groups, weights, everywhere, top, bottom, parents
):  # fmt: skip
    """Join those rows of a crowd whose sets are alike in the forest of all rows.

    Args:
        rows: i64 (m), the numbers of the rows, rising, and so do their sizes.
        sizes: i64 (m), shingles of each.
        words: u64 (words, m), bits of the groups of each.
        word_weights: u32 (words), the least that a group of each word weighs, in 1,024ths.
        room: i64 (m); two rows can be alike only if they are no further apart than both rooms together. In 1,024ths.
        shareable: i64 (m), shingles of each that stand in other rows of the crowd as well.
        starts, groups: i64 (m + 1) and i32, the groups of each.
        weights: i64, shingles of each group.
        everywhere: shingles that all rows of the crowd have.
        top, bottom: the threshold.
        parents: i64, the forest; parents are never above their children.

    Returns:
        Number of pairs weighed.
    """
    apart, near = np.empty(_TILE, np.int64), np.empty(_TILE + 1, np.int64)
    marks = np.full(weights.size, -1, np.int64)
    agreeing = np.zeros(rows.size // _TILE + 1, np.int64)  # so many first rows of a tile are in one component
    first = weighed = 0
    for row in range(rows.size):
        root = find_root(parents, rows[row])
        marked = False
        smallest = ceiling(sizes[row], top, bottom)
        while sizes[first] < smallest:
            first += 1
        for tile in range(first // _TILE, row // _TILE + 1):
            begin, high = tile * _TILE, min(row, (tile + 1) * _TILE)
            leader = find_root(parents, rows[begin])
            while begin + agreeing[tile] < high and find_root(parents, rows[begin + agreeing[tile]]) == leader:
                agreeing[tile] += 1
            if begin + agreeing[tile] >= high and leader == root:
                continue
            low = max(first, begin)
            if low >= high:
                continue
            for index in range(_near(words, word_weights, room, words[:, row], room[row], low, high, apart, near)):
                peer = near[index]
                other = find_root(parents, rows[peer])
                if other == root:
                    continue
                if not marked:
                    marked = True
                    for place in range(starts[row], starts[row + 1]):
                        marks[groups[place]] = row
                weighed += 1
                common = everywhere + _weigh(starts, groups, weights, peer, marks, row)
                if common * (top + bottom) >= top * (sizes[row] + sizes[peer]):
                    parents[max(root, other)] = min(root, other)
                    root = min(root, other)
    return weighed


@njit(cache=True, nogil=True)
def star_crowd(
    sizes, words, word_weights, room, shareable, starts, groups, weights, everywhere, top, bottom, keepers, common
):  # fmt: skip
    """Give each row of a crowd a keeper that is alike to it, or make it a keeper itself; the best to keep stand first.

    Args:
        sizes, words, word_weights, room, shareable, starts, groups, weights, everywhere, top, bottom: as for ``link_crowd``.
        keepers: i64 (m), takes the keeper of each row, by its place in the crowd; itself for keepers.
        common: i64 (m), takes the shingles shared with it.

    Returns:
        Number of pairs weighed.
    """
    apart, near = np.empty(_TILE, np.int64), np.empty(_TILE + 1, np.int64)
    marks = np.full(weights.size, -1, np.int64)
    kept = np.empty(sizes.size, np.int64)
    kept_words = np.empty(words.shape, np.uint64)
    kept_room = np.empty(sizes.size, np.int64)
    count = weighed = 0
    for row in range(sizes.size):
        for place in range(starts[row], starts[row + 1]):
            marks[groups[place]] = row
        best, best_common = np.int64(-1), np.int64(0)
        for low in range(0, count, _TILE):
            high = min(count, low + _TILE)
            for index in range(
                _near(kept_words, word_weights, kept_room, words[:, row], room[row], low, high, apart, near)
            ):
                peer = kept[near[index]]
                away = apart[near[index] - low] + kept_room[near[index]] >> FINE
                most = (shareable[row] + shareable[peer] - away) >> 1
                if best >= 0 and most * (sizes[row] + sizes[best]) <= best_common * (sizes[row] + sizes[peer]):
                    continue
                weighed += 1
                found = everywhere + _weigh(starts, groups, weights, peer, marks, row)
                if found * (top + bottom) < top * (sizes[row] + sizes[peer]):
                    continue
                # found / (sizes - found), compared crosswise
                if best < 0 or found * (sizes[row] + sizes[best]) > best_common * (sizes[row] + sizes[peer]):
                    best, best_common = peer, found
        if best < 0:
            kept[count], kept_room[count] = row, room[row]
            kept_words[:, count] = words[:, row]
            count += 1
            best, best_common = row, sizes[row]
        keepers[row], common[row] = best, best_common
    return weighed


@njit(cache=True, nogil=True)
def list_crowd(
    sizes, words, word_weights, room, shareable, starts, groups, weights, everywhere, top, bottom, pairs
):  # fmt: skip
    """Find every pair of a crowd that is alike.

    Args:
        sizes, words, word_weights, room, shareable, starts, groups, weights, everywhere, top, bottom: as for ``link_crowd``.
        pairs: i64 (p, 3), takes the places in the crowd of the two, and how many shingles they share; may have no room at all.

    Returns:
        Number of pairs; those beyond the room of ``pairs`` are counted, not kept.
    """
    apart, near = np.empty(_TILE, np.int64), np.empty(_TILE + 1, np.int64)
    marks = np.full(weights.size, -1, np.int64)
    found = first = 0
    for row in range(sizes.size):
        while sizes[first] < ceiling(sizes[row], top, bottom):
            first += 1
        for place in range(starts[row], starts[row + 1]):
            marks[groups[place]] = row
        for low in range(first, row, _TILE):
            high = min(row, low + _TILE)
            for index in range(_near(words, word_weights, room, words[:, row], room[row], low, high, apart, near)):
                peer = near[index]
                common = everywhere + _weigh(starts, groups, weights, peer, marks, row)
                if common * (top + bottom) >= top * (sizes[row] + sizes[peer]):
                    if found < pairs.shape[0]:
                        pairs[found, 0], pairs[found, 1], pairs[found, 2] = row, peer, common
                    found += 1
    return found


@njit(cache=True, nogil=True)
def closest_crowd(
    sizes, words, word_weights, room, shareable, starts, groups, weights, everywhere, top, bottom,
    asking, known, known_words, known_room, spans, worth, best,
):  # fmt: skip
    """Find the closest known row of a crowd that each asking one is alike to.

    Args:
        sizes, words, word_weights, room, shareable, starts, groups, weights, everywhere, top, bottom: as for ``link_crowd``.
        asking, known: i64, rows by their places in the crowd, rising.
        known_words, known_room: ``words`` and ``room`` of the known ones.
        spans: i64 (asking, 2), the part of ``known`` that has a size that each can be alike to.
        worth: i64 (m), the less the better, for equally close ones.
        best: i64 (asking, 2), filled with -1; takes the closest, by its place in the crowd, and how many shingles they share.
    """
    apart, near = np.empty(_TILE, np.int64), np.empty(_TILE + 1, np.int64)
    marks = np.full(weights.size, -1, np.int64)
    for ask in range(asking.size):
        row = asking[ask]
        size = sizes[row]
        for place in range(starts[row], starts[row + 1]):
            marks[groups[place]] = row
        held, held_common = np.int64(-1), np.int64(0)
        for low in range(spans[ask, 0], spans[ask, 1], _TILE):
            high = min(spans[ask, 1], low + _TILE)
            for index in range(
                _near(known_words, word_weights, known_room, words[:, row], room[row], low, high, apart, near)
            ):
                peer = known[near[index]]
                away = apart[near[index] - low] + known_room[near[index]] >> FINE
                most = (shareable[row] + shareable[peer] - away) >> 1
                if peer == row or not _closer(most, peer, held_common, held, size, sizes, worth):
                    continue
                common = everywhere + _weigh(starts, groups, weights, peer, marks, row)
                if common * (top + bottom) >= top * (size + sizes[peer]) and _closer(
                    common, peer, held_common, held, size, sizes, worth
                ):
                    held, held_common = peer, common
        best[ask, 0], best[ask, 1] = held, held_common


@njit(cache=True, nogil=True, inline="always")
def _closer(common, peer, held_common, held, size, sizes, worth):
    """Say whether a row that shares ``common`` is closer than the one that is held; common / (sizes - common), crosswise."""
    if held < 0:
        return True
    mine, other = common * (size + sizes[held]), held_common * (size + sizes[peer])
    return mine > other or (mine == other and worth[peer] < worth[held])
