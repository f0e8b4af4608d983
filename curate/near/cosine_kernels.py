"""Loops over hits: pairs of vectors over a cosine, sorted by row, that come a block at a time."""

from __future__ import annotations

import numba
import numpy as np

from .compiled import compiled

compiled()  # finds a place for what is compiled before the first loop is read; vectors alone ask nothing else that does

_TIE = np.float32(
    1e-6
)  # products of two block sizes differ by less; under it the first of two keepers is the closer one


@numba.njit(cache=True, nogil=True)
def gather_stars(rows, others, scores, keeper):
    """Let each row of a block join its closest keeper.

    Args:
        rows: (h) i64, sorted.
        others: (h) i64, each before its row.
        scores: (h) f32.
        keeper: (n) i64, each row its own to begin with; written.
    """
    at = 0
    while at < rows.size:
        row = rows[at]
        best, closest = np.float32(-1), row
        while at < rows.size and rows[at] == row:
            other = others[at]
            if keeper[other] == other and scores[at] > best + _TIE:
                best, closest = scores[at], other
            at += 1
        keeper[row] = closest


@numba.njit(cache=True, nogil=True)
def gather_curve(rows, others, passed, kept, counts, nearest, scores):
    """Make the stars of up to 63 thresholds at once: bit k of ``kept[row]`` says that the row is kept at threshold k.

    Args:
        rows: (h) i64, sorted.
        others: (h) i64, each before its row.
        passed: (h) i64, how many thresholds (in rising order) the pair passes.
        kept: (n) u64, all bits set to begin with; written.
        counts: (thresholds + 1) i64, pairs by how many thresholds they pass; written.
        nearest: (n) f32, the best score of each row; written.
        scores: (h) f32.
    """
    for at in range(rows.size):
        row, other = rows[at], others[at]
        counts[passed[at]] += 1
        lost = kept[other] & ((np.uint64(1) << np.uint64(passed[at])) - np.uint64(1))
        kept[row] &= ~lost
        nearest[row] = max(nearest[row], scores[at])
        nearest[other] = max(nearest[other], scores[at])


@numba.njit(cache=True, nogil=True)
def pick_agreeing(rows, others, scores, starts, values, best, peer):
    """Find the best hit of each row of which the numbers agree with the row's (``numbers.agree``); of equals the lowest.

    Args:
        rows: (h) i64.
        others: (h) i64.
        scores: (h) f32.
        starts: (n + 1) i64, where each row's numbers begin in ``values``.
        values: i64, sorted and distinct within a row.
        best: (n) f32; written.
        peer: (n) i64; written.
    """
    for at in range(rows.size):
        row, other, score = rows[at], others[at], scores[at]
        if score < best[row] or (score == best[row] and other >= peer[row]):
            continue
        i, j, shared = starts[row], starts[other], 0
        i_end, j_end = starts[row + 1], starts[other + 1]
        total = i_end - i + j_end - j
        if i_end - i >= 2 and j_end - j >= 2:
            while i < i_end and j < j_end:
                if values[i] == values[j]:
                    shared += 1
                    i += 1
                    j += 1
                elif values[i] < values[j]:
                    i += 1
                else:
                    j += 1
            if 2 * shared < total - shared:
                continue
        best[row], peer[row] = score, other
