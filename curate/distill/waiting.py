"""Findings on synthetic rows as such: those that wait for a person, and those whose teacher's terms are not open."""

from __future__ import annotations

import polars as pl

from ..errors import quote
from ..findings import report
from ..masking import mask
from .lineage import synthetic
from .teachers import OPEN, WORDS, terms_of_rows

REVIEW = "synthetic.review"
TEACHER = "licences.teacher"


def find_review(rows: pl.DataFrame, made: pl.DataFrame | None = None) -> pl.DataFrame:
    """Find synthetic rows that a gate left for a person, or rejects by now; keep or drop settles it.

    Args:
        rows: the rows.
        made: ``lineage.synthetic`` of them, where it is at hand, with their newest fates (``fates.with_newest``).
    """
    made = synthetic(rows) if made is None else made
    waits = made.filter(pl.col("fate") != "accepted")
    rejected = waits["fate"] == "rejected"
    said = [
        f"{'The run rejects it by now' if no else 'A gate left it for a person'}: {_shown(why)}"
        for no, why in zip(rejected, waits["why"], strict=True)
    ]
    suggest = pl.when(rejected).then(pl.lit("drop")).otherwise(pl.lit("review"))
    found = waits.select("id", score=pl.when(rejected).then(0.9).otherwise(0.5), suggest=suggest)
    return report(found.with_columns(note=pl.Series(said, dtype=pl.String)), REVIEW)


def find_teacher(rows: pl.DataFrame, made: pl.DataFrame | None = None) -> pl.DataFrame:
    """Find synthetic rows whose teacher's terms are unknown, or not open to the training of other models.

    Args:
        rows: the rows.
        made: ``lineage.synthetic`` of them, where it is at hand.

    Returns:
        Findings; score 1 where the terms are unknown, or forbid it to everybody, 0.8 where they allow it to some.
    """
    made = synthetic(rows) if made is None else made
    closed = terms_of_rows(made).filter(~pl.col("training").is_in(list(OPEN)))
    word = pl.col("training").replace_strict(WORDS, return_dtype=pl.String)
    source, dated = pl.col("source").fill_null(""), pl.col("dated").fill_null("undated")
    where = pl.when(source == "").then(pl.lit("")).otherwise(pl.format(" ({}, {})", source, dated))
    shown = closed["teacher"].unique()
    names = pl.col("teacher").replace_strict(shown, [quote(mask(name), 60) for name in shown], return_dtype=pl.String)
    return report(
        closed.select(
            "id",
            score=pl.when(pl.col("training").is_in(["unknown", "forbidden"])).then(1.0).otherwise(0.8),
            note=pl.format("The terms of its teacher {} for the training of other models: {}{}.", names, word, where),
            suggest=pl.lit("review"),
        ),
        TEACHER,
    )


def _shown(why: str | None) -> str:
    return (quote(mask(why), 200)[1:-1].rstrip(".") if why else "it did not say why") + "."
