"""Which rows of a run failed, and of what kind: what could not be scored is told apart from what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ...curate.errors import UsageError, quote
from ..evalsets.evalset import question
from ..runs.results import SCORE, Run

WRONG = "wrong"
"""Of an answer that was scored, too low."""

FAILED = pl.Schema(
    {
        "id": pl.String,
        "status": pl.String,  # wrong, or the status of the results: unparsed, truncated, refused, error
        "question": pl.String,  # null where the eval set is not at hand
        "output": pl.String,
        "prediction": pl.String,
        "reference": pl.String,
        "error": pl.String,
        "weight": pl.Float64,
        "cluster": pl.String,
        "label": pl.String,
    }
)
"""Columns of failures, a line a row of the eval set."""


def failed_rows(
    run: Run, rows: pl.DataFrame | None = None, *, threshold: float = 1.0, scorer: str | None = None
) -> pl.DataFrame:
    """Return the rows that failed, ``FAILED``, in the order of their ids.

    A row with several answers failed where their mean score is below the threshold (what has no score counts as 0); the first
    answer that failed stands for it.

    Args:
        run: the run.
        rows: of its eval set, for the questions.
        threshold: least score that is no failure, over 0.
        scorer: to judge by; the run's primary one for ``None``.

    Raises:
        UsageError: no such scorer, or a threshold that no score is below.
    """
    if not 0 < threshold <= 1:
        raise UsageError(f"--threshold {threshold:g} calls every answer right or none; give a score over 0, at most 1.")
    if not run.scorers:
        raise UsageError(
            f"{run.folder} was scored by nobody, so nothing says what failed; run `vetset eval` with a scorer."
        )
    scorer = scorer or run.scorers[0]
    if scorer not in run.scorers:
        raise UsageError(f"{run.folder} has no scorer {quote(scorer)}; there is {', '.join(run.scorers)}.")
    scored = pl.when(pl.col("status") == "ok").then(pl.col(SCORE + scorer)).fill_null(0.0)
    results = run.results.with_columns(score=scored).sort("id", "sample")
    failing = results.filter(pl.col("score").mean().over("id") < threshold, pl.col("score") < threshold)
    first = failing.unique("id", keep="first", maintain_order=True)
    asked = _questions(rows)
    return first.select(
        "id",
        pl.when(pl.col("status") == "ok").then(pl.lit(WRONG)).otherwise("status").alias("status"),
        pl.col("id").replace_strict(asked, default=None, return_dtype=pl.String).alias("question"),
        "output", "prediction", "reference", "error",
        pl.col("weight").fill_null(1.0),
        pl.coalesce("cluster", "id").alias("cluster"),
        "label",
    )  # fmt: skip


def _questions(rows: pl.DataFrame | None) -> dict[str, str]:
    """Return what each row asks: its last turn of a user, which is what a person would call the question."""
    if rows is None:
        return {"": ""}
    return {row["id"]: asked(row) for row in rows.select("id", "messages").iter_rows(named=True)}


def asked(row: Mapping[str, Any]) -> str:
    """Return the last thing that a user said in the question of a row."""
    said = (turn.content for turn in reversed(question(row)) if turn.role == "user" and turn.content)
    return next(said, "")
