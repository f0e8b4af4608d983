"""A run on disk: ``NAME.run/`` with the results, a line a row and sample, and the manifest that says what was run on what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import polars as pl

from ...curate import disk
from ...curate.dataset import parquet
from ...curate.errors import DataError, UsageError

Status = Literal["ok", "unparsed", "truncated", "refused", "error"]
"""``unparsed``: nothing in the answer can be scored; ``truncated``: cut off before that; ``refused``: the model declined;
``error``: there is no answer. None of them is "wrong"; a verdict says how it counts them."""

SCORE = "score."
"""Prefix of a scorer's column: f64 from 0 to 1, null where the status is not ``ok``."""

RESULTS = pl.Schema(
    {
        "id": pl.String,  # of the eval row
        "sample": pl.Int32,  # which of several answers, from 0
        "status": pl.String,  # Status, by the primary scorer
        "output": pl.String,  # as the model wrote it
        "prediction": pl.String,  # what the primary scorer took from it: a class, a number ...
        "reference": pl.String,
        "error": pl.String,
        "prompt_tokens": pl.Int64,
        "completion_tokens": pl.Int64,
        "seconds": pl.Float64,
        "cost": pl.Float64,  # in the currency of the price file; null without one
        # copied from the eval set, so that a run can be judged where the set is not
        "part": pl.String,  # dev or ship
        "weight": pl.Float64,  # rows of the population that it stands for
        "cluster": pl.String,  # what is dependent: group, or near copies; its own id where alone
        "label": pl.String,
        "stratum": pl.String,
        "group": pl.String,
        "source": pl.String,
        "tags": pl.List(pl.String),  # rare, long, hard ...
    }
)
"""Columns of the results before the scorers' own."""

FORMAT = 1


@dataclass(frozen=True)
class Run:
    """An opened run."""

    folder: Path

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """Open a run.

        Raises:
            UsageError: there is no run at ``folder``.
            DataError: it was written by a newer vetset, or is damaged.
        """
        folder = Path(folder)
        if not (folder / "run.json").is_file():
            raise UsageError(
                f"{folder} is no run: it holds no run.json; make one with `vetset eval MODEL --on EVALSET`."
            )
        disk.recover(folder)
        run = cls(folder)
        if run.manifest.get("format") != FORMAT:
            raise DataError(
                f"{folder}/run.json has format {run.manifest.get('format')!r}, this vetset reads {FORMAT}; update vetset."
            )
        return run

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What was run.

        ``name, candidate, at, evalset {name, digest, version, part, rows}, model {name, identity}, rung, prompt, parameters,
        scorers [{name, spec}], primary, prices, train {set, digest, rows}, counts, seconds, version``.
        """
        path = self.folder / "run.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(found, dict):
                raise ValueError("no object")
            return found
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(
                f"{path} is damaged; run `vetset eval` again: answers that were paid for are kept."
            ) from error

    @cached_property
    def results(self) -> pl.DataFrame:
        """The results, ``RESULTS`` columns and one ``score.NAME`` a scorer."""
        path = self.folder / "results.parquet"
        try:
            found = pl.read_parquet(path, glob=False)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(
                f"{path} can't be read; run `vetset eval` again: answers that were paid for are kept."
            ) from error
        if lacking := [name for name in RESULTS if name not in found.columns]:
            raise DataError(
                f"{path} lacks the column {lacking[0]}; run `vetset eval` again: no answer is paid for twice."
            )
        return found

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.manifest.get("name") or self.folder.name.removesuffix(".run"))

    @property
    def scorers(self) -> list[str]:
        """Names of the scorers, the primary one first."""
        found = [name.removeprefix(SCORE) for name in self.results.columns if name.startswith(SCORE)]
        primary = self.manifest.get("primary")
        return sorted(found, key=lambda name: name != primary)


def save_run(folder: str | Path, manifest: Mapping[str, Any], results: pl.DataFrame) -> Run:
    """Write a run, both files as one change; one that stands there is replaced.

    Args:
        folder: of the run; made where it is missing.
        manifest: as ``Run.manifest``; ``format`` is set here.
        results: ``RESULTS`` columns and the scorers' own.

    Raises:
        DataError: a column is missing.
        UsageError: the folder can't be written.
    """
    folder = Path(folder)
    missing = [name for name in RESULTS if name not in results.columns]
    if missing:
        raise DataError(f"the results of {folder} lack the column {missing[0]}; give all of {', '.join(RESULTS)}.")
    scores = [name for name in results.columns if name.startswith(SCORE)]
    frame = results.select(*(pl.col(name).cast(kind) for name, kind in RESULTS.items()), *scores)
    text = json.dumps({"format": FORMAT, **manifest}, indent=1, ensure_ascii=False) + "\n"
    stale = ["verdict.json", "verdict.md"]  # they were of the results before
    with disk.locked(folder, make=True):
        disk.replace_together(
            folder,
            {
                **{name: None for name in stale if (folder / name).exists()},
                "results.parquet": parquet(frame),
                "run.json": lambda path: path.write_text(text, encoding="utf-8"),
            },
        )
    return Run.open(folder)
