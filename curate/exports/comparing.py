"""What ships now against what the last export wrote: rows added, gone, changed, and moved to another file."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ..dataset import Dataset
from ..decisions.ledger import Ledger
from ..decisions.ledger_jsonl import import_jsonl
from ..errors import VetsetError
from .life import place_of_export
from .provenance import DECISIONS, LINEAGE

_NAMED = 100  # ids of each kind: as many as an address holds


@dataclass(frozen=True)
class Difference:
    """How the rows to write differ from those of the last export."""

    folder: str
    format: str
    added: int
    gone: int
    changed: int
    """Written then and now, with another label or another text."""
    moved: int
    """Written then and now, into another file."""
    ids: dict[str, list[str]]
    """The first rows of each kind that are in the set, as far as an address holds them."""


def against_last(dataset: Dataset, now: pl.DataFrame, heads: pl.DataFrame, log: bytes) -> Difference | str | None:
    """Return the difference from the set's last export, a sentence where it can't be read, ``None`` where there was none.

    Args:
        dataset: the set.
        now: ``id, file`` of the rows to write.
        heads: the decisions that apply.
        log: ``decisions.jsonl`` of now.
    """
    exports = dataset.manifest.get("exports", [])
    if not exports:
        return None
    entry = exports[-1]
    place = place_of_export(dataset, entry)
    if place is None:
        return f"the last export, {entry.get('path')}, is not where it was or was changed, so what differs from it can't be told."
    folder = Path(place)
    try:
        lineage = pl.read_parquet(folder / LINEAGE, columns=["id", "fate", "file"], glob=False)
        then = lineage.filter(pl.col("fate") == "written").select("id", "file")
        changed = _changed(folder / DECISIONS, heads, log)
    except (OSError, VetsetError, pl.exceptions.PolarsError):
        return f"the last export, {folder}, is damaged, so what differs from it can't be told."
    both = now.join(then, on="id", suffix="_then", maintain_order="left")
    here = dataset.rows.select("id")
    # csv against jsonl: a file goes by its split, not by the end of its name.
    stem = pl.col("file", "file_then").str.replace(r"\.[a-z]+$", "")
    found = {
        "added": now.join(then, on="id", how="anti", maintain_order="left"),
        "gone": then.join(now, on="id", how="anti", maintain_order="left"),
        "changed": both.filter(pl.col("id").is_in(changed.implode())),
        "moved": both.with_columns(stem).filter(pl.col("file") != pl.col("file_then")),
    }
    named = {
        kind: of.join(here, on="id", how="semi", maintain_order="left")["id"].head(_NAMED).to_list()
        for kind, of in found.items()
    }
    counts = {kind: of.height for kind, of in found.items()}
    return Difference(str(folder), str(entry.get("format", "")), **counts, ids=named)


def _changed(path: Path, heads: pl.DataFrame, log: bytes) -> pl.Series:
    """Return the ids of which other changes stand now than did in the log at ``path``."""
    if path.read_bytes() == log:
        return pl.Series("row_id", [], dtype=pl.String)
    with tempfile.TemporaryDirectory(prefix="vetset-") as scratch, Ledger.open(scratch) as ledger:
        import_jsonl(ledger, path)
        then = _said(ledger.head())
    now = _said(heads)
    both = now.join(then, on="row_id", how="full", suffix="_then", coalesce=True)
    return both.filter(pl.col("said").ne_missing(pl.col("said_then")))["row_id"]


def _said(heads: pl.DataFrame) -> pl.DataFrame:
    """Return ``row_id, said``: the changes of each row that has some, in the order in which they are carried out."""
    changes = heads.filter(pl.col("action").is_in(["relabel", "edit"])).sort("seq")
    return changes.group_by("row_id").agg(said=pl.concat_str("action", "value", separator="\0").str.join("\0"))
