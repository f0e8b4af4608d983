"""Which keys stand more than once: each gets a number, and what stands once gets none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from .forest import power
from .prefix_kernels import mark_repeated, number_lists


def numbered(keys: npt.NDArray[np.uint64], threads: int = 1) -> tuple[npt.NDArray[np.int64], int]:
    """Return the number of each key, in the order in which they are first met, and how many numbers there are.

    A key that stands once gets -1 nearly always; it may get a number of its own, which does no harm.
    """
    cells = np.zeros(max(power(keys.size * 8) // 4, 64), np.uint8)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda part: mark_repeated(keys, cells, part, threads), range(threads)))
    numbers = np.empty(keys.size, np.int64)
    room = power(max(keys.size // 4, 64))
    while True:
        count = number_lists(keys, cells, numbers, np.empty(room, np.uint64), np.full(room, -1, np.int64))
        if count >= 0:
            return numbers, int(count)
        room *= 2
