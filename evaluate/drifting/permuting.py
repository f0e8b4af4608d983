"""What chance alone would bring: statistics of two samples whose units change places at random.

Permutation holds for any number of units and every statistic, however it was computed, as long as units of the two sides are
alike in size (``pooling`` sees to it): under no drift the observed one is any of them
(Phipson and Smyth 2010: the observed one counts among them, so that p is never 0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from .pooling import Flags

Doubles = npt.NDArray[np.float64]
Statistic = Callable[[Flags], Doubles]
"""(c, u) which units are new, in each of c assignments, to (c, s) statistics."""

PERMUTATIONS = 999  # Holm over 12 tests needs a p of 0.004; 999 puts it at the fourth of a thousand
_CELLS = 4_000_000  # of a block of assignments: bounds the memory


def assignments(unit_new: Flags, count: int, *, rows: int = 0, seed: int = 0) -> Iterator[Flags]:
    """Yield blocks of assignments of units to sides: the observed one first, then ``count`` by chance with as many new ones.

    Args:
        unit_new: (u) what was observed.
        count: assignments by chance.
        rows: of all units, where a statistic spreads an assignment over them: a block is as small as that needs.
        seed: of the draws, which are the same whatever the blocks.
    """
    draw = np.random.default_rng(seed)
    size = max(1, _CELLS // max(unit_new.size, rows, 1))
    for low in range(0, count + 1, size):
        block = np.tile(unit_new, (min(size, count + 1 - low), 1))
        keep = 1 if low == 0 else 0
        block[keep:] = draw.permuted(block[keep:], axis=1)
        yield block


def permuted(
    unit_new: Flags,
    statistics: Mapping[str, Statistic],
    *,
    permutations: int = PERMUTATIONS,
    rows: int = 0,
    seed: int = 0,
) -> dict[str, Doubles]:
    """Return (permutations + 1, s) values of each statistic, the observed one first; ``rows`` as in ``assignments``."""
    found: dict[str, list[Doubles]] = {name: [] for name in statistics}
    for block in assignments(unit_new, permutations, rows=rows, seed=seed):
        for name, statistic in statistics.items():
            found[name].append(statistic(block))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def p_value(values: Doubles) -> float:
    """Return the chance of a value as large as the first, which counts among them.

    >>> p_value(np.array([3.0, 1.0, 2.0, 0.0]))
    0.25
    """
    return float((values >= values[0] - 1e-9 * max(abs(values[0]), 1e-9)).mean())
