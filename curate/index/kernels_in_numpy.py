"""What ``kernels`` does, where numba can't be had: the same numbers, slower."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]


def sign(hashes: U64, starts: Ints, sizes: Ints, a: U32, b: U32, out: U32) -> None:
    """Write the MinHash signature of each set to ``out`` (n, permutations); no set is empty."""
    if not starts.size:
        return
    step = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    mixed = (hashes[np.repeat(starts, sizes) + step] >> np.uint64(32)).astype(np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
    mixed ^= mixed >> np.uint32(16)
    begins = np.cumsum(sizes) - sizes
    for k in range(a.size):
        out[:, k] = np.minimum.reduceat(mixed * a[k] + b[k], begins)


def band_keys(signatures: U32, width: int, out: U32) -> None:
    """Write the key of each band of ``width`` values to ``out`` (bands, n)."""
    for band in range(len(out)):
        key = np.full(len(signatures), band + 1, np.uint64)
        for at in range(band * width, band * width + width):
            key = (key ^ signatures[:, at].astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
        out[band] = (key >> np.uint64(32)).astype(np.uint32)


def sharing(lows: Ints, highs: Ints, members: U32, limit: int) -> tuple[Ints, Ints]:
    """Return which query shares a band with which member, of each query the ``limit`` that share most."""
    queries, found = [], []
    for query in range(lows.shape[1]):
        spans = [members[band, lows[band, query] : highs[band, query]] for band in range(len(members))]
        numbers, shared = np.unique(np.concatenate(spans), return_counts=True)
        best = numbers[np.argsort(-shared, kind="stable")[:limit]].astype(np.int64)
        queries.append(np.full(best.size, query))
        found.append(best)
    none = np.empty(0, np.int64)
    return np.concatenate([none, *queries]), np.concatenate([none, *found])


def common(
    hashes: U64, starts: Ints, sizes: Ints, queries: Ints, other: U64, other_starts: Ints, other_sizes: Ints,
    members: Ints, out: Ints,
) -> None:  # fmt: skip
    """Write to ``out`` how many hashes the two sets of each pair share."""
    for pair, (query, member) in enumerate(zip(queries, members, strict=True)):
        one = hashes[starts[query] : starts[query] + sizes[query]]
        two = other[other_starts[member] : other_starts[member] + other_sizes[member]]
        out[pair] = np.intersect1d(one, two, assume_unique=True).size
