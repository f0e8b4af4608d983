"""The verb ``why``: the whole life of one row, from its source line to the files that hold it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from msgspec import to_builtins

from ..dataset import Dataset
from ..decisions.deciding import find_row
from ..decisions.ledger import Ledger
from ..distill.fates import newest
from ..distill.lineage import lineage_of, synthetic
from ..distill.teachers import terms_of
from ..masking import mask
from ..near.explain import align
from ..near.row_texts import row_pieces
from .lineage import where
from .provenance import PROVENANCE, sha256

LOST = "not found where it was"
"""The fate of rows in an export that is no longer there."""

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
    standing: list[dict[str, Any]]
    """What stands: the last decision, or the last edit and the last relabel."""
    official_split: str | None
    pairs: list[dict[str, Any]]
    """What the row shares with each row that a finding of likeness names, and what only one of the two has."""
    exports: list[dict[str, Any]]
    """What each export says of it: its fate, file and record."""
    synthetic: dict[str, Any] | None = None
    """Of a row that a teacher wrote: ``parents`` with where they stand, teacher, terms, digests, verdicts, tokens, cost."""
    children: list[dict[str, Any]] = field(default_factory=list)
    """``id, run, teacher, split`` of the synthetic rows that were made from it."""

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
        decisions=[_decided(line) for line in history],
        standing=[_decided(line) for line in head],
        official_split=dataset.official_split(row_id),
        pairs=_pairs(dataset, row_id, findings),
        exports=_exports(dataset, row_id),
        synthetic=_lineage(dataset, row_id, row["extra"]),
        children=_children(dataset, row_id),
    )


def _lineage(dataset: Dataset, row_id: str, extra: str) -> dict[str, Any] | None:
    """Tell how a synthetic row came to be; ``None`` of any other."""
    told = lineage_of(extra)
    if told is None:
        return None
    here = dataset.rows.filter(pl.col("id").is_in(list(told.parents))).select("id", "file", "line", "split", "origin")
    of = {row["id"]: row for row in here.to_dicts()}
    missing = {"file": None, "line": None, "split": None, "origin": None, "gone": True}
    parents = [of.get(parent) or {"id": parent, **missing} for parent in told.parents]
    terms = terms_of(told.teacher.model, told.teacher.url, told.teacher.terms).summary()
    fate, why = newest(dataset.manifest).get(row_id, (told.fate, told.why))
    now = {"fate": fate, "why": why} if (fate, why) != (told.fate, told.why) else {}
    return {**_masked({**to_builtins(told), **now}), "parents": parents, "terms": terms}


def _children(dataset: Dataset, row_id: str) -> list[dict[str, Any]]:
    named = (
        dataset.rows.lazy()
        .filter(pl.col("extra").str.contains(row_id, literal=True))
        .select("id", "extra", "split")
        .collect()
    )
    mine = synthetic(named).filter(pl.col("parents").list.contains(row_id))
    return mine.join(named, on="id", maintain_order="left").select("id", "run", "teacher", "fate", "split").to_dicts()


def _pairs(dataset: Dataset, row_id: str, findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lay the row beside each row that it is like, by duplicate and leakage findings."""
    alike = {
        found["peer"]: found["rule"]
        for found in findings
        if found["peer"] and found["rule"].partition(".")[0] in ("duplicates", "leakage")
    }
    told = []
    for peer, rule in alike.items():
        both = [dataset.rows.filter(pl.col("id") == one) for one in (row_id, peer)]
        if not all(one.height for one in both):
            continue
        # Masked before it is cut into words: of the words of a mail address or of a key, none has the form of one.
        difference = align(*(mask("\n".join(row_pieces(one)[0])) for one in both))
        told.append(
            {
                "rule": rule, "peer": peer, "file": both[1]["file"][0], "line": both[1]["line"][0],
                "shared_words": difference.shared, "here": _few(difference.here), "there": _few(difference.there),
                "cut": difference.cut,
            }
        )  # fmt: skip
    return told


def _few(runs: list[str]) -> list[str]:
    """The first runs of words, cut short: the row itself is shown whole above."""
    return [run if len(run) <= 80 else run[:79] + "…" for run in runs[:8]]


def _decided(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "value": _masked(line["value"]), "reason": _masked(line["reason"])}


def _masked(item: Any) -> Any:
    if isinstance(item, list):
        return [_masked(part) for part in item]
    if isinstance(item, dict):
        return {name: _masked(part) for name, part in item.items()}
    return mask(item) if isinstance(item, str) else item


def _exports(dataset: Dataset, row_id: str) -> list[dict[str, Any]]:
    """What each export says of the row: its fate, the file and the record; one that is gone says where it was."""
    told = []
    for entry in dataset.manifest.get("exports", []):
        folder = place_of_export(dataset, entry)
        if folder is None:
            told.append({"export": _shown(entry["path"]), "fate": LOST})
        elif (fate := where(folder, row_id)) is not None:  # an export of rows that were read anew knows others
            told.append({"export": _shown(folder), **fate})
    return told


def place_of_export(dataset: Dataset, entry: dict[str, Any]) -> str | None:
    """Return the export's folder: where it was seen from the set (both may have moved together), or where it was."""
    beside = entry.get("from_set", os.path.join("..", entry["path"]))
    account = entry.get("files", {}).get(PROVENANCE)
    for place in (os.path.join(os.path.realpath(dataset.folder), beside), entry["path"]):
        file = Path(place) / PROVENANCE
        # Another export may have taken its place since: the digest says whether it is the one that was listed.
        if file.is_file() and sha256(file) == account:
            return os.path.normpath(place)
    return None


def _shown(path: str) -> str:
    """Return a path as it is named from the folder that we are in, absolute where it does not lie below."""
    here = os.path.relpath(path)
    return os.path.abspath(path) if here.startswith("..") else here
