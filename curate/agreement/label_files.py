"""The labels that votes make, as a file: whole or not there."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ..disk import Writer, write_whole
from ..errors import UsageError, quote

_ENDINGS = (".csv", ".jsonl", ".parquet")


def write_labels(labels: pl.DataFrame, path: str | Path) -> None:
    """Write one label an item, with its confidence, as CSV, JSON Lines or Parquet by the file's ending.

    Args:
        labels: ``agreeing.Agreement.labels``.
        path: a file; one that stands there is replaced.

    Raises:
        UsageError: the ending is none of these, or the folder is not there.
    """
    path = Path(path)
    check_ending(path)
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder; make it, or name another place.")
    writers: dict[str, Writer] = {
        ".csv": labels.write_csv,
        ".jsonl": labels.write_ndjson,
        ".parquet": labels.write_parquet,
    }
    write_whole(path, writers[path.suffix.lower()])


def check_ending(path: Path) -> None:
    """Say before any work is done that a file can't be written.

    Raises:
        UsageError: the ending is none that is known.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise UsageError(f"{quote(path)} ends in none of {', '.join(_ENDINGS)}; give the file one of these.")
