"""Small whole-number arrays that several joins ask: roots of a forest, and the size of a table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def roots_of(parents: Ints) -> Ints:
    """Return the root of every number; parents are never above their children.

    >>> roots_of(np.array([0, 0, 1, 3])).tolist()
    [0, 0, 0, 3]
    """
    while True:
        above = parents[parents]
        if np.array_equal(above, parents):
            return parents
        parents = above


def power(number: int) -> int:
    """Return the power of two that is at least ``number``, and 8."""
    return max(8, 1 << (max(number, 1) - 1).bit_length())
