"""The compiled loops of the index: signatures, the keys of their bands, rows that share bands, and the proof.

Unsigned 32-bit arithmetic wraps, which is the modulo of the permutations.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def sign(hashes: U64, starts: Ints, sizes: Ints, a: U32, b: U32, out: U32) -> None:
    """Write the MinHash signature of each set to ``out`` (n, permutations), which is filled with the largest number.

    The values are those of ``datasketch.MinHash(scheme="affine32")`` over the upper half of each hash.
    """
    for row in range(starts.size):
        least = out[row]
        for at in range(starts[row], starts[row] + sizes[row]):
            mixed = np.uint32(hashes[at] >> np.uint64(32))
            mixed = np.uint32(mixed ^ (mixed >> np.uint32(16)))
            mixed = np.uint32(mixed * np.uint32(0x85EBCA6B))
            mixed = np.uint32(mixed ^ (mixed >> np.uint32(13)))
            mixed = np.uint32(mixed * np.uint32(0xC2B2AE35))
            mixed = np.uint32(mixed ^ (mixed >> np.uint32(16)))
            for k in range(a.size):
                least[k] = min(least[k], np.uint32(a[k] * mixed + b[k]))


@njit(cache=True, nogil=True)
def band_keys(signatures: U32, width: int, out: U32) -> None:
    """Write the key of each band of ``width`` values to ``out`` (bands, n)."""
    for row in range(signatures.shape[0]):
        for band in range(out.shape[0]):
            key = np.uint64(band + 1)
            for at in range(band * width, band * width + width):
                key = (key ^ np.uint64(signatures[row, at])) * np.uint64(0x9E3779B97F4A7C15)
                key ^= key >> np.uint64(29)
            out[band, row] = np.uint32(key >> np.uint64(32))


@njit(cache=True, nogil=True)
def sharing(lows: Ints, highs: Ints, members: U32, limit: int) -> tuple[Ints, Ints]:
    """Return which query shares a band with which member, of each query the ``limit`` that share most.

    Args:
        lows: (bands, queries) where the span of ``members`` begins that has the query's key,
        highs: and where it ends.
        members: (bands, n) numbers of members, 0 to n - 1, in the order of their keys.
        limit: members a query; among those that share equally many, lower numbers first.
    """
    bands, count = members.shape
    shared = np.zeros(count, np.uint16)
    touched = np.empty(count, np.int64)
    queries, found = np.empty(1024, np.int64), np.empty(1024, np.int64)
    used = 0
    for query in range(lows.shape[1]):
        many = 0
        for band in range(bands):
            for at in range(lows[band, query], highs[band, query]):
                member = np.int64(members[band, at])
                if shared[member] == 0:
                    touched[many] = member
                    many += 1
                shared[member] += np.uint16(1)
        over, ties = 0, many  # members that share more than `over` bands are taken, and so many that share just `over`
        if many > limit:
            tally = np.zeros(bands + 1, np.int64)
            for at in range(many):
                tally[shared[touched[at]]] += 1
            over, ties = bands, limit
            while tally[over] <= ties:
                ties -= tally[over]
                over -= 1
            touched[:many].sort()
        if used + many > queries.size:
            larger = np.empty(2 * (used + many), np.int64)
            larger[:used] = queries[:used]
            queries = larger
            larger = np.empty(queries.size, np.int64)
            larger[:used] = found[:used]
            found = larger
        for at in range(many):
            member = touched[at]
            if np.int64(shared[member]) == over and ties > 0:
                ties -= 1
            elif np.int64(shared[member]) <= over:
                shared[member] = 0
                continue
            shared[member] = 0
            queries[used], found[used] = query, member
            used += 1
    return queries[:used].copy(), found[:used].copy()


@njit(cache=True, nogil=True)
def common(
    hashes: U64, starts: Ints, sizes: Ints, queries: Ints, other: U64, other_starts: Ints, other_sizes: Ints,
    members: Ints, out: Ints,
) -> None:  # fmt: skip
    """Write to ``out`` how many hashes the two sets of each pair share; pairs of one query stand together. No hash is 0."""
    slots = np.zeros(64, np.uint64)
    mask, held = np.uint64(63), np.int64(-1)
    for pair in range(queries.size):
        query = queries[pair]
        if query != held:
            held, size = query, 64
            while size < 2 * sizes[query]:
                size *= 2
            slots = np.zeros(size, np.uint64) if size > slots.size else slots
            slots[:size] = np.uint64(0)
            mask = np.uint64(size - 1)
            for at in range(starts[query], starts[query] + sizes[query]):
                slot = (hashes[at] >> np.uint64(1)) & mask
                while slots[slot] != 0:
                    slot = (slot + np.uint64(1)) & mask
                slots[slot] = hashes[at]
        total, member = 0, members[pair]
        for at in range(other_starts[member], other_starts[member] + other_sizes[member]):
            slot = (other[at] >> np.uint64(1)) & mask
            while slots[slot] != 0:
                if slots[slot] == other[at]:
                    total += 1
                    break
                slot = (slot + np.uint64(1)) & mask
        out[pair] = total
