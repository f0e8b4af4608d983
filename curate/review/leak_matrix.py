"""Leaks between splits as a person settles them: how many from where to where, pair by pair, and what to drop of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ..leakage.later import TimeFigures, time_figures
from ..rules import RULES
from .heads import SETTLED, SKIPPED, UNDECIDED, Heads
from .keeping import PLAN
from .view import View

Positions = npt.NDArray[np.int64]

OUTSIDE = "(another file)"
"""Stands for the side of an eval file (``--against``): its rows are in no split of this set, and have no id here."""

NONE = "(none)"
"""Stands for the rows of no split."""

BETWEEN = tuple(
    rule for rule in RULES if rule.startswith("leakage.") and rule not in ("leakage.time", "leakage.answer")
)
"""Rules that say of a row that another row holds what it holds; the others speak of one row alone."""

_GROUP = "leakage.group"  # one row of a group that stays in train leaks as all of them did

MATRIX = pl.Schema({"split": pl.String, "of": pl.String, "rows": pl.Int64, "open": pl.Int64})
"""Columns of ``matrix``: rows of ``split`` that are like rows ``of`` another; ``open`` ones are not settled."""

CROSSING = pl.Schema({"group": pl.String, "splits": pl.String, "rows": pl.Int64, "eval_rows": pl.Int64})
"""Columns of ``crossing``."""


@dataclass(frozen=True)
class Leaks:
    """All pairs that rules on leaks found, the surest rule first, each row once for each split that it leaks to."""

    pairs: pl.DataFrame
    """``row`` and ``peer`` (positions; -1 where the peer is a row of another file), ``split``, ``of``, ``rule``, ``note``,
    ``score``."""
    train: str
    """The name of the split that is trained on."""

    def cell(self, split: str, of: str) -> pl.DataFrame:
        """Return the pairs of one cell, the surest first."""
        return self.pairs.filter((pl.col("split") == split) & (pl.col("of") == of))


def find_leaks(view: View, rule: str = "") -> Leaks:
    """Return the pairs that the rules on leaks found.

    Args:
        view: the frames.
        rule: of ``BETWEEN``; "" for all of them, each row then by the surest rule that found it.
    """
    names = [rule] if rule else BETWEEN
    orders = [number for number, name in enumerate(RULES) if name in names]
    found = view.findings.filter(pl.col("rule_order").is_in(orders))
    pairs = found.select(pl.col("row").cast(pl.Int64), "rule", "note", "score", "peer").with_columns(
        peer=pl.Series(view.positions(found["peer"].fill_null(""))),
    )
    splits = view.rows["split"]
    there = splits.gather(pairs["peer"].clip(0)) if pairs.height else splits[:0]
    pairs = pairs.with_columns(
        split=splits.gather(pairs["row"]).fill_null(NONE),
        of=pl.select(pl.when(pairs["peer"] < 0).then(pl.lit(OUTSIDE)).otherwise(there.fill_null(NONE))).to_series(),
    )
    pairs = pairs.unique(["row", "of"], keep="first", maintain_order=True)
    return Leaks(
        pairs.select("row", "peer", "split", "of", "rule", "note", "score"), view.manifest.get("train", "train")
    )


def matrix(leaks: Leaks, heads: Heads) -> pl.DataFrame:
    """Return how many rows leak from where to where, ``MATRIX``, the most open ones first."""
    is_open = pl.Series("open", heads.marks[leaks.pairs["row"].to_numpy()] != SETTLED)
    counts = leaks.pairs.with_columns(is_open).group_by("split", "of").agg(
        pl.len().alias("rows"), pl.col("open").sum()
    )  # fmt: skip
    return counts.select(pl.col(name).cast(dtype) for name, dtype in MATRIX.items()).sort(
        "open", "rows", "split", "of", descending=[True, True, False, False]
    )


def to_do(cell: pl.DataFrame, heads: Heads) -> Positions:
    """Return which lines of a cell are not settled, those that were skipped last."""
    marks = heads.marks[cell["row"].to_numpy()]
    return np.concatenate([np.flatnonzero(marks == UNDECIDED), np.flatnonzero(marks == SKIPPED)])


def drop_train_side(view: View, heads: Heads, cell: pl.DataFrame, *, replace: bool = False) -> pl.DataFrame:
    """Return the plan (``keeping.PLAN``) that takes out of training what the eval rows of these pairs leak to.

    Of a pair the peer goes, and every other row of its split that says the same as either, character for character: a text
    that stands in train 69 times leaks until all of them went. Of a pair that shares its group all rows of the group go. The
    eval row is kept, which settles the leak; where a decision has settled it that one stands, as a keep would take a new
    label back. Of a row that is trained on and stands in an eval file, the row itself goes.

    Args:
        view: the frames.
        heads: what stands.
        cell: pairs, ``Leaks.pairs``.
        replace: rows go although a decision let them stand. Else they stay, and the leaks to them are open still.
    """
    own, peers = cell.filter(pl.col("peer") < 0)["row"], cell.filter(pl.col("peer") >= 0)
    going = np.union1d(np.union1d(own.to_numpy(), _same_text(view, peers)), _same_group(view, peers))
    gone = view.positions(heads.frame.filter(pl.col("action") == "drop")["row_id"])
    settled = going[heads.marks[going] == SETTLED]
    staying = np.empty(0, np.int64) if replace else np.setdiff1d(settled, gone)
    evals = peers.filter(~_leaks_to(view, peers, staying))["row"].to_numpy()
    kept = np.setdiff1d(evals[heads.marks[evals] != SETTLED], going)
    dropped = np.setdiff1d(np.setdiff1d(going, gone), staying)
    return pl.concat([_planned(dropped, "drop"), _planned(kept, "keep")])


def _same_group(view: View, pairs: pl.DataFrame) -> Positions:
    """Return the rows, of the peers' splits, that are of the group of a pair which ``leakage.group`` found."""
    found = pairs.filter(pl.col("rule") == _GROUP)
    if found.is_empty():
        return np.empty(0, np.int64)
    asked = pl.DataFrame({"group": view.rows["group"].gather(found["row"]), "split": found["of"]}).unique()
    rows = view.rows.select("group", "split").with_row_index("at")
    return rows.join(asked, on=["group", "split"], how="semi")["at"].to_numpy().astype(np.int64)


