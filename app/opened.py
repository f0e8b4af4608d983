"""What a command is given to open: where it is not there, or not as it was, the sentence names what is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..evaluate.evalsets.evalset import EvalSet
    from ..evaluate.runs.results import Run

_NAMED = 5  # of the runs that are there


def open_run(folder: Path) -> Run:
    """Open a run.

    Raises:
        UsageError: there is none; the runs in that folder, or else beside it, are named.
        DataError: see ``Run.open``.
    """
    from ..curate.errors import UsageError
    from ..curate.wording import shell
    from ..evaluate.runs.finding import find_runs
    from ..evaluate.runs.results import Run
    from .lines import listed

    if (folder / "run.json").is_file():
        return Run.open(folder)
    is_no_run = f"{folder} is no run: it holds no run.json" if folder.exists() else f"{folder}: no such run"
    for place in (folder, folder.parent):
        if found := find_runs([place]):
            more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
            there = (
                listed([shell(path) for path in found[:_NAMED]]) if not more else ", ".join(map(shell, found[:_NAMED]))
            )
            raise UsageError(f"{is_no_run}; in {place} there is {there}{more}.")
    raise UsageError(
        f"{is_no_run}, and {folder.parent} holds none; make one with `vetset eval MODEL --on EVALSET -o {shell(folder.parent)}`."
    )


def open_evalset(folder: Path) -> EvalSet:
    """Open an eval set whose rows are those that were frozen, where it is frozen.

    Raises:
        StaleError: they are others; both ways back are named.
        VetsetError: see ``EvalSet.open``.
    """
    from ..curate.errors import StaleError
    from ..curate.wording import shell
    from ..evaluate.evalsets.evalset import ROWS_FILE, VERSIONS, EvalSet

    found = EvalSet.open(folder)
    try:
        _ = found.rows  # read once: whoever is given the eval set has them
    except StaleError as error:
        kept = folder / VERSIONS / str(found.manifest.get("version")) / ROWS_FILE
        back = f"put {kept}" if kept.is_file() else "put a copy"
        raise StaleError(
            f"{folder / ROWS_FILE} holds other rows than those that were frozen, so no run on it could be compared; {back} back "
            f"in its place, or take these for the next version with `vetset evalset freeze {shell(folder)} --anew`."
        ) from error
    return found
