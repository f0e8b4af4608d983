"""Which rows of a cluster stay and which go: one cluster by hand, or all of them by one rule.

What comes of either is a *plan*, a line a row that is decided, so that a person sees how many it is before it is written.
"""

from __future__ import annotations

from typing import Literal, cast, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from ..decisions.decision import Action, Decision
from ..decisions.policy import CONFLICTS
from ..near.keepers import keeping_order
from ..rules import RULES
from ..text import keys
from .cluster_list import Bools, Clusters, Positions
from .heads import SETTLED, Heads
from .view import View

PLAN = pl.Schema({"row": pl.Int64, "action": pl.String, "value": pl.String})
"""Columns of a plan; ``row`` is the position, ``value`` the label of a relabel."""

Keep = Literal["rule", "longest", "newest", "first", "majority"]
_CHUNK = 5_000  # rows of which texts are read at a time
_FEW = 500  # rows up to which they are cut out one by one: to gather lists of a million rows takes 80 ms, however few

KEEPS: tuple[Keep, ...] = get_args(Keep)
"""What may say which row of a cluster stays: what the check would keep, or one of ``near.keepers.KEEPERS``."""


def marked_first(view: View, heads: Heads, clusters: Clusters, number: int) -> int:
    """Return the place of the row to keep that is proposed: the rule's, else the first of the commonest label.

    A row that was dropped is proposed only where all were.
    """
    places = clusters.places(number)
    rows, keeps, found = clusters.rows[places], clusters.keeps[places], clusters.found[places]
    labels = view.rows["label"].gather(rows)
    common = pl.DataFrame({"label": labels}).select(pl.len().over("label")).to_series().to_numpy()
    best = np.lexsort((np.arange(rows.size), -common, found, ~keeps, _dropped(view, heads)[rows]))
    return places.start + int(best[0])


def keep_one(
    view: View, heads: Heads, clusters: Clusters, place: int, *, each_split: bool = False, relabel: bool = False
) -> pl.DataFrame:
    """Return the plan that keeps the row at a place and drops the others of its cluster.

    For a rule on labels the rows that answer as the marked one does stay, too: that they repeat is no conflict.

    Args:
        view: the frames.
        heads: what stands.
        clusters: of a rule.
        place: of the row that stays.
        each_split: the first row of each other split stays, too; that it leaks is not settled thereby.
        relabel: others are given the label of the row that stays; none is dropped.
    """
    number = int(np.searchsorted(clusters.bounds, place, "right")) - 1
    places = clusters.places(number)
    rows = clusters.rows[places]
    marked = np.zeros(rows.size, bool)
    marked[place - places.start] = True
    stays = marked | (_alike(view, rows, place - places.start) if clusters.rule.startswith("labels.") else False)
    if each_split:
        stays |= _first_of_other_splits(view, heads, rows, int(rows[place - places.start]))
    value = view.rows["label"][int(clusters.rows[place])] if relabel else None
    return _plan(view, heads, clusters, places, stays=stays, marked=marked, value=value, leaks=each_split)


def keep_all(heads: Heads, clusters: Clusters, number: int) -> pl.DataFrame:
    """Return the plan that keeps every row of a cluster that nothing settled yet."""
    places = clusters.places(number)
    rows = clusters.rows[places]
    wanted = rows[clusters.found[places] & (heads.marks[rows] != SETTLED)]
    return _planned(wanted, "keep")


def skip(heads: Heads, clusters: Clusters, number: int) -> pl.DataFrame:
    """Return the plan that puts a cluster off: a skip on the first of its rows that is to be settled."""
    places = clusters.places(number)
    rows = clusters.rows[places]
    return _planned(rows[clusters.found[places] & (heads.marks[rows] != SETTLED)][:1], "skip")


