"""Each unit's chance to be chosen: by its rows, and raised where a stratum or a region would else be missed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

_TURNS = 400  # real sets took 5 to 60; one that takes more has hardly any room
_EXACT = 1e-9


def chances(
    size: Doubles, stratum: Ints, region: Ints, *, rows: int, each_stratum: int = 1, each_region: int = 1
) -> Doubles | None:
    """Return the chance of each unit, as near to its size as strata and regions allow, or ``None`` where they don't.

    Chances go with size (Hansen and Hurwitz 1943; at most 1, what is over goes to the others) and sum to ``rows``. Strata and
    regions that would get less than their least are raised to it together, turn by turn, as margins are fitted (Deming and
    Stephan 1940), but upwards only: what has enough is never cut down to a quota.

    Args:
        size: (u) of each unit, over 0: the rows that it stands for, times what edge cases are raised by.
        stratum: (u) number of its stratum, from 0.
        region: (u) number of its region, from 0.
        rows: how many units are to be chosen; at most u.
        each_stratum: least that is expected of each stratum; of one with fewer units all are chosen.
        each_region: least of each region.

    >>> chances(np.array([97.0, 2, 1]), np.array([0, 1, 1]), np.zeros(3, np.int64), rows=2).round(2).tolist()
    [1.0, 0.67, 0.33]
    """
    need = [
        np.minimum(least, np.bincount(of)).astype(np.float64)
        for of, least in ((stratum, each_stratum), (region, each_region))
    ]
    raised = [np.ones(len(least)) for least in need]
    for _ in range(_TURNS):
        found = _by_size(size * raised[0][stratum] * raised[1][region], rows)
        sums = [
            np.bincount(of, weights=found, minlength=len(least))
            for of, least in zip((stratum, region), need, strict=True)
        ]
        if all((got >= least - _EXACT).all() for got, least in zip(sums, need, strict=True)):
            return found
        # a hair more than is lacking: of what is just met, the next turn would take some away again
        raised = [
            factor * np.where(got < least, least / np.maximum(got, 1e-12) * (1 + 1e-6), 1.0)
            for factor, got, least in zip(raised, sums, need, strict=True)
        ]
    return None


def _by_size(size: Doubles, rows: int) -> Doubles:
    """Return chances that sum to ``rows``, proportional to size where that is at most 1, and 1 elsewhere."""
    sure = np.zeros(len(size), bool)
    while True:
        rest = rows - int(sure.sum())
        total = float(size[~sure].sum())
        found = np.where(sure, 1.0, size * (rest / total) if total > 0 else 0.0)
        over = found > 1
        if not over.any():
            return found
        sure |= over
