"""What a number of rows can see, said before anyone labels them or pays for an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ..stats.clustered import design
from ..stats.power import design_effect, minimum_gain, rows_needed

DISAGREEMENT = 0.2
"""Of the rows, that two models answer differently in score; what a fine-tune against its base usually shows."""
CORRELATION = 0.5
"""Of the differences of two rows of one cluster, while nobody knows it: the careful end of what documents and users show."""
GAIN = 0.05
"""The margin that a verdict asks for by default."""


@dataclass(frozen=True)
class Sight:
    """What one part can see."""

    part: str
    rows: int
    clusters: int
    effective: float
    """Rows of equal weight, each on its own, that would say as much."""
    least_gain: float
    """The least true gain that is seen with a power of 80%, two-sided at 95%."""
    rows_for_margin: int
    """Rows of this design that a gain of ``GAIN`` takes."""
    disagreement: float
    correlation: float

    @property
    def design_effect(self) -> float:
        """By how many times weights and clusters make the variance larger."""
        return self.rows / self.effective

    @property
    def sentence(self) -> str:
        """What there is to say."""
        return (
            f"{self.part}: {self.rows:,} rows in {self.clusters:,} clusters see a gain of {self.least_gain:.1%} and more (80% "
            f"power, if two models differ on {self.disagreement:.0%} of the rows); to see {GAIN:.0%} takes "
            f"{self.rows_for_margin:,} rows"
        )

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**self.__dict__, "effective": round(self.effective, 1), "design_effect": round(self.design_effect, 3)}


def sight(
    rows: pl.DataFrame, part: str, *, disagreement: float = DISAGREEMENT, correlation: float = CORRELATION
) -> Sight:
    """Return what the rows of one part can see.

    The design effect is that of the weights (Kish 1965: n times the sum of squares over the square of the sum) times that of
    the clusters as they are (``stats.power.design_effect``).

    Args:
        rows: of an eval set, with ``part``, ``weight`` and ``cluster``.
        part: which one.
        disagreement: share of rows on which two models differ.
        correlation: of the differences within a cluster.
    """
    own = rows.filter(pl.col("part") == part)
    if own.is_empty():
        return Sight(part, 0, 0, 1.0, 1.0, 0, disagreement, correlation)
    found = design(own.height, weights=own["weight"].to_numpy(), clusters=own["cluster"])
    sizes = np.bincount(np.unique(own["cluster"].to_numpy().astype(str), return_inverse=True)[1])
    clustered = design_effect(float(sizes.mean()), correlation, spread=float(sizes.std() / sizes.mean()))
    effect = own.height / found.effective_rows * clustered
    return Sight(
        part, own.height, found.clusters, own.height / effect,
        minimum_gain(own.height, disagreement=disagreement, design_effect=effect),
        rows_needed(GAIN, disagreement=disagreement, design_effect=effect), disagreement, correlation,
    )  # fmt: skip
