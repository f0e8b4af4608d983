"""The account of an export: what went in, what was decided, what came out, as the values of ``provenance.json``."""

from __future__ import annotations

import platform
from dataclasses import asdict
from typing import Any

import polars as pl

from ..dataset import Dataset
from ..decisions.applied import Applied
from ..decisions.policy import Policy
from ..formats.wire import Loss
from ..version import version
from .lineage import short_paths
from .provenance import FATES, FORMAT, FileWritten


def compose(
    dataset: Dataset, *, options: dict[str, Any], policy: Policy, files: list[FileWritten], lineage: pl.DataFrame,
    losses: list[Loss], notes: list[str], found: pl.DataFrame, standing: pl.DataFrame, blocked: pl.DataFrame,
    applied: Applied, unapplied: int, log: bytes, rows: pl.DataFrame,
    synthetic: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the account of an export as JSON values; it holds no time of now and no folder of this machine.

    Args:
        dataset: the set.
        options: of the export.
        policy: says what blocks.
        files: the data files.
        lineage: one line a row that was read (``id, read_from, read_line, fate, why, file, record``).
        losses: what the format could not carry.
        notes: sentences for people.
        found: all findings.
        standing: those that nothing has settled.
        blocked: ids of decided rows on which a blocking finding stands.
        applied: the decisions that apply, and the stale ones.
        unapplied: decisions that could not be carried out.
        log: ``decisions.jsonl``.
        rows: the decided rows.
        synthetic: what is to be said of rows that a teacher wrote (``synthetic.account_of``).
    """
    fates = dict(lineage.group_by("fate").len().iter_rows())
    written = rows.join(lineage.filter(pl.col("fate") == "written"), on="id", how="semi")
    rejects = int(dataset.manifest.get("rejects", 0))
    kept_blocking = written.join(blocked, on="id", how="semi").height
    counts = {"read": lineage.height, "rejects": rejects, **{fate: fates.get(fate, 0) for fate in FATES}}
    return {
        "format": FORMAT,
        "made_with": {"vetset": version(), "python": platform.python_version(), "polars": pl.__version__},
        "options": options,
        "policy": {"own": dict(sorted(policy.own.items())), "block": list(policy.block)},
        "inputs": _inputs(dataset),
        "rows_digest": dataset.manifest.get("digest"),
        "counts": {**counts, "kept_blocking": kept_blocking},
        "rules": _rules(dataset, found, standing, policy, lineage.filter(pl.col("fate") == "held")),
        "decisions": {
            "lines": log.count(b"\n"),
            "applied": _grouped(applied.heads, "reviewer", "action"),
            "dropped": _grouped(applied.heads.filter(pl.col("action") == "drop"), "rule", "reviewer"),
            "stale": applied.stale.height,
            "unapplied": unapplied,
        },
        "losses": [asdict(loss) for loss in losses],
        "notes": notes,
        "files": [asdict(file) for file in files],
        "sources": _grouped(written, "source", "license", "origin"),
        **({} if synthetic is None else {"synthetic": synthetic}),
    }


def _rules(
    dataset: Dataset, found: pl.DataFrame, standing: pl.DataFrame, policy: Policy, held: pl.DataFrame
) -> dict[str, dict[str, int]]:
    """Found, settled, standing and held of each rule that ran; a row that two rules hold counts for both."""
    blocking = standing.filter(pl.col("rule").is_in(policy.block)).join(held, on="id", how="semi")
    finds, stands, holds = (dict(frame.group_by("rule").len().iter_rows()) for frame in (found, standing, blocking))
    return {
        rule: {
            "found": finds.get(rule, 0), "settled": finds.get(rule, 0) - stands.get(rule, 0),
            "standing": stands.get(rule, 0), "held": holds.get(rule, 0),
        }
        for rule in dataset.manifest.get("checked") or sorted(finds)
    }  # fmt: skip


def _grouped(frame: pl.DataFrame, *columns: str) -> list[dict[str, Any]]:
    groups = frame.group_by(columns).agg(rows=pl.len())
    order = [True, *[False] * len(columns)]
    return groups.sort("rows", *columns, descending=order, nulls_last=True).to_dicts()


def _inputs(dataset: Dataset) -> list[dict[str, Any]]:
    short = short_paths(dataset)
    return [{**entry, "path": short[entry["path"]]} for entry in dataset.manifest.get("inputs", [])]
