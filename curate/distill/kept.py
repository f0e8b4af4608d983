"""Synthetic rows that stand in a set beside those that were read: in which split, and that they stay when it is read again."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from .. import parts
from ..dataset import digest_of, parquet
from ..errors import DataError, quote
from ..wording import counted
from .lineage import GONE, is_synthetic, synthetic

CONTAINER = "distill"
"""``container`` of an input that is a run."""


def place(made: pl.DataFrame, rows: pl.DataFrame, *, train: str) -> pl.DataFrame:
    """Return ``id, split, why`` of new synthetic rows: train where every parent stands there, otherwise null.

    In a set of which no row stands in a split, none does. A parent that the set does not have may be one of its eval rows, read
    under another id; where the set has no eval split, it says nothing.

    Args:
        made: ``lineage.synthetic`` of the new rows; they may be made from one another.
        rows: the set's rows, in their splits.
        train: name of the split that is trained on.
    """
    if rows["split"].null_count() == rows.height:
        return made.select("id", split=pl.lit(None, pl.String), why=pl.lit(None, pl.String))
    stands: dict[str, str | None] = dict(
        rows.select("id", "split").join(_parents(made), on="id", how="semi").iter_rows()
    )
    above = dict(made.select("id", "parents").iter_rows())
    evaluates = bool((rows["split"] != train).any())
    why: dict[str, str | None] = {}
    left = list(above)
    while left:  # a parent that is new, too, goes before its children; where they go round in a circle, none is known
        ready = [one for one in left if not any(parent in above and parent not in why for parent in above[one])] or left
        for one in ready:
            away = [
                stands[parent] or "no split" for parent in above[one] if parent in stands and stands[parent] != train
            ]
            gone = evaluates and any(parent not in stands and parent not in above for parent in above[one])
            why[one] = f"a parent stands in {min(away)}" if away else GONE if gone else None
            stands[one] = None if why[one] else train
        left = [one for one in left if one not in why]
    return made.select("id", split=pl.Series([stands[one] for one in made["id"]], dtype=pl.String),
                       why=pl.Series([why[one] for one in made["id"]], dtype=pl.String))  # fmt: skip


def _parents(made: pl.DataFrame) -> pl.DataFrame:
    return made.select(id=pl.col("parents").explode()).unique()


@dataclass(frozen=True)
class Kept:
    """Rows that were handed over to a set that is read again: they are in no source, and stay."""

    rows: pl.DataFrame
    inputs: list[dict[str, Any]]

    @property
    def note(self) -> str:
        """What to tell whoever reads."""
        names = ", ".join(quote(one["path"], 60) for one in self.inputs[:3])
        return f"{counted(self.rows.height, 'synthetic row')} of {names} stay; drop those that you don't want (`vetset decide`)"

    def append_to(self, path: Path) -> str:
        """Add the rows to a ``rows.parquet`` that was just written; return the digest of all."""
        read = pl.read_parquet(path, glob=False)
        splits = place(synthetic(self.rows), read, train="train")["split"]
        both = pl.concat([read, self.rows.with_columns(splits)])
        beside = path.with_name(f"{path.name}.with")
        parquet(both)(beside)
        os.replace(beside, path)
        return digest_of(both["id"])


def kept_rows(folder: Path, manifest: dict[str, Any], *, read: Collection[str] = ()) -> Kept | None:
    """Return the rows that were handed over to the set at ``folder``, or ``None`` where there are none.

    Where the manifest is damaged, they are those that tell of a teacher and are in no source.

    Args:
        folder: of the set.
        manifest: of the set; empty where it is damaged or not there.
        read: names of the sources that are read now.

    Raises:
        DataError: they are noted, and can't be read: reading on would lose them.
    """
    inputs = handed(manifest.get("inputs"))
    if not inputs and (manifest or not (folder / parts.ROWS).exists()):
        return None
    try:
        rows = pl.read_parquet(folder / parts.ROWS, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        if not inputs:
            return None
        lost = sum(one["rows"] for one in inputs)
        raise DataError(
            f"{folder / parts.ROWS} can't be read, and with it {counted(lost, 'synthetic row')} are lost; put it back from a "
            f"copy, or read into a new set (-o) and hand {inputs[0]['path']} over again."
        ) from error
    if inputs:
        return Kept(rows.filter(pl.col("file").is_in([one["path"] for one in inputs])), inputs)
    mine = rows.filter(is_synthetic(rows) & ~rows["file"].is_in(list(read)))
    found = mine.group_by("file", maintain_order=True).len().iter_rows()
    return Kept(mine, [entry(path, None, None, rows=count) for path, count in found]) if mine.height else None


def entry(path: str, digest: str | None, size: int | None, *, rows: int = 0) -> dict[str, Any]:
    """Return what ``inputs`` of the manifest says of a run's file: SHA-256, bytes, and how many rows of the set are of it."""
    return {
        "path": path, "sha256": digest, "bytes": size, "container": CONTAINER, "rows": rows, "rejects": 0, "license": None,
        "shape": CONTAINER, "columns": {}, "constants": {}, "notes": [],
    }  # fmt: skip


def handed(inputs: Any) -> list[dict[str, Any]]:
    """Return the inputs of a manifest that are runs."""
    found = [one for one in inputs if isinstance(one, dict)] if isinstance(inputs, list) else []
    return [one for one in found if one.get("container") == CONTAINER and isinstance(one.get("path"), str)]
