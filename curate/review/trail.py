"""What was done to a set, step by step, what came of it, and the whole life of one row, from the frames of a view."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from .. import findings as findings_table
from ..dataset import ROWS, Dataset
from ..exports.life import Life, why
from ..exports.provenance import PROVENANCE
from ..wording import counted
from .desk import Look
from .standing import ran
from .view import View

STEPS = pl.Schema({"verb": pl.String, "version": pl.String, "options": pl.String, "counts": pl.String})
EXPORTS = pl.Schema(
    {
        "path": pl.String,  # of the folder, as it was
        "format": pl.String,
        "rows": pl.Int64,
        "file": pl.String,
        "sha256": pl.String,
        "there": pl.Boolean,  # whether the folder still holds an account of an export
    }
)


@dataclass(frozen=True)
class Stage:
    """One stage of a set's way from files to an export."""

    verb: str
    said: str
    """What came of it; of vetset's own, no text of the data."""
    done: bool


def stages(look: Look) -> list[Stage]:
    """Return the way of a set: read, check, decide, split, export, each with what came of it or "not yet"."""
    manifest, heads = look.view.manifest, look.heads.frame
    inputs, exports = manifest.get("inputs", []), manifest.get("exports", [])
    decided = heads["row_id"].n_unique()
    made = any(step.get("verb") == "split" for step in manifest.get("steps", []))
    splits = look.view.rows["split"].drop_nulls().n_unique()
    came = "as the sources have them" if not made else "made here"
    read = f"{counted(len(inputs), 'file')}, {counted(look.view.rows.height, 'row')}"
    if manifest.get("rejects"):
        read += f", {counted(manifest['rejects'], 'reject')}"
    return [
        Stage("read", read, done=True),
        _stage(
            "check", f"{counted(len(ran(look)), 'rule')}, {counted(look.view.findings.height, 'finding')}", ran(look)
        ),
        _stage("decide", f"{counted(decided, 'row')} decided", decided),
        _stage("split", f"{counted(splits, 'split')} {came}", splits),
        _stage("export", counted(len(exports), "export"), exports),
    ]


def _stage(verb: str, said: str, done: object) -> Stage:
    return Stage(verb, said if done else "not yet", bool(done))


def steps(manifest: Mapping[str, Any]) -> pl.DataFrame:
    """Return a line a step, ``STEPS`` columns, the first first; options and counts as text for a cell."""
    told = [
        {
            "verb": step.get("verb"), "version": step.get("version"),
            "options": _flat(step.get("options")), "counts": _flat(step.get("counts")),
        }
        for step in manifest.get("steps", [])
    ]  # fmt: skip
    return pl.DataFrame(told, schema=STEPS)


def read_from(manifest: Mapping[str, Any]) -> list[str]:
    """Return the sources that the last read was given, as they were given; the files themselves where it notes none."""
    reads = [step for step in manifest.get("steps", []) if step.get("verb") == "read"]
    given = reads[-1].get("options", {}).get("sources", []) if reads else []
    files = [entry.get("path") for entry in manifest.get("inputs", [])]
    return [source for source in given or files if isinstance(source, str)]


def _flat(found: Any) -> str:
    """Return a step's values in a line: counts of nothing are left out, since a check has forty of them."""
    if not isinstance(found, dict):
        return ""
    inner = {
        name: of
        for name, value in found.items()
        for name, of in (value.items() if isinstance(value, dict) else [(name, value)])
    }
    return ", ".join(f"{name} {_text(value)}" for name, value in inner.items() if value not in (0, None, [], {}))


def _text(value: Any) -> str:
    return (
        f"{value:,}"
        if isinstance(value, int)
        else value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False)
    )


def exports(look: Look) -> pl.DataFrame:
    """Return a line for each file of each export, ``EXPORTS`` columns, the last export first."""
    told = [
        {"path": entry.get("path"), "format": entry.get("format"), "rows": entry.get("rows"), "file": file,
         "sha256": digest, "there": there}
        for entry in reversed(look.view.manifest.get("exports", []))
        for there in [_is_there(look.view.folder, entry)]
        for file, digest in entry.get("files", {}).items()
    ]  # fmt: skip
    return pl.DataFrame(told, schema=EXPORTS)


def _is_there(folder: Path, entry: Mapping[str, Any]) -> bool:
    beside = os.path.join(os.path.realpath(folder), entry.get("from_set", ""))
    places = [entry.get("path", ""), *([beside] if entry.get("from_set") else [])]
    return any((Path(place) / PROVENANCE).is_file() for place in places if place)


def life(view: View, wanted: str) -> Life:
    """Return the life of a row (``exports.life.why``), from the mapped frames: nothing is read whole.

    Raises:
        UsageError: no such row, or several.
    """
    dataset = Dataset(view.folder)
    found = view.findings.select(findings_table.SCHEMA.names()) if view.checked else None
    dataset.__dict__.update(manifest=view.manifest, rows=view.rows.select(ROWS.names()), findings=found)
    return why(dataset, wanted)
