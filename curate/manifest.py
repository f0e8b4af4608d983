"""A set's ``manifest.json``: read as it stands, with the exports that were announced there and came to be.

An export changes two folders, and no rename does that at once. So it is announced in the set's manifest before its files
are put in place, with the digest of its account; from the moment that an account of that digest stands, the export is
listed, whoever asks, and the next save writes it down so. A kill in between loses nothing.
"""

from __future__ import annotations

import json
import os
from hashlib import file_digest
from pathlib import Path
from typing import Any

PROVENANCE = "provenance.json"
"""The account of an export, in its folder."""


def load(path: Path) -> dict[str, Any] | None:
    """Return the manifest at ``path``; ``None`` where there is none, or what stands there is no manifest."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return settled(found) if isinstance(found, dict) and "format" in found else None


def announce(before: Any, entry: dict[str, Any], step: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the announced exports with one more, in place of an earlier one into the same folder.

    Args:
        before: those announced so far.
        entry: what ``exports`` of the manifest will say: ``path`` as given and ``from_set``, the way from the set's
            folder, which still leads there when both have moved; ``files`` with their SHA-256.
        step: what ``steps`` will say.
    """
    at = os.path.abspath(entry["path"])  # the next who looks may stand in another folder
    others = [said for said in _dicts(before) if said.get("at") != at]
    return [*others, {"at": at, "entry": entry, "step": step}]


def settled(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest with each announced export that stands as a listed one."""
    announced = _dicts(manifest.get("announced"))
    done = [said for said in announced if _stands(said)]
    if not done:
        return manifest
    places = {_place(said["entry"]) for said in done}
    listed = [entry for entry in manifest.get("exports", []) if _place(entry) not in places]
    return {
        **manifest,
        "steps": [*manifest.get("steps", []), *(said["step"] for said in done)],
        "exports": [*listed, *(said["entry"] for said in done)],
        "announced": [said for said in announced if said not in done],
    }


def _place(entry: dict[str, Any]) -> Any:
    """Return what tells an export's folder from others: ``path`` is as it was given, in whatever folder one stood."""
    return entry.get("from_set", entry.get("path"))


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _stands(said: dict[str, Any]) -> bool:
    """Whether the account of that digest is there; the set may come from a stranger, who may have written anything."""
    try:
        account, entry = Path(said["at"]) / PROVENANCE, said["entry"]
        if not (account.is_file() and isinstance(said["step"], dict)):
            return False  # a pipe would never end
        if not (isinstance(entry["path"], str) and isinstance(_place(entry), str)):
            return False
        with account.open("rb") as file:
            return file_digest(file, "sha256").hexdigest() == entry["files"][PROVENANCE]
    except (OSError, ValueError, KeyError, TypeError):
        return False
