"""Preferences that contradict each other: A over B and B over A, or a circle of three and more replies."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..clusters import ids
from ..findings import empty, report
from .pairs import pairs

_SIGNS = r"[\s!-/:-@\[-`{-~。，！？；：、“”‘’…¿¡«»]+"  # a list: Unicode's classes are ten times slower


def find_preference_conflict(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Find preference rows that others contradict: the same prompt, and the two replies the other way round, or in a circle.

    Prompts and replies are the same where their words are (``text.fold``, signs and white space apart). All rows with such a
    pair are found, the majority too; the score is 1 less the share of the rows that agree with this one. Of a circle (A over B,
    B over C, C over A) each row is found that is a part of it, with a score of 0.5.

    Args:
        rows: the rows.
        keys: ``text.keys(rows)``.
    """
    edges = _edges(rows, keys)
    if edges is None:
        return empty()
    opposed = _opposed(rows, edges)
    circles = _circles(rows, edges)
    both = pl.concat([opposed, circles.join(opposed, on="row", how="anti")], how="diagonal").sort("row")
    if both.is_empty():
        return empty()
    return report(
        both.select(
            ids(rows, both["row"]).alias("id"),
            "score",
            ids(rows, both["first"]).alias("cluster"),
            ids(rows, both["other"]).alias("peer"),
            "note",
            pl.lit("review").alias("suggest"),
        ),
        "preference.conflict",
    )


