"""The exact join where numba can't be had: the pairs, components, stars and closest rows of ``joining``, over whole arrays.

The method is that of ``join_kernels`` (prefix, size, positional and bitmap filters, then counting), but what may be alike is
listed in chunks of ``CHUNK`` and counted a chunk at a time, so that memory is bounded whatever the texts are. Some 20 to
50 times slower, and there are no crowds: thousands of filled-in forms take minutes. Of equally close rows the first is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from .comparing_in_numpy import CHUNK, WORDS, alike, cuts, flat
from .listing import refuse_over, spread, whole_numbers, written_out
from .shingles import Sets

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_EVERY = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Ready:
    """Distinct sets, numbered by rising size, and where each of their rare shingles stands."""

    order: Ints
    """(m) the row of each number."""
    first: Ints
    """(n) the first row with an equal set; -1 for rows in which nothing is seen."""
    starts: Ints
    sizes: Ints
    bitmaps: npt.NDArray[np.uint64]
    numbers: Ints
    """(e) whose shingle it is; entries of one shingle stand together, numbers rising."""
    depths: Ints
    """(e) how many rarer ones that set has."""
    ends: Ints
    """(e) the end of the shingle's entries, which names the shingle too."""
    until: Ints
    """(e) the end of the entries that this one is held against: of larger sets, not too large."""
    top: int
    bottom: int


