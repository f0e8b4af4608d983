"""The compiled loops of ``overlap``: hashes to small numbers, and the best partner of each text by the weight that they share."""

from __future__ import annotations

import numpy as np
from numba import njit

_ONE = np.uint64(1)


@njit(cache=True, nogil=True)
def number(hashes, keys, numbers, out):
    """Give each different hash a number in the order in which they come.

    Args:
        hashes: u64, none zero.
        keys: u64 zeros, a power of two, at least twice as many as there are hashes.
        numbers: i32, as many as ``keys``.
        out: i32, takes the number of each hash.

    Returns:
        How many different hashes there are.
    """
    mask = np.uint64(keys.size - 1)
    count = 0
    for index in range(hashes.size):
        slot = (hashes[index] >> _ONE) & mask
        while keys[slot] != 0 and keys[slot] != hashes[index]:
            slot = (slot + _ONE) & mask
        if keys[slot] == 0:
            keys[slot] = hashes[index]
            numbers[slot] = count
            count += 1
        out[index] = numbers[slot]
    return count


@njit(cache=True, nogil=True)
def look_up(hashes, starts, sizes, keys, numbers, out, kept):
    """Write the numbers of those hashes of each row that have one, one row behind the other.

    Args:
        hashes: u64, the sets of all rows.
        starts: i64 (n), where each row's set starts.
        sizes: i64 (n).
        keys: u64, as ``number`` left it.
        numbers: i32, as ``number`` left it.
        out: i32, as many as ``hashes``.
        kept: i64 (n), takes how many of each row have a number.

    Returns:
        How many were written.
    """
    mask = np.uint64(keys.size - 1)
    used = 0
    for row in range(starts.size):
        begin = used
        for index in range(starts[row], starts[row] + sizes[row]):
            slot = (hashes[index] >> _ONE) & mask
            while keys[slot] != 0 and keys[slot] != hashes[index]:
                slot = (slot + _ONE) & mask
            if keys[slot] != 0:
                out[used] = numbers[slot]
                used += 1
        kept[row] = used - begin
    return used


@njit(cache=True, nogil=True)
def best_partners(asked, bounds, weights, needs, posts, posted, known, known_bounds, best, shared, back, back_share):
    """Find the partner with which each text of both sides shares most weight.

    Args:
        asked: i32, the grams of the a texts that are looked for, the heaviest of each first.
        bounds: i64 (a + 1), where the grams of each start.
        weights: f64, the weight of each gram.
        needs: f64 (a, 2), all weight of each text, and how much of it may be missing.
        posts: i64 (grams + 1), where the texts start that are looked up by each gram.
        posted: i32, these texts.
        known: i32, the grams of the k texts that are looked in.
        known_bounds: i64 (k + 1).
        best: i64 (a, 2) of -1, takes for each text looked for its partner and the heaviest gram shared, as a place in ``asked``.
        shared: f64 (a) zeros, takes the weight shared.
        back: i64 (k, 2) of -1, the same for each text looked in.
        back_share: f64 (k) zeros, takes the share of the partner's weight.
    """
    holds = np.full(weights.size, -1, np.int64)
    seen = np.full(bounds.size - 1, -1, np.int64)
    for row in range(known_bounds.size - 1):
        low, high = known_bounds[row], known_bounds[row + 1]
        for index in range(low, high):
            holds[known[index]] = row
        for index in range(low, high):
            gram = known[index]
            for at in range(posts[gram], posts[gram + 1]):
                text = posted[at]
                if seen[text] == row:
                    continue
                seen[text] = row
                total, spare = needs[text, 0], needs[text, 1]
                weight, missing = 0.0, 0.0
                first = -1
                for place in range(bounds[text], bounds[text + 1]):
                    own = weights[asked[place]]
                    if holds[asked[place]] == row:
                        weight += own
                        if first < 0:
                            first = place
                    else:
                        missing += own
                        if missing > spare:
                            break
                if missing > spare:
                    continue
                if weight > shared[text]:
                    best[text, 0], best[text, 1], shared[text] = row, first, weight
                share = weight / total
                if share > back_share[row] or (share == back_share[row] and text < back[row, 0]):
                    back[row, 0], back[row, 1], back_share[row] = text, first, share
