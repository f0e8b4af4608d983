"""Preference rows as pairs of replies, and those whose two replies are the same."""

from __future__ import annotations

import polars as pl

from .. import text
from ..clusters import ids
from ..findings import report


def find_same(rows: pl.DataFrame) -> pl.DataFrame:
    """Find preference rows whose chosen and rejected replies are the same text (``text.fold``).

    A chosen reply that calls a tool is never the same as a rejected text.
    """
    given = pairs(rows).filter(pl.col("tool_calls").is_null() & (pl.col("chosen_folded") == pl.col("rejected_folded")))
    identical = pl.col("chosen") == pl.col("rejected")
    hollow = pl.col("chosen_folded") == ""
    note = (
        pl.when(hollow)
        .then(pl.lit("Both the chosen and the rejected reply are empty."))
        .when(identical)
        .then(pl.lit("The chosen and the rejected reply are identical."))
        .otherwise(pl.lit("The chosen and the rejected reply differ only in case, width or white space."))
    )
    return report(
        given.select(
            ids(rows, given["row"]).alias("id"),
            pl.when(identical).then(1.0).otherwise(0.9).alias("score"),
            note.alias("note"),
            pl.lit("drop").alias("suggest"),
        ),
        "preference.same",
    )


def pairs(rows: pl.DataFrame, index: pl.Series | None = None) -> pl.DataFrame:
    """Return ``row, chosen, rejected, tool_calls`` and the folded replies of preference rows that have a chosen one."""
    numbered = rows.select("messages", "rejected").with_row_index("row")
    numbered = numbered.filter(pl.col("rejected").is_not_null()) if index is None else numbered[index]
    last = pl.col("messages").list.last().struct
    given = numbered.filter(last.field("role") == "assistant").select(
        "row", "rejected", last.field("content").fill_null("").alias("chosen"), last.field("tool_calls")
    )
    return given.with_columns(
        text.fold_all(given["chosen"]).alias("chosen_folded"), text.fold_all(given["rejected"]).alias("rejected_folded")
    )
