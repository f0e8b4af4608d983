"""Rows that share a key: which row of them stands first, how many they are, and where a row was read."""

from __future__ import annotations

import polars as pl

from .errors import quote


def clustered(keys: pl.DataFrame) -> pl.DataFrame:
    """Return the cluster of each row: ``row, first, size`` (u32), for clusters of two rows or more, in row order.

    Args:
        keys: the column ``row`` (position in the rows frame) and one or more key columns; rows whose keys are all
            equal are a cluster. Null is a key like any other.
    """
    names = [name for name in keys.columns if name != "row"]
    return (
        keys.select(
            pl.col("row").cast(pl.UInt32),
            pl.col("row").min().over(names).cast(pl.UInt32).alias("first"),
            pl.len().over(names).alias("size"),
        )
        .filter(pl.col("size") > 1)
        .sort("row")
    )


def place(rows: pl.DataFrame, index: pl.Series) -> pl.Series:
    """Return ``FILE line N`` of the rows at ``index``; long paths lose their head, odd characters are escaped."""
    found = rows.select("file", "line")[index]
    files = found["file"].unique().drop_nulls().sort()
    shown = [quote(name if len(name) <= 60 else "…" + name[-59:])[1:-1] for name in files]
    named = found["file"].replace_strict(files, pl.Series(shown, dtype=pl.String), default="?", return_dtype=pl.String)
    return found.select(pl.format("{} line {}", named, pl.col("line").fill_null(0)).alias("place"))["place"]


def ids(rows: pl.DataFrame, index: pl.Series) -> pl.Series:
    """Return the ids of the rows at ``index``."""
    return rows["id"].gather(index)
