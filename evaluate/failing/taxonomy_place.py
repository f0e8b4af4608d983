"""Where the kinds of an eval set's failures stand: a file a set, beside its runs, for every version of the set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..runs.results import Run
from .taxonomy import Taxonomy, read_taxonomy

SHARED = "failures.json"
"""The file that all eval sets of a folder once shared, and that runs without a named set still do."""


def taxonomy_file(run: Run) -> Path:
    """Return the file of the kinds of a run's eval set: ``failures-NAME.json`` beside the run."""
    plain = "".join(char if char.isalnum() or char in "-_." else "-" for char in _set_of(run)).strip("-.")[:100]
    return run.folder.resolve().parent / (f"failures-{plain}.json" if plain else SHARED)


def known_kinds(run: Run) -> tuple[Taxonomy, str | None]:
    """Return the kinds that are known of a run's eval set, and what is to be said of where they come from.

    A set without a file of its own takes over what the shared one says of its runs; that file stays as it is.

    Raises:
        DataError: a file is damaged, or of a newer vetset.
    """
    place = taxonomy_file(run)
    shared = place.with_name(SHARED)
    if place.exists() or place == shared or not shared.exists():
        return read_taxonomy(place), None
    whole = read_taxonomy(shared)
    own = {one.name for one in _runs_beside(run) if _set_of(one) == _set_of(run)}
    kinds = [
        replace(kind, runs={name: rows for name, rows in kind.runs.items() if name in own}) for kind in whole.kinds
    ]
    kept = tuple(kind for kind in kinds if kind.runs)
    found = replace(whole, kinds=kept, seen={name: of for name, of in whole.seen.items() if name in own})
    return found, (
        f"{len(kept):,} of {len(kinds):,} kinds were taken over from {shared}, those with failures of this eval set; each has "
        f"a file of its own now ({place.name}), and the old one stays as it is."
    )


def _set_of(run: Run) -> str:
    return str((run.manifest.get("evalset") or {}).get("name") or "")


def _runs_beside(run: Run) -> list[Run]:
    folders = {one.parent for one in run.folder.resolve().parent.glob("*/run.json")}
    return [Run.open(folder) for folder in sorted(folders)]
