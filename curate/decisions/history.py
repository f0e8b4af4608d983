"""The ledger as a person reads it: a line for all that was decided in one go, and can be taken back in one go."""

from __future__ import annotations

import polars as pl

from ..dataset import Dataset
from .decision import ACTIONS
from .ledger import Ledger

BATCHES = pl.Schema(
    {
        "batch": pl.String,  # what ``undo`` takes
        "at": pl.String,  # of the first line; UTC, ISO 8601
        "reviewer": pl.String,  # several with commas where lines of an import share a batch
        "seq": pl.Int64,  # of the first line
        "rows": pl.Int64,
        **dict.fromkeys((*ACTIONS, "undo"), pl.Int64),  # lines by what they say
        "rules": pl.List(pl.String),  # that brought the rows up; empty where rows were named one by one
        "undone": pl.Int64,  # lines that were taken back since
        "stale": pl.Int64,  # lines that still stand and whose row changed or left: they apply to none
    }
)
"""Columns of ``batches``. A batch is undone as a whole when ``undone`` is the sum of its actions but ``undo``."""


def batches(dataset: Dataset) -> pl.DataFrame:
    """Return one line a batch, ``BATCHES`` columns, in the order of writing; none in a set without decisions.

    Raises:
        DataError: the decisions are lost or damaged.
    """
    with Ledger.open(dataset.folder) as ledger:
        log = ledger.log()
    if log.is_empty():
        return pl.DataFrame(schema=BATCHES)
    taken_back = log["undoes"].drop_nulls().implode()
    gone = log.join(dataset.rows.select("id"), left_on="row_id", right_on="id", how="anti")["row_id"].unique().implode()
    undone = pl.col("seq").is_in(taken_back)
    stale = pl.col("row_id").is_in(gone) & ~undone & (pl.col("action") != "undo")
    return (
        log.group_by("batch", maintain_order=True)
        .agg(
            pl.col("at").first(),
            pl.col("reviewer").unique(maintain_order=True).str.join(", "),
            pl.col("seq").first(),
            pl.col("row_id").n_unique().cast(pl.Int64).alias("rows"),
            *((pl.col("action") == action).sum().cast(pl.Int64).alias(action) for action in (*ACTIONS, "undo")),
            pl.col("rule").drop_nulls().unique(maintain_order=True).alias("rules"),
            undone.sum().cast(pl.Int64).alias("undone"),
            stale.sum().cast(pl.Int64).alias("stale"),
        )
        .select(BATCHES.names())
    )
