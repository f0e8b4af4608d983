"""The compiled loop of the sketch: words of a text to signs, weighed and summed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from ..near.compiled import compiled

compiled()  # finds a place for what is compiled before the loop is read

_FIRST, _SECOND = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_HALF, _ONE = np.uint64(33), np.uint64(1)


@njit(cache=True, nogil=True)
def add_signs(
    hashes: npt.NDArray[np.uint64],
    starts: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int64],
    weights: npt.NDArray[np.int32],
    salts: npt.NDArray[np.uint64],
    sums: npt.NDArray[np.int32],
) -> None:
    """Add to each text's sums the signs of its words, each by the word's weight; ``sketch_words.add_signs`` in a loop.

    Args:
        hashes: of the words of all texts.
        starts: (n) where each text's words begin.
        sizes: (n) how many there are.
        weights: of words, by the low bits of their hash; a power of two of them.
        salts: (4) one for each 64 axes.
        sums: (n, 256) written.
    """
    mask = np.uint64(weights.size - 1)
    total = np.zeros(4, np.int32)
    for row in range(starts.size):
        own = sums[row]
        for at in range(starts[row], starts[row] + sizes[row]):
            weight = weights[hashes[at] & mask]
            part = hashes[at] >> np.uint64(62)
            for turn in range(2):
                part = (part + np.uint64(turn) * (_ONE + (hashes[at] >> np.uint64(40)) % np.uint64(3))) & np.uint64(3)
                bits = hashes[at] ^ salts[part]
                bits ^= bits >> _HALF
                bits *= _FIRST
                bits ^= bits >> _HALF
                bits *= _SECOND
                bits ^= bits >> _HALF
                low = 64 * np.int64(part)
                total[part] += weight
                for bit in range(64):
                    own[low + bit] += np.int32(np.int32((bits >> np.uint64(bit)) & _ONE) * np.int32(2 * weight))
        for part in range(4):
            for axis in range(64 * part, 64 * part + 64):
                own[axis] -= total[part]
            total[part] = 0
