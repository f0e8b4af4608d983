"""The compiled loop of ``fits``: the weight of the words that two texts share, pair by pair."""

from __future__ import annotations

import numpy as np
from numba import njit

_ONE = np.uint64(1)


@njit(cache=True, nogil=True)
def shared_weight(hashes, starts, sizes, other_hashes, other_starts, other_sizes, pairs, weights, slots, out):
    """Sum the weights of the words that stand in both texts of each pair.

    Args:
        hashes: u64, the words of the texts on the left, none twice in a text, none zero.
        starts: i64 (n), where each text starts.
        sizes: i64 (n).
        other_hashes: u64, the same of the texts on the right.
        other_starts: i64 (m).
        other_sizes: i64 (m).
        pairs: i64 (p, 2), a text on the left and one on the right; fastest with pairs of one left text together.
        weights: f32, a power of two, the weight of each word by the low bits of its hash.
        slots: u64 zeros, a power of two, at least twice the largest text on the left; left as zeros.
        out: f32 (p), takes the sums.
    """
    mask, cell = np.uint64(slots.size - 1), np.uint64(weights.size - 1)
    held = -1
    for pair in range(pairs.shape[0]):
        text, other = pairs[pair, 0], pairs[pair, 1]
        if text != held:
            if held >= 0:
                for index in range(starts[held], starts[held] + sizes[held]):
                    slot = (hashes[index] >> _ONE) & mask
                    while slots[slot] != 0:
                        slots[slot] = 0
                        slot = (slot + _ONE) & mask
            for index in range(starts[text], starts[text] + sizes[text]):
                slot = (hashes[index] >> _ONE) & mask
                while slots[slot] != 0:
                    slot = (slot + _ONE) & mask
                slots[slot] = hashes[index]
            held = text
        total = np.float32(0)
        for index in range(other_starts[other], other_starts[other] + other_sizes[other]):
            word = other_hashes[index]
            slot = (word >> _ONE) & mask
            while slots[slot] != 0:
                if slots[slot] == word:
                    total += weights[word & cell]
                    break
                slot = (slot + _ONE) & mask
        out[pair] = total
    if held >= 0:
        slots[:] = 0
