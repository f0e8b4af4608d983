"""The clusters that a rule found, as a person settles them: who is in each, what the rule would keep, which are open.

Everything is arrays over *places*: cluster after cluster, the members of each one after the other. A set of a million rows has
100,000 clusters, and none of them is looked at by itself before a person does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ..rules import RULES
from .heads import SETTLED, SKIPPED, UNDECIDED, Heads, Marks
from .view import View

Positions = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CLUSTERED = (
    "duplicates.exact", "duplicates.normalised", "duplicates.near", "duplicates.semantic", "duplicates.contained",
    "duplicates.boilerplate", "labels.conflict", "labels.near_conflict",
)  # fmt: skip
"""Rules of which the rows of a cluster are settled together."""


@dataclass(frozen=True)
class Clusters:
    """The clusters of a rule, the worst first: those whose labels disagree, then the largest."""

    rule: str
    table: pl.DataFrame
    """A line a cluster: ``key`` (position of the row that names it), ``cluster`` (position of the row that its findings name),
    ``size``, ``labels`` and ``splits`` (how many different ones), ``score`` (lowest of its findings)."""
    bounds: Positions
    """(clusters + 1) The place at which each begins."""
    rows: Positions
    """(places) The position of each member, ascending within a cluster."""
    found: Bools
    """(places) Whether the rule found it; what is found has to be settled."""
    keeps: Bools
    """(places) Whether it is what the rule would keep; for rules on labels none is."""
    score: npt.NDArray[np.float64]
    """(places) Of its finding, such as the likeness to what the rule would keep; NaN where it was not found."""
    alone: int
    """Rows found that stand in no cluster of two or more."""

    def __len__(self) -> int:
        """Return the number of clusters."""
        return self.table.height

    def places(self, number: int) -> slice:
        """Return the places of a cluster."""
        return slice(int(self.bounds[number]), int(self.bounds[number + 1]))

    def numbers(self) -> Positions:
        """Return (places) the number of the cluster of each place."""
        return np.repeat(np.arange(len(self)), np.diff(self.bounds))

    def named(self, key: int) -> int | None:
        """Return the number of the cluster that the row at position ``key`` names."""
        there = np.flatnonzero(self.table["key"].to_numpy() == key)
        return int(there[0]) if there.size else None

    def holding(self, position: int) -> int | None:
        """Return the number of the first cluster that holds a row."""
        there = np.flatnonzero(self.rows == position)
        return int(np.searchsorted(self.bounds, there[0], "right")) - 1 if there.size else None


def rules_with_clusters(view: View) -> list[str]:
    """Return the rules of ``CLUSTERED`` that found rows, in the order of the rules."""
    numbers = set(view.findings["rule_order"].unique().to_list())
    return [rule for number, rule in enumerate(RULES) if rule in CLUSTERED and number in numbers]


def list_clusters(view: View, rule: str) -> Clusters:
    """Return the clusters that a rule found.

    The copies of one row that is kept are a cluster: of a chain of near copies each has something in common with what is kept,
    and whoever keeps that one and drops the others loses nothing that nobody looked at. Where a row that is kept is found
    itself, as the first copy in another split is, all that the rule calls one cluster is one.

    Args:
        view: the frames.
        rule: of ``CLUSTERED``.
    """
    of_rule = view.findings.filter(pl.col("rule_order") == list(RULES).index(rule))
    found = of_rule.filter(pl.col("cluster").is_not_null())
    members = _members(_keyed(view, found))
    several = members.filter(pl.len().over("key") > 1)
    several = several.with_columns(view.rows.select("label", "split")[several["row"]])
    table = several.group_by("key").agg(
        pl.col("cluster").first(),
        pl.len().cast(pl.Int64).alias("size"),
        pl.col("label").n_unique().cast(pl.Int64).alias("labels"),
        pl.col("split").n_unique().cast(pl.Int64).alias("splits"),
        pl.col("score").min(),
    )
    table = table.sort(pl.col("labels") > 1, "size", "key", descending=[True, True, False])
    order = table.select("key").with_row_index("number")
    placed = several.join(order, on="key").sort("number", "row")
    return Clusters(
        rule,
        table,
        np.concatenate([[0], table["size"].cum_sum().to_numpy()]).astype(np.int64),
        placed["row"].to_numpy().astype(np.int64),
        placed["found"].to_numpy(),
        placed["keeps"].to_numpy() & (not rule.startswith("labels.")),
        placed["score"].fill_null(float("nan")).to_numpy(),
        of_rule["row"].n_unique() - placed.filter("found")["row"].n_unique(),
    )


def _keyed(view: View, found: pl.DataFrame) -> pl.DataFrame:
    """Return ``key, cluster, row, peer, score`` of findings; rows as positions, -1 for no peer."""
    cluster, peer = view.positions(found["cluster"]), view.positions(found["peer"].fill_null(""))
    is_found = np.zeros(view.rows.height + 1, bool)  # one more, for the peer that is none
    is_found[found["row"].to_numpy()] = True
    linked = pl.Series(is_found[peer] | (peer < 0))
    table = found.select(pl.col("row").cast(pl.Int64), "score").with_columns(
        cluster=pl.Series(cluster), peer=pl.Series(peer), linked=linked
    )
    whole = pl.col("linked").any().over("cluster")
    return table.with_columns(key=pl.when(whole).then("cluster").otherwise("peer")).drop("linked")


def _members(keyed: pl.DataFrame) -> pl.DataFrame:
    """Return ``key, row, cluster, score, found, keeps``, a line a row of a cluster."""
    mine = keyed.select("key", "row", "cluster", "score", found=pl.lit(value=True), keeps=pl.lit(value=False))
    peers = keyed.filter(pl.col("peer") >= 0).select(
        "key", pl.col("peer").alias("row"), "cluster", pl.lit(None, pl.Float64).alias("score"),
        found=pl.lit(value=False), keeps=pl.lit(value=True),
    )  # fmt: skip
    return (
        pl.concat([mine, peers])
        .group_by("key", "row")
        .agg(pl.col("cluster").first(), pl.col("score").max(), pl.col("found").any(), pl.col("keeps").any())
    )


def state(clusters: Clusters, view: View, heads: Heads) -> Marks:
    """Return what stands of each cluster: UNDECIDED, SKIPPED (put off by a skip on one of its rows) or SETTLED."""
    if not len(clusters):
        return np.zeros(0, np.uint8)
    marks = np.where(clusters.found, heads.marks[clusters.rows], SETTLED)
    starts = clusters.bounds[:-1]
    is_open = np.logical_or.reduceat(marks != SETTLED, starts)
    put_off = np.logical_or.reduceat(marks == SKIPPED, starts)
    ended = view.positions([cluster for rule, cluster in heads.over if rule == clusters.rule])
    is_open &= ~np.isin(clusters.table["cluster"].to_numpy(), ended)
    return np.where(~is_open, SETTLED, np.where(put_off, SKIPPED, UNDECIDED)).astype(np.uint8)


def to_do(marks: Marks) -> Positions:
    """Return the numbers of the clusters that are not settled, those that were skipped last."""
    return np.concatenate([np.flatnonzero(marks == UNDECIDED), np.flatnonzero(marks == SKIPPED)])


def onward(marks: Marks, number: int) -> Positions:
    """Return the numbers that are to do in the order in which they come after ``number``: those behind it, then the others."""
    left = to_do(marks)
    behind = (left > number) & (marks[left] == UNDECIDED)
    return np.concatenate([left[behind], left[~behind & (left != number)], left[left == number]])
