"""Which rows are chosen: every stratum and region is met, edge cases are many, and each row's chance is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...curate import text
from ...curate.errors import DataError
from ...curate.splits.components import connect
from ...curate.wording import counted
from .candidates import Ints, Pool
from .chances import chances
from .parting import Shares, parted
from .rounding import draw

EDGE_SHARE = 0.25
"""Of the chosen rows, that edge cases should make up: of 200, 50, where a difference of 20 points can just be seen."""
_RAISED = 4.0  # at most, for edge cases: beyond it the weights of the others cost more certainty than the slice gains
_PER_REGION = 4  # rows a region: of fewer, a region is a text; 50 regions of 200 rows are as many as a person overlooks


@dataclass(frozen=True)
class Design:
    """What does not depend on luck: the chance of each unit, and what is to be covered."""

    pool: Pool
    tags: Mapping[str, npt.NDArray[np.bool_]]
    region: Ints
    """(n) of each row."""
    stratum: Ints
    """(n) of each row, as a number."""
    chance: npt.NDArray[np.float64]
    """(u) of each unit (``Pool.unit``)."""
    size: Ints
    """(u) rows of each unit."""
    first: Ints
    """(u) its first row."""
    raised: float
    """By how much the chance of edge cases was raised."""
    rows: int


@dataclass(frozen=True)
class Chosen:
    """The rows that were chosen."""

    at: Ints
    """Their places in the pool, rising."""
    rows: pl.DataFrame
    """``EVAL_ROWS`` but ``digest``; ``split`` is the one that the row had. Rows of the reserve have the part ``reserve``."""
    covered: dict[str, Any]
    """Strata and regions, how many there are and how many were met, by all rows and by part."""


def region_count(rows: int) -> int:
    """Return into how many regions texts are cut when so many rows are to be chosen."""
    return max(1, rows // _PER_REGION)


def design(
    pool: Pool, tags: Mapping[str, npt.NDArray[np.bool_]], region: Ints, *, rows: int, edge_share: float = EDGE_SHARE
) -> Design:
    """Return the chance of each unit.

    Args:
        pool: the rows that may be chosen.
        tags: what makes a row an edge case (``edges.edge_cases``).
        region: (n) of each row.
        rows: how many are to be chosen.
        edge_share: share of them that should be edge cases; 0 raises no chance.

    Raises:
        DataError: there are fewer different rows than that, or more strata.
    """
    names, stratum = np.unique(pool.stratum, return_inverse=True)
    first = np.unique(pool.unit, return_index=True)[1]
    size = np.bincount(pool.unit)
    _refuse(pool, rows, len(first), len(names))
    edge = np.zeros(len(first), bool)
    for flags in tags.values():
        np.logical_or.at(edge, pool.unit, flags)
    raised = _raised(float(size[edge].sum() / size.sum()), edge_share)
    wanted = (size * np.where(edge, raised, 1.0)).astype(np.float64)
    # Two of each stratum where there is room: then the part that decides has one of each for sure, the dev part takes the other.
    for least in (2, 1):
        found = chances(wanted, stratum[first], region[first], rows=rows, each_stratum=least)
        if found is not None:
            return Design(pool, tags, region, stratum, found, size, first, raised, rows)
    raise DataError(
        f"{counted(rows, 'row')} can't meet {counted(len(names), 'stratum').replace('stratums', 'strata')} and "
        f"{counted(int(region.max()) + 1, 'region')} of the texts at once; give --rows "
        f"{len(names) + int(region.max()) + 1} or more, or coarser strata with --by."
    )


def choose(design: Design, shares: Shares, *, seed: int = 0) -> Chosen:
    """Choose rows by a design: each unit with its chance, one of its rows by lot, and the part of each.

    A row's weight is its unit's rows over its unit's chance and its chance to come into its part, so that the weighted sum over
    one part is an unbiased estimate of the sum over all candidates (Horvitz and Thompson 1952), and the weighted mean of the
    mean (Hajek 1971).

    Args:
        design: the chances.
        shares: of the parts.
        seed: of the draw, of the row within a unit and of the parts.
    """
    pool = design.pool
    drawn = np.flatnonzero(draw(design.chance, design.stratum[design.first], design.region[design.first], seed=seed))
    random = np.random.default_rng([seed, 1])
    members = np.argsort(pool.unit, kind="stable")
    starts = np.searchsorted(pool.unit[members], drawn)
    at = members[starts + random.integers(0, design.size[drawn])]
    order = np.argsort(at)
    at, drawn = at[order], drawn[order]
    rows = pool.rows[at]
    cluster = connect(len(at), rows["group"], pool.near.gather(at), text.keys(rows)["input_folded"])
    part, share = parted(cluster, design.stratum[at] * (int(design.region.max()) + 1) + design.region[at], shares, seed)
    named = pl.Series("cluster", [rows["id"][int(first)] for first in np.unique(cluster, return_index=True)[1]])
    tags = [[name for name, flags in design.tags.items() if flags[row]] for row in at.tolist()]
    frame = rows.with_columns(
        part=pl.Series(part, dtype=pl.String),
        weight=pl.Series(design.size[drawn] / design.chance[drawn] / share),
        stratum=pl.Series([pool.stratum[row] for row in at.tolist()], dtype=pl.String),
        cluster=named.gather(cluster),
        tags=pl.Series(tags, dtype=pl.List(pl.String)),
    )
    return Chosen(at, frame, _covered(design, at, part))


def _refuse(pool: Pool, rows: int, units: int, strata: int) -> None:
    if rows > units:
        raise DataError(
            f"there are {counted(units, 'different row')} to choose from, and {rows:,} were asked for; give --rows {units} or "
            "fewer, and mind that what is chosen is not trained on."
        )
    if strata > rows:
        raise DataError(
            f"{rows:,} rows can't cover {strata:,} strata ({' x '.join(pool.by)}); give --rows {strata} or more, or fewer "
            "columns with --by (none makes one stratum)."
        )


def _raised(share: float, wanted: float) -> float:
    """Return by how much the chances of edge cases are raised, so that ``wanted`` of the chosen rows are some."""
    if not 0 < share < wanted:
        return 1.0
    return min(_RAISED, wanted * (1 - share) / (share * (1 - wanted)))


def _covered(design: Design, at: Ints, part: list[str]) -> dict[str, Any]:
    parts = np.array(part)
    found: dict[str, Any] = {}
    for name, of in (("strata", design.stratum), ("regions", design.region)):
        found[name] = {"count": len(np.unique(of)), "met": len(np.unique(of[at]))} | {
            one: len(np.unique(of[at[parts == one]])) for one in sorted(set(part))
        }
    return found
