"""Where annotators differ: the items, the counts of their labels, and the decisions that settle one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from ..decisions.decision import Action, Decision
from ..errors import UsageError
from ..review.heads import SETTLED, SKIPPED, Heads
from ..review.view import View
from .reviewers import ADJUDICATED


def side_by_side(votes: pl.DataFrame, one: str, other: str) -> pl.DataFrame:
    """Return ``item, one, other``: the labels that two annotators gave the items which both have, in the order of items.

    Args:
        votes: ``item, annotator, label``.
        one: an annotator.
        other: another.
    """
    first, second = (votes.filter(pl.col("annotator") == name).select("item", "label") for name in (one, other))
    return first.join(second, on="item", how="inner", maintain_order="left").select(
        "item", one="label", other="label_right"
    )


def crossed(pair: pl.DataFrame) -> pl.DataFrame:
    """Return ``one, other, items``: how often two annotators gave each pair of labels, the commonest difference first.

    >>> pair = pl.DataFrame({"item": ["1", "2", "3"], "one": ["a", "a", "b"], "other": ["b", "b", "b"]})
    >>> crossed(pair).rows()
    [('a', 'b', 2), ('b', 'b', 1)]
    """
    return (
        pair.group_by("one", "other")
        .agg(pl.len().cast(pl.Int64).alias("items"))
        .sort(pl.col("one") == pl.col("other"), -pl.col("items"), "one", "other")
    )


def differing_items(votes: pl.DataFrame, *, one: str = "", other: str = "", labels: Sequence[str] = ()) -> pl.Series:
    """Return the items that two annotators label differently, or, where none are named, that any two do.

    Args:
        votes: ``item, annotator, label``.
        one: an annotator.
        other: another.
        labels: that of the one and that of the other, where only these are asked for.
    """
    if not one:
        several = votes.group_by("item", maintain_order=True).agg(pl.col("label").n_unique())
        return several.filter(pl.col("label") > 1)["item"]
    pair = side_by_side(votes, one, other).filter(pl.col("one") != pl.col("other"))
    if labels:
        pair = pair.filter((pl.col("one") == labels[0]) & (pl.col("other") == labels[1]))
    return pair["item"]


def in_row_order(items: pl.Series, members: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return ``item, row, place``: the rows of items, those of one item together, items and rows in the order of the set.

    Args:
        items: asked for.
        members: ``item, row``.
        view: the frames; rows that left it are left out.
    """
    rows = members.filter(pl.col("item").is_in(items.implode()))
    placed = rows.with_columns(place=pl.Series(view.positions(rows["row"]), dtype=pl.Int64)).filter(
        pl.col("place") >= 0
    )
    return placed.sort(pl.col("place").min().over("item"), "place")


def still_open(listed: pl.DataFrame, heads: Heads, *, reviewers: bool = False) -> list[str]:
    """Return the items that are not settled, in their order; those that were skipped stand last.

    An item of annotators is settled when all of its rows are decided. Of reviewers, who have decided already, it is once a
    decision stands that was made to settle it.

    Args:
        listed: ``in_row_order``.
        heads: what stands.
        reviewers: whether it is they who differ.
    """
    mark = pl.Series("mark", heads.marks[listed["place"].to_numpy()], dtype=pl.UInt8)
    if reviewers:
        ruled = heads.frame.filter(pl.col("rule") == ADJUDICATED)["row_id"].implode()
        done, skipped = pl.col("row").is_in(ruled).any(), pl.lit(value=False)
    else:
        done, skipped = (pl.col("mark") == SETTLED).all(), (pl.col("mark") == SKIPPED).any()
    items = listed.with_columns(mark).group_by("item", maintain_order=True).agg(done=done, skipped=skipped)
    return items.filter(~pl.col("done")).sort("skipped", maintain_order=True)["item"].to_list()


def verdict(
    rows: Sequence[tuple[str, str | None]], label: str, *, out: Collection[str] = (), reason: str | None = None
) -> list[Decision]:
    """Return the decisions that give an item one label, a batch: one of its rows has it, and copies of it go.

    The row that stays is the first that has the label already, else the first, which is relabelled. Rows that were dropped
    before stay out, if another can stay.

    Args:
        rows: id and label of each row that the item is.
        label: what it is.
        out: ids of rows that were dropped already.
        reason: for the log.

    Raises:
        UsageError: the item has no row.

    >>> [(d.row_id, d.action) for d in verdict([("a-0", "no"), ("b-0", "yes"), ("c-0", "no")], "yes")]
    [('b-0', 'keep'), ('a-0', 'drop'), ('c-0', 'drop')]
    """
    if not rows:
        raise UsageError("this text has no row in the set any more; reload the page.")
    stays, own = min(rows, key=lambda row: (row[0] in out, row[1] != label))
    if own == label:
        first = Decision(stays, "keep", reason=reason, rule=ADJUDICATED)
    else:
        first = Decision(stays, "relabel", label, reason=reason, rule=ADJUDICATED)
    copies = [row for row, _ in rows if row != stays and row not in out]
    return [first, *(Decision(row, "drop", reason=reason, rule=ADJUDICATED) for row in copies)]


def ruled(
    rows: Sequence[tuple[str, str | None]],
    said: str,
    *,
    out: Collection[str] = (),
    reason: str | None = None,
    reviewers: bool = False,
) -> list[Decision]:
    """Return the decisions by which one of the votes on an item holds: ``verdict``, and of reviewers the acts that are no label.

    >>> [(d.row_id, d.action) for d in ruled([("a-0", "no")], "(drop)", reviewers=True)]
    [('a-0', 'drop')]
    """
    acts: dict[str, Action] = {"(drop)": "drop", "(kept)": "keep"}
    if reviewers and said in acts:
        return [Decision(row, acts[said], reason=reason, rule=ADJUDICATED) for row, _ in rows]
    return verdict(rows, said, out=out, reason=reason)
