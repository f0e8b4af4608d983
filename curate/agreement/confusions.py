"""Confusions by annotator: which label one gives where the rest say another, and whether that is more than chance."""

from __future__ import annotations

import numpy as np
import polars as pl

from .votes import Ints

CONFUSIONS = pl.Schema(
    {
        "annotator": pl.Int64,  # positions, as they were given
        "given": pl.Int64,  # what the annotator says
        "rest": pl.Int64,  # where the rest say this
        "times": pl.Int64,
        "of": pl.Int64,  # of so many where the rest say it
        "others_times": pl.Int64,  # the same of all other annotators
        "others_of": pl.Int64,
        "chance": pl.Float64,  # of so many times or more, if the annotator were like the others
        "credible": pl.Boolean,
    }
)
"""Columns of a frame of confusions."""

_CHANCE = 0.01  # of a single false one among all that were tested
_TIMES, _FACTOR = 3, 2.0  # what is rarer, or less than so much above the others, is not worth a word


def confused(annotator: Ints, given: Ints, rest: Ints) -> pl.DataFrame:
    """Return how often each annotator gives a label where the rest say another (``CONFUSIONS``), least likely first.

    Credible are those that Fisher's exact test (one-sided, by all tests that were made: Bonferroni) does not give to
    chance, that were seen three times, and that are twice as frequent as among the others.

    Args:
        annotator: (v) who.
        given: (v) the label that was given.
        rest: (v) the label by the rest.
    """
    from scipy import stats

    cell = pl.DataFrame({"annotator": annotator, "given": given, "rest": rest}).cast(pl.Int64)
    counts = (
        cell.with_columns(
            pl.len().over("annotator", "rest").alias("of"),
            pl.len().over("rest").alias("all_of"),
            pl.len().over("rest", "given").alias("all_times"),
        )
        .filter(pl.col("given") != pl.col("rest"))
        .group_by("annotator", "given", "rest")
        .agg(pl.len().alias("times"), pl.col("of", "all_of", "all_times").first())
        .sort("annotator", "given", "rest")
        .with_columns(pl.col("times", "of", "all_of", "all_times").cast(pl.Int64))
    )
    if counts.is_empty():
        return CONFUSIONS.to_frame()
    seen = {name: counts[name].to_numpy() for name in ("times", "of", "all_of", "all_times")}
    chance = stats.hypergeom.sf(seen["times"] - 1, seen["all_of"], seen["all_times"], seen["of"])
    share = pl.col("times") / pl.col("of")
    others = pl.col("others_times") / pl.max_horizontal(pl.col("others_of"), 1)
    return (
        counts.with_columns(
            (pl.col("all_of") - pl.col("of")).alias("others_of"),
            (pl.col("all_times") - pl.col("times")).alias("others_times"),
            pl.Series("chance", np.asarray(chance, np.float64)),
        )
        .with_columns(
            (
                (pl.col("chance") * counts.height < _CHANCE) & (pl.col("times") >= _TIMES) & (share >= _FACTOR * others)
            ).alias("credible")
        )
        .sort("chance", "annotator", "given", "rest")
        .select(pl.col(name).cast(kind) for name, kind in CONFUSIONS.items())
    )
