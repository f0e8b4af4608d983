"""Texts that two labels fit alike: there the definition is at fault and not who labelled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from ..clusters import ids
from ..errors import quote
from ..findings import empty, report
from ..masking import mask
from .judged import Judged

_ALIKE = 0.7  # log-odds between the two labels: neither is twice as likely as the other
_BOTH = 0.8  # of the chance of all labels that the two hold together
_MIXED = 0.2  # of the nearest texts that each of the two has
_ROWS = 5  # that stand between the same two labels: one alone is a hard text and no fault of a definition
_SHARE = 0.01  # of the rows of both labels


def between(judged: Judged) -> npt.NDArray[np.bool_]:
    """Return (n) whether a row's text stands between its label and the next likely one, by log-odds and by its neighbours."""
    of, odds = judged.of, judged.ranked.odds
    near = judged.evidence.neighbours.near[of.text]
    other = judged.suggested
    apart = np.abs(odds[of.text, other] - odds[of.text, of.code])
    alike = apart < _ALIKE
    found = np.zeros(len(of.code), bool)
    at = np.flatnonzero(alike)
    part = odds[of.text[at]].astype(np.float64)
    chance = np.exp(part - part.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    place = np.arange(at.size)
    both = chance[place, of.code[at]] + chance[place, other[at]] > _BOTH
    own = judged.evidence.targets[near[at], of.code[at][:, None]].mean(axis=1)
    next_to = judged.evidence.targets[near[at], other[at][:, None]].mean(axis=1)
    mixed = (own >= _MIXED) & (next_to >= _MIXED)
    found[at] = both & mixed
    return found


def find_ambiguous(rows: pl.DataFrame, judged: Judged) -> pl.DataFrame:
    """Find rows whose text two labels fit alike, where enough rows stand between the same two.

    The score is how evenly the two labels share the text, 1 for both alike; ``cluster`` the same for all rows between two labels.

    Args:
        rows: the rows.
        judged: their labels, judged.
    """
    of = judged.of
    at = np.flatnonzero(between(judged) & ~judged.settled_elsewhere)
    if not at.size:
        return empty()
    code, other = of.code[at], judged.suggested[at]
    frame = pl.DataFrame(
        {
            "row": of.row[at], "id": ids(rows, pl.Series(of.row[at])),
            "low": np.minimum(code, other), "high": np.maximum(code, other), "code": code, "other": other,
            "score": 1 - np.abs(judged.ranked.odds[of.text[at], other] - judged.ranked.odds[of.text[at], code]) / _ALIKE / 2,
        }
    )  # fmt: skip
    counts = pl.Series(of.counts)
    frame = frame.with_columns(
        pl.len().over("low", "high").alias("rows"),
        pl.col("id").min().over("low", "high").alias("cluster"),
        (counts.gather(frame["low"]) + counts.gather(frame["high"])).alias("all"),
    ).filter((pl.col("rows") >= _ROWS) & (pl.col("rows") >= _SHARE * pl.col("all")))
    if frame.is_empty():
        return empty()
    shown = pl.Series([quote(mask(name[:200]), limit=24) for name in of.names], dtype=pl.String)
    frame = frame.with_columns(
        shown.gather(frame["code"]).alias("here"), shown.gather(frame["other"]).alias("there")
    ).sort("score", "row", descending=[True, False])
    return report(
        frame.select(
            "id",
            "score",
            "cluster",
            pl.format(
                "both {} and {} fit this text; {} of the {} rows with one of the two stand between them, so it is the "
                "definitions that should be told apart.",
                "here", "there", "rows", "all",
            ).alias("note"),
            pl.lit("review").alias("suggest"),
        ),
        "labels.ambiguous",
    )  # fmt: skip
