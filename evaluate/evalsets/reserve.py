"""The reserve: chosen rows that nobody scores until the part that decides is spent."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ...curate import disk
from ...curate.dataset import parquet
from ...curate.errors import DataError
from .evalset import EVAL_ROWS

RESERVE_FILE = "reserve.parquet"


def write_reserve(folder: Path, rows: pl.DataFrame) -> None:
    """Write the rows of the reserve; none takes the file away."""
    with disk.locked(folder):
        if rows.is_empty():
            (folder / RESERVE_FILE).unlink(missing_ok=True)
        else:
            whole = rows if "digest" in rows.columns else rows.with_columns(digest=pl.lit(""))
            disk.write_whole(
                folder / RESERVE_FILE,
                parquet(whole.select(pl.col(name).cast(kind) for name, kind in EVAL_ROWS.items())),
            )


def read_reserve(folder: Path) -> pl.DataFrame:
    """Return the rows of the reserve; none where there is no reserve."""
    path = folder / RESERVE_FILE
    if not path.is_file():
        return EVAL_ROWS.to_frame()
    try:
        return pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path} can't be read; put it back from a copy, or go on without: remove it.") from error
