"""Runs and eval sets that stand around a set, for whoever does not name them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..evalsets.evalset import MANIFEST_FILE

_MOST = 200  # of each; a folder with more is listed by its newest


def places_of(folder: Path) -> list[Path]:
    """Return where runs and eval sets of a set are looked for: beside it, in ``runs/`` beside it, and in both of this folder."""
    places = [folder.parent, folder.parent / "runs", Path.cwd(), Path.cwd() / "runs"]
    return list(dict.fromkeys(place.resolve() for place in places if place.is_dir()))


def find_runs(places: Iterable[Path]) -> list[Path]:
    """Return the folders that hold a run, one and two levels down, the newest first."""
    return _newest(places, "run.json")


def find_evalsets(places: Iterable[Path]) -> list[Path]:
    """Return the folders that hold an eval set, the newest first."""
    return _newest(places, MANIFEST_FILE)


def _newest(places: Iterable[Path], name: str) -> list[Path]:
    found: dict[Path, float] = {}
    for place in places:
        for path in (*place.glob(f"*/{name}"), *place.glob(f"*/*/{name}")):
            try:
                found[path.parent] = path.stat().st_mtime
            except OSError:
                continue  # gone between the look and this
    return sorted(found, key=lambda folder: (-found[folder], str(folder)))[:_MOST]
