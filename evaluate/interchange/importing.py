"""A run that another tool made, written as a run of vetset's, so that ``compare`` judges it as any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ...curate.errors import DataError, UsageError, quote
from ...curate.messages import Content, Said, content_hash
from ...curate.wording import counted
from ..evalsets.evalset import EvalSet, Part
from ..evalsets.touches import touch
from ..models.protocol import Model
from ..runs.results import SCORE, Run, save_run
from . import from_inspect, from_lm_eval, from_openai_evals, from_promptfoo
from .exporting import Tool
from .guessing import guess
from .imported_results import COPIED, results_of
from .joining import Joined, join
from .record import Logged
from .rescoring import open_scorers, rescore
from .run_manifest import manifest

READERS: dict[str, Callable[..., Logged]] = {
    "lm-eval": from_lm_eval.read,
    "inspect": from_inspect.read,
    "promptfoo": from_promptfoo.read,
    "openai-evals": from_openai_evals.read,
}


@dataclass(frozen=True)
class ImportResult:
    """What was taken over."""

    run: Run
    counts: dict[str, int]
    """How answers were joined, and what was left out."""
    notes: list[str]
    """What could not be taken over, in sentences."""

    def summary(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        told = self.run.manifest
        answered = self.run.results.filter(pl.col("status") != "error")
        weight = pl.col("weight").fill_null(1.0)
        # As `vetset compare` has it: an answer without a score counts as 0, one that never came not at all.
        means = {
            name: (pl.col(f"{SCORE}{name}").fill_null(0.0) * weight).sum() / weight.sum() for name in self.run.scorers
        }
        scores = answered.select(**means).row(0, named=True) if answered.height else dict.fromkeys(means)
        return {
            "run": str(self.run.folder), "from": told["imported"]["from"], "model": told["model"]["name"],
            "rows": self.run.results["id"].n_unique(), "answers": self.run.results.height, "primary": told["primary"],
            "scores": scores, "statuses": told["counts"], "evalset": told["evalset"], "joined": self.counts, "notes": self.notes,
        }  # fmt: skip


def import_run(
    files: Sequence[str | Path],
    out: str | Path,
    *,
    source: Tool | None = None,
    on: EvalSet | None = None,
    part: Part | None = None,
    only: str | None = None,
    primary: str | None = None,
    scorers: Sequence[str] = (),
    judge: Model | None = None,
    baseline: bool = False,
    by: str = "",
) -> ImportResult:
    """Read the logs of another tool and write them as the run ``out``.

    Without ``on`` the rows are those that the log holds, told apart by their content: two logs of the same benchmark get the same
    ids and the same digest, and can be compared with each other.

    Args:
        files: what the tool wrote; of lm-eval also the folder that it wrote into.
        out: the folder ``NAME.run``.
        source: the tool; guessed from the files for ``None``.
        on: the frozen eval set whose rows were asked.
        part: whose rows count; that of the rows that were answered for ``None``.
        only: the task (lm-eval) or provider (promptfoo), where the files hold several.
        primary: the score that counts; the first of ``scorers``, or without any the one that the tool names first, for ``None``.
        scorers: specs of vetset's scorers, which score the answers anew beside the tool's own scores.
        judge: the model of a scorer ``judge:RUBRIC``; its answers are kept in ``journal.jsonl`` beside the run.
        baseline: what a candidate will be held against, and none itself: noted as a look, and counted as none.
        by: who looks, for the eval set's ledger.

    Raises:
        UsageError: no such file or score; several runs in one; the ship part without ``on``; another run stands at ``out``.
        DataError: a file is not what the tool writes, or too large.
        StaleError: the task was written from another eval set.
    """
    paths = [Path(file) for file in files]
    out = Path(out)
    if not out.name.endswith(".run"):
        raise UsageError(f"-o {out} is no name of a run; give {out}.run.")
    tool = source or guess(paths)
    if tool not in READERS:
        raise UsageError(f"--from {quote(tool, 20)} is no tool that is known; give {', '.join(READERS)}.")
    logged = READERS[tool](paths, only=only)
    if not logged.records:
        raise DataError(f"{paths[0]} holds no answer; give the log of a run that came to its end.")
    _as_exported(logged)
    own = open_scorers(scorers, on, judge=judge, journal=out.absolute().parent / "journal.jsonl")
    names = [*(one.name for one in own), *logged.records[0].scores]
    if primary is not None and primary not in names:
        raise UsageError(f"--primary {quote(primary, 40)} is no score of {paths[0]}; it has {_listed(names)}.")
    primary = primary or (own[0].name if own else logged.primary)
    if primary is None:
        raise DataError(
            f"{paths[0]} holds no score from 0 to 1, so nothing could be compared by it; score its answers by one of vetset's "
            "own with --scorer."
        )
    joined = join(logged, on, part=part) if on is not None else _by_themselves(logged)
    results = results_of(joined, primary, rescore(joined, own), logged.primary)
    told = manifest(
        logged,
        joined,
        results,
        on,
        paths=logged.files or paths,
        primary=primary,
        name=out.name.removesuffix(".run"),
        by=by,
        rescored=own,
    )
    _check_place(out, told)
    if on is not None:  # before the results are there to be read
        touch(
            on,
            candidate=told["candidate"],
            part=joined.part,
            run=out.name,
            by=by or None,
            rung="imported" if baseline else None,
            results=results,
            identity=told["model"]["identity"],
            manifest=told,
        )
    run = save_run(out, told, results)
    return ImportResult(run, joined.counts, _notes(logged, joined, on, told))


def _check_place(out: Path, told: dict[str, Any]) -> None:
    """A run that is taken over again is replaced, any other is kept."""
    if not (out / "run.json").exists():
        return
    there = Run.open(out).manifest
    files = [{file["sha256"] for file in (one.get("imported") or {}).get("files", ())} for one in (there, told)]
    if there.get("candidate") != told["candidate"] or files[0] != files[1]:
        raise UsageError(
            f"{out} holds another run, which is kept; give a name of its own with -o, or remove that folder."
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "none from 0 to 1"


def _as_exported(logged: Logged) -> None:
    """Call the score of a task that vetset wrote by the rule's name, which is one and the same in every tool."""
    rule = logged.facts.get("match")
    if logged.primary is None or not isinstance(rule, str) or logged.tool == "openai-evals":
        return
    was, logged.primary = logged.primary, rule
    logged.judged = {rule if name == was else name: how for name, how in logged.judged.items()}
    for record in logged.records:
        record.scores = {rule if name == was else name: value for name, value in record.scores.items()}