def _leaks_to(view: View, pairs: pl.DataFrame, rows: Positions) -> pl.Series:
    """Say of which pairs the peer is one of ``rows``, or says or is said by one of them, character for character."""
    texts = view.rows["text"]
    said = texts.gather(rows).drop_nulls().unique()
    said = said.filter(said != "").implode()
    peer = pairs["peer"]
    groups = view.rows["group"]
    of_group = (pairs["rule"] == _GROUP) & groups.gather(pairs["row"]).is_in(groups.gather(rows).implode())
    return peer.is_in(pl.Series(rows).implode()) | (
        texts.gather(peer).is_in(said) | texts.gather(pairs["row"]).is_in(said) | of_group
    ).fill_null(value=False)


def drop_eval_side(heads: Heads, cell: pl.DataFrame) -> pl.DataFrame:
    """Return the plan that drops the eval rows of these pairs; of an eval file, which is not ours to change, none."""
    rows = cell.filter(pl.col("peer") >= 0)["row"].to_numpy()
    return _planned(np.unique(rows[heads.marks[rows] != SETTLED]), "drop")


def keep_both(heads: Heads, cell: pl.DataFrame) -> pl.DataFrame:
    """Return the plan that lets both sides of these pairs stand."""
    rows = cell["row"].to_numpy()
    return _planned(np.unique(rows[heads.marks[rows] != SETTLED]), "keep")


