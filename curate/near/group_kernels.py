"""The compiled loops that turn the sets of a crowd into groups of shingles that always stand together, and these into bits."""

from __future__ import annotations

import numpy as np
from numba import njit

_ONE = np.uint64(1)


@njit(cache=True, nogil=True)
def copy_sets(hashes, starts, sizes, rows, keys):
    """Write the hashes of some sets one behind the other to ``keys``."""
    at = 0
    for row in rows:
        keys[at : at + sizes[row]] = hashes[starts[row] : starts[row] + sizes[row]]
        at += sizes[row]


@njit(cache=True, nogil=True)
def sum_rows(tokens, bounds, draws, counts, signs):
    """Count the rows of each token, and sum what was drawn for them: tokens of the same rows have the same sum.

    Args:
        tokens: i64, the tokens of all rows, one row behind the other; -1 for none.
        bounds: i64 (m + 1), where each row starts.
        draws: u64 (m), random numbers.
        counts, signs: i64 and u64 (tokens), zeros; take the results.
    """
    for row in range(draws.size):
        for index in range(bounds[row], bounds[row + 1]):
            token = tokens[index]
            if token >= 0:
                counts[token] += 1
                signs[token] += draws[row]


@njit(cache=True, nogil=True)
def list_groups(tokens, bounds, group_of, starts, groups):
    """Write the groups of each row to ``groups`` (i32), and where each row's start to ``starts`` (i64, m + 1).

    ``group_of`` (i32) has the group of the one token that stands for it, -1 for all other tokens.
    """
    used = 0
    for row in range(bounds.size - 1):
        starts[row] = used
        for index in range(bounds[row], bounds[row + 1]):
            token = tokens[index]
            if token >= 0 and group_of[token] >= 0:
                groups[used] = group_of[token]
                used += 1
    starts[bounds.size - 1] = used


@njit(cache=True, nogil=True)
def set_bits(starts, groups, word_of, bit_of, words):
    """Write the bits of each row's groups to ``words`` (u64 zeros, words by rows)."""
    for row in range(starts.size - 1):
        for index in range(starts[row], starts[row + 1]):
            group = groups[index]
            words[word_of[group], row] |= _ONE << np.uint64(bit_of[group])