def keep_by(
    view: View,
    heads: Heads,
    clusters: Clusters,
    numbers: Positions,
    *,
    keep: Keep = "rule",
    each_split: bool = False,
    relabel: bool = False,
) -> pl.DataFrame:
    """Return the plan that settles many clusters by one rule; what was decided of a row stands.

    Of rows that are worth the same, one of an eval split stays before one of train, then the longest, then the lowest id
    (``near.keepers``). A row that was dropped never is the one that stays; a cluster of which a row was kept by a decision keeps
    that one.

    Args:
        view: the frames.
        heads: what stands.
        clusters: of a rule.
        numbers: of the clusters to settle.
        keep: which row stays; ``longest`` goes by bytes of text.
        each_split: one row stays in each split; that it leaks is not settled thereby.
        relabel: others are given the label of the row that stays; none is dropped.

    Raises:
        UsageError: ``keep`` is none of ``KEEPS``.
    """
    wanted = np.zeros(len(clusters), bool)
    wanted[numbers] = True
    of = clusters.numbers()
    places = np.flatnonzero(wanted[of])
    if not places.size:
        return pl.DataFrame(schema=PLAN)
    rows, of = clusters.rows[places], of[places]
    told = view.rows.select("id", "label", "split", "time", "source")[rows]
    sizes = view.rows["text"].str.len_bytes().fill_null(0).gather(rows).to_numpy().astype(np.int64)
    train = view.manifest.get("train", "train")
    rank = keeping_order(told, "longest" if keep == "rule" else keep, sizes=sizes, component=of, train=train)
    first = ~clusters.keeps[places] if keep == "rule" else np.zeros(rows.size, bool)
    kept = heads.frame.filter(pl.col("action").is_in(["keep", "relabel", "edit"]))["row_id"]
    order = pl.DataFrame(
        {"of": of, "dropped": _dropped(view, heads)[rows], "open": ~_mask(view, kept)[rows], "later": first, "rank": rank}
    ).with_columns(split=told["split"], label=told["label"]).with_row_index("at")  # fmt: skip
    order = order.sort("of", "dropped", "open", "later", "rank")
    marked = _at(order.unique("of", keep="first", maintain_order=True)["at"], rows.size)
    stays = marked.copy()
    if each_split:
        stays |= _at(order.unique(["of", "split"], keep="first", maintain_order=True)["at"], rows.size)
    if clusters.rule.startswith("labels."):
        answers = order.with_columns(answer=_targets(view, rows)[order["at"]])
        alike = pl.col("answer").eq_missing(pl.col("answer").first().over("of"))
        stays |= _at(answers.filter(alike)["at"], rows.size)
    best = order.select("at", pl.col("label").first().over("of").alias("best"))
    value = best.sort("at")["best"] if relabel else None
    free = heads.marks[rows] != SETTLED
    return _plan(view, heads, clusters, places, stays=stays, marked=marked, value=value, leaks=each_split).filter(
        pl.col("row").is_in(pl.Series(rows[free]).implode())
    )


def decisions(view: View, plan: pl.DataFrame, *, rule: str, reason: str | None = None) -> list[Decision]:
    """Return a plan as decisions."""
    ids = view.rows["id"].gather(plan["row"])
    return [
        Decision(row_id, cast("Action", action), value, reason=reason, rule=rule)
        for row_id, action, value in zip(ids, plan["action"], plan["value"], strict=True)
    ]


def replaced(view: View, heads: Heads, plan: pl.DataFrame) -> dict[str, int]:
    """Return whose decisions a plan takes the place of, and how many rows' each; of a skip, which decides nothing, none."""
    asked = plan.select(row_id=view.rows["id"].gather(plan["row"]), becomes="action", of="value")
    stood = asked.join(heads.frame.filter(pl.col("action") != "skip"), on="row_id", how="inner")
    other = (pl.col("action") != pl.col("becomes")) | pl.col("value").ne_missing(pl.col("of"))
    counts = stood.filter(other).group_by("reviewer").agg(pl.col("row_id").n_unique()).sort("reviewer")
    return dict(counts.iter_rows())