def _by_themselves(logged: Logged) -> Joined:
    """Make rows of the answers' own questions and references, as an eval set that nobody froze."""
    # Some files tell it of the task, some only of each row.
    if logged.facts.get("part") == "ship" or any(record.part == "ship" for record in logged.records):
        raise UsageError(
            "these are answers to the ship part of an eval set, and every look at it counts; name the set with --on."
        )
    joined = Joined(counts=dict.fromkeys(("by_id", "by_content", "unknown", "ambiguous", "other_part", "repeated"), 0))
    seen: dict[tuple[str, int], int] = {}
    for record in logged.records:
        said = [
            Said("user", record.question),
            *([Said("assistant", record.reference)] if record.reference is not None else []),
        ]
        head = content_hash(Content(said))
        at = record.sample or 0
        # Alike rows are told apart by their order, as in a set; what a tool counts as samples of one row stays one.
        ordinal = seen[head, at] = seen.get((head, at), -1) + 1
        row = dict.fromkeys(COPIED) | {
            "id": f"{head}-{ordinal}",
            "weight": 1.0,
            "cluster": f"{head}-{ordinal}",
            "tags": [],
        }
        joined.rows.append(row | {"reference": record.reference})
        joined.records.append(record)
        joined.samples.append(at)
        joined.counts["by_content"] += 1
    joined.counts["missing"] = 0
    return joined


def _notes(logged: Logged, joined: Joined, on: EvalSet | None, manifest: dict[str, Any]) -> list[str]:
    """Say what could not be taken over, and what that means for a comparison."""
    counts = joined.counts
    first: Mapping[str, Any] = next(one for one in manifest["scorers"] if one["name"] == manifest["primary"])
    told = [f"left out: {what} ({count:,})" for what, count in logged.left_out.items()]
    told += logged.notes
    if str(first["spec"]).startswith("judge:") and not first.get("calibration"):
        told.append(
            f"the score {first['name']} is a model's verdict ({logged.judged[first['name']]}), and how well that agrees with "
            "people is not known, so `vetset compare` takes none from it; --scorer SPEC scores the same answers anew"
        )
    for key, what in (
        ("unknown", "belong to no row of the eval set"),
        ("ambiguous", "could belong to several rows of the same content"),
        ("other_part", "belong to rows of the other part"),
        ("repeated", "are further ones to a row that has its answer"),
    ):
        if counts[key]:
            told.append(f"{counted(counts[key], 'answer')} {what} and are left out")
    if counts["missing"]:
        told.append(
            f"{counted(counts['missing'], 'row')} of the part {joined.part} have no answer; `vetset compare` wants all of them"
        )
    if on is None:
        told.append(
            "the rows are the log's own, of equal weight and each a cluster of its own; --on EVALSET joins them to a frozen set"
        )
    return told
