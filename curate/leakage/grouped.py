"""Eval rows of a group (user, conversation, repository) that is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from .quoting import shown_all
from .sides import Sides, sides, together

_RUNNING = r"^\d{1,6}$"  # a bare number this short numbers the groups of one file, and says nothing of another


@dataclass(frozen=True)
class GroupFigures:
    """How much of the eval side belongs to groups that are trained on."""

    eval_rows: int
    rows: int
    """Eval rows whose group stands in train."""
    groups: int
    """Different groups among these."""


def find_group(rows: pl.DataFrame, *, against: pl.DataFrame | None = None, train: str = "train") -> pl.DataFrame:
    """Find rows whose group stands on both sides of the line between training and evaluation.

    Rows without a group are left alone. With an eval file, groups named by a short bare number are not compared: those number
    the groups of one file.

    Args:
        rows: the rows.
        against: the rows of an eval file.
        train: name of the split that is trained on.

    Returns:
        Findings; score 0.6, since one group's rows need not be alike.
    """
    return together(rows, [_found(pair) for pair in sides(rows, against, train=train)])


def group_figures(rows: pl.DataFrame, *, train: str = "train") -> GroupFigures:
    """Count the eval rows of this set whose group stands in train."""
    found = [_shared(pair) for pair in sides(rows, train=train)]
    evaluated = sum(len(pair.tested) for pair in sides(rows, train=train))
    return GroupFigures(
        evaluated, sum(map(len, found)), sum(frame["group"].n_unique() for frame in found if len(frame))
    )


def _shared(pair: Sides) -> pl.DataFrame:
    """Return ``own, group, peer, times`` of rows whose group stands on the other side."""
    told, others = (pair.trained, pair.tested) if pair.outside else (pair.tested, pair.trained)
    named = pl.col("group").is_not_null() & (pl.col("group").str.strip_chars() != "")
    if pair.outside:
        named &= ~pl.col("group").str.contains(_RUNNING)
    there = (
        others.select("group").with_row_index("peer").filter(named)
        .group_by("group").agg(pl.col("peer").min(), pl.len().alias("times"))
    )  # fmt: skip
    return told.select("group").with_row_index("own").join(there, on="group", how="inner", maintain_order="left")


def _found(pair: Sides) -> pl.DataFrame:
    found = _shared(pair)
    note = pl.format(
        "{} is the first of {} rows there of the same group, {}.",
        pl.lit("{}"), pl.col("times"), shown_all(found["group"], 40),
    )  # fmt: skip
    return pair.findings(
        "leakage.group",
        found.select(
            "own",
            "peer",
            pl.lit(0.6).alias("score"),
            note.alias("note"),
            pl.lit("review").alias("suggest"),
        ),
    )
