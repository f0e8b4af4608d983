"""Labels: whether their shares moved, and whether there are some that were not known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ...curate.errors import quote
from ...curate.masking import mask
from .permuting import Doubles, Statistic
from .pooling import Flags, Pool

_SHOWN = 5  # classes
_READ = 4_000  # characters that are masked, of which the cut is taken: half a secret has no form


@dataclass(frozen=True)
class Classes:
    """The labelled rows of a pool."""

    names: list[str]
    """(k) sorted."""
    counts: npt.NDArray[np.float64]
    """(u, k) rows of each unit by class."""
    new: npt.NDArray[np.float64]
    """(k) rows of the new sample."""
    known: npt.NDArray[np.float64]
    """(k) rows of the other one."""

    @property
    def unseen(self) -> list[tuple[str, int]]:
        """Classes of the new sample that the other one has not, and how many rows each has, most first."""
        found = [(name, int(n)) for name, n, m in zip(self.names, self.new, self.known, strict=True) if n and not m]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def classes(pool: Pool) -> Classes | str:
    """Return the classes of a pool, or one sentence on why labels can't be compared."""
    labelled = pool.labels.is_not_null().to_numpy()
    for side, name in ((pool.new, "the new sample"), (~pool.new, "what it is held against")):
        if not (labelled & side).any():
            return f"labels were not compared: {name} has none."
    given = pool.labels.filter(labelled)
    names = given.unique().sort().to_list()
    if len(names) > len(given) / 2:
        return f"labels were not compared: {len(names):,} of {len(given):,} differ, so they are answers and no classes."
    code = given.replace_strict(names, range(len(names)), return_dtype=pl.Int64).to_numpy()
    counts = np.zeros((pool.unit_new.size, len(names)))
    np.add.at(counts, (pool.unit[labelled], code), 1.0)
    return Classes(names, counts, counts[pool.unit_new].sum(axis=0), counts[~pool.unit_new].sum(axis=0))


def mix_statistic(of: Classes) -> Statistic:
    """Return the likelihood ratio G of the two mixes (Wilks 1938), and their total variation: half the sum of differences.

    G is what is tested, since it hears rare classes too; the total variation is what it comes to: the share of rows that would
    have to change class.
    """
    whole = of.counts.sum(axis=0)

    def statistic(sides: Flags) -> Doubles:
        new = sides.astype(np.float64) @ of.counts
        known = whole - new
        sizes = np.maximum(new.sum(axis=1, keepdims=True), 1e-9), np.maximum(known.sum(axis=1, keepdims=True), 1e-9)
        share = whole / whole.sum()
        g = 2 * (_log_ratio(new, sizes[0] * share) + _log_ratio(known, sizes[1] * share)).sum(axis=1)
        moved = np.abs(new / sizes[0] - known / sizes[1]).sum(axis=1) / 2
        return np.stack([g, moved], axis=1)

    return statistic


def unseen_statistic(of: Classes) -> Statistic:
    """Return the share of new rows whose class the other sample has not."""
    whole = of.counts.sum(axis=0)

    def statistic(sides: Flags) -> Doubles:
        new = sides.astype(np.float64) @ of.counts
        share = (new * (new >= whole)).sum(axis=1) / np.maximum(new.sum(axis=1), 1e-9)
        return np.stack([share, share], axis=1)

    return statistic


def moved(of: Classes) -> list[str]:
    """Return the classes whose share moved most, as phrases."""
    new, known = of.new / of.new.sum(), of.known / of.known.sum()
    first = sorted(range(len(of.names)), key=lambda at: (-abs(new[at] - known[at]), of.names[at]))[:_SHOWN]
    return [f"{shown(of.names[at])} {known[at]:.1%} -> {new[at]:.1%}" for at in first if new[at] != known[at]]


def shown(name: str) -> str:
    """Return a class as a report shows it: masked and cut."""
    return quote(mask(name[:_READ]), 40)


def _log_ratio(seen: Doubles, expected: Doubles) -> Doubles:
    return seen * np.log(np.where(seen > 0, seen / np.maximum(expected, 1e-12), 1.0))