def _edges(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame | None:
    """Return ``row, prompt, better, worse, exact`` of preference rows whose prompt comes back; ``None`` for none."""
    preferred = rows["rejected"].is_not_null() & (rows["messages"].list.len() > 0)
    index = pl.int_range(len(rows), dtype=pl.UInt32, eager=True).filter(preferred)
    prompts = pl.DataFrame(
        {"row": index, "prompt": _prompt_words(rows, index), "exact": keys["input_folded"].gather(index)}
    )
    # Reading replies is the dear part, so only prompts that come back are read.
    several = prompts.filter(pl.len().over("prompt") > 1)
    if several.is_empty():
        return None
    given = pairs(rows, several["row"])

    def reply(column: str, calls: pl.Expr) -> pl.Expr:
        words = pl.col(column).str.replace_all(_SIGNS, " ").str.strip_chars()
        # Of a reply without a word (a formula's sign, an emoji) the signs count.
        return pl.struct(pl.when(words == "").then(column).otherwise(words).alias("words"), calls.alias("calls")).hash(
            seed=5
        )

    folded = ("chosen_folded", "rejected_folded")
    none = pl.lit(None, dtype=pl.String)
    given = given.select(
        "row",
        reply("chosen_folded", pl.col("tool_calls")).alias("better"),
        reply("rejected_folded", none).alias("worse"),
        pl.struct(low=pl.min_horizontal(*folded), high=pl.max_horizontal(*folded)).hash(seed=6).alias("texts"),
    )  # fmt: skip
    edges = given.join(several, on="row", how="left", maintain_order="left")
    return edges.filter(pl.col("better") != pl.col("worse"))


def _prompt_words(rows: pl.DataFrame, index: pl.Series) -> pl.Series:
    """A key of the words of everything before the reply, turn by turn."""
    turns = (
        rows.select("messages")[index]
        .with_row_index("at")
        .explode("messages")
        .unnest("messages")
        .select(
            "at", "role", "content", "tool_calls", turn=pl.int_range(pl.len()).over("at"), last=pl.len().over("at") - 1
        )
        .filter(~((pl.col("turn") == pl.col("last")) & (pl.col("role") == "assistant")))
    )
    words = pl.col("content").str.replace_all(_SIGNS, " ").str.strip_chars()
    keyed = turns.with_columns(_one_form(turns["content"].fill_null("").str.to_lowercase())).select(
        "at", pl.struct(words, "role", "tool_calls", "turn").hash(seed=8).alias("key")
    )
    summed = keyed.group_by("at").agg(pl.col("key").sum())  # of position-salted hashes: u64 sums wrap, order-aware
    order = pl.DataFrame({"at": pl.int_range(len(index), dtype=pl.UInt32, eager=True)})
    return order.join(summed, on="at", how="left", maintain_order="left")["key"]


def _one_form(texts: pl.Series) -> pl.Series:
    """Return the texts in NFKC, which leaves ASCII as it is and takes twice as long as all the rest."""
    wide = texts.str.len_bytes() != texts.str.len_chars()
    if not wide.any():
        return texts
    index = pl.int_range(len(texts), dtype=pl.UInt32, eager=True)
    order = pl.concat([index.filter(~wide), index.filter(wide)]).arg_sort()
    return pl.concat([texts.filter(~wide), texts.filter(wide).str.normalize("NFKC")]).gather(order)


def _opposed(rows: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, score, first, other, note`` of rows with the same two replies the other way round."""
    unordered = ["prompt", "low", "high"]
    both_ways = (
        edges.with_columns(
            pl.min_horizontal("better", "worse").alias("low"), pl.max_horizontal("better", "worse").alias("high")
        )
        .filter(pl.col("better").n_unique().over(unordered) > 1)
        .with_columns(
            pl.len().over(unordered).alias("size"),
            pl.len().over([*unordered, "better"]).alias("own"),
            pl.col("row").min().over(unordered).alias("first"),
            (pl.struct("exact", "texts").n_unique().over(unordered) == 1).alias("same"),
        )
        .sort("row")
    )
    back = (
        both_ways.select("prompt", better="worse", worse="better", other="row")
        .group_by("prompt", "better", "worse")
        .agg(pl.col("other").min())
    )
    found = both_ways.join(back, on=["prompt", "better", "worse"], how="left", maintain_order="left")
    told = "prompt and same two replies {} times: {} prefer this row's choice, {} the other way round."
    counts = (pl.col("size"), pl.col("own"), pl.col("size") - pl.col("own"))
    near = pl.format(
        "The same words in prompt and replies {} times: {} prefer this row's choice, {} the other way round.", *counts
    )
    return found.select(
        "row",
        (1 - pl.col("own") / pl.col("size")).alias("score"),
        "first",
        "other",
        pl.when("same").then(pl.format("Same " + told, *counts)).otherwise(near).alias("note"),
    )


def _circles(rows: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, score, first, other, note`` of rows that are part of a circle of at least three replies.

    Replies that reach each other both ways are a strongly connected component (Tarjan, 1972).
    """
    nothing = pl.DataFrame(
        schema={"row": pl.UInt32, "score": pl.Float64, "first": pl.UInt32, "other": pl.UInt32, "note": pl.String}
    )
    several = edges.filter(pl.col("better").n_unique().over("prompt") > 2).sort("row")
    if several.is_empty():
        return nothing
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    replies = pl.concat([several.select("prompt", reply=column) for column in ("better", "worse")]).unique(
        maintain_order=True
    )
    replies = replies.with_row_index("node")
    here, there = (
        several.join(
            replies, left_on=["prompt", column], right_on=["prompt", "reply"], how="left", maintain_order="left"
        )["node"]
        for column in ("better", "worse")
    )
    graph = coo_matrix((np.ones(len(here), np.int8), (here.to_numpy(), there.to_numpy())), shape=(len(replies),) * 2)
    _, part = connected_components(graph, connection="strong")
    size = np.bincount(part)
    inside = (part[here] == part[there]) & (size[part[here]] > 2)
    circle = several.with_columns(part=pl.Series(part[here]), size=pl.Series(size[part[here]])).filter(
        pl.Series(inside)
    )
    follow = circle.group_by("prompt", "better").agg(pl.col("row").min().alias("other"))
    circle = circle.join(
        follow, left_on=["prompt", "worse"], right_on=["prompt", "better"], how="left", maintain_order="left"
    )
    note = "{} replies to one prompt are preferred in a circle: what this row puts last is put before it by others."
    return circle.select(
        "row",
        pl.lit(0.5).alias("score"),
        pl.col("row").min().over("part").alias("first"),
        "other",
        pl.format(note, "size").alias("note"),
    )
