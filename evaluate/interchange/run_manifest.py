"""What an imported run says of itself: the same fields as a run of ``vetset eval``, and which files it came from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import polars as pl

from ...curate.version import version
from ..evalsets.evalset import EvalSet
from ..evalsets.touches import candidate_digest
from ..runs.results import SCORE, Status
from ..scorers.case import Scorer
from .bounded import file_digest
from .joining import Joined
from .record import Logged


def manifest(
    logged: Logged,
    joined: Joined,
    results: pl.DataFrame,
    on: EvalSet | None,
    *,
    paths: Sequence[Path],
    primary: str,
    name: str,
    by: str,
    rescored: Sequence[Scorer] = (),
) -> dict[str, Any]:
    """Return the manifest of an imported run (``Run.manifest``), and ``imported`` with the digests of its files."""
    prompt = _prompt(logged, joined)
    anew = {one.name: scorer_told(one) for one in rescored}
    identity = {"imported_from": logged.tool, **logged.identity}
    return {
        "name": name,
        "candidate": candidate_digest({"model": identity, "prompt": prompt["digest"], "parameters": logged.parameters}),
        "at": logged.at,
        "by": by,
        "evalset": _evalset(logged, joined, results, on),
        "model": {"name": logged.model, "identity": identity},
        "rung": "imported",
        "prompt": prompt,
        "parameters": logged.parameters,
        "samples": max(joined.samples) + 1,
        "scorers": [
            anew.get(name) or _scorer(logged, name)
            for name in (column.removeprefix(SCORE) for column in results.columns if column.startswith(SCORE))
        ],
        "primary": primary,
        "prices": None,
        "train": None,
        "retrieval": None,
        "counts": _counts(results),
        "fresh": 0,
        "seconds": logged.seconds,
        "tokens": {kind: results[f"{kind}_tokens"].sum() for kind in ("prompt", "completion")},
        "cost": results["cost"].sum() if results["cost"].null_count() < results.height else None,
        "version": version(),
        "imported": {
            "from": logged.tool, "tool_version": logged.tool_version, "task": logged.task,
            "files": [file_digest(path) for path in paths], "joined": joined.counts, "left_out": logged.left_out,
        },
    }  # fmt: skip


def _prompt(logged: Logged, joined: Joined) -> dict[str, Any]:
    asked = "\n".join(
        sorted(sha256(one.question.encode("utf-8", "surrogatepass")).hexdigest() for one in joined.records)
    )
    told = logged.prompt | {"questions": sha256(asked.encode()).hexdigest()}
    whole = json.dumps(told, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")
    return told | {"digest": sha256(whole).hexdigest()}


def _counts(results: pl.DataFrame) -> dict[str, int]:
    found = dict(results.group_by("status").len().iter_rows())
    return {status: found.get(status, 0) for status in get_args(Status)}


def scorer_told(scorer: Scorer) -> dict[str, Any]:
    """Return what a manifest says of a scorer of vetset's own, as ``vetset eval`` writes it."""
    told = {"name": scorer.name, "spec": scorer.spec, "version": scorer.version}
    return told | ({"calibration": scorer.calibration} if scorer.calibration else {})


def _scorer(logged: Logged, name: str) -> dict[str, Any]:
    """A score of a task that vetset wrote is judged by one rule in all tools; any other is the tool's own."""
    ours = name == logged.facts.get("match") and logged.tool != "openai-evals"
    if name in logged.judged:  # the mark of vetset's own judges: without a calibration no verdict stands on it
        return {"name": name, "spec": f"judge:{logged.tool}:{name}", "version": 1}
    return {"name": name, "spec": f"exported:{name}" if ours else f"{logged.tool}:{name}", "version": 1}


def _evalset(logged: Logged, joined: Joined, results: pl.DataFrame, on: EvalSet | None) -> dict[str, Any]:
    """The eval set; without one, what the log's rows are: two logs with the same rows have the same digest."""
    rows = results["id"].n_unique()
    if on is not None:
        return {
            "name": on.name, "folder": str(on.folder), "digest": on.digest, "version": on.manifest.get("version"),
            "part": joined.part, "rows": rows,
        }  # fmt: skip
    told = results.select("id", "reference").unique("id").sort("id").rows()
    digest = sha256(json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()
    return {"name": logged.task, "folder": None, "digest": digest, "version": None, "part": None, "rows": rows}
