"""Which files a set has: noted in its manifest by the change that writes them, so that one which is lost is missed.

Without the note a set that has lost ``decisions.db`` looks like one in which nothing was ever decided, and its export
like a vetted one. The files are noted by the very change that writes them (``Dataset.save``). ``decisions.db`` is made by
SQLite, outside of such changes, so the order makes it safe: the file stands, empty, before it is noted, and it is noted
before the first decision is written. Whatever is killed, a file that is noted was there, and a decision that was
acknowledged is in a file that is noted.

A set that was written before there were notes has none, and opens as it always did.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import disk
from . import manifest as manifest_file
from .errors import DataError
from .wording import shell

ROWS, REJECTS, FINDINGS = "rows.parquet", "rejects.jsonl", "findings.parquet"
SPLITS, DECISIONS = "splits.parquet", "decisions.db"
PARTS = (ROWS, REJECTS, FINDINGS, SPLITS, DECISIONS)
"""Files of a set that are noted; the manifest itself is what makes a folder a set."""


def after(folder: Path, manifest: Mapping[str, Any], files: Mapping[str, Any]) -> dict[str, str | None]:
    """Return what the manifest says of the parts once ``files`` are written (``None``: removed).

    A part that was noted stays so until it is removed on purpose, whether it stands or not. Of rows the digest of their
    ids is noted, too, so that another set's rows are not taken for these.
    """
    noted = {name: told for name, told in known(manifest).items() if name in PARTS}
    stand = {name: noted.get(name) for name in PARTS if name in noted or _stands(folder / name)}
    written = {name: manifest.get("digest") if name == ROWS else None for name in PARTS if files.get(name) is not None}
    return {name: told for name, told in (stand | written).items() if name in written or name not in files}


def known(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts that a manifest notes; who wrote it may be a stranger."""
    noted = manifest.get("parts")
    return noted if isinstance(noted, dict) else {}


def is_lost(folder: Path, name: str) -> bool:
    """Say whether a part was noted and is not there, or is an empty or cut-off file."""
    if not _missing(folder, name):
        return False
    if (folder / ".commit.json").exists():
        disk.recover(folder)  # a change is being put in place, which may be what takes the part away
    return _missing(folder, name)  # looked at again: a change may have ended between the look at file and manifest


def note(folder: Path, name: str) -> None:
    """Note a part that stands; does nothing in a folder without a manifest, such as one that is yet to be read into."""
    path = folder / "manifest.json"
    if name in known(manifest_file.load(path) or {}):
        return
    with disk.locked(folder):
        now = manifest_file.load(path)
        if now is None:
            return
        now["parts"] = after(folder, now, {}) | {name: None}
        text = json.dumps(now, indent=1, ensure_ascii=False) + "\n"
        disk.replace_together(folder, {"manifest.json": lambda beside: beside.write_text(text, encoding="utf-8")})


def miss_no_decisions(folder: Path) -> None:
    """Raise ``DataError`` where decisions were made and are gone."""
    if is_lost(folder, DECISIONS):
        raise decisions_lost(folder)


def decisions_lost(folder: Path) -> DataError:
    """Return what to say of a set whose decisions are gone; the last export that holds them is named."""
    found = manifest_file.load(folder / "manifest.json") or {}
    exports = [entry.get("path") for entry in found.get("exports", []) if isinstance(entry, dict)]
    kept = [Path(path, "decisions.jsonl") for path in exports if isinstance(path, str)]
    file = next((path for path in reversed(kept) if path.is_file()), None)
    of_what = "the last export that is still there" if file else "an export's folder or from git"
    return DataError(
        f"{folder / DECISIONS} is gone, and with it what was decided; put it back from a copy, or take the decisions in "
        f"from {of_what}: `vetset decide {shell(folder)} --import {shell(file or 'decisions.jsonl')}` (with /dev/null in its "
        "place the set goes on without any)."
    )


def _missing(folder: Path, name: str) -> bool:
    return not _stands(folder / name) and name in known(manifest_file.load(folder / "manifest.json") or {})


def _stands(path: Path) -> bool:
    """Whether the file is there and whole; one that only has lines where something was refused may be empty."""
    try:
        size = path.stat().st_size
        if path.suffix != ".parquet":
            return size > 0 or path.name == REJECTS
        with path.open("rb") as file:  # Parquet begins and ends with its mark: one that was cut off does not
            begins = file.read(4)
            file.seek(max(size - 4, 0))
            return size > 8 and begins == file.read(4) == b"PAR1"
    except OSError:
        return False
