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
from .forest import power, roots_of
from .listing import refuse_over, spread, whole_numbers, written_out
from .shingles import Sets

Ints = npt.NDArray[np.int64]
PATIENCE = (
    256  # steps a row, about a microsecond, that are spent on looking row by row before a crowd is made: as much again
)
_EVERY = np.iinfo(np.int64).max
_NO_PAIRS = np.empty((0, 3), np.int64)
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
    from . import prefix_kernels as kernels
    from .repeats import numbered

    top, bottom = whole_numbers(threshold)
    first = kernels.first_of_equal(sets.sizes, sets.sums, np.full(power(2 * len(sets.sizes)), -1, np.int64))
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
    lists, list_count = numbered(keys, threads)
    return Ready(order, first, starts, sizes, bitmaps, places, lists, list_count, top, bottom)


def components(sets: Sets, ready: Ready) -> Ints:
    """Return for each row the lowest row that it hangs together with through alike rows; -1 where nothing is seen."""
    if not compiled():
        from .joining_in_numpy import components as slowly

        return slowly(sets, ready)  # pyright: ignore[reportArgumentType, reportReturnType]
    from .crowd_kernels import link_crowd
    from .crowds import crowds_of
    from .join_kernels import link

    parents = np.empty(ready.order.size, np.int64)
    crowds = np.full(ready.order.size, -1, np.int64)
    link(
        sets.hashes, ready.starts, ready.sizes, ready.bitmaps, ready.places, ready.lists, ready.list_count,
        _slots(ready), ready.top, ready.bottom, PATIENCE, parents, crowds,
    )  # fmt: skip
    for some, crowd in crowds_of(sets, ready, crowds):
        link_crowd(some, *crowd, ready.top, ready.bottom, parents)
    roots = roots_of(parents)
    lowest = np.full(roots.size, _EVERY)
    np.minimum.at(lowest, roots, ready.order)
    return spread(ready.first, ready.order, lowest[roots])


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
    from .crowd_kernels import star_crowd
    from .crowds import crowd_of
    from .star_kernels import gather_stars

    best = np.full(len(rank), _EVERY)  # the best rank among equal sets, by the first of them
    seen = ready.first >= 0
    np.minimum.at(best, ready.first[seen], rank[seen])
    roots, ranks = component[ready.order], best[ready.order]
    members = np.lexsort((ranks, roots))
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(roots[members])) + 1, [members.size]]).astype(np.int64)
    keepers, common = np.arange(ready.order.size), ready.sizes.copy()
    lengths = np.diff(bounds)
    taken, lengths = members[np.repeat(lengths > 1, lengths)], lengths[lengths > 1]
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    left = np.zeros(lengths.size, np.bool_)
    gather_stars(
        sets.hashes, ready.starts, ready.sizes, ready.bitmaps, taken, bounds, _slots(ready), ready.top, ready.bottom,
        PATIENCE, keepers, common, left,
    )  # fmt: skip
    for which in np.flatnonzero(left):
        some = taken[bounds[which] : bounds[which + 1]]
        kept, shared = np.empty(some.size, np.int64), np.empty(some.size, np.int64)
        star_crowd(*crowd_of(sets, ready, some), ready.top, ready.bottom, kept, shared)
        keepers[some], common[some] = some[kept], shared
    row_of_rank = np.empty(len(rank), np.int64)
    row_of_rank[rank] = np.arange(len(rank))
    kept = row_of_rank[best[ready.order[keepers]]]
    jaccard = common / (ready.sizes + ready.sizes[keepers] - common)
    return spread(ready.first, ready.order, kept), spread(ready.first, ready.order, jaccard, 0.0)


