"""Two samples as one pool: which rows are new, and which of them are one judgement of chance and not several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ...curate.embed.encoding import row_texts
from ...curate.near.cosine import Ints
from ...curate.splits.near import near_clusters

Flags = npt.NDArray[np.bool_]

_COPIED = 8  # words from which a text that repeats is a copy; "yes, thank you" is said by many people who never met


@dataclass(frozen=True)
class Pool:
    """n rows of both samples with a text, in an order that says nothing of where they come from."""

    texts: list[str]
    """(n) what is asked, as ``embed.encoding.row_texts`` has it."""
    labels: pl.Series
    """(n) str, null where there is none."""
    unit: Ints
    """(n) which rows hang together: the same group, or near copies, on one side; numbers from 0."""
    unit_new: Flags
    """(u) whether a unit came with the new sample."""
    left_out: tuple[int, int] = (0, 0)
    """Rows of the new sample and of the other one that were left out, so that units are as large on both sides."""

    @property
    def new(self) -> Flags:
        """(n) whether a row is of the new sample."""
        return self.unit_new[self.unit]


def pooled(new: pl.DataFrame, known: pl.DataFrame, *, seed: int = 0) -> Pool:
    """Return both samples as one pool.

    A group that stands on both sides is a unit on each: pieces that are alike make samples more alike than chance does, so
    that this can hide a drift and never invent one.

    Units change places in a permutation, so they have to be alike in size on both sides: of users with ten rows among users with
    one, every assignment by chance spreads the large ones over both sides, varies less than what was seen, and calls it drift.
    The largest unit of the one side is cut to the size of the largest of the other, and so on down, share by share.

    Args:
        new: rows of the new sample, columns of ``dataset.ROWS``.
        known: rows that it is held against; ``cluster``, where they have it, says what hangs together.
        seed: of the order.
    """
    both = pl.concat([_shared(new), _shared(known)])
    is_new = np.arange(both.height) < new.height
    texts = row_texts(both, "input")
    order = np.random.default_rng(seed).permutation(np.flatnonzero((texts != "").to_numpy()))
    unit = _units(both, texts, is_new)[order]
    _, first, unit = np.unique(unit, return_index=True, return_inverse=True)
    unit_new = is_new[order][first]
    kept = _place(unit) < _alike(np.bincount(unit), unit_new, first)[unit]
    gone = int((~kept & unit_new[unit]).sum()), int((~kept & ~unit_new[unit]).sum())
    order = order[kept]
    return Pool(texts.gather(order).to_list(), both["label"].gather(order), unit[kept].astype(np.int64), unit_new, gone)


def drawn(of: Pool, most: int, *, seed: int = 0) -> Pool:
    """Return the pool with at most ``most`` rows a side, whole units drawn by chance."""
    draw = np.random.default_rng(seed)
    sizes = np.bincount(of.unit, minlength=of.unit_new.size)
    kept = np.zeros(of.unit_new.size, bool)
    for side in (True, False):
        units = np.flatnonzero(of.unit_new == side)
        if sizes[units].sum() > most:
            units = draw.permutation(units)
            units = units[: max(1, int(np.searchsorted(np.cumsum(sizes[units]), most, side="right")))]
        kept[units] = True
    rows = np.flatnonzero(kept[of.unit])
    number = np.cumsum(kept) - 1
    return Pool([of.texts[at] for at in rows], of.labels.gather(rows), number[of.unit[rows]], of.unit_new[kept])


def thinned(rows: pl.DataFrame, weights: npt.NDArray[np.float64], *, seed: int = 0) -> pl.DataFrame:
    """Return rows of which each stands for as many: one with half of the largest weight stays with a chance of a half.

    Permutation needs rows that can change places. Those of an eval set can't, as rare ones were chosen oftener and weigh less;
    weights that travel along would take its variance for that of the larger sample. Keeping a row with a chance of its weight
    over the largest undoes the choice exactly (rejection sampling, von Neumann 1951), at the price of the rows that go.

    Args:
        rows: n rows.
        weights: (n) over 0.
        seed: of the draw.
    """
    if not len(rows) or np.ptp(weights) == 0:
        return rows
    return rows.filter(np.random.default_rng(seed).random(len(rows)) < weights / weights.max())


def _place(unit: Ints) -> Ints:
    """Number the rows of each unit from 0, in the order they have."""
    order = np.argsort(unit, kind="stable")
    starts = np.flatnonzero(np.diff(unit[order], prepend=-1))
    place = np.empty(unit.size, np.int64)
    place[order] = np.arange(unit.size) - np.repeat(starts, np.diff(starts, append=unit.size))
    return place


def _alike(sizes: Ints, unit_new: Flags, by_chance: Ints) -> Ints:
    """Return (u) how many rows each unit may keep for both sides to have the same shares of sizes, 1 at least.

    Args:
        sizes: (u) rows.
        unit_new: (u) sides.
        by_chance: (u) numbers without a meaning, which decide among units of one size.
    """
    sides = [np.flatnonzero(unit_new == side) for side in (True, False)]
    if not all(side.size for side in sides):
        return sizes
    ranked = [side[np.lexsort((by_chance[side], -sizes[side]))] for side in sides]
    allowed = sizes.copy()
    for own, other in (ranked, ranked[::-1]):
        # The unit that stands at the same share of the other side.
        rank = (2 * np.arange(own.size) + 1) * other.size // (2 * own.size)
        allowed[own] = np.minimum(sizes[own], sizes[other[rank]])
    return allowed


def _shared(rows: pl.DataFrame) -> pl.DataFrame:
    cluster = pl.col("cluster") if "cluster" in rows.columns else pl.lit(None, pl.String)
    return rows.select("messages", "label", "group", cluster.cast(pl.String).alias("cluster"))


def _units(both: pl.DataFrame, texts: pl.Series, is_new: Flags) -> Ints:
    """Number what hangs together within a side: by cluster, group or copies, whatever is known of a row first."""
    row = pl.int_range(pl.len()).cast(pl.String)
    long = texts.str.split(" ").list.len() >= _COPIED
    named = both.select(
        new=pl.lit(pl.Series(is_new)),
        unit=pl.coalesce(
            "c" + pl.col("cluster"),
            "g" + pl.col("group"),
            pl.when(pl.lit(long)).then("n" + pl.lit(near_clusters(both)).cast(pl.String)),
            "r" + row,
        ),
    )
    return named.select(pl.struct("new", "unit").rank("dense")).to_series().to_numpy().astype(np.int64)
