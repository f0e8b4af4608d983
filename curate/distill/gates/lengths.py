"""Made rows that say nothing, or far more or less than real ones do."""

from __future__ import annotations

import polars as pl

from ... import text
from ...quality.lengths import find_empty, unlike
from .gate import Batch, plain, verdicts
from .wanted import Gate

LENGTH = "distill.length"
_USUAL = 0.5  # "real rows have an answer" needs more than this share of them


def find_length(batch: Batch, _: Gate) -> pl.DataFrame:
    """Find made rows without a visible character, and those far longer or shorter than the real ones (``quality.length``).

    What is usual is told by the real rows alone: were made ones counted in, a teacher that always rambles would be usual. Only
    rows built like the real ones are measured, those with an answer where these have one: a question written to a document is
    not as long as documents are.
    """
    rows = plain(batch.made)
    turns, known = text.turns(rows), text.turns(batch.real)
    blank = find_empty(rows, turns)
    found = [verdicts(blank, severity="reject")]
    answered = turns.group_by("row").agg(pl.col("is_target").any())
    usually = known.group_by("row").agg(pl.col("is_target").any())["is_target"].mean()
    if usually is not None:
        alike = answered.filter(pl.col("is_target") == (usually > _USUAL))["row"]  # pyright: ignore[reportOperatorIssue]
        odd = unlike(turns.filter(pl.col("row").is_in(alike.implode())), known)
        odd = odd.group_by("row", maintain_order=True).agg(pl.col("score").max(), pl.col("note").str.join(" "))
        lines = odd.select(rows["id"].gather(odd["row"]).alias("id"), "score", "note")
        lines = lines.filter(~pl.col("id").is_in(blank["id"].implode()))
        found.append(verdicts(lines, LENGTH, severity="reject"))
    return pl.concat(found)