def pairs(sets: Sets, ready: Ready, *, most: int = 50_000_000) -> pl.DataFrame:
    """Return every pair of rows that are alike: ``a`` (u32, the lower row), ``b`` (u32), ``jaccard`` (f64), sorted.

    Raises:
        UsageError: there are more than ``most``: a template of 20,000 rows has 200 million pairs, and its components say as much.
    """
    if not compiled():
        from .joining_in_numpy import pairs as slowly

        return slowly(sets, ready, most=most)  # pyright: ignore[reportArgumentType, reportReturnType]
    from .crowd_kernels import list_crowd
    from .crowds import crowds_of

    every, none = np.full(ready.order.size, 3, np.uint8), np.zeros(ready.order.size, np.int64)
    room = 1 << 16
    while True:
        table = np.empty((room, 3), np.int64)
        found, _, crowds = _match(sets, ready, every, none, table)
        if found <= room:
            break
        refuse_over(found, most)
        room = found
    # Pairs of one crowd are listed with it; those met before it was seen to be one would stand twice.
    roots = roots_of(np.where(crowds >= 0, crowds, np.arange(crowds.size)))
    tables = [table[:found][roots[table[:found, 0]] != roots[table[:found, 1]]]]
    for some, crowd in crowds_of(sets, ready, crowds):
        found = list_crowd(*crowd, ready.top, ready.bottom, _NO_PAIRS)
        refuse_over(found + sum(map(len, tables)), most)
        table = np.empty((found, 3), np.int64)
        list_crowd(*crowd, ready.top, ready.bottom, table)
        tables.append(np.column_stack([some[table[:, 0]], some[table[:, 1]], table[:, 2]]))
    table = np.concatenate(tables)
    one, other, common = table.T
    union = ready.sizes[one] + ready.sizes[other] - common
    between = pl.DataFrame({"a": ready.order[one], "b": ready.order[other], "jaccard": common / union})
    return written_out(between, ready.first, most)


def closest(
    sets: Sets, ready: Ready, held: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_]
) -> tuple[Ints, npt.NDArray[np.float64]]:
    """Return the closest row of ``known`` that each row of ``held`` is alike to, and their Jaccard index; -1 and 0 for none.

    Of equally close rows the lowest is taken.

    Args:
        sets: the sets.
        ready: ``prepare(sets, threshold)``.
        held: (n) rows of the one side, such as eval.
        known: (n) rows of the other, such as train.
    """
    if not compiled():
        from .joining_in_numpy import closest as slowly

        return slowly(sets, ready, held, known)  # pyright: ignore[reportArgumentType, reportReturnType]
    from .crowds import crowds_of, find_closest

    sides = np.zeros(len(held), np.uint8)
    lowest_known = np.full(len(held), _EVERY)
    for side, bit in ((held, 1), (known, 2)):
        rows = np.flatnonzero(side & (ready.first >= 0))
        np.bitwise_or.at(sides, ready.first[rows], np.uint8(bit))
    rows = np.flatnonzero(known & (ready.first >= 0))
    np.minimum.at(lowest_known, ready.first[rows], rows)
    numbered, worth = sides[ready.order], lowest_known[ready.order]
    _, best, crowds = _match(sets, ready, numbered, worth, _NO_PAIRS)
    for some, crowd in crowds_of(sets, ready, crowds):
        find_closest(crowd, ready, some, numbered[some], worth, best)
    peer, common = best[:, 0].copy(), best[:, 1]
    own = numbered == 3  # the same set stands on both sides
    peer[own] = np.flatnonzero(own)
    found = (peer >= 0) & ((numbered & 1) == 1)
    jaccard = np.where(own, 1.0, common / np.maximum(ready.sizes + ready.sizes[peer] - common, 1))
    rows_of = np.where(found, worth[peer], -1)
    result, score = (
        spread(ready.first, ready.order, rows_of),
        spread(ready.first, ready.order, np.where(found, jaccard, 0.0), 0.0),
    )
    return np.where(held, result, -1), np.where(held & (result >= 0), score, 0.0)


def _match(sets: Sets, ready: Ready, sides: npt.NDArray[np.uint8], worth: Ints, table: Ints) -> tuple[int, Ints, Ints]:
    """Run the kernel ``match``; return how many pairs there are (``table`` holds as many as it can), the best of each, crowds."""
    from .join_kernels import match

    best, crowds = np.full((ready.order.size, 2), -1, np.int64), np.full(ready.order.size, -1, np.int64)
    found = match(
        sets.hashes, ready.starts, ready.sizes, ready.bitmaps, sides, ready.places, ready.lists, ready.list_count,
        _slots(ready), ready.top, ready.bottom, PATIENCE, crowds, worth, table, best,
    )  # fmt: skip
    return int(found), best, crowds


def _share(work: Callable[[int, int], None], count: int, threads: int) -> None:
    """Do ``work(low, high)`` on equal shares of ``count`` numbers, four a thread."""
    cuts = np.linspace(0, count, 4 * threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, cuts[:-1], cuts[1:]))


def _slots(ready: Ready) -> npt.NDArray[np.uint64]:
    return np.zeros(power(2 * int(ready.sizes.max(initial=4))), np.uint64)
