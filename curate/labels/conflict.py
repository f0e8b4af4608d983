"""Labels that can't all be right: the same input with different targets."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ..clusters import ids
from ..errors import quote
from ..findings import empty, report
from ..masking import mask


@dataclass(frozen=True)
class ConflictFigures:
    """How many inputs carry more than one target."""

    groups: int
    """Distinct inputs with more than one target."""
    rows: int
    """Rows that have one of these inputs."""
    rows_not_majority: int
    """Rows whose target is not the most frequent one of their input: the fewest rows that must be wrong."""


def find_conflict(rows: pl.DataFrame, keys: pl.DataFrame, *, folded: bool = True) -> pl.DataFrame:
    """Find every row whose input stands with another target elsewhere.

    The whole input must be equal, tools on offer included: conversations that share a first turn and go on
    differently are no conflict. Targets are compared character for character, so labels that differ in case conflict.
    Rows without a visible input, and preference rows, are not looked at.

    The score is 1 less the share of the row's own target among the rows with its input. Where one label has more than
    half of them, the others get it as ``value``.

    Args:
        rows: the rows.
        keys: ``text.keys(rows)``.
        folded: compare inputs as ``text.fold`` does; otherwise character for character.
    """
    known = keys.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
        pl.col("input_folded" if folded else "input").alias("input"),
        "target",
        "target_folded",
        "input_empty",
        rows["tools"].hash(seed=3).alias("tools"),
        rows["label"].is_not_null().alias("labelled"),
    ).filter(
        pl.col("input").is_not_null()
        & pl.col("target").is_not_null()
        & ~pl.col("input_empty")
        & rows["rejected"].is_null()
    )
    group = ["input", "tools"]
    # Two cheap passes narrow a million rows to the few that clash before anything is counted per target.
    clashing = known.filter(pl.col("target").min().over(group) != pl.col("target").max().over(group))
    if clashing.is_empty():
        return empty()
    members = _counted(clashing, group)
    verdict = members.join(_verdicts(rows, members), on="first", how="left", maintain_order="left")
    relabel = pl.col("value").is_not_null() & (pl.col("target") != pl.col("leader"))
    unlike = pl.when(pl.col("target") == pl.col("leader")).then("runner_row").otherwise("leader_row")
    alone = pl.lit("this row is the only one with its target")
    own = pl.when(pl.col("own") == 1).then(alone).otherwise(pl.format("this row is one of the {}", pl.col("own")))
    verdict = verdict.with_columns(relabel.alias("relabel"), unlike.alias("unlike"))
    return report(
        verdict.select(
            ids(rows, verdict["row"]).alias("id"),
            (1 - pl.col("own") / pl.col("size")).alias("score"),
            ids(rows, verdict["first"]).alias("cluster"),
            ids(rows, verdict["unlike"]).alias("peer"),
            pl.format("{}; {}.", pl.col("story"), own).alias("note"),
            pl.when("relabel").then(pl.lit("relabel")).otherwise(pl.lit("review")).alias("suggest"),
            pl.when("relabel").then("value").alias("value"),
        ),
        "labels.conflict",
    )


def conflict_figures(found: pl.DataFrame) -> ConflictFigures:
    """Return the figures of ``labels.conflict`` findings; other rules' findings are passed over."""
    found = found.filter(pl.col("rule") == "labels.conflict")
    # score = 1 - own / size, so the most frequent target of a cluster has the smallest score.
    groups = found.group_by("cluster").agg(
        pl.len().alias("rows"), ((1 - pl.col("score").min()) * pl.len()).round().alias("top")
    )
    return ConflictFigures(groups.height, found.height, found.height - int(groups["top"].sum()))


def _counted(clashing: pl.DataFrame, group: list[str]) -> pl.DataFrame:
    return clashing.with_columns(
        pl.col("row").min().over(group).alias("first"),
        pl.len().over(group).alias("size"),
        pl.len().over([*group, "target"]).alias("own"),
    ).sort("row")


def _verdicts(rows: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Return, for each cluster, its two leading targets, the label that should win, and the counts in words."""
    plain = members["labelled"] & ~_has_reply(rows, members["row"])
    targets = (
        members.with_columns(plain.alias("plain"))
        .group_by("first", "target", "target_folded")
        .agg(pl.col("row").min(), pl.col("size").first(), pl.len().alias("own"), pl.col("plain").all())
        .sort("first", pl.col("own"), "row", descending=[False, True, False])
    )
    labels = rows["label"].gather(targets["row"])
    distinct = labels.unique().drop_nulls().sort()
    # Masked before it is cut short: half of a mail address has the form of none.
    shown = pl.Series([quote(mask(label[:200]), limit=18) for label in distinct], dtype=pl.String)
    quoted = labels.replace_strict(distinct, shown, default=None, return_dtype=pl.String)
    part = pl.format("{} x {}", pl.col("own"), quoted)
    clusters = (
        targets.with_columns(part.alias("part"), labels.alias("label"))
        .group_by("first", maintain_order=True)
        .agg(
            pl.col("target").first().alias("leader"),
            pl.col("row").first().alias("leader_row"),
            pl.col("row").get(1).alias("runner_row"),
            pl.col("label").first(),
            pl.col("own").first().alias("top"),
            pl.col("size").first(),
            pl.len().alias("targets"),
            pl.col("part").head(3).str.join(", ").alias("parts"),
            (pl.col("target_folded").n_unique() == 1).alias("alike"),
            pl.col("plain").all(),
        )
    )
    more = pl.when(pl.col("targets") > 3).then(pl.format(" and {} more", pl.col("targets") - 3)).otherwise(pl.lit(""))
    counted = pl.format("same text {} times: {}{}", pl.col("size"), pl.col("parts"), more)
    generic = pl.format("same input {} times with {} different answers", pl.col("size"), pl.col("targets"))
    alike = pl.when("alike").then(pl.lit(" (they differ only in case, width or white space)")).otherwise(pl.lit(""))
    return clusters.select(
        "first", "leader", "leader_row", "runner_row",
        pl.when(pl.col("plain") & (pl.col("top") * 2 > pl.col("size"))).then("label").alias("value"),
        pl.concat_str(pl.when("plain").then(counted).otherwise(generic), alike).alias("story"),
    )  # fmt: skip


def _has_reply(rows: pl.DataFrame, index: pl.Series) -> pl.Series:
    return rows["messages"].gather(index).list.last().struct.field("role").eq_missing("assistant")
