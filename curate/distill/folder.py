"""The folder of a run, ``NAME.distill/``: what was planned, what became of it, and whether anything has changed since.

| file | what |
|-|-|
| `calls.jsonl` | every call and its answer, written as they come (the journal); precious: it was paid for |
| `drafts.parquet` | one line a draft (``table.DRAFTS``) |
| `accepted.jsonl` | rows that passed every gate, with their lineage; `vetset read` reads it |
| `review.jsonl` | rows that a person has to look at |
| `rejected.jsonl` | what was made and not taken, with the gate and the reason |
| `report.json` | counts, cells, diversity |
| `spend.json` | what was paid, and what may have been: the only file that hangs on how a run came to its end |
| `recipe.toml` | as it was |
| `state.json` | digests of what went in and came out |

All but the journal and the recipe are made anew by the same command, without a call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from .. import disk
from ..dataset import parquet
from ..errors import UsageError, quote
from .outcome import Outcome
from .rows import Origin, Parents, rows_of
from .table import Keys, drafts_table

JOURNAL, DRAFTS, ACCEPTED, REVIEW, REJECTED, REPORT, RECIPE, STATE, SPEND = (
    "calls.jsonl", "drafts.parquet", "accepted.jsonl", "review.jsonl", "rejected.jsonl", "report.json", "recipe.toml",
    "state.json", "spend.json",
)  # fmt: skip
SUFFIX = ".distill"

VERSION = 1
"""Raised when the same answers make other rows than an earlier vetset made of them."""


def write_run(
    folder: Path,
    outcomes: Sequence[Outcome],
    *,
    origin: Origin,
    parents: Parents,
    keys: Keys,
    report: Mapping[str, Any],
    spend: Mapping[str, Any],
    recipe: str,
    inputs: str,
    complete: bool,
) -> None:
    """Write all files of a run as one change; the journal stands there already.

    Args:
        folder: of the run.
        outcomes: of all drafts.
        origin: of the rows.
        parents: what rows inherit.
        keys: of calls in the journal.
        report: as JSON values.
        spend: as JSON values.
        recipe: text of the recipe.
        inputs: digest of what decides the files besides the answers.
        complete: whether every call brought an answer: else the same command has something to do.
    """
    accepted = rows_of([one for one in outcomes if one.fate == "accepted"], origin, parents)
    review = rows_of([one for one in outcomes if one.fate == "review"], origin, parents)
    files = {
        ACCEPTED: _lines(accepted),
        REVIEW: _lines(review),
        REJECTED: _rejected(outcomes),
        REPORT: (json.dumps(report, ensure_ascii=False, indent=1) + "\n").encode(),
        RECIPE: recipe.encode(),
    }
    table = drafts_table(outcomes, origin, keys)
    state = {
        "version": VERSION,
        "inputs": inputs,
        "complete": complete,
        "files": {name: sha256(text).hexdigest() for name, text in files.items()},
    }
    files[SPEND] = (json.dumps(spend, ensure_ascii=False, indent=1) + "\n").encode()
    files[STATE] = (json.dumps(state, indent=1) + "\n").encode()
    writers: dict[str, disk.Writer | None] = {name: _bytes(text) for name, text in files.items()}
    with disk.locked(folder, make=True):
        disk.replace_together(folder, {**writers, DRAFTS: parquet(table)})


def unchanged(folder: Path, inputs: str) -> dict[str, Any] | None:
    """Return the report of a run that stands whole and whose inputs are the same; ``None`` where there is something to do.

    Args:
        folder: of the run.
        inputs: digest of what decides its files besides the answers.
    """
    state = _json(folder / STATE)
    if not isinstance(state, dict) or state.get("inputs") != inputs or state.get("version") != VERSION:
        return None
    files = state.get("files")
    if not state.get("complete") or not isinstance(files, dict) or not (folder / DRAFTS).is_file():
        return None
    for name in (ACCEPTED, REVIEW, REJECTED, REPORT):
        path = folder / name
        if not path.is_file() or sha256(path.read_bytes()).hexdigest() != files.get(name):
            return None
    return {**_json(folder / REPORT), "spend": _json(folder / SPEND)}


def read_report(folder: Path) -> dict[str, Any]:
    """Return the report of a run.

    Raises:
        UsageError: there is none.
    """
    found = _json(folder / REPORT)
    if not isinstance(found, dict):
        raise UsageError(
            f"{folder} holds no {REPORT}, so it is no finished run of `vetset distill`; run its recipe first."
        )
    return {**found, "spend": _json(folder / SPEND)}


def check_name(name: str) -> str:
    """Return the name of a run, as it stands in rows and paths.

    Raises:
        UsageError: it has characters that no name of a source should have.
    """
    if not name or any(not (char.isalnum() or char in "._-") for char in name):
        raise UsageError(f"{quote(name)} can't name a run; use letters, digits, dot, dash and underscore.")
    return name


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else than a run.

    Raises:
        UsageError: it does, or it is a file.
    """
    if folder.is_file():
        raise UsageError(f"{folder} is a file; name a folder for the run with -o NAME{SUFFIX}.")
    if not folder.is_dir():
        return
    others = [item.name for item in folder.iterdir() if not item.name.startswith(".")]
    if others and not _is_run(folder):
        raise UsageError(f"{folder} holds other files and no run; name another folder with -o NAME{SUFFIX}.")


