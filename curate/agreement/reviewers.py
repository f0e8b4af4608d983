"""Votes of a set's reviewers: rows that two of them decided, each without regard to what was adjudicated afterwards."""

from __future__ import annotations

import polars as pl

from ..decisions.ledger import Ledger
from ..decisions.policy import REVIEWER

ADJUDICATED = "agreement"
"""What a decision that settles a difference names as its rule; it is no vote."""

DECIDED = pl.Schema(
    {"row_id": pl.String, "reviewer": pl.String, "action": pl.String, "value": pl.String, "seq": pl.Int64}
)
"""Columns of ``decided_twice``."""


def decided_twice(ledger: Ledger) -> pl.DataFrame:
    """Return the last standing word of each person on the rows that two people decided, ``DECIDED`` columns, by row."""
    # With max() as the only one of its kind, SQLite takes the bare columns from the line that holds it (documented).
    sql = """
        WITH word AS (
            SELECT row_id, reviewer, action, value, max(seq) AS seq FROM live
            WHERE reviewer <> ? AND action <> 'skip' AND coalesce(rule, '') <> ? GROUP BY row_id, reviewer)
        SELECT * FROM word WHERE row_id IN (SELECT row_id FROM word GROUP BY row_id HAVING count(*) > 1)
        ORDER BY row_id, reviewer"""
    return ledger.select(sql, (REVIEWER, ADJUDICATED), DECIDED)


def votes_of(decided: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``item, annotator, label``, a line a vote: the label that a reviewer would have the row have.

    Args:
        decided: ``decided_twice``.
        rows: ``id, label``; rows that left have no votes.
    """
    own = rows.select(pl.col("id").alias("row_id"), own=pl.col("label").fill_null("(kept)"))
    action = pl.col("action")
    label = pl.when(action == "relabel").then("value").when(action == "keep").then("own")
    return decided.join(own, on="row_id", how="inner", maintain_order="left").select(
        pl.col("row_id").alias("item"),
        pl.col("reviewer").alias("annotator"),
        label.otherwise(pl.lit("(") + action + ")").alias("label"),
    )
