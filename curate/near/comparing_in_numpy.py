"""Pairs of sets held against each other over whole arrays: bounds first, then the shingles that both have are counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .shingles import Sets

if TYPE_CHECKING:
    from .joining_in_numpy import Ready

Ints = npt.NDArray[np.int64]
CHUNK = 1 << 21  # pairs, or shingles, that are held at a time
WORDS = 4  # u64 of a bitmap


def alike(sets: Sets, ready: Ready, a: Ints, b: Ints, most: Ints) -> tuple[Ints, Ints, Ints]:
    """Return those pairs that are alike, each once, with the shingles they share; ``a`` is never the larger set."""
    size_a, size_b = ready.sizes[a], ready.sizes[b]
    needed = -(-(size_a + size_b) * ready.top // (ready.top + ready.bottom))
    kept = (most >= needed) & (size_a * ready.bottom >= size_b * ready.top)
    a, b, needed = a[kept], b[kept], needed[kept]
    codes = np.unique(a * ready.order.size + b, return_index=True)[1]
    a, b, needed = a[codes], b[codes], needed[codes]
    apart = np.zeros(a.size, np.int64)
    for word in range(WORDS):
        apart += _bits(ready.bitmaps[a, word] ^ ready.bitmaps[b, word])
    could = (ready.sizes[a] + ready.sizes[b] - apart) // 2 >= needed
    a, b, needed = a[could], b[could], needed[could]
    common = np.empty(a.size, np.int64)
    for low, high in cuts(np.cumsum(ready.sizes[a] + ready.sizes[b])):
        common[low:high] = _common(sets, ready, a[low:high], b[low:high])
    enough = common >= needed
    return a[enough], b[enough], common[enough]


def _common(sets: Sets, ready: Ready, a: Ints, b: Ints) -> Ints:
    """Count the shingles that pairs share: those of ``a`` are looked for in the sorted ones of ``b``."""
    held, local = np.unique(b, return_inverse=True)
    at, row = flat(ready.starts[held], ready.sizes[held])
    hashes = sets.hashes[at]
    hashes = hashes[np.lexsort((hashes, row))]
    begins = np.cumsum(ready.sizes[held]) - ready.sizes[held]
    at, pair = flat(ready.starts[a], ready.sizes[a])
    wanted = sets.hashes[at]
    place, end = begins[local][pair], (begins + ready.sizes[held])[local][pair]
    step = 1 << int(ready.sizes[b].max(initial=1)).bit_length()
    while step:
        further = np.minimum(place + step, end)
        place = np.where(hashes[further - 1] < wanted, further, place)
        step //= 2
    inside = place < end
    hit = inside & (hashes[np.where(inside, place, 0)] == wanted)
    return np.bincount(pair[hit], minlength=a.size).astype(np.int64)


def cuts(ends: Ints) -> Iterator[tuple[int, int]]:
    """Cut a list into spans that hold about ``CHUNK``, or a single one that holds more; ``ends`` are running totals."""
    low = 0
    while low < ends.size:
        before = int(ends[low - 1]) if low else 0
        high = max(int(np.searchsorted(ends, before + CHUNK, side="right")), low + 1)
        yield low, high
        low = high


def flat(starts: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """Return the places of all members of runs one behind the other, and the number of the run of each."""
    run = np.repeat(np.arange(starts.size), sizes)
    return np.arange(run.size) - np.repeat(np.cumsum(sizes) - sizes - starts, sizes), run


def _bits(value: npt.NDArray[np.uint64]) -> Ints:
    """Count bits; numpy does it by itself from 2.0 on."""
    one, two, four = np.uint64(1), np.uint64(2), np.uint64(4)
    value = value - ((value >> one) & np.uint64(0x5555555555555555))
    value = (value & np.uint64(0x3333333333333333)) + ((value >> two) & np.uint64(0x3333333333333333))
    value = (value + (value >> four)) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return ((value * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.int64)
