"""Eval rows to hold a set against: from files, read as the set was read, or from another set."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .dataset import Dataset, is_set
from .errors import UsageError
from .reading.mapping import Given
from .reading.reader import read
from .wording import counted


@dataclass(frozen=True)
class EvalRows:
    """Rows that must not stand in a set, and what to say of where they come from."""

    rows: pl.DataFrame | None
    """``None`` where nothing was named."""
    notes: list[str]


def eval_rows(dataset: Dataset, paths: Sequence[str | Path]) -> EvalRows:
    """Return the rows of eval files and of eval sets.

    A set gives all of its rows, as it read them: which of them a run is tested on is not known here, and a leak that is
    found in vain costs a look, one that is missed the score.

    Raises:
        UsageError: a path that is not there, or is the set itself.
        DataError: a file or a set that can't be read.
    """
    sets = [Path(path) for path in paths if is_set(Path(path))]
    files = [path for path in paths if Path(path) not in sets]
    frames, notes = [_of_files(dataset, files)] if files else [], []
    for folder in sets:
        if folder.samefile(dataset.folder):
            raise UsageError(f"{folder} is the set that is to be checked; name another with --against.")
        rows = Dataset.open(folder).as_read().rows
        frames.append(rows)
        notes.append(
            f"{folder} is a set: all of its {counted(rows.height, 'row')} count as eval rows, as they were read and "
            "whatever their split or decision (to hold against a part, export it and name the file)"
        )
    return EvalRows(pl.concat(frames) if frames else None, notes)


def _of_files(dataset: Dataset, paths: Sequence[str | Path]) -> pl.DataFrame:
    """Read eval files as the set was read where they have its columns; otherwise their columns are guessed."""
    inputs = dataset.manifest.get("inputs") or [{}]
    shape, columns = inputs[0].get("shape"), inputs[0].get("columns", {})
    alike = Given(text=columns.get("text"), label=columns.get("label")) if shape in ("text", "text-label") else Given()
    with tempfile.TemporaryDirectory(prefix="vetset-") as folder:
        try:
            return read(paths, Path(folder) / "against.vet", columns=alike).dataset.rows
        except UsageError:
            if alike == Given():
                raise
        return read(paths, Path(folder) / "guessed.vet", columns=Given()).dataset.rows