def _planned(rows: Positions, action: str) -> pl.DataFrame:
    return pl.DataFrame({"row": rows}, schema={"row": pl.Int64}).select(
        "row", action=pl.lit(action), value=pl.lit(None, pl.String)
    ).cast(PLAN)  # fmt: skip  # pyright: ignore[reportArgumentType]


def _same_text(view: View, pairs: pl.DataFrame) -> Positions:
    """Return the peers of pairs, and the rows of a peer's split that say what the peer or its row says."""
    peers = pairs["peer"].to_numpy()
    if not peers.size:
        return peers
    texts = view.rows["text"].gather(np.union1d(peers, pairs["row"].to_numpy())).drop_nulls().unique()
    texts = texts.filter(texts != "")
    here = view.rows.select(
        (pl.col("text") == texts[0]) if texts.len() == 1 else pl.col("text").is_in(texts.implode()),
    ).to_series()  # fmt: skip
    same = np.flatnonzero(here.fill_null(value=False).to_numpy())
    inside = view.rows["split"].gather(same).is_in(pairs["of"].unique().implode()).to_numpy()
    return np.union1d(peers, same[inside])


def split_table(view: View) -> pl.DataFrame:
    """Return ``split, rows, share, labels, groups``, the largest first; one line of ``NONE`` for rows in no split."""
    return (
        view.rows.lazy()
        .group_by(pl.col("split").fill_null(NONE))
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            pl.col("label").drop_nulls().n_unique().cast(pl.Int64).alias("labels"),
            pl.col("group").drop_nulls().n_unique().cast(pl.Int64).alias("groups"),
        )
        .with_columns(share=pl.col("rows") / pl.col("rows").sum())
        .sort("rows", "split", descending=[True, False])
        .select("split", "rows", "share", "labels", "groups")
        .collect()
    )


def crossing(view: View) -> pl.DataFrame:
    """Return the groups that stand in train and in another split, ``CROSSING``, those with the most eval rows first."""
    train = view.manifest.get("train", "train")
    placed = view.rows.select("group", "split").filter(
        pl.col("group").is_not_null() & (pl.col("group").str.strip_chars() != "") & pl.col("split").is_not_null()
    )
    evaluated = (pl.col("split") != train).sum().cast(pl.Int64).alias("eval_rows")
    groups = placed.group_by("group").agg(pl.len().cast(pl.Int64).alias("rows"), evaluated)
    across = groups.filter((pl.col("eval_rows") > 0) & (pl.col("eval_rows") < pl.col("rows")))
    names = placed.join(across, on="group", how="semi").unique().sort("split").group_by("group").agg(
        pl.col("split").str.join(", ").alias("splits")
    )  # fmt: skip
    return across.join(names, on="group").sort("eval_rows", "group", descending=[True, False]).select(CROSSING.names())


def times(view: View) -> dict[str, TimeFigures]:
    """Return how the times of each eval split lie to those of train (``leakage.later``), by ``EVAL in TRAIN``."""
    told = view.rows.select("split", "time")
    return (
        time_figures(told, train=view.manifest.get("train", "train")) if told["time"].null_count() < told.height else {}
    )


def sources(view: View, most: int = 8) -> pl.DataFrame:
    """Return ``split, source, rows, share`` (of the split): the commonest sources, all others as one."""
    counts = view.rows.lazy().group_by(
        pl.col("split").fill_null(NONE), pl.col("source").fill_null(NONE)
    ).agg(pl.len().alias("rows")).collect()  # fmt: skip
    common = counts.group_by("source").agg(pl.col("rows").sum()).sort("rows", "source", descending=[True, False])
    named = common["source"].head(most)
    shown = pl.when(pl.col("source").is_in(named.implode())).then("source").otherwise(pl.lit("(others)"))
    folded = counts.group_by("split", shown.alias("source")).agg(pl.col("rows").sum().cast(pl.Int64))
    return folded.with_columns(share=pl.col("rows") / pl.col("rows").sum().over("split")).sort(
        "split", "rows", "source", descending=[False, True, False]
    )
