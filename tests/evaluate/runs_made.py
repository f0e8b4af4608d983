"""Eval sets and runs for tests: small, whole, and on disk."""

import json

import polars as pl
from vetset.curate.dataset import frame
from vetset.evaluate.evalsets.evalset import EvalSet, save_evalset
from vetset.evaluate.evalsets.freezing import freeze
from vetset.evaluate.evalsets.touches import touch
from vetset.evaluate.runs.results import RESULTS, SCORE, save_run


def made_evalset(folder, rows, *, part="ship", frozen=True, **columns):
    """Return an eval set of ``rows`` (dicts with messages and label); columns are given as lists."""
    base = frame(rows)
    count = base.height
    values = {
        "part": [part] * count if isinstance(part, str) else part,
        "weight": [1.0] * count, "stratum": ["all"] * count, "cluster": base["id"].to_list(),
        "tags": [[] for _ in range(count)], "digest": [""] * count, **columns,
    }  # fmt: skip
    whole = base.with_columns(*(pl.Series(name, told) for name, told in values.items()))
    manifest = {"name": folder.name.removesuffix(".evalset"), "version": 1, "digest": None}
    made = save_evalset(folder, manifest, whole.with_columns(pl.col("tags").cast(pl.List(pl.String))))
    if not frozen:
        return made
    freeze(made, by="test")
    return EvalSet.open(folder)


def made_run(folder, of, scores, /, *, outputs=None, statuses=None, scorer="exact", spec=None, **manifest):
    """Return a run of an eval set with these scores, a line a row."""
    rows = of.part(of.rows["part"][0])
    count = rows.height
    told = {
        "id": rows["id"], "sample": [0] * count, "status": statuses or ["ok"] * count, "output": outputs or ["x"] * count,
        "prediction": outputs or ["x"] * count, "reference": rows["label"], "error": [None] * count,
        "prompt_tokens": [10] * count, "completion_tokens": [2] * count, "seconds": [0.1] * count, "cost": [None] * count,
        **{name: rows[name] for name in ("part", "weight", "cluster", "label", "stratum", "group", "source", "tags")},
    }  # fmt: skip
    status = told["status"]
    results = pl.DataFrame(told, schema=RESULTS).with_columns(
        pl.Series(
            f"{SCORE}{scorer}",
            [s if now == "ok" else None for s, now in zip(scores, status, strict=True)],
            dtype=pl.Float64,
        )
    )
    whole = {
        "name": folder.name.removesuffix(".run"), "candidate": folder.name.removesuffix(".run"),
        "at": "2026-11-23T00:00:00+00:00",
        "evalset": {
            "name": of.name, "digest": of.digest, "version": 1, "part": rows["part"][0], "rows": count,
            "folder": str(of.folder),
        },
        "model": {"name": "m", "identity": {"kind": "canned"}}, "rung": "bare", "prompt": {"digest": "p"},
        "scorers": [{"name": scorer, "spec": spec or scorer, "version": 1}], "primary": scorer, "train": None, **manifest,
    }  # fmt: skip
    return save_run(folder, json.loads(json.dumps(whole)), results)


def noted(run, of, *, baseline=False):
    """Note a run in the ledger of its eval set, as `vetset eval` does before it writes one; returns the run."""
    told = run.manifest
    touch(
        of, candidate=told["candidate"], part=told["evalset"]["part"], run=run.folder.name, by="test",
        rung="bare" if baseline else None, results=run.results, identity={"weights": "w"},
        manifest=told,
    )  # fmt: skip
    return run
