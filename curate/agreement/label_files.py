"""The labels that votes make, as a file: whole or not there."""

from __future__ import annotations

import os
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
        UsageError: the ending is none of these, or the file can't be written.
    """
    path = Path(path)
    check_place(path)
    writers: dict[str, Writer] = {
        ".csv": labels.write_csv,
        ".jsonl": labels.write_ndjson,
        ".parquet": labels.write_parquet,
    }
    try:
        write_whole(path, writers[path.suffix.lower()])
    except (OSError, pl.exceptions.PolarsError) as error:  # polars raises OSErrors of its own, without number or file
        why = getattr(error, "strerror", None) or f"{error}".partition(" (os error")[0]
        raise UsageError(f"{path} can't be written ({why}); name another place.") from error


def check_place(path: Path) -> None:
    """Say before any work is done that a file can't be written.

    Raises:
        UsageError: the ending is none that is known, or the folder is not there or is another's, or ``path`` is a folder.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise UsageError(f"{quote(path)} ends in none of {', '.join(_ENDINGS)}; give the file one of these.")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder; make it, or name another place.")
    if path.is_dir():
        raise UsageError(f"{path} can't be written (it is a folder); name another place.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(f"{path.parent} can't be written to; name another place.")
