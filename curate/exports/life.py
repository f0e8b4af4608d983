"""The verb ``why``: the whole life of one row, from its source line to the files that hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from ..dataset import Dataset
from ..decisions.deciding import find_row
from ..decisions.ledger import Ledger
from ..masking import mask
from .lineage import where

_PLAIN = ("id", "file", "line", "time", "split")
"""Columns of a row that say where it is; a group or an annotator may well be a mail address."""


@dataclass(frozen=True)
class Life:
    """What is known of one row; texts are masked for showing (``masking``)."""

    row: dict[str, Any]
    origin: dict[str, Any]
    """The input that it was read from: path, line, sha256."""
    findings: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    standing: dict[str, Any] | None
    """The decision that stands."""
    official_split: str | None
    exports: list[dict[str, Any]]
    """Exports that hold it: file and line."""

    def summary(self) -> dict[str, Any]:
        """Return the life as JSON values."""
        return {**self.__dict__}


def why(dataset: Dataset, wanted: str) -> Life:
    """Return the life of the row whose id is, or begins with, ``wanted``.

    Raises:
        UsageError: no such row, or several.
    """
    row_id = find_row(dataset, wanted)
    row = dataset.rows.row(by_predicate=pl.col("id") == row_id, named=True)
    shown = {name: item if name in _PLAIN else _masked(item) for name, item in row.items()}
    shown["time"] = row["time"].isoformat() if row["time"] else None
    shown["messages"] = [{name: text for name, text in said.items() if text is not None} for said in shown["messages"]]
    source = next((entry for entry in dataset.manifest["inputs"] if entry["path"] == row["file"]), {})
    findings = [] if dataset.findings is None else dataset.findings.filter(pl.col("id") == row_id).to_dicts()
    with Ledger.open(dataset.folder) as ledger:
        history = ledger.history(row_id).to_dicts()
        head = ledger.head().filter(pl.col("row_id") == row_id).to_dicts()
    return Life(
        row=shown,
        origin={
            "path": row["file"],
            "line": row["line"],
            "sha256": source.get("sha256"),
            "container": source.get("container"),
        },
        findings=[{**found, "note": _masked(found["note"]), "value": _masked(found["value"])} for found in findings],
        decisions=history,
        standing=head[0] if head else None,
        official_split=dataset.official_split(row_id),
        exports=_exports(dataset, row_id),
    )


def _masked(item: Any) -> Any:
    if isinstance(item, list):
        return [_masked(part) for part in item]
    if isinstance(item, dict):
        return {name: _masked(part) for name, part in item.items()}
    return mask(item) if isinstance(item, str) else item


def _exports(dataset: Dataset, row_id: str) -> list[dict[str, Any]]:
    """What each export that still stands says of the row: its fate, the file and the record."""
    told = ((export["path"], where(export["path"], row_id)) for export in dataset.manifest.get("exports", []))
    return [{"export": path, **fate} for path, fate in told if fate is not None]
