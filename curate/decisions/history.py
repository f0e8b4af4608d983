"""The ledger as a person reads it: a line for all that was decided in one go, and can be taken back in one go."""

from __future__ import annotations

import json
from collections.abc import Sequence

import polars as pl

from ..dataset import Dataset
from .decision import ACTIONS
from .ledger import Ledger

BATCHES = pl.Schema(
    {
        "batch": pl.String,  # what ``undo`` takes
        "at": pl.String,  # of the first line; UTC, ISO 8601
        "reviewer": pl.String,  # several with commas where lines of an import share a batch
        "seq": pl.Int64,  # of the first line
        "rows": pl.Int64,
        **dict.fromkeys((*ACTIONS, "undo"), pl.Int64),  # lines by what they say
        "rules": pl.List(pl.String),  # that brought the rows up; empty where rows were named one by one
        "undone": pl.Int64,  # lines that were taken back since
        "stale": pl.Int64,  # lines that still stand and whose row changed or left: they apply to none
    }
)
"""Columns of ``batches``. A batch is undone as a whole when ``undone`` is the sum of its actions but ``undo``."""


def batches(dataset: Dataset) -> pl.DataFrame:
    """Return one line a batch, ``BATCHES`` columns, in the order of writing; none in a set without decisions.

    Raises:
        DataError: the decisions are lost or damaged.
    """
    with Ledger.open(dataset.folder) as ledger:
        decided = ledger.select("SELECT DISTINCT row_id FROM decision", (), pl.Schema({"row_id": pl.String}))
        if decided.is_empty():
            return pl.DataFrame(schema=BATCHES)
        gone = decided.join(dataset.rows.select("id"), left_on="row_id", right_on="id", how="anti")["row_id"]
        return summed(ledger, gone=gone.to_list())


def summed(ledger: Ledger, names: Sequence[str] | None = None, *, gone: Sequence[str] = ()) -> pl.DataFrame:
    """Return one line a batch, ``BATCHES`` columns, in the order of writing; SQLite reads no more than these batches.

    Args:
        ledger: the log.
        names: of the batches; all by default.
        gone: ids of decided rows that changed or left: lines on them are stale.
    """
    asked = () if names is None else (json.dumps(list(names)),)
    numbers = ledger.select(_SUMS.format(among=_among(names)), (json.dumps(list(gone)), *asked), _NUMBERS)
    who, rules = (
        ledger.select(_FIRST.format(column=column, among=_among(names)), asked, _WORDS).filter(
            pl.col("word").is_not_null()
        )
        for column in ("reviewer", "rule")
    )
    reviewers = who.group_by("batch", maintain_order=True).agg(pl.col("word").str.join(", ").alias("reviewer"))
    brought = rules.group_by("batch", maintain_order=True).agg(pl.col("word").alias("rules"))
    return (
        numbers.join(reviewers, on="batch", how="left", maintain_order="left")
        .join(brought, on="batch", how="left", maintain_order="left")
        .with_columns(pl.col("rules").fill_null(pl.lit([], pl.List(pl.String))))
        .select(BATCHES.names())
        .cast(dict(BATCHES))  # pyright: ignore[reportArgumentType]
    )


def _among(names: Sequence[str] | None) -> str:
    return "" if names is None else "WHERE d.batch IN (SELECT value FROM json_each(?))"


# With min() as the only one of its kind, SQLite takes the bare ``at`` from the line that holds the minimum (documented).
_SUMS = f"""
    WITH told AS (
        SELECT d.seq, d.at, d.batch, d.row_id, d.action,
            EXISTS (SELECT 1 FROM decision AS u WHERE u.undoes = d.seq) AS taken,
            d.row_id IN (SELECT value FROM json_each(?)) AS gone
        FROM decision AS d {{among}})
    SELECT batch, at, min(seq), count(DISTINCT row_id),
        {", ".join(f"sum(action = '{action}')" for action in (*ACTIONS, "undo"))},
        sum(taken), sum(gone AND NOT taken AND action <> 'undo')
    FROM told GROUP BY batch ORDER BY min(seq)"""
_NUMBERS = pl.Schema({name: BATCHES[name] for name in BATCHES.names() if name not in ("reviewer", "rules")})

_FIRST = """SELECT batch, {column} FROM decision AS d {among} GROUP BY batch, {column} ORDER BY min(seq)"""
_WORDS = pl.Schema({"batch": pl.String, "word": pl.String})
