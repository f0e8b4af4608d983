"""The compiled loops that hold two sets against each other, and the forest of components that comes of it.

A bitmap bounds what two sets can share (Sandes, Teodoro, Melo 2017); a table of the one, asked for each shingle of the other,
says what they do share.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_ZERO, _ONE = np.uint64(0), np.uint64(1)


@njit(cache=True, nogil=True, inline="always")
def bits(value):
    """Count the bits of a u64; LLVM knows the pattern and makes one instruction of it, eight numbers at a time where it can."""
    value -= (value >> _ONE) & np.uint64(0x5555555555555555)
    value = (value & np.uint64(0x3333333333333333)) + ((value >> np.uint64(2)) & np.uint64(0x3333333333333333))
    value = (value + (value >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((value * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True, nogil=True)
def could(bitmaps, one, other, sum_of_sizes, needed):
    """Say whether two sets may share ``needed``: each bit that only one has is a shingle that the other lacks."""
    apart = 0
    for word in range(bitmaps.shape[1]):
        apart += bits(bitmaps[one, word] ^ bitmaps[other, word])
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
