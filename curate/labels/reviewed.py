"""What people have decided of labels so far: which are trusted and which turned out wrong, in the order of review."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ..decisions.applied import apply, match, refused
from ..decisions.policy import REVIEWER, SETTLING

ANSWERS = pl.Schema(
    {
        "id": pl.String,
        "came": pl.String,  # the label that the row was read with
        "trusted": pl.Boolean,  # whether it stands now as a person wants it: all but drops
        "wrong": pl.Boolean,  # whether ``came`` was; null where he only said that the row has to change or go (edit, drop)
        "seq": pl.Int64,
    }
)
"""Columns of ``Reviewed.answers``."""


@dataclass(frozen=True)
class Reviewed:
    """Rows as decided, and the answers of people."""

    rows: pl.DataFrame
    """``dataset.ROWS``, the decisions carried out: what was dropped has gone, what was relabelled has its new label."""
    settled: pl.Series
    """Ids of rows that a decision of a person or the policy settled."""
    answers: pl.DataFrame
    """Rows whose label a person had before his eyes, ``ANSWERS`` in the order of the decisions."""


def reviewed(rows: pl.DataFrame, heads: pl.DataFrame) -> Reviewed:
    """Return what stands decided of ``rows``.

    A person's relabel, edit or drop is an answer, and so is keep, unless a rule that asks for no label brought the row up. What
    the policy decides is none: it says again what a check said.

    Args:
        rows: the rows as read.
        heads: standing decisions (``ledger.HEADS``).
    """
    heads = match(heads, rows).heads
    heads = heads.join(refused(rows, heads), on=["row_id", "action"], how="anti", maintain_order="left")
    of_label = pl.col("rule").is_null() | pl.col("rule").str.starts_with("labels.")
    told = heads.filter((pl.col("reviewer") != REVIEWER) & pl.col("action").is_in(SETTLING) & of_label).join(
        rows.select("id", came="label").filter(pl.col("came").is_not_null()), left_on="row_id", right_on="id"
    )
    found = (
        told.group_by(pl.col("row_id").alias("id"), maintain_order=True)
        .agg(
            pl.col("came").first(),
            (pl.col("action") != "drop").all().alias("trusted"),
            pl.when((pl.col("action") == "relabel").any())
            .then(((pl.col("action") == "relabel") & (pl.col("value") != pl.col("came"))).any())
            .when((pl.col("action") == "keep").all())
            .then(pl.lit(value=False))
            .alias("wrong"),
            pl.col("seq").max(),
        )
        .sort("seq")
    )
    settled = heads.filter(pl.col("action").is_in(SETTLING))["row_id"].unique(maintain_order=True)
    return Reviewed(apply(rows, heads).rows, settled, found.select(ANSWERS.names()))


def counted_heads(heads: pl.DataFrame, answers: pl.DataFrame, *, every: int) -> pl.DataFrame:
    """Return the decisions that a model is fitted with: those up to the last full ``every`` of answers.

    Others' decisions between two fits wait with the answers; before the first fit with answers all earlier ones count.

    Args:
        heads: standing decisions.
        answers: of people, in order (``Reviewed.answers``).
        every: how many answers make it worth to fit again.
    """
    full = answers.height // every * every
    if full:
        return heads.filter(pl.col("seq") <= answers["seq"][full - 1])
    return heads.filter(pl.col("seq") < answers["seq"][0]) if answers.height else heads
