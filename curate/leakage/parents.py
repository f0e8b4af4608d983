"""Synthetic rows that are trained on though a row that they were made from is evaluated on."""

from __future__ import annotations

import polars as pl

from ..distill.lineage import TEXT_OF_PEOPLE, ancestors, synthetic
from ..findings import empty, report

RULE = "leakage.parent"


def find_parent(
    rows: pl.DataFrame,
    *,
    against: pl.DataFrame | None = None,
    train: str = "train",
    made: pl.DataFrame | None = None,
    known: pl.Series | None = None,
) -> pl.DataFrame:
    """Find synthetic rows of train of which a parent, or a parent's parent, stands on the eval side.

    Within a set the eval side is every split but ``train``; rows in no split are not trained on and not told. An eval file's rows
    are known by their content, so that the same row is the same there; of it and this set, all rows but those of its own eval
    splits are told.

    In a set with an eval split, a row of train with a parent that the set does not have is told, too: the parent may stand there
    under another id. Not so of kinds that keep their parent's text, which the rules on copies see.

    Args:
        rows: the rows.
        against: the rows of an eval file.
        train: name of the split that is trained on.
        made: ``synthetic(rows)``, where it is at hand.
        known: ids of all rows of the set, where ``rows`` are not all of them.

    Returns:
        Findings in row order; the score is 0.9, since a child is seldom its parent's copy.
    """
    made = synthetic(rows) if made is None else made
    if made.is_empty():
        return empty()
    pairs = ancestors(made).join(rows.select("id", own="split"), on="id", how="left", maintain_order="left")
    evaluated = rows.filter(pl.col("split") != train).select(ancestor="id", there="split")
    inside = pairs.filter(pl.col("own") == train).join(evaluated, on="ancestor", how="inner", maintain_order="left")
    found = inside.select(
        "id", peer="ancestor",
        note=pl.format("It was made from {}, which stands in the split {}.", "ancestor", pl.col("there").str.slice(0, 40)),
    )  # fmt: skip
    if against is not None:
        told = pairs.filter((pl.col("own") == train) | pl.col("own").is_null())
        outside = told.with_columns(content=_content("ancestor")).join(
            against.select(content=_content("id")).unique(), on="content", how="semi", maintain_order="left"
        )
        # A row of another file has no id in this set that must be its own, so nothing points at it.
        more = outside.select(
            "id",
            peer=pl.lit(None, pl.String),
            note=pl.format("It was made from {}, which stands in the eval file.", "ancestor"),
        )
        found = pl.concat([found, more])
    if evaluated.height:
        kept = made.filter(pl.col("kind").is_in(list(TEXT_OF_PEOPLE)))
        ids = rows["id"] if known is None else known
        gone = pairs.filter((pl.col("own") == train) & ~pl.col("ancestor").is_in(ids.implode())).join(
            kept, on="id", how="anti", maintain_order="left"
        )
        found = pl.concat([found, gone.select(
            "id", peer=pl.lit(None, pl.String),
            note=pl.format(
                "It was made from {}, which is not in the set any more, so nobody can say on which side it stands.",
                pl.col("ancestor").str.slice(0, 40),
            ),
        )])  # fmt: skip
    first = found.unique("id", keep="first", maintain_order=True)
    ordered = rows.select("id").join(first, on="id", how="inner", maintain_order="left")
    return report(ordered.with_columns(score=pl.lit(0.9), suggest=pl.lit("drop")), RULE)


def _content(column: str) -> pl.Expr:
    """Return an id without its number among identical rows, which hangs on the file that it was read with."""
    return pl.col(column).str.replace(r"-\d+$", "")