def _plan(
    view: View,
    heads: Heads,
    clusters: Clusters,
    places: slice | Positions,
    *,
    stays: Bools,
    marked: Bools,
    value: str | pl.Series | None,
    leaks: bool,
) -> pl.DataFrame:
    """Return who goes, and who of those that stay is kept by a decision.

    A decision on a row settles all of its findings. So a row that stays is kept where the rule found it, which has to be
    settled, or where nothing else waits on it: a suspected label is not settled because its row is the longest copy. That a
    conflict is over follows from the others, so of it the marked row alone is kept. Where ``leaks`` says that copies stay on both
    sides of a split, a row that leaks is not kept by a decision: the leak still stands, and is settled as one.
    """
    rows, found = clusters.rows[places], clusters.found[places]
    dropped, settled = _dropped(view, heads)[rows], heads.marks[rows] == SETTLED
    needed = found & (marked | (clusters.rule not in CONFLICTS))
    keep = stays & (dropped | (~settled & (needed | (marked & ~_found_by_others(view, clusters.rule)[rows]))))
    if leaks:
        keep &= dropped | ~_found(view, [name for name in RULES if name.startswith("leakage.")])[rows]
    changes = ~stays & ~dropped if value is not None else np.zeros(rows.size, bool)
    values = value if isinstance(value, pl.Series) else pl.repeat(value, rows.size, dtype=pl.String, eager=True)
    has_label = values.is_not_null().to_numpy()
    drop = ~stays & ~changes & ~dropped
    plan = pl.concat(
        [
            _planned(rows[keep], "keep"),
            _planned(rows[changes & has_label], "relabel", values.filter(pl.Series(changes & has_label))),
            _planned(rows[drop], "drop"),
        ]
    )
    return plan.unique(
        "row", keep="first", maintain_order=True
    )  # a row of two clusters that stays in one of them stays


def _planned(rows: Positions, action: Action, values: pl.Series | None = None) -> pl.DataFrame:
    said = pl.repeat(None, rows.size, dtype=pl.String, eager=True) if values is None else values
    return pl.DataFrame({"row": rows, "action": pl.repeat(action, rows.size, eager=True), "value": said}, schema=PLAN)


def _alike(view: View, rows: Positions, at: int) -> Bools:
    """Say which rows answer as that at ``at`` does, to the character."""
    target = _targets(view, rows)
    return target.eq_missing(pl.repeat(target[at], rows.size, dtype=target.dtype, eager=True)).to_numpy()


def _targets(view: View, rows: Positions) -> pl.Series:
    asked = view.rows.select("messages", "label", "rejected")
    if rows.size <= _FEW:
        return keys(pl.concat([asked[:0], *(asked.slice(int(row), 1) for row in rows)]))["target"]
    starts = range(0, rows.size, _CHUNK)
    return pl.concat([keys(asked[rows[start : start + _CHUNK]])["target"] for start in starts])


def _first_of_other_splits(view: View, heads: Heads, rows: Positions, marked: int) -> Bools:
    splits = view.rows["split"].gather(rows)
    order = pl.DataFrame({"split": splits, "dropped": _dropped(view, heads)[rows]}).with_row_index("at")
    firsts = order.sort("dropped", "at").unique("split", keep="first", maintain_order=True)
    others = firsts.filter(pl.col("split").ne_missing(pl.lit(view.rows["split"][marked])))
    return _at(others["at"], rows.size)


def _at(index: pl.Series, size: int) -> Bools:
    chosen = np.zeros(size, bool)
    chosen[index.to_numpy()] = True
    return chosen


def _dropped(view: View, heads: Heads) -> Bools:
    return _mask(view, heads.frame.filter(pl.col("action") == "drop")["row_id"])


def _mask(view: View, ids: pl.Series) -> npt.NDArray[np.bool_]:
    chosen = np.zeros(view.rows.height, bool)
    places = view.positions(ids)
    chosen[places[places >= 0]] = True
    return chosen


def _found_by_others(view: View, rule: str) -> Bools:
    """Say which rows other rules found, repeats of any kind apart: those are of one concern."""
    return _found(view, [name for name in RULES if name != rule and not name.startswith("duplicates.")])


def _found(view: View, rules: list[str]) -> Bools:
    chosen = np.zeros(view.rows.height, bool)
    orders = [number for number, name in enumerate(RULES) if name in rules]
    chosen[view.findings.filter(pl.col("rule_order").is_in(orders))["row"].to_numpy()] = True
    return chosen
