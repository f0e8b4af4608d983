"""Splits that break nothing: whole groups, whole duplicate clusters, time in order; and proof of it in the report.

The rows that must stay together form *units* (``components``). Without time, units fall where a hash of what names them
says (``position``), and few of them move until sizes and label shares are even (``balance``); with time, cuts are chosen
and what lies across one is held out (``cuts``). Where that can't be had near the sizes asked for, nothing is bent: a
``DataError`` says the figures and what can be had.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from ..errors import DataError
from ..text import keys as text_keys
from .balance import place
from .components import connect, renumber
from .cuts import cut
from .order import TIES, Order, choose_ways, place_order, strata
from .position import positions
from .report import describe
from .shortfall import all_across, off_size, sizes_text, too_few_moments, too_few_units

_MOST_HELD = 0.5  # of the rows: with more held out, a split speaks of another set than the one that was read


@dataclass(frozen=True)
class SplitResult:
    """Which row goes where, and the evidence."""

    assignment: pl.Series
    """Name of the split, aligned with the rows; null is held out of every split."""
    units: pl.Series
    """Number of the unit, aligned with the rows: no two splits hold rows of one unit."""
    report: dict[str, Any]
    """What was asked, sizes, label balance, held rows, leaks; plain JSON."""

    @property
    def sizes(self) -> dict[str, int]:
        """Rows of each split."""
        return {name: split["rows"] for name, split in self.report["splits"].items()}

    @property
    def held(self) -> pl.Series:
        """Which rows are held out of every split."""
        return self.assignment.is_null()

    def summary(self) -> dict[str, Any]:
        """Return the report."""
        return self.report


@dataclass(frozen=True)
class _Material:
    """The rows in an order that does not depend on how they came, so that only seed and content decide."""

    rows: pl.DataFrame  # label, group, source, time, content
    ties: dict[str, pl.Series]
    back: np.ndarray  # position of each given row among these


@dataclass(frozen=True)
class _Placed:
    split: np.ndarray | None  # of each row: index of the name, -1 held out; None where nothing could be placed
    units: np.ndarray
    cuts: list[Any]  # the first moment of each split but the first, when split by time
    problem: str | None  # why this is not what was asked for


def split_rows(
    rows: pl.DataFrame,
    *,
    ratios: tuple[float, ...] | None = (0.8, 0.1, 0.1),
    counts: tuple[int, ...] | None = None,
    names: tuple[str, ...] | None = None,
    by: tuple[str, ...] | None = None,
    stratify: bool = True,
    seed: int = 0,
    keys: pl.DataFrame | None = None,
    clusters: pl.Series | None = None,
    parents: pl.Series | None = None,
) -> SplitResult:
    """Assign rows to splits without breaking a group, a duplicate cluster or the order of time.

    Same rows, options and seed give the same splits, in whatever order the rows stand.

    Args:
        rows: a rows frame.
        ratios: share of each split; 80/10/10 keeps a tenth for choosing and a tenth for judging.
        counts: rows of each split, instead of ratios; rows beyond their sum are held out.
        names: of the splits, train side first, and in order of time; train, validation, test when there are three,
            train and test when there are two.
        by: any of ``group``, ``source``, ``duplicates`` (same folded input), ``near`` (same ``clusters``), ``parents`` (same
            value of them) and ``time``; by default groups where rows have them, duplicates, and clusters and parents where given.
            ``()`` splits rows at random.
        stratify: keep the label shares alike; without effect on a split in time, where the cuts decide.
        seed: for every random choice.
        keys: of ``text.keys``, if they are at hand.
        clusters: of each row, for ``near``; null is alone.
        parents: what each row hangs on through synthetic rows (``families``); null is alone.

    Raises:
        UsageError: an option makes no sense.
        DataError: it can't be done within the tolerance (docs/splits.md); figures and what can be done are in the text.

    >>> from vetset.curate.dataset import frame
    >>> rows = frame([{"messages": f"text {i}", "group": f"user {i // 2}"} for i in range(20)])
    >>> split_rows(rows).sizes
    {'train': 16, 'validation': 2, 'test': 2}
    """
    ways = choose_ways(rows, by, clusters, parents)
    order = place_order(rows.height, ways, ratios=ratios, counts=counts, names=names, stratify=stratify, seed=seed)
    keys = text_keys(rows) if keys is None else keys
    material = _material(rows, keys, clusters, parents)
    placed = _place(material, order)
    if placed.problem or placed.split is None:
        raise DataError(f"{placed.problem}; {_offers(material, order, placed)}.")
    assignment = _named(placed.split[material.back], order.names)
    units = pl.Series("unit", renumber(placed.units[material.back]))
    return SplitResult(
        assignment, units, describe(rows, keys, order, assignment, units, cuts=placed.cuts, clusters=clusters)
    )


def tie_columns(
    rows: pl.DataFrame, keys: pl.DataFrame, clusters: pl.Series | None, parents: pl.Series | None
) -> pl.DataFrame:
    """Return what ties each row to others, a column for each of ``TIES``; null ties nothing."""
    nothing = pl.repeat(None, rows.height, eager=True)
    return rows.select("group", "source").with_columns(
        # An empty input ties nothing: forty rows without a text are no forty copies of one text.
        pl.when(~keys["input_empty"]).then(keys["input_folded"]).alias("duplicates"),
        (nothing if clusters is None else clusters).alias("near"),
        (nothing if parents is None else parents).alias("parents"),
    )


def _material(
    rows: pl.DataFrame, keys: pl.DataFrame, clusters: pl.Series | None, parents: pl.Series | None
) -> _Material:
    # Identical rows are numbered as they come, so the number is left out: their group and time tell them apart.
    content = pl.col("id").str.strip_chars_end("0123456789")
    columns = rows.select("id", "label", "time", content.alias("content")).hstack(
        tie_columns(rows, keys, clusters, parents)
    )
    columns = columns.with_row_index("row").sort("content", "group", "time", "id")
    back = np.empty(rows.height, dtype=np.int64)
    back[columns["row"].to_numpy()] = np.arange(rows.height)
    named = columns.select("label", "group", "source", "time", "content")
    return _Material(named, {tie: columns[tie] for tie in TIES}, back)


def _place(material: _Material, order: Order) -> _Placed:
    units = connect(len(material.back), *(material.ties[way] for way in order.by if way != "time"))
    if "time" in order.by:
        return _place_in_time(material, order, units)
    sizes = np.bincount(units)
    wanted = len(order.names)
    if len(sizes) < wanted:
        return _Placed(None, units, [], too_few_units(material.rows, order, units))
    rest = len(units) - order.targets.sum()
    targets = np.append(order.targets, rest) if rest >= 1 else order.targets
    classes = strata(material.rows["label"])[0] if order.stratify else np.zeros(len(units), dtype=np.int64)
    names = [material.rows[way] for way in ("source", "group") if way in order.by]
    fall = positions(units, [*names, material.rows["content"]], seed=order.seed)
    placed = []
    for afresh in (False, True):  # where a few units hold most rows, only the second may come near enough
        of_unit = place(units, classes, targets, positions=fall, afresh=afresh)
        split = np.where(of_unit < wanted, of_unit, -1)[units]
        placed.append(_Placed(split, units, [], off_size(material.rows, order, units, split)))
        if placed[-1].problem is None:
            break
    return placed[-1]


def _place_in_time(material: _Material, order: Order, units: np.ndarray) -> _Placed:
    time = material.rows["time"]
    known = time.is_not_null().to_numpy()
    moments = time.drop_nulls().unique().sort()
    if len(moments) < len(order.names):
        return _Placed(None, units, [], too_few_moments(time, order))
    moment = moments.search_sorted(time.filter(known)).to_numpy()
    # Rows without a time go where the rest of their unit goes; units without any time go to train: docs/splits.md.
    timed, of_row = np.unique(units[known], return_inverse=True)
    first, last = np.full(len(timed), len(moments)), np.full(len(timed), -1)
    np.minimum.at(first, of_row, moment)
    np.maximum.at(last, of_row, moment)
    sizes = np.bincount(units)
    timeless = len(units) - sizes[timed].sum()
    rest = len(units) - order.targets.sum()
    targets = order.targets.copy()
    targets[0] = max(targets[0] - timeless, 1.0)
    unused = int(order.counts is not None and rest >= 1)  # counts leave out the oldest rows: newer ones tell more
    targets = np.append(rest, targets) if unused else targets
    cuts = cut(first, last, sizes[timed], targets, scale=order.counts is None)
    if cuts is None:
        return _Placed(None, units, [], all_across(order, len(units), len(units)))
    of_unit = np.zeros(len(sizes), dtype=np.int64)
    of_unit[timed] = np.maximum(cuts.split - unused, -1)
    split = of_unit[units]
    at = [moments[int(index)] for index in cuts.at]
    across = int((split < 0).sum() - (sizes[timed][cuts.split == 0].sum() if unused else 0))
    if across > _MOST_HELD * len(units):
        return _Placed(split, units, at, all_across(order, len(units), across))
    return _Placed(split, units, at, off_size(material.rows, order, units, split))


def _named(split: np.ndarray, names: tuple[str, ...]) -> pl.Series:
    return pl.Series(names).gather(pl.Series(split).replace(-1, None)).alias("split")


def _offers(material: _Material, order: Order, placed: _Placed) -> str:
    """Say what can be done instead; each offer has been tried on these very rows."""
    nearest = _nearest(material, order, placed)
    if nearest is None and len(order.names) > 2 and order.ratios:
        ratios = (0.8, 0.2)
        fewer = replace(order, names=(order.names[0], order.names[-1]), ratios=ratios)
        fewer = replace(fewer, targets=np.array(ratios) * len(material.back))
        nearest = _nearest(material, fewer, _place(material, fewer))
    offers = []
    if nearest is not None:
        offers.append(f"--{'counts' if nearest.counts else 'ratios'} {sizes_text(nearest)}")
    lost = lambda by: _and(*(way for way in order.by if way not in by))  # noqa: E731
    offers += [f"--by {','.join(by)} (which no longer keeps {lost(by)})" for by in _fewer_ways(material, order)]
    if {"group", "duplicates"} <= set(order.by):
        groups, texts = ([material.ties[way] for way in ways] for ways in (("group",), ("group", "duplicates")))
        if _largest(groups) < _largest(texts):  # texts chain groups to one another
            offers.append("drop repeats first (`vetset decide NAME.vet --rule duplicates.exact --action drop`)")
    near = f"the nearest that can be done is {sizes_text(nearest)}; " if nearest is not None else ""
    return near + (f"run with {', or '.join(offers)}" if offers else "it takes more rows or other groups")


def _fewer_ways(material: _Material, order: Order) -> list[tuple[str, ...]]:
    """Return ways to split that give up little of what was asked for and can be had, until each way is in one."""
    tries = [("group",), ("duplicates",)] if order.by == ("time",) else []
    if len(order.by) > 1:
        # All ways but one, then each alone: with five ways, the sets between would be twenty tries more.
        tries = [by for count in dict.fromkeys((len(order.by) - 1, 1)) for by in combinations(order.by, count)]
    kept = {way for way, tie in material.ties.items() if tie.null_count() == len(tie)}  # nothing to keep
    able = []
    for by in tries:
        if not kept.issuperset(by) and _place(material, replace(order, by=by)).problem is None:
            able.append(by)
            kept.update(by)
    return able


def _largest(ties: list[pl.Series]) -> int:
    return int(np.bincount(connect(len(ties[0]), *ties)).max())


def _and(*words: str) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "anything"


def _nearest(material: _Material, order: Order, placed: _Placed) -> Order | None:
    """Return the order for the sizes that came out, if it can be filled; the same order if that was met."""
    if placed.problem is None:
        return order
    got = np.bincount(placed.split[placed.split >= 0], minlength=len(order.names)) if placed.split is not None else None
    if got is None or not got.all():
        return None
    if order.counts:
        found = replace(order, counts=tuple(map(int, got)), targets=got.astype(float))
    else:
        ratios = np.round(got / got.sum(), 3)
        ratios[np.argmax(ratios)] += 1 - ratios.sum()
        if ratios.min() <= 0:
            return None
        ratios = np.round(ratios, 3)
        found = replace(order, ratios=tuple(map(float, ratios)), targets=ratios / ratios.sum() * len(material.back))
    return found if _place(material, found).problem is None else None
