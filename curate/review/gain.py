"""The order in which there is most to gain, as ``vetset queue`` has it: worked out again after every 30 answers.

The fit takes seconds to a minute, so another process makes it, and pages go on with the last one until it stands.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from .. import disk
from ..dataset import Dataset
from ..labels.queue import EVERY, review_queue
from .heads import SETTLED, Heads
from .making import Making, Tell, ask
from .view import View, place_of

_KEPT = "queue"  # in the file's own notes


def gain_path(view: View, heads: Heads) -> Path:
    """Return where the order stands, or will stand, that rests on the decisions so far, less those of the last 30 begun."""
    block = int((heads.marks == SETTLED).sum()) // EVERY
    return place_of(view.folder) / f"gain-{view.rows_key}-{block}.parquet"


def ask_gain(view: View, heads: Heads) -> Making:
    """Say how far the order is, and have another process make it where nobody has; returns at once."""
    return ask(view, "gain", gain_path(view, heads))


def open_gain(view: View) -> tuple[pl.DataFrame, dict[str, Any]] | None:
    """Return the newest order of these rows and its figures; ``None`` before the first is made.

    Returns:
        ``id`` of the rows that waited then, the first first; and ``labels.queue.Queue.summary`` without them.
    """
    there = sorted(
        place_of(view.folder).glob(f"gain-{view.rows_key}-*.parquet"), key=lambda path: path.stat().st_mtime_ns
    )
    for path in reversed(there):
        try:
            figures = json.loads(pl.read_parquet_metadata(path)[_KEPT])
            return pl.read_parquet(path, glob=False), figures
        except (OSError, KeyError, ValueError, pl.exceptions.PolarsError):
            continue  # swept by another process, or cut off: it is made again
    return None


def make_gain(view: View, path: Path, *, tell: Tell) -> None:
    """Work the order out and keep it; those before go.

    Raises:
        VetsetError: the set can't be read, or its encoder is gone.
    """
    tell(0.1, "The labels are judged in sight of the decisions so far.")
    queue = review_queue(Dataset.open(view.folder), limit=None)
    figures = {name: value for name, value in queue.summary().items() if name != "rows"}
    frame = queue.frame.select("id")
    disk.write_whole(path, lambda beside: frame.write_parquet(beside, metadata={_KEPT: json.dumps(figures)}))
    for old in path.parent.glob("gain-*.parquet"):
        if old != path:
            old.unlink(missing_ok=True)
