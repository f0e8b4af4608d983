"""Labels whose meaning moved: from a date, a version or in a source on, alike texts have another label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ..coverage.regions import by_value, cells
from ..errors import quote
from ..findings import empty, report
from ..masking import mask
from ..near.cosine import Ints, Vectors
from .drift_axes import Axis, axes
from .drift_scan import Suspicion, scan
from .labelled import Labelled

_CELL = 8  # texts: among more, what shifts is taken for what moved; among fewer, two labels seldom meet
_CUTS = 8  # of the texts into cells: of one alone it hangs on its draw whether a move is seen;
_CUT = 120_000  # texts at most that are cut in all: of many texts one cut tells enough, and each costs its time
_AROUND = 8  # texts of the other side that are asked what a text was
_AGREE = 0.75  # of them have the old label
_ENOUGH = 5  # rows on each side, with the label that is said of it
_MOVED = 0.25  # by how much the share of the new label must have grown
_UNLIKELY = 1e-4  # Fisher's exact test of the two shares, one-sided
_BEYOND = 1e-3  # chance that a label that only grew has so many
_KEPT = 4_000  # rows of two labels that are compared with each other

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Move:
    """Texts that have one label on this side of an axis and another one on the other."""

    axis: Axis
    place: int
    """The first value of this side where the axis is in order, else the value."""
    to: int
    was: int
    now: Ints
    """Rows of this side that have the new label, as positions in ``Labelled.row``."""
    before: Ints
    """Rows of the other side that have the old one."""
    counts: tuple[int, int, int, int]
    """Of such texts: new label on this side, all on this side, new label on the other side, all there."""


def find_drift(rows: pl.DataFrame, of: Labelled, *, columns: Sequence[str] = ()) -> pl.DataFrame:
    """Find rows of texts whose label changed with time, source, or another column.

    Topics that come and go, and classes that grow or shrink, set off nothing (``drift_scan``). The rows found are those
    that have the new label on this side, and those that have the old one on the other; ``peer`` is the closest of them there.

    Args:
        rows: the rows.
        of: those that have a label, with vectors.
        columns: keys of ``extra`` to look along, beside time and source.

    Returns:
        Findings of ``labels.drift``; rows of one move share a cluster.
    """
    found = [_findings(rows, of, move) for move in moves(rows, of, columns=columns)]
    found = [frame for frame in found if not frame.is_empty()]
    if not found:
        return empty()
    whole = (
        pl.concat(found)
        .sort("score", descending=True, maintain_order=True)
        .unique("id", keep="first", maintain_order=True)
    )
    order = rows.select("id", pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"))
    return report(whole.join(order, on="id", how="left", maintain_order="left").sort("row").drop("row"), "labels.drift")


def may_drift(rows: pl.DataFrame, columns: Sequence[str] = ()) -> bool:
    """Say whether the labels could have moved along anything, before texts are turned into vectors for it."""
    labelled = rows.filter(pl.col("label").is_not_null())
    return labelled["label"].n_unique() > 1 and bool(axes(labelled, columns))


def moves(rows: pl.DataFrame, of: Labelled, *, columns: Sequence[str] = ()) -> list[Move]:
    """Return what moved, axis by axis, the surest first."""
    if len(of.names) < 2 or of.several:
        return []
    found: list[Move] = []
    along = axes(rows[of.row], columns)
    if not along:
        return []
    cuts = [cells(of.vectors, _CELL, seed=seed)[of.text] for seed in range(_cuts(len(of.vectors)))]
    rank = np.empty(len(of.vectors), np.int64)
    rank[by_value(of.vectors)] = np.arange(len(rank))
    for axis in along:
        # In an order of their own, so that nothing hangs on that of the rows: not the shuffles, and no tie.
        order = np.lexsort((axis.place, of.code, rank[of.text]))
        order = order[axis.bins[order] >= 0]
        known = _once(of, axis, order)
        # Sources also differ in inputs and classes at once, which more power would take for a move (two sources of tweets).
        cell, *again = (cut[known] for cut in (cuts if axis.ordered else cuts[:1]))
        code, bins = of.code[known], axis.bins[known]
        for suspicion in scan(cell, code, bins, count=axis.count, ordered=axis.ordered, again=again):
            move = _seen(of, axis, order, suspicion)
            if move is not None and not any(_same(move, other) for other in found):
                found.append(move)
    return found


def _cuts(texts: int) -> int:
    return int(np.clip(_CUT // max(texts, 1), 1, _CUTS))


def _once(of: Labelled, axis: Axis, order: Ints) -> Ints:
    """Return the rows to count; a text that repeats with its label in one bin counts once, being one judgement."""
    keys = np.stack([of.text[order], of.code[order], axis.bins[order]], axis=1)
    return order[np.sort(np.unique(keys, axis=0, return_index=True)[1])]


def _same(one: Move, other: Move) -> bool:
    """Say whether a move is the other one again: the same labels on the same axis and side."""
    return one.axis is other.axis and {one.to, one.was} == {other.to, other.was} and (
        one.axis.ordered or one.place == other.place
    )  # fmt: skip


def _seen(of: Labelled, axis: Axis, order: Ints, suspicion: Suspicion) -> Move | None:
    """Return a suspicion as a move, where texts that were B by those around them on the other side are A on this one."""
    own = order[(of.code[order] == suspicion.to) | (of.code[order] == suspicion.was)]
    own = own[:: -(-len(own) // _KEPT)]
    here = axis.bins[own] >= suspicion.place if axis.ordered else axis.bins[own] == suspicion.place
    new = of.code[own] == suspicion.to
    shares = _were(of.vectors[of.text[own]], of.text[own], ~here, new)
    region, core = shares <= 1 - _AGREE, shares >= _AGREE
    place = suspicion.place
    if axis.ordered and region.any():
        place = _cut(axis.place[own][region], new[region])
        here = axis.place[own] >= place
    counts = (int((region & here & new).sum()), int((region & here).sum()),
              int((region & ~here & new).sum()), int((region & ~here).sum()))  # fmt: skip
    if not _told(*counts) or not _beyond(*counts, grown=int((core & here).sum()), core=int((core & ~here).sum())):
        return None
    return Move(axis, place, suspicion.to, suspicion.was, own[region & here & new], own[region & ~here & ~new], counts)


def _were(vectors: Vectors, text: Ints, other: Flags, new: Flags) -> npt.NDArray[np.float64]:
    """Return the share of the new label among each row's nearest rows of the other side, its own text left out.

    Half where that side has too few rows to say.
    """
    found = np.full(len(vectors), 0.5)
    if other.sum() <= _AROUND:
        return found
    for low in range(0, len(vectors), 1_024):
        part = slice(low, low + 1_024)
        likeness = vectors[part] @ vectors[other].T
        likeness[text[part][:, None] == text[other][None, :]] = -2.0
        nearest = np.argpartition(-likeness, _AROUND - 1, axis=1)[:, :_AROUND]
        found[part] = new[other][nearest].mean(axis=1)
    return found


def _cut(place: Ints, new: Flags) -> int:
    """Return the first value from which on the share of the new label is another, by the greatest likelihood."""
    values, where = np.unique(place, return_inverse=True)
    if len(values) < 2:
        return int(values[0])
    every = np.bincount(where).cumsum()[:-1].astype(np.float64)
    ones = np.bincount(where, new).cumsum()[:-1]
    likely = _bits(ones, every) + _bits(new.sum() - ones, len(new) - every)
    return int(values[likely.argmax() + 1])


def _bits(ones: npt.NDArray[np.float64], every: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    share = np.clip(ones / every, 1e-9, 1 - 1e-9)
    return ones * np.log(share) + (every - ones) * np.log(1 - share)


def _told(now: int, here: int, before: int, there: int) -> bool:
    """Say whether so many are worth telling: enough on each side, a share that grew, and not by chance."""
    from scipy.stats import hypergeom

    if now < _ENOUGH or there - before < _ENOUGH or now / here - before / there < _MOVED:
        return False
    return float(hypergeom.sf(now - 1, here + there, now + before, here)) < _UNLIKELY


def _beyond(now: int, here: int, before: int, there: int, *, grown: int, core: int) -> bool:
    """Say whether more have the new label than a label that grew would have among the texts that it shares with the old one.

    How much it grew is told by texts, not by labels: by those that were the new label's on the other side (black-box shift
    estimation, Lipton et al. 2018). Two rows are added to what it had of the old one's texts, so that a lucky none is none.
    """
    from scipy.stats import binom

    growth = max(1.0, ((grown + 1) / (core + 1)) / ((here + 1) / (there + 1)))
    odds = growth * (before + 2) / (there - before)
    return float(binom.sf(now - 1, here, odds / (1 + odds))) < _BEYOND


def _findings(rows: pl.DataFrame, of: Labelled, move: Move) -> pl.DataFrame:
    """Return a finding a row of both sides, with the closest one of the other as its peer."""
    found = []
    for own, others in ((move.now, move.before), (move.before, move.now)):
        likeness = of.vectors[of.text[own]] @ of.vectors[of.text[others]].T
        found.append((own, others[likeness.argmax(axis=1)]))  # both in their own order: the first of equals
    own, peer = (np.concatenate(part) for part in zip(*found, strict=True))
    ids = rows["id"].gather(of.row[own])
    now, here, before, there = move.counts
    shown = pl.Series([_note(of, move, of.texts[of.text[at]]) for at in peer], dtype=pl.String)
    return pl.DataFrame(
        {
            "id": ids,
            "score": pl.Series([round(now / here - before / there, 4)] * len(own), dtype=pl.Float64),
            "cluster": pl.Series([ids.min()] * len(own), dtype=pl.String),
            "peer": rows["id"].gather(of.row[peer]),
            "note": shown,
            "suggest": pl.Series(["review"] * len(own), dtype=pl.String),
        }
    )


def _note(of: Labelled, move: Move, text: str) -> str:
    now, here, before, there = move.counts
    value = move.axis.values[move.place]
    where, else_ = {
        (True, True): (f"From {value} on", "before"),
        (True, False): (f"From {move.axis.name} {value} on", "before"),
        (False, False): (f"In {move.axis.name} {value}", "elsewhere"),
    }[move.axis.ordered, move.axis.name == "time"]
    names = [quote(mask(of.names[label][:200]), 15) for label in (move.to, move.was)]
    return (
        f"{where}, texts like {quote(mask(text[:200]), 25)} are {names[0]}, {else_} they were {names[1]} ({now:,} of {here:,} "
        f"against {before:,} of {there:,})."
    )