def _is_run(folder: Path) -> bool:
    """Whether a run wrote here: a report alone may be anybody's."""
    state = _json(folder / STATE)
    if isinstance(state, dict) and {"inputs", "complete", "files"} <= state.keys():
        return True
    try:
        with (folder / JOURNAL).open("rb") as file:
            return b"vetset journal" in file.read(200)
    except OSError:
        return False


def _lines(rows: pl.DataFrame) -> bytes:
    """Return rows as JSON lines that `vetset read` reads: columns under their own names, the lineage under ``distill``.

    Where each row is one text with a label it is written so: of a conversation `read` takes no label that it isn't told of.
    """
    lines = []
    flat = bool(rows.height) and bool((rows["messages"].list.len() == 1).all()) and not rows["label"].null_count()
    for row in rows.iter_rows(named=True):
        said = [{name: value for name, value in turn.items() if value is not None} for turn in row["messages"]]
        for turn in said:
            if "tool_calls" in turn:
                turn["tool_calls"] = json.loads(turn["tool_calls"])
        told: dict[str, Any] = {"text": said[0]["content"]} if flat else {"messages": said}
        told |= {
            name: row[name]
            for name in ("rejected", "label", "group", "source", "license", "origin")
            if row[name] is not None
        }
        if row["tools"] is not None:
            told["tools"] = json.loads(row["tools"])
        if row["time"] is not None:
            told["time"] = row["time"].isoformat()
        lines.append(json.dumps(told | json.loads(row["extra"]), ensure_ascii=False))
    return "".join(line + "\n" for line in lines).encode()


def _rejected(outcomes: Sequence[Outcome]) -> bytes:
    from .table import made_as_json

    lines = []
    for outcome in outcomes:
        if outcome.fate not in ("rejected", "failed"):
            continue
        told = {
            "draft": outcome.draft.id, "cell": dict(outcome.draft.cell), "fate": outcome.fate, "gate": outcome.gate,
            "why": outcome.why, "made": made_as_json(outcome.made) if outcome.made else None,
            "said": [answer.text for _, answer in outcome.calls if answer.text is not None] if outcome.made is None else None,
        }  # fmt: skip
        lines.append(json.dumps({name: value for name, value in told.items() if value is not None}, ensure_ascii=False))
    return "".join(line + "\n" for line in lines).encode()


def _bytes(text: bytes) -> disk.Writer:
    return lambda path: path.write_bytes(text)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
