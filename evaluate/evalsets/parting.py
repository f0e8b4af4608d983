"""Which chosen rows one works with, which decide, and which are kept for another time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...curate.errors import UsageError

Ints = npt.NDArray[np.int64]

DEV, SHIP, RESERVE = "dev", "ship", "reserve"


@dataclass(frozen=True)
class Shares:
    """Shares of the chosen rows; what is left is ``ship``.

    A quarter for dev: of 200 rows 150 decide, which costs 15% of what could be seen with all 200; 50 are enough to tell a prompt
    that fails from one that works, and any number is spent once one has looked at it ten times.
    """

    dev: float = 0.25
    reserve: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what leaves nothing to decide by."""
        if not (0 <= self.dev < 1 and 0 <= self.reserve < 1 and self.dev + self.reserve < 1):
            raise UsageError(
                f"--dev-share {self.dev} and --confirm-share {self.reserve} are shares from 0 on, under 1 together, so that rows "
                "are left to decide by."
            )


def parted(cluster: Ints, order: Ints, shares: Shares, seed: int = 0) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Return the part of each row, and the chance that it came into it; rows of one cluster are in one part.

    Clusters are taken in the order of their strata at even steps from a random start (systematic sampling: Madow 1949), so
    that of two neighbours in one stratum no more than one goes to a part that takes less than half.

    Args:
        cluster: (n) numbers from 0.
        order: (n) by which clusters are lined up.
        shares: of the parts.
        seed: of the starts, and of the order within a stratum.
    """
    random = np.random.default_rng([seed, 2])
    count = int(cluster.max(initial=-1)) + 1
    first = np.unique(cluster, return_index=True)[1]
    line = np.lexsort((random.random(count), order[first]))
    part = np.full(count, SHIP, dtype="<U7")
    chance = np.ones(count)
    for name, share in ((RESERVE, shares.reserve), (DEV, shares.dev)):
        rest = line[part[line] == SHIP]
        wanted = min(round(share * count), len(rest) - 1)
        if wanted <= 0:
            continue
        step = len(rest) / wanted
        taken = rest[np.floor(random.random() * step + step * np.arange(wanted)).astype(np.int64)]
        went = wanted / len(rest)
        left = part == SHIP
        left[taken] = False
        chance[left] *= 1 - went
        part[taken] = name
        chance[taken] *= went
    return part[cluster].tolist(), chance[cluster]