def prepare(sets: Sets, threshold: float, *, threads: int | None = None) -> Ready:
    """Collapse equal sets and find the rare shingles that more than one of them holds.

    Args:
        sets: the sets, of ``shingles_in_numpy`` or of ``shingles``.
        threshold: over 0, at most 1; read as a decimal fraction.
        threads: not used; taken so that callers need not know which path runs.

    Raises:
        UsageError: a threshold out of bounds.
    """
    del threads
    top, bottom = whole_numbers(threshold)
    first = _first_of_equal(sets)
    distinct = np.flatnonzero(first == np.arange(len(first)))
    order = distinct[np.argsort(sets.sizes[distinct], kind="stable")]
    starts, sizes = sets.starts[order], sets.sizes[order]
    keys, numbers, depths, bitmaps = _prefixes(sets, starts, sizes, sizes - -(-sizes * top // bottom) + 1)
    by_key = np.argsort(keys, kind="stable")
    keys, numbers, depths = keys[by_key], numbers[by_key], depths[by_key]
    here = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if keys.size else np.empty(0, np.int64)
    lengths = np.diff(np.concatenate([here, [keys.size]]))
    shared = np.repeat(lengths > 1, lengths)
    numbers, depths = numbers[shared], depths[shared]
    lengths = lengths[lengths > 1]
    ends = np.repeat(np.cumsum(lengths), lengths)
    until = _until(numbers, depths, ends, sizes, top, bottom)
    return Ready(
        order, first, starts, sizes, bitmaps, numbers, depths, ends, until, top, bottom
    )  # fmt: skip


def components(sets: Sets, ready: Ready) -> Ints:
    """Return for each row the lowest row that it hangs together with through alike rows; -1 where nothing is seen."""
    parents = np.arange(ready.order.size)
    reach = 1
    while True:
        # Neighbours in a list first, then twice as far each time: of a template all but the first round is settled.
        at = np.arange(ready.numbers.size)
        root = parents[ready.numbers]
        change = np.flatnonzero(np.concatenate([root[1:] != root[:-1], [True]])) if root.size else at
        same_until = change[np.searchsorted(change, at)] + 1
        open_ = (ready.until > at + reach) & (same_until < ready.until)
        if not open_.any():
            break
        heads = np.flatnonzero(open_)
        spans = heads + reach, np.minimum(heads + 2 * reach, ready.until[heads])
        for one, other in _listed(heads, *spans):
            a, b, most = ready.numbers[one], ready.numbers[other], _most(ready, one, other)
            apart = parents[a] != parents[b]
            a, b, _ = alike(sets, ready, a[apart], b[apart], most[apart])
            parents = _united(parents, a, b)
        reach *= 2
    lowest = np.full(parents.size, _EVERY)
    np.minimum.at(lowest, parents, ready.order)
    return spread(ready.first, ready.order, lowest[parents])


def stars(sets: Sets, ready: Ready, component: Ints, rank: Ints) -> tuple[Ints, Floats]:
    """Return the keeper of each row, which it is alike to, and their Jaccard index; -1 and 0 where nothing is seen.

    Args:
        sets: the sets.
        ready: ``prepare(sets, threshold)``.
        component: ``components(sets, ready)``.
        rank: (n) the order in which rows are kept, 0 for the best; no two alike.
    """
    best = np.full(len(rank), _EVERY)
    seen = ready.first >= 0
    np.minimum.at(best, ready.first[seen], rank[seen])
    roots, ranks = component[ready.order], best[ready.order]
    members = np.lexsort((ranks, roots))  # by component, the best first
    roots = roots[members]
    begins = np.flatnonzero(np.concatenate([[True], roots[1:] != roots[:-1]])) if roots.size else roots
    ends = np.concatenate([begins[1:], [roots.size]]).astype(np.int64)
    keepers, common = np.full(members.size, -1), ready.sizes.copy()
    score = np.zeros(members.size)
    # A round takes the best row of each component that has no keeper yet, and holds all rows behind it against it.
    while begins.size:
        taken = members[begins]
        keepers[taken], score[taken] = taken, 2.0
        for head, behind in _listed(np.arange(begins.size), begins + 1, ends):
            row, keeper = members[behind], taken[head]
            free = keepers[row] != row
            row, keeper = row[free], keeper[free]
            low, high = np.minimum(row, keeper), np.maximum(row, keeper)
            found_low, found_high, shared = alike(sets, ready, low, high, ready.sizes[low])
            # ``alike`` returns pairs in its own order: the keeper is the one of the two that is one.
            kept_low = keepers[found_low] == found_low
            row = np.where(kept_low, found_high, found_low)
            keeper = np.where(kept_low, found_low, found_high)
            jaccard = shared / (ready.sizes[row] + ready.sizes[keeper] - shared)
            closer = jaccard > score[row]
            row = row[closer]
            keepers[row], common[row], score[row] = keeper[closer], shared[closer], jaccard[closer]
        begins, ends = _next_free(begins, ends, keepers[members] < 0)
    row_of_rank = np.empty(len(rank), np.int64)
    row_of_rank[rank] = np.arange(len(rank))
    kept = row_of_rank[best[ready.order[keepers]]]
    jaccard = common / (ready.sizes + ready.sizes[keepers] - common)
    return spread(ready.first, ready.order, kept), spread(ready.first, ready.order, jaccard, 0.0)


def pairs(sets: Sets, ready: Ready, *, most: int = 50_000_000) -> pl.DataFrame:
    """Return every pair of rows that are alike: ``a`` (u32, the lower row), ``b`` (u32), ``jaccard`` (f64), sorted.

    Raises:
        UsageError: there are more than ``most``.
    """
    parts, found = [np.empty((3, 0), np.int64)], 0
    for one, other in _every(ready):
        part = np.stack(alike(sets, ready, ready.numbers[one], ready.numbers[other], _most(ready, one, other)))
        parts.append(part)
        found += part.shape[1]
        refuse_over(found, most)
    a, b, common = np.concatenate(parts, axis=1)
    between = pl.DataFrame(
        {"a": ready.order[a], "b": ready.order[b], "jaccard": common / (ready.sizes[a] + ready.sizes[b] - common)}
    )
    return written_out(between, ready.first, most)


def closest(
    sets: Sets, ready: Ready, held: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_], *, limit: int = 20
) -> tuple[Ints, Floats]:
    """Return the closest row of ``known`` that each row of ``held`` is alike to, and their Jaccard index; -1 and 0 for none.

    Args:
        sets: the sets.
        ready: ``prepare(sets, threshold)``.
        held: (n) rows of the one side, such as eval.
        known: (n) rows of the other, such as train.
        limit: alike rows that the closest is sought among, those of like size; where a template fills both sides there
            are thousands, at 10 microseconds each. A row that is alike to any is found in any case.
    """
    sides = np.zeros(len(held), np.uint8)
    lowest_known = np.full(len(held), _EVERY)
    for side, bit in ((held, 1), (known, 2)):
        rows = np.flatnonzero(side & (ready.first >= 0))
        np.bitwise_or.at(sides, ready.first[rows], np.uint8(bit))
    rows = np.flatnonzero(known & (ready.first >= 0))
    np.minimum.at(lowest_known, ready.first[rows], rows)
    numbered = sides[ready.order]
    own = numbered == 3  # the same set stands on both sides
    peer, score = np.where(own, np.arange(own.size), -1), np.where(own, 1.0, 0.0)
    first = lowest_known[ready.order]
    met = np.zeros(own.size, np.int64)
    for one, other in _across(ready, numbered, met, limit):
        row, near = ready.numbers[one], ready.numbers[other]
        low, high, common = alike(sets, ready, np.minimum(row, near), np.maximum(row, near), _most(ready, one, other))
        jaccard = common / (ready.sizes[low] + ready.sizes[high] - common)
        swapped = numbered[low] != 1
        row, near = np.where(swapped, high, low), np.where(swapped, low, high)
        np.add.at(met, row, 1)
        _keep_best(peer, score, row, near, jaccard, first)
    rows_of = np.where(peer >= 0, first[peer], -1) if peer.size else peer
    result, scores = spread(ready.first, ready.order, rows_of), spread(ready.first, ready.order, score, 0.0)
    return np.where(held, result, -1), np.where(held & (result >= 0), scores, 0.0)


def _across(ready: Ready, numbered: npt.NDArray[np.uint8], met: Ints, limit: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield entries of rows on side 1 only with entries on side 2, those of like size first; skip rows that met ``limit``."""
    width = ready.order.size + 1
    code = ready.ends * width + ready.numbers
    one = np.flatnonzero(numbered[ready.numbers] == 1)
    other = np.flatnonzero((numbered[ready.numbers] & 2) == 2)
    size = ready.sizes[ready.numbers[one]]
    smallest = np.searchsorted(ready.sizes, -(-size * ready.top // ready.bottom))
    beyond = np.searchsorted(ready.sizes, size * ready.bottom // ready.top, side="right")
    there, listed = code[other], ready.ends[one] * width
    at = np.searchsorted(there, code[one])
    low, high = np.searchsorted(there, listed + smallest), np.searchsorted(there, listed + beyond)
    reach = 1
    while True:
        more = ((at + reach <= high) | (at - reach >= low)) & (met[ready.numbers[one]] < limit)
        if not more.any():
            return
        one, at, low, high = one[more], at[more], low[more], high[more]
        above = _listed(one, at + reach - 1, np.minimum(at + 2 * reach - 1, high))
        below = _listed(one, np.maximum(at - 2 * reach + 1, low), at - reach + 1)
        for chunk in (above, below):
            for head, place in chunk:
                yield head, other[place]
        reach *= 2


def _first_of_equal(sets: Sets) -> Ints:
    frame = pl.DataFrame(
        {"one": sets.sums[:, 0], "two": sets.sums[:, 1], "size": sets.sizes, "row": np.arange(sets.sizes.size)}
    )
    first = frame.select(pl.col("row").min().over("one", "two", "size")).to_series().to_numpy()
    return np.where(sets.sizes > 0, first, -1)


def _prefixes(
    sets: Sets, starts: Ints, sizes: Ints, lengths: Ints
) -> tuple[npt.NDArray[np.uint64], Ints, Ints, npt.NDArray[np.uint64]]:
    """Return the ``lengths`` rarest shingles of each set as keys, whose they are, their places, and all bitmaps."""
    bitmaps = np.zeros((starts.size, WORDS), np.uint64)
    keys, numbers, depths = [np.empty(0, np.uint64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    ends = np.cumsum(sizes)
    for low, high in cuts(ends):
        at, row = flat(starts[low:high], sizes[low:high])
        hashes = sets.hashes[at]
        bit = (hashes >> np.uint64(56)).astype(np.int64)
        np.bitwise_or.at(bitmaps, (row + low, bit >> 6), np.uint64(1) << (bit & 63).astype(np.uint64))
        counts = sets.counts[(hashes & np.uint64(sets.counts.size - 1)).astype(np.int64)]
        rank = np.frexp(counts.astype(np.float64))[1].astype(np.uint64)  # the number of bits
        key = (rank << np.uint64(60)) | (hashes >> np.uint64(4))
        order = np.lexsort((key, row))
        depth = np.arange(row.size) - np.repeat(np.cumsum(sizes[low:high]) - sizes[low:high], sizes[low:high])
        kept = depth < lengths[low:high][row]
        keys.append(key[order][kept])
        numbers.append(row[kept] + low)
        depths.append(depth[kept])
    return np.concatenate(keys), np.concatenate(numbers), np.concatenate(depths), bitmaps


def _until(numbers: Ints, depths: Ints, ends: Ints, sizes: Ints, top: int, bottom: int) -> Ints:
    """Return the end of what each entry is held against; the entry itself where it is too deep for the smaller of a pair."""
    size = sizes[numbers]
    indexed = depths < size - -(-size * 2 * top // (top + bottom)) + 1
    # Of one shingle's entries sizes rise: one search over (shingle, size) finds the first that is too large.
    step = int(sizes.max(initial=0)) + 1
    largest = np.minimum(size * bottom // top, step - 1)
    last = np.searchsorted(ends * step + size, ends * step + largest, side="right")
    return np.where(indexed, last, np.arange(numbers.size))


def _every(ready: Ready) -> Iterator[tuple[Ints, Ints]]:
    """Yield all pairs of entries to hold against each other; those of one smaller set stand in one chunk where they can."""
    heads = np.flatnonzero(ready.until > np.arange(ready.numbers.size) + 1)
    heads = heads[np.argsort(ready.numbers[heads], kind="stable")]
    last: npt.NDArray[np.int64] = np.empty(0, np.int64)  # pairs of the set that the chunk before ended in
    width = ready.order.size
    for one, other in _listed(heads, heads + 1, ready.until[heads]):
        codes = ready.numbers[one] * width + ready.numbers[other]
        _, index = np.unique(codes, return_index=True)
        index.sort()
        index = index[~np.isin(codes[index], last)] if last.size else index
        ending = ready.numbers[one] == ready.numbers[one[-1]]
        goes_on = last[last // width == ready.numbers[one[-1]]] if last.size else last
        last = np.unique(np.concatenate([goes_on, codes[ending]]))
        yield one[index], other[index]


def _listed(heads: Ints, low: Ints, high: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield each head with all numbers from its ``low`` to its ``high``, about ``CHUNK`` at a time."""
    lengths = np.maximum(high - low, 0)
    filled = lengths > 0
    heads, low, lengths = heads[filled], low[filled], lengths[filled]
    ends = np.cumsum(lengths)
    for begin in range(0, int(ends[-1]) if ends.size else 0, CHUNK):
        place = np.arange(begin, min(begin + CHUNK, int(ends[-1])))
        at = np.searchsorted(ends, place, side="right")
        yield heads[at], low[at] + place - (ends - lengths)[at]


def _most(ready: Ready, one: Ints, other: Ints) -> Ints:
    """The most that two sets share whose rarest common shingle stands in these entries."""
    left, right = (ready.sizes[ready.numbers[entry]] - ready.depths[entry] for entry in (one, other))
    return np.minimum(left, right)


def _keep_best(peer: Ints, score: Floats, row: Ints, near: Ints, jaccard: Floats, first: Ints) -> None:
    """Give each row the closest of ``near``, the first of equally close ones, where it beats the one held."""
    order = np.lexsort((first[near], -jaccard, row))
    row, near, jaccard = row[order], near[order], jaccard[order]
    head = np.concatenate([[True], row[1:] != row[:-1]]) if row.size else np.empty(0, np.bool_)
    row, near, jaccard = row[head], near[head], jaccard[head]
    earlier = (jaccard == score[row]) & (peer[row] >= 0) & (first[near] < first[peer[row]])
    better = (jaccard > score[row]) | (earlier & (peer[row] != row))
    peer[row[better]], score[row[better]] = near[better], jaccard[better]


def _united(parents: Ints, a: Ints, b: Ints) -> Ints:
    """Join the components of ``a`` and ``b``; ``parents`` points at roots before and after."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not a.size:
        return parents
    edges = coo_array((np.ones(a.size, np.int8), (parents[a], parents[b])), shape=(parents.size, parents.size))
    _, label = connected_components(edges, directed=False)
    lowest = np.full(parents.size, _EVERY)
    np.minimum.at(lowest, label, np.arange(parents.size))
    return lowest[label][parents]


def _next_free(begins: Ints, ends: Ints, free: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Move each begin to the next free place before its end; components without one are left out."""
    places = np.flatnonzero(free)
    at = np.searchsorted(places, begins)
    there = at < places.size
    moved = np.where(there, places[np.minimum(at, max(places.size - 1, 0))] if places.size else ends, ends)
    left = moved < ends
    return moved[left], ends[left]
