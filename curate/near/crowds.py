"""Rows that share so much with so many that no rare shingle tells them apart, such as forms that were filled in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from . import group_kernels as kernels
from .crowd_kernels import FINE, closest_crowd
from .forest import roots_of
from .repeats import numbered
from .shingles import Sets

if TYPE_CHECKING:
    from .joining import Ready

Ints = npt.NDArray[np.int64]

_A_WORD = 3  # groups of a row in 64 bits: of ten that differ, half a one meets another
_WORDS = 32
_HEAVIEST = 1 << 21  # 32 bits hold it in 1,024ths


class Crowd(NamedTuple):
    """Some sets, as few groups of shingles that always stand together; see ``crowd_kernels.link_crowd`` for the fields."""

    sizes: Ints
    words: npt.NDArray[np.uint64]
    word_weights: npt.NDArray[np.uint32]
    room: Ints
    shareable: Ints
    starts: Ints
    groups: npt.NDArray[np.int32]
    weights: Ints
    everywhere: int


def crowds_of(sets: Sets, ready: Ready, forest: Ints) -> Iterator[tuple[Ints, Crowd]]:
    """Yield the rows of each crowd, by rising size, and the crowd; ``forest`` has -1 for rows in none."""
    rows = np.flatnonzero(forest >= 0)
    roots = roots_of(np.maximum(forest, 0))[rows]
    by_root = np.argsort(roots, kind="stable")
    for some in np.split(rows[by_root], np.flatnonzero(np.diff(roots[by_root])) + 1):
        if some.size:
            yield some, crowd_of(sets, ready, some)


def crowd_of(sets: Sets, ready: Ready, rows: Ints) -> Crowd:
    """Make groups and bits of some sets.

    That two shingles stand in the same rows is seen by the sum of 64-bit numbers drawn for the rows: of a million shingles two
    that do not have the same sum with a chance of 3 in 10^8.

    Args:
        sets: the sets.
        ready: ``joining.prepare(sets, threshold)``.
        rows: (m) the numbers of the sets that are meant.
    """
    top, bottom = ready.top, ready.bottom
    sizes_here = ready.sizes[rows]
    bounds = np.concatenate([[0], np.cumsum(sizes_here)]).astype(np.int64)
    keys = np.empty(int(bounds[-1]), np.uint64)
    kernels.copy_sets(sets.hashes, ready.starts, ready.sizes, rows, keys)
    tokens, count = numbered(keys)
    del keys
    counts, signs = np.zeros(count, np.int64), np.zeros(count, np.uint64)
    draws = np.random.default_rng(0).integers(0, 2**64, rows.size, np.uint64)
    kernels.sum_rows(tokens, bounds, draws, counts, signs)
    everywhere = int((counts == rows.size).sum())
    group_of, weights = _groups(counts, signs, rows.size)
    room = np.empty(rows.size + 1, np.int64)
    groups = np.empty(tokens.size, np.int32)
    kernels.list_groups(tokens, bounds, group_of, room, groups)
    begins, groups = room, groups[: room[-1]].copy()
    words, word_weights = _bits(begins, groups, weights)
    held = np.concatenate([[0], np.cumsum(weights[groups])])  # what repeats, in each row
    shareable = everywhere + held[begins[1:]] - held[begins[:-1]]
    # Alike: shared * (top + bottom) >= top * both sizes, and shared = (both shareable - apart) / 2.
    room = -((2 * top * sizes_here - shareable * (top + bottom) << FINE) // (top + bottom))
    return Crowd(sizes_here, words, word_weights, room, shareable, begins, groups, weights, everywhere)


def find_closest(crowd: Crowd, ready: Ready, rows: Ints, sides: npt.NDArray[np.uint8], worth: Ints, best: Ints) -> None:
    """Write to ``best`` the closest row of side 2 of each row of side 1 of a crowd, where it is closer than what is there.

    Args:
        crowd: the crowd.
        ready: ``joining.prepare(sets, threshold)``.
        rows: (m) the numbers of its rows, rising, and so do their sizes.
        sides: (m) the side of each, 3 for both.
        worth: (n) the less the better, for equally close rows.
        best: (n, 2) the closest row of each, -1 for none, and how many shingles they share.
    """
    asking, known = np.flatnonzero(sides == 1), np.flatnonzero((sides & 2) == 2)
    sizes = crowd.sizes[known]
    spans = np.column_stack(
        [
            np.searchsorted(sizes, -(-crowd.sizes[asking] * ready.top // ready.bottom)),
            np.searchsorted(sizes, crowd.sizes[asking] * ready.bottom // ready.top, side="right"),
        ]
    )
    found = np.empty((asking.size, 2), np.int64)
    closest_crowd(
        *crowd,
        ready.top,
        ready.bottom,
        asking,
        known,
        crowd.words[:, known],
        crowd.room[known],
        spans,
        worth[rows],
        found,
    )
    there = found[:, 0] >= 0
    row, peer, common = rows[asking[there]], rows[found[there, 0]], found[there, 1]
    held, held_common = best[row, 0], best[row, 1]
    mine = common * (ready.sizes[row] + ready.sizes[held])
    other = held_common * (ready.sizes[row] + ready.sizes[peer])
    closer = (held < 0) | (mine > other) | ((mine == other) & (worth[peer] < worth[held]))
    best[row[closer], 0], best[row[closer], 1] = peer[closer], common[closer]


def _groups(counts: Ints, signs: npt.NDArray[np.uint64], rows: int) -> tuple[npt.NDArray[np.int32], Ints]:
    """Return the group that each token stands for (-1 for none) and the weight of each group, which rises."""
    shared = np.flatnonzero((counts > 1) & (counts < rows))  # one row or all of them: no pair differs by it
    _, first, weights = np.unique(signs[shared], return_index=True, return_counts=True)
    order = np.lexsort((first, weights))
    group_of = np.full(counts.size, -1, np.int32)
    group_of[shared[first[order]]] = np.arange(order.size)
    return group_of, weights[order].astype(np.int64)


def _bits(
    begins: Ints, groups: npt.NDArray[np.int32], weights: Ints
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]]:
    """Return the bits of all rows' groups, each word filled with groups of about one weight, and the least weight of a word."""
    rows = begins.size - 1
    count = int(np.clip(-(-groups.size // (_A_WORD * max(rows, 1))), 1, _WORDS))
    words = np.zeros((count, rows), np.uint64)
    if not weights.size:
        return words, np.zeros(count, np.uint32)
    # Every word holds an equal share of what stands in the rows, not of the groups: rare ones take little room.
    filled = np.bincount(groups, minlength=weights.size)
    word_of = np.minimum((np.cumsum(filled) - filled) * count // max(groups.size, 1), count - 1)
    begin = np.searchsorted(word_of, np.arange(count))
    bit_of = (np.arange(weights.size) - begin[word_of]) & 63
    kernels.set_bits(begins, groups, word_of, bit_of, words)
    least = np.minimum(weights[np.minimum(begin, weights.size - 1)], _HEAVIEST)  # of a word without a group, any
    return words, (least << FINE).astype(np.uint32)
