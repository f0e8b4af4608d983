"""Lineage: what became of every row that was read, and why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl

from ..dataset import Dataset
from ..formats.wire import Tally
from .provenance import LINEAGE
from .vetted import Vetting


def trace(
    dataset: Dataset, vetting: Vetting, written: list[pl.DataFrame], unsplit: pl.DataFrame, tally: Tally, *, keep: bool
) -> pl.DataFrame:
    """Return one line a row that was read: ``id, read_from, read_line, fate, why, file, record``.

    Args:
        dataset: the set.
        vetting: what decisions and findings made of it.
        written: ``id, file, record`` of each file.
        unsplit: ids of rows without a split, where others have one.
        tally: knows what the format left out.
        keep: blocked rows were written all the same.
    """
    blocked = vetting.blocked.head(0) if keep else vetting.blocked
    rule = pl.when(pl.col("rule").is_null()).then(pl.lit("")).otherwise(pl.lit(": ") + pl.col("rule"))
    dropped = vetting.dropped.select(id="row_id", why=pl.lit("by ") + pl.col("reviewer") + rule)
    left_out = pl.DataFrame([list(tally.left_out), list(tally.left_out.values())], {"id": pl.String, "why": pl.String})
    fates = {
        "written": pl.concat(written) if written else blocked.head(0),
        "dropped": dropped,
        "held": blocked,
        "unsplit": unsplit.with_columns(why=pl.lit("no split")),
        "left_out": left_out,
    }
    known = pl.concat([frame.with_columns(fate=pl.lit(fate)) for fate, frame in fates.items()], how="diagonal")
    known = known.match_to_schema(_FATES, missing_columns="insert")
    rows = dataset.rows.select("id", read_from=pl.col("file").replace(short_paths(dataset)), read_line="line")
    return rows.join(known, on="id", how="left", maintain_order="left")


_FATES = pl.Schema({"id": pl.String, "fate": pl.String, "why": pl.String, "file": pl.String, "record": pl.Int64})


def short_paths(dataset: Dataset) -> dict[str, str]:
    """Return each source of the set by its path as it may leave the machine."""
    inputs = [entry["path"] for entry in dataset.manifest.get("inputs", [])]
    return portable([*inputs, *dataset.rows["file"].unique().sort()])


def portable(paths: list[str]) -> dict[str, str]:
    """Return each path as it may leave the machine: relative ones as given, absolute ones without what they share.

    >>> portable(["/home/ann/data/a.csv", "/home/ann/data/b/c.csv", "d.csv"])
    {'/home/ann/data/a.csv': 'a.csv', '/home/ann/data/b/c.csv': 'b/c.csv', 'd.csv': 'd.csv'}
    """
    absolute = [path for path in paths if os.path.isabs(path)]
    shared = os.path.commonpath([os.path.dirname(path) for path in absolute]) if absolute else ""
    return {path: os.path.relpath(path, shared) if os.path.isabs(path) else path for path in paths}


def where(folder: str | Path, row_id: str) -> dict[str, Any] | None:
    """Return what became of a row in an export: fate, why, file and record; ``None`` where that can't be told."""
    try:
        lineage = pl.scan_parquet(Path(folder) / LINEAGE, glob=False)
        found = lineage.filter(pl.col("id") == row_id).select("fate", "why", "file", "record").collect().to_dicts()
    except (OSError, pl.exceptions.PolarsError):
        return None
    return found[0] if found else None
