"""The findings table: what one rule says about one row. Evidence, never an act."""

from __future__ import annotations

import polars as pl

SCHEMA = pl.Schema(
    {
        "id": pl.String,  # the row
        "rule": pl.String,  # family.name
        "score": pl.Float64,  # 0 to 1, 1 is worst
        "cluster": pl.String,  # rows that belong together share it: the id of the cluster's first row
        "peer": pl.String,  # the row that this one is like, or at odds with
        "note": pl.String,  # one sentence for a person
        "suggest": pl.String,  # drop, relabel, edit or review
        "value": pl.String,  # what to relabel or edit to, where the rule knows
    }
)
"""Columns of a findings frame. ``cluster``, ``peer`` and ``value`` may be null."""


def empty() -> pl.DataFrame:
    """Return a findings frame without a line."""
    return pl.DataFrame(schema=SCHEMA)


def report(found: pl.DataFrame, rule: str) -> pl.DataFrame:
    """Return ``found`` with the rule's name, missing columns as null, and the columns in order.

    Args:
        found: at least ``id``, ``score``, ``note`` and ``suggest``.
        rule: ``family.name``.
    """
    columns = [
        (pl.lit(rule) if name == "rule" else pl.col(name) if name in found.columns else pl.lit(None))
        .cast(dtype)
        .alias(name)
        for name, dtype in SCHEMA.items()
    ]
    return found.select(columns)
