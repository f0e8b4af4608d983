"""Synthetic rows in a split: they tie real rows together, follow them to train, and stand in no eval split.

What a teacher wrote is no measure of what people ask, so an eval split holds real rows alone, and the sizes that are asked for
are of real rows. A synthetic row goes to train where every row that it hangs on went there; otherwise it is in no split. So is
one with a parent that the set does not have: read under another id, say, that row may stand in an eval split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ..distill.lineage import GONE, ancestors, synthetic
from .components import connect, renumber

WAY = "parents"
"""How a tie of synthetic rows to their parents is called in ``by``."""


@dataclass(frozen=True)
class Followed:
    """Where synthetic rows went."""

    split: pl.DataFrame
    """``id, split, why`` of each; the split is train or null, and ``why`` says why it is null."""

    def summary(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        why = self.split["why"].drop_nulls().value_counts(sort=True).sort("count", "why", descending=[True, False])
        placed = self.split["split"].count()
        return {
            "rows": self.split.height, "train": placed, "unsplit": self.split.height - placed,
            "reasons": dict(why.select("why", "count").iter_rows()),
        }  # fmt: skip


def families(rows: pl.DataFrame, made: pl.DataFrame) -> pl.Series:
    """Return the family of each row: synthetic rows with their parents, and all that hang on them; null is alone.

    Parents that are not among the rows tie nothing.

    Args:
        rows: the rows.
        made: ``lineage.synthetic`` of them.

    >>> from vetset.curate.distill.lineage import Lineage, Teacher, synthetic
    >>> child = Lineage(parents=("a",), teacher=Teacher("m")).to_extra()
    >>> rows = pl.DataFrame({"id": ["a", "b", "c"], "extra": ["{}", child, "{}"]})
    >>> families(rows, synthetic(rows)).to_list()
    [0, 0, None]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    place = rows.select("id").with_row_index("place")
    edges = (
        made.select("id", parent="parents").explode("parent").join(place, on="id")
        .join(place.rename({"id": "parent", "place": "above"}), on="parent").select("place", "above")
    )  # fmt: skip
    if edges.is_empty():
        return pl.repeat(None, rows.height, dtype=pl.Int64, eager=True).alias(WAY)
    ends = edges["place"].to_numpy(), edges["above"].to_numpy()
    graph = coo_array((np.ones(edges.height, dtype=bool), ends), shape=(rows.height, rows.height))
    family = renumber(connected_components(graph, directed=False)[1])
    alone = np.bincount(family)[family] == 1
    return pl.select(pl.when(~pl.Series(alone)).then(pl.Series(family.astype(np.int64))).alias(WAY)).to_series()


def through_synthetic(real: pl.Series, ties: list[pl.Series]) -> pl.Series:
    """Return the unit of each real row that hangs on a synthetic one, null for the others: a tie for a split of real rows alone.

    Args:
        real: which rows are.
        ties: what ties all rows, one value a row each (``components.connect``).
    """
    unit = connect(len(real), *ties)
    own = np.zeros(len(real) and int(unit.max()) + 1, dtype=bool)
    own[unit[~real.to_numpy()]] = True
    tied = pl.select(pl.when(pl.Series(own[unit], dtype=pl.Boolean)).then(pl.Series(unit))).to_series()
    return tied.filter(real).alias(WAY)


def follow(
    rows: pl.DataFrame,
    made: pl.DataFrame,
    assigned: pl.DataFrame,
    *,
    ties: list[pl.Series],
    train: str,
    in_time: bool,
    whole: pl.DataFrame | None = None,
) -> Followed:
    """Return where the synthetic rows go, once the real ones are assigned.

    Args:
        rows: all rows, synthetic ones too.
        made: ``lineage.synthetic`` of them.
        assigned: ``id, split`` of rows that stand somewhere, also of such as are no longer among ``rows`` (an eval set's).
        ties: what ties all rows, one value a row each.
        train: name of the split that is trained on.
        in_time: the split is by time, so that a row newer than train's last tells of what comes after.
        whole: the set's rows, where ``rows`` are not all of them: a parent that was dropped is known, and says nothing.
    """
    unit = pl.Series("unit", connect(rows.height, *ties))
    stands = rows.select("id", "time").with_columns(unit).join(assigned, on="id", how="left", maintain_order="left")
    mine = pl.col("id").is_in(made["id"].implode())
    real = stands.filter(~mine)
    away = real.filter(pl.col("split").ne_missing(train)).select("unit", "split")
    with_unit = away.group_by("unit").agg(pl.col("split").drop_nulls().min())
    above = ancestors(made if whole is None else synthetic(whole)).join(made.select("id"), on="id", how="semi")
    known = pl.concat([(rows if whole is None else whole).select("id"), assigned.select("id")])
    gone = above.join(known, left_on="ancestor", right_on="id", how="anti")["id"].unique()
    pairs = above.join(assigned.rename({"id": "ancestor"}), on="ancestor", how="inner")
    parent = (
        pairs.filter(pl.col("split").ne_missing(train)).group_by("id").agg(above=pl.col("split").drop_nulls().min())
    )
    last = real.filter(pl.col("split") == train)["time"].max() if in_time else None
    late = pl.col("time") > last if last is not None else pl.lit(value=False)
    found = (
        stands.filter(mine).select("id", "unit", "time")
        .join(parent.with_columns(child=pl.lit(value=True)), on="id", how="left", maintain_order="left")
        .join(with_unit.with_columns(tied=pl.lit(value=True)), on="unit", how="left", maintain_order="left")
    )  # fmt: skip
    where = lambda column: pl.when(pl.col(column).is_null()).then(pl.lit("no split")).otherwise(pl.col(column))  # noqa: E731
    why = (
        pl.when(pl.col("child")).then(pl.format("a parent stands in {}", where("above")))
        .when(pl.col("id").is_in(gone.implode())).then(pl.lit(GONE))
        .when(pl.col("tied")).then(pl.format("a row that it hangs on stands in {}", where("split")))
        .when(late).then(pl.lit("it is newer than the newest row of train"))
    )  # fmt: skip
    told = found.with_columns(why=why)
    return Followed(told.select("id", split=pl.when(pl.col("why").is_null()).then(pl.lit(train)), why="why"))
