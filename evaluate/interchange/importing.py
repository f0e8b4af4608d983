"""A run that another tool made, written as a run of vetset's, so that ``compare`` judges it as any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ...curate.errors import DataError, UsageError, quote
from ...curate.messages import Content, Said, content_hash
from ...curate.wording import counted
from ..evalsets.evalset import EvalSet, Part, reference
from ..evalsets.touches import touch
from ..runs.results import RESULTS, SCORE, Run, Status, save_run
from ..scorers.answers import statuses
from ..scorers.case import Case
from . import from_inspect, from_lm_eval, from_openai_evals, from_promptfoo
from .exporting import Tool
from .guessing import guess
from .joining import Joined, join
from .record import Logged, Record
from .run_manifest import manifest

READERS: dict[str, Callable[..., Logged]] = {
    "lm-eval": from_lm_eval.read,
    "inspect": from_inspect.read,
    "promptfoo": from_promptfoo.read,
    "openai-evals": from_openai_evals.read,
}
_COPIED = ("part", "weight", "cluster", "label", "stratum", "group", "source", "tags")


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
        primary: the score that counts; the one that the tool names first for ``None``.
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
    if primary is not None and primary not in logged.records[0].scores:
        raise UsageError(f"--primary {quote(primary, 40)} is no score of {paths[0]}; it has {_scores(logged)}.")
    primary = primary or logged.primary
    if primary is None:
        raise DataError(
            f"{paths[0]} holds no score from 0 to 1, so nothing could be compared by it; score it there by one that is."
        )
    joined = join(logged, on, part=part) if on is not None else _by_themselves(logged)
    results = _results(joined, primary)
    told = manifest(
        logged,
        joined,
        results,
        on,
        paths=logged.files or paths,
        primary=primary,
        name=out.name.removesuffix(".run"),
        by=by,
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
        )
    run = save_run(out, told, results)
    return ImportResult(run, joined.counts, _notes(logged, joined, on))


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


def _scores(logged: Logged) -> str:
    return ", ".join(logged.records[0].scores) or "none from 0 to 1"


def _as_exported(logged: Logged) -> None:
    """Call the score of a task that vetset wrote by the rule's name, which is one and the same in every tool."""
    rule = logged.facts.get("match")
    if logged.primary is None or not isinstance(rule, str) or logged.tool == "openai-evals":
        return
    was, logged.primary = logged.primary, rule
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
        row = dict.fromkeys(_COPIED) | {
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


def _results(joined: Joined, primary: str) -> pl.DataFrame:
    right = [row["reference"] if "reference" in row else reference(row) for row in joined.rows]
    told = _statuses(joined.records, right, primary)
    spelt = {row["label"].casefold(): row["label"] for row in joined.rows if row["label"]}
    frame = pl.DataFrame(
        {
            "id": [row["id"] for row in joined.rows],
            "sample": joined.samples,
            "status": told,
            "output": [record.output for record in joined.records],
            "prediction": [spelt.get((one.prediction or "").casefold(), one.prediction) for one in joined.records],
            "reference": right,
            **{
                name: [getattr(record, name) for record in joined.records]
                for name in ("error", "prompt_tokens", "completion_tokens", "seconds", "cost")
            },
            **{name: [row[name] for row in joined.rows] for name in _COPIED},
        },
        schema=RESULTS,
    )
    names = list(dict.fromkeys(name for record in joined.records for name in record.scores))
    scores = [
        pl.Series(
            f"{SCORE}{name}",
            [
                record.scores.get(name) if status == "ok" else None
                for record, status in zip(joined.records, told, strict=True)
            ],
            dtype=pl.Float64,
        )
        for name in names
    ]
    return frame.with_columns(scores).sort("id", "sample")  # logs are written as answers come


def _statuses(records: Sequence[Record], right: Sequence[str | None], primary: str) -> list[Status]:
    """What ``vetset eval`` would say: an answer that scores is ``ok``, one that doesn't may be refused, cut off or not parsed."""
    cases = [Case(record.output, wanted, finish=record.finish) for record, wanted in zip(records, right, strict=True)]
    found = []
    for record, status in zip(records, statuses(cases), strict=True):
        score = record.scores.get(primary)
        if record.finish == "error":
            found.append("error")
        elif score:
            found.append("ok")
        elif status == "ok":
            found.append("unparsed" if record.unparsed or score is None else "ok")
        else:
            found.append(status)
    return found


def _notes(logged: Logged, joined: Joined, on: EvalSet | None) -> list[str]:
    """Say what could not be taken over, and what that means for a comparison."""
    counts = joined.counts
    told = [f"left out: {what} ({count:,})" for what, count in logged.left_out.items()]
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
