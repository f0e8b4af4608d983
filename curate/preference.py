"""Preference pairs that teach nothing, or teach both ways."""

from __future__ import annotations

import polars as pl

from . import text
from .clusters import ids
from .findings import empty, report


def find_same(rows: pl.DataFrame) -> pl.DataFrame:
    """Find preference rows whose chosen and rejected replies are the same text (``text.fold``).

    A chosen reply that calls a tool is never the same as a rejected text.
    """
    pairs = _pairs(rows).filter(pl.col("tool_calls").is_null() & (pl.col("chosen_folded") == pl.col("rejected_folded")))
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
        pairs.select(
            ids(rows, pairs["row"]).alias("id"),
            pl.when(identical).then(1.0).otherwise(0.9).alias("score"),
            note.alias("note"),
            pl.lit("drop").alias("suggest"),
        ),
        "preference.same",
    )


def find_preference_conflict(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Find preference rows that another row contradicts: same prompt, A over B here and B over A there.

    Prompts and replies are compared as ``text.fold`` does. All rows with such a pair are found, the majority too.
    The score is 1 less the share of the rows that agree with this one.

    Args:
        rows: the rows.
        keys: ``text.keys(rows)``.
    """
    prompts = pl.select(keys["input_folded"].alias("prompt"), pl.int_range(len(keys), dtype=pl.UInt32).alias("row"))
    # Folding replies is the dear part, so only prompts that come back are folded.
    several = prompts.filter(rows["rejected"].is_not_null()).filter(pl.len().over("prompt") > 1)
    if several.is_empty():
        return empty()
    pairs = (
        _pairs(rows, several["row"])
        .join(prompts, on="row", maintain_order="left")
        .select(
            "row",
            "prompt",
            pl.struct(pl.col("chosen_folded"), "tool_calls").hash(seed=5).alias("better"),
            pl.struct(
                pl.col("rejected_folded").alias("chosen_folded"), pl.lit(None, dtype=pl.String).alias("tool_calls")
            )
            .hash(seed=5)
            .alias("worse"),
        )
    )
    unordered = ["prompt", "low", "high"]
    pairs = (
        pairs.filter(pl.col("better") != pl.col("worse"))
        .with_columns(
            pl.min_horizontal("better", "worse").alias("low"), pl.max_horizontal("better", "worse").alias("high")
        )
        .filter(pl.col("better").n_unique().over(unordered) > 1)
        .with_columns(
            pl.len().over(unordered).alias("size"),
            pl.len().over([*unordered, "better"]).alias("own"),
            pl.col("row").min().over(unordered).alias("first"),
        )
        .sort("row")
    )
    if pairs.is_empty():
        return empty()
    opposed = (
        pairs.select("prompt", better="worse", worse="better", other="row")
        .group_by("prompt", "better", "worse")
        .agg(pl.col("other").min())
    )
    pairs = pairs.join(opposed, on=["prompt", "better", "worse"], how="left", maintain_order="left")
    note = "Same prompt and same two replies {} times: {} prefer this row's choice, {} the other way round."
    return report(
        pairs.select(
            ids(rows, pairs["row"]).alias("id"),
            (1 - pl.col("own") / pl.col("size")).alias("score"),
            ids(rows, pairs["first"]).alias("cluster"),
            ids(rows, pairs["other"]).alias("peer"),
            pl.format(note, pl.col("size"), pl.col("own"), pl.col("size") - pl.col("own")).alias("note"),
            pl.lit("review").alias("suggest"),
        ),
        "preference.conflict",
    )


def _pairs(rows: pl.DataFrame, index: pl.Series | None = None) -> pl.DataFrame:
    """Return ``row, chosen, rejected, tool_calls`` and the folded replies of preference rows that have a chosen one."""
    numbered = rows.select("messages", "rejected").with_row_index("row")
    numbered = numbered.filter(pl.col("rejected").is_not_null()) if index is None else numbered[index]
    last = pl.col("messages").list.last().struct
    pairs = numbered.filter(last.field("role") == "assistant").select(
        "row", "rejected", last.field("content").fill_null("").alias("chosen"), last.field("tool_calls")
    )
    return pairs.with_columns(
        text.fold_all(pairs["chosen"]).alias("chosen_folded"), text.fold_all(pairs["rejected"]).alias("rejected_folded")
    )
