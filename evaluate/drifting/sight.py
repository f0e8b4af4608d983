"""What samples of a size can show: the change of a share that would be found in four of five cases, and the rows that it takes.

Two shares, each of its own sample, and the p that Holm's first step asks for: ``(z(alpha / looks / 2) + z(0.8)) * sqrt(0.25 *
(1/n + 1/m))`` (Fleiss, Levin and Paik 2003, section 4.2, at shares near a half, where it takes the most rows).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist
from typing import Any

from ...curate.wording import counted

RELEVANT = 0.2
"""Change of a share that has to be visible before it is said that nothing moved: a fifth of what comes in is of another kind. An
eval set of 200 rows shows that with some 120 new ones; a tenth takes 600 on each side, which few eval sets have."""
POWER = 0.8


@dataclass(frozen=True)
class Sight:
    """What a new sample of ``new`` independent rows shows against one of ``known``."""

    new: int
    known: int
    alpha: float
    looks: int

    @property
    def least(self) -> float:
        """The least change of a share that is found in four of five cases; 1 and more is none at all.

        >>> round(Sight(5, 200, 0.05, 6).least, 2), round(Sight(200, 200, 0.05, 6).least, 2)
        (0.79, 0.17)
        """
        return self._normal * sqrt((1 / self.new + 1 / self.known) / 4)

    def new_rows(self, change: float) -> int | None:
        """Return the independent new rows that show a change against as many known ones; ``None`` where no number does.

        >>> [Sight(5, 200, 0.05, 6).new_rows(change) for change in (0.2, 0.1)]
        [122, None]
        """
        room = (2 * change / self._normal) ** 2 - 1 / self.known
        return ceil(1 / room) if room > 0 else None

    def rows_each(self, change: float) -> int:
        """Return the independent rows that it takes on each side."""
        return ceil(2 * (self._normal / (2 * change)) ** 2)

    def sentence(self, other: str, relevant: float) -> str:
        """Say that nothing can be said, and how many rows it would take."""
        wanted = [self._takes(change) for change in dict.fromkeys((relevant, 0.1))]
        return (
            f"Nothing can be said: {counted(self.new, 'independent new row')} against {self.known:,} of {other} show only a "
            f"change of {min(self.least, 1):.0%} of the rows in four of five cases; to see {' and '.join(wanted)}."
        )

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "least_change": round(min(self.least, 1.0), 4), "power": POWER,
            "rows_for_10_points": {"new": self.new_rows(0.1), "each_side": self.rows_each(0.1)},
        }  # fmt: skip

    def _takes(self, change: float) -> str:
        new = self.new_rows(change)
        if new is not None:
            return f"{change:.0%} takes {new:,} new rows"
        return f"{change:.0%} takes {self.rows_each(change):,} rows on each side"

    @property
    def _normal(self) -> float:
        normal = NormalDist()
        return normal.inv_cdf(1 - self.alpha / self.looks / 2) + normal.inv_cdf(POWER)
