"""Which sets are alike: every pair, the components that they form, or the stars around the rows to keep. All exact.

Alike means a Jaccard index (shared shingles over all shingles of both) of at least the threshold. Nothing here is sampled:
a pair under the threshold is never reported, one at or over it is never missed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from .compiled import compiled
from .listing import refuse_over, whole_numbers, written_out
from .shingles import Sets

Ints = npt.NDArray[np.int64]
_EVERY = np.iinfo(np.int64).max
_RANKS = np.array([count.bit_length() << 60 for count in range(256)], np.uint64)


@dataclass(frozen=True)
class Ready:
    """Distinct sets in the order of their size, with the lists that rows of one list share a rare shingle in."""

    order: Ints
    """(m) the row of each number."""
    first: Ints
    """(n) the first row with an equal set; -1 for rows in which nothing is seen."""
    starts: Ints
    sizes: Ints
    bitmaps: npt.NDArray[np.uint64]
    places: Ints
    lists: npt.NDArray[np.int64]
    list_count: int
    top: int
    bottom: int


def prepare(sets: Sets, threshold: float, *, threads: int | None = None) -> Ready:
    """Collapse equal sets and find the rare shingles that more than one of them holds.

    Args:
        sets: the sets.
        threshold: over 0, at most 1; read as a decimal fraction.
        threads: as many as there are cores for ``None``.

    Raises:
        UsageError: a threshold out of bounds.
    """
    if not compiled():
        from .joining_in_numpy import prepare as slowly

        return slowly(sets, threshold)  # pyright: ignore[reportArgumentType, reportReturnType]
    from . import join_kernels as kernels

    top, bottom = whole_numbers(threshold)
    first = kernels.first_of_equal(sets.sizes, sets.sums, np.full(_power(2 * len(sets.sizes)), -1, np.int64))
    distinct = np.flatnonzero(first == np.arange(len(first)))
    order = distinct[np.argsort(sets.sizes[distinct], kind="stable")]
    starts, sizes = sets.starts[order], sets.sizes[order]
    lengths = sizes - -(-sizes * top // bottom) + 1
    places = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    keys = np.empty(int(places[-1]), np.uint64)
    bitmaps = np.zeros((order.size, kernels.WORDS), np.uint64)
    threads = threads or os.cpu_count() or 1

    in_text_order = np.argsort(order)  # so that hashes are read as they lie

    def pick(low: int, high: int) -> None:
        kernels.pick_prefixes(
            sets.hashes, starts, sizes, in_text_order[low:high], sets.counts, _RANKS, places, keys, bitmaps, top, bottom
        )

    _share(pick, order.size, threads)
    cells = np.zeros(max(_power(keys.size * 8) // 4, 64), np.uint8)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda part: kernels.mark_repeated(keys, cells, part, threads), range(threads)))
    lists = np.empty(keys.size, np.int64)
    room = _power(max(keys.size // 4, 64))
    while True:
        numbered = kernels.number_lists(keys, cells, lists, np.empty(room, np.uint64), np.full(room, -1, np.int64))
        if numbered >= 0:
            break
        room *= 2
    return Ready(order, first, starts, sizes, bitmaps, places, lists, int(numbered), top, bottom)


def components(sets: Sets, ready: Ready) -> Ints:
    """Return for each row the lowest row that it hangs together with through alike rows; -1 where nothing is seen."""
    if not compiled():
        from .joining_in_numpy import components as slowly

        return slowly(sets, ready)  # pyright: ignore[reportArgumentType, reportReturnType]
    from . import join_kernels as kernels

    parents = np.empty(ready.order.size, np.int64)
    edges = np.empty((max(ready.order.size - 1, 0), 3), np.int64)
    kernels.link(
        sets.hashes, ready.starts, ready.sizes, ready.bitmaps, ready.places, ready.lists, ready.list_count,
        _slots(ready), ready.top, ready.bottom, parents, edges,
    )  # fmt: skip
    roots = _roots(parents)
    lowest = np.full(roots.size, _EVERY)
    np.minimum.at(lowest, roots, ready.order)
    return _spread(ready, lowest[roots])


def stars(sets: Sets, ready: Ready, component: Ints, rank: Ints) -> tuple[Ints, npt.NDArray[np.float64]]:
    """Return the keeper of each row, which it is alike to, and their Jaccard index; -1 and 0 where nothing is seen.

    In the order of ``rank`` each row joins the closest keeper before it, or becomes one: no row is given up for one that it is
    not alike to, and no two keepers are alike.

    Args:
        sets: the sets.
        ready: ``prepare(sets, threshold)``.
        component: ``components(sets, ready)``.
        rank: (n) the order in which rows are kept, 0 for the best; no two alike.
    """
    if not compiled():
        from .joining_in_numpy import stars as slowly

        return slowly(sets, ready, component, rank)  # pyright: ignore[reportArgumentType, reportReturnType]
    from . import join_kernels as kernels

    best = np.full(len(rank), _EVERY)  # the best rank among equal sets, by the first of them
    seen = ready.first >= 0
    np.minimum.at(best, ready.first[seen], rank[seen])
    number_of = np.full(len(rank), -1)
    number_of[ready.order] = np.arange(ready.order.size)
    roots, ranks = component[ready.order], best[ready.order]
    members = np.lexsort((ranks, roots))
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(roots[members])) + 1, [members.size]]).astype(np.int64)
    keepers, common = np.arange(ready.order.size), ready.sizes.copy()
    large = np.diff(bounds) > 1
    taken = np.concatenate(
        [members[low:high] for low, high in zip(bounds[:-1][large], bounds[1:][large], strict=True)] or [members[:0]]
    )
    kernels.gather_stars(
        sets.hashes, ready.starts, ready.sizes, ready.bitmaps, taken,
        np.concatenate([[0], np.cumsum(np.diff(bounds)[large])]).astype(np.int64), _slots(ready), ready.top, ready.bottom,
        keepers, common,
    )  # fmt: skip
    row_of_rank = np.empty(len(rank), np.int64)
    row_of_rank[rank] = np.arange(len(rank))
    kept = row_of_rank[best[ready.order[keepers]]]
    jaccard = common / (ready.sizes + ready.sizes[keepers] - common)
    return _spread(ready, kept), _spread(ready, jaccard, 0.0)


def pairs(sets: Sets, ready: Ready, *, most: int = 50_000_000) -> pl.DataFrame:
    """Return every pair of rows that are alike: ``a`` (u32, the lower row), ``b`` (u32), ``jaccard`` (f64), sorted.

    Raises:
        UsageError: there are more than ``most``: a template of 20,000 rows has 200 million pairs, and its components say as much.
    """
    if not compiled():
        from .joining_in_numpy import pairs as slowly

        return slowly(sets, ready, most=most)  # pyright: ignore[reportArgumentType, reportReturnType]
    room = 1 << 16
    while True:
        table = np.empty((room, 3), np.int64)
        found, _ = _match(sets, ready, np.full(ready.order.size, 3, np.uint8), _EVERY, table)
        if found <= room:
            break
        refuse_over(found, most)
        room = found
    one, other, common = table[:found].T
    union = ready.sizes[one] + ready.sizes[other] - common
    between = pl.DataFrame({"a": ready.order[one], "b": ready.order[other], "jaccard": common / union})
    return written_out(between, ready.first, most)


def closest(
    sets: Sets, ready: Ready, held: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_], *, limit: int = 2_000
) -> tuple[Ints, npt.NDArray[np.float64]]:
    """Return the closest row of ``known`` that each row of ``held`` is alike to, and their Jaccard index; -1 and 0 for none.

    Args:
        sets: the sets.
        ready: ``prepare(sets, threshold)``.
        held: (n) rows of the one side, such as eval.
        known: (n) rows of the other, such as train.
        limit: comparisons a row at most. Where a template fills both sides, the closest of the first 2,000 stands for all: a
            row that is alike to any is found all the same.
    """
    if not compiled():
        from .joining_in_numpy import closest as slowly

        return slowly(sets, ready, held, known)  # pyright: ignore[reportArgumentType, reportReturnType]
    sides = np.zeros(len(held), np.uint8)
    lowest_known = np.full(len(held), _EVERY)
    for side, bit in ((held, 1), (known, 2)):
        rows = np.flatnonzero(side & (ready.first >= 0))
        np.bitwise_or.at(sides, ready.first[rows], np.uint8(bit))
    rows = np.flatnonzero(known & (ready.first >= 0))
    np.minimum.at(lowest_known, ready.first[rows], rows)
    numbered = sides[ready.order]
    _, best = _match(sets, ready, numbered, limit, np.empty((0, 3), np.int64))
    peer, common = best[:, 0].copy(), best[:, 1]
    own = numbered == 3  # the same set stands on both sides
    peer[own] = np.flatnonzero(own)
    found = (peer >= 0) & ((numbered & 1) == 1)
    jaccard = np.where(own, 1.0, common / np.maximum(ready.sizes + ready.sizes[peer] - common, 1))
    rows_of = np.where(found, lowest_known[ready.order[peer]], -1)
    result, score = _spread(ready, rows_of), _spread(ready, np.where(found, jaccard, 0.0), 0.0)
    return np.where(held, result, -1), np.where(held & (result >= 0), score, 0.0)


def _match(sets: Sets, ready: Ready, sides: npt.NDArray[np.uint8], limit: int, table: Ints) -> tuple[int, Ints]:
    """Run the kernel ``match``; return how many pairs there are (``table`` holds as many as it can) and the best of each."""
    from .join_kernels import match

    best = np.full((ready.order.size, 2), -1, np.int64)
    found, *_ = match(
        sets.hashes, ready.starts, ready.sizes, ready.bitmaps, sides, ready.places, ready.lists, ready.list_count,
        _slots(ready), ready.top, ready.bottom, limit, table, best,
    )  # fmt: skip
    return int(found), best


def _share(work: Callable[[int, int], None], count: int, threads: int) -> None:
    """Do ``work(low, high)`` on equal shares of ``count`` numbers, four a thread."""
    cuts = np.linspace(0, count, 4 * threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, cuts[:-1], cuts[1:]))


def _slots(ready: Ready) -> npt.NDArray[np.uint64]:
    return np.zeros(_power(2 * int(ready.sizes.max(initial=4))), np.uint64)


def _power(number: int) -> int:
    """The power of two that is at least ``number``, and 8."""
    return max(8, 1 << (max(number, 1) - 1).bit_length())


def _roots(parents: Ints) -> Ints:
    """Follow every parent to its root; parents are never above their children."""
    while True:
        above = parents[parents]
        if np.array_equal(above, parents):
            return parents
        parents = above


def _spread(ready: Ready, values: npt.NDArray, missing: float = -1) -> npt.NDArray:
    """Give each row what its distinct set has."""
    number = np.full(ready.first.size, -1)
    number[ready.order] = np.arange(ready.order.size)
    where = np.where(ready.first >= 0, number[ready.first], -1)
    return np.where(where >= 0, values[where] if values.size else missing, missing).astype(values.dtype)
