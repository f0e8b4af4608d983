"""Where the meaning of a label moved along an axis: a scan over pairs of labels and cuts that topics alone can't set off.

Two things change a set without a change of meaning. The *input* shifts: other texts come, and a text is labelled as before.
The *labels* shift: some classes grow, and the texts of each are as before. Of the first, label and side are independent
among alike texts; of the second, text and side are among the rows of one label. A moved definition breaks both: texts that were
B are A now, and A holds texts that it did not hold. So a move counts where both are refused, each by a permutation test over
all pairs and cuts at once (max-statistic, Westfall and Young 1993): sides are shuffled within cells of alike texts for
the one, within labels for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from ..near.cosine import Ints

ALPHA = 0.02  # chance of a move found, on each axis, where either kind of shift is all that happens
_SHUFFLES = 99
_LEAST = 4  # rows that two labels must have in common cells; of fewer nothing could be told
_PAIRS = 4_000  # pairs that are looked at, those with most in common first: bounds the memory
_FLOOR = 0.5  # rows, added to a deviation: one odd row is no move, however still the rest
_SEED = 2_017

Numbers = npt.NDArray[np.float64]


class Suspicion(NamedTuple):
    """Two labels and a place on an axis where both tests refuse."""

    to: int
    """The label that texts have on this side."""
    was: int
    """The one that they have on the other."""
    place: int
    """The first bin of this side where bins are in order, else the bin."""
    strength: float
    """The weaker of the two statistics over its threshold."""


@dataclass(frozen=True)
class _Sums:
    """A statistic that sums a weight a row into pair and bin."""

    pair: Ints
    row: Ints
    weight: Numbers
    less: Numbers | float = 0.0
    """(pairs, bins) what is taken off, the same for every shuffle."""


def scan(
    cell: Ints, code: Ints, bins: Ints, *, count: int, ordered: bool, again: Sequence[Ints] = ()
) -> list[Suspicion]:
    """Return the pairs of labels that one side of the axis gives to texts as the other doesn't, the strongest first.

    Args:
        cell: (n) which texts are alike.
        code: (n) labels.
        bins: (n) place on the axis, from 0.
        count: how many bins there are.
        ordered: a side is all bins from one on; else a bin, against all others.
        again: other (n) cuts of the same texts into cells. What share of a cell another label has hangs on where the middles
            fell; the mean over several cuts tells the rows of a label apart better than any one of them.
    """
    table, pairs = _pairs(cell, code)
    if pairs.is_empty() or count < 2:
        return []
    alike, within = _sums(table, pairs, [cell, *again], code, bins, count)
    draw = np.random.default_rng(_SEED)
    refused = []
    for sums, group in ((alike, cell), (within, code)):
        refused.append(_excess(sums, group, bins, len(pairs), count, ordered=ordered, draw=draw))
    both = np.minimum(*refused)
    place = both.argmax(axis=1)
    strength = both[np.arange(len(both)), place]
    labels = pairs.select("to", "was").to_numpy().tolist()
    found = [
        Suspicion(labels[at][0], labels[at][1], int(place[at]) + ordered, float(strength[at]))
        for at in np.flatnonzero(strength > 1).tolist()
    ]
    return sorted(found, key=lambda move: (-move.strength, move.to, move.was))


def _pairs(cell: Ints, code: Ints) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ``cell, code, rows, was, others``, and ``pair, to, was``: labels that share cells."""
    both = _mixed(cell, code)
    pairs = (
        both.group_by(pl.col("code").alias("to"), "was")
        .agg(pl.min_horizontal("rows", "others").sum().alias("common"))
        .filter(pl.col("common") >= _LEAST)
        .sort("common", "to", "was", descending=[True, False, False])
        .head(_PAIRS)
        .select("to", "was")
        .with_row_index("pair")
    )
    return both, pairs


def _mixed(cell: Ints, code: Ints) -> pl.DataFrame:
    table = pl.DataFrame({"cell": cell, "code": code}).group_by("cell", "code").agg(pl.len().alias("rows"))
    table = table.sort("cell", "code").with_columns(pl.col("rows").cast(pl.Int64))
    mixed = table.filter(pl.len().over("cell") > 1)
    return mixed.join(mixed.rename({"code": "was", "rows": "others"}), on="cell").filter(
        pl.col("code") != pl.col("was")
    )


def _sums(
    table: pl.DataFrame, pairs: pl.DataFrame, cuts: Sequence[Ints], code: Ints, bins: Ints, count: int
) -> tuple[_Sums, _Sums]:
    """Return what each test sums up.

    Among alike texts of either label, by the first cut: having the one, less its share in the cell. Among rows of the one
    label: the share of the other in the cell, the mean over all cuts, less its mean over the rows.
    """
    ones, twos = _shares(table, pairs, cuts[0], code)
    own = ones.with_columns((1 - pl.col("share")).alias("share"))
    alike = pl.concat([own, twos.select("pair", "row", -pl.col("share"))]).sort("pair", "row")
    # A row's cells are told by texts and labels, never by sides: so any of them may be summed where sides are shuffled in labels.
    more = [_shares(_mixed(cell, code), pairs, cell, code)[0] for cell in cuts[1:]]
    every = pl.concat([ones, *more]).with_columns((1 - pl.col("share")) / len(cuts))
    within = every.group_by("pair", "row").agg(pl.col("share").sort().sum()).sort("pair", "row")
    labels = np.bincount(code * count + bins, minlength=(int(code.max()) + 1) * count).reshape(-1, count)
    mean = np.bincount(within["pair"].to_numpy(), within["share"].to_numpy(), len(pairs))
    to = pairs["to"].to_numpy()
    mean /= labels[to].sum(axis=1)
    return _made(alike), _made(within, labels[to] * mean[:, None])


def _shares(table: pl.DataFrame, pairs: pl.DataFrame, cell: Ints, code: Ints) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ``pair, row, share`` of the rows of the one label and of the other: the share of the one in their cell."""
    rows = pl.DataFrame({"cell": cell, "code": code}).with_row_index("row")
    shared = table.rename({"code": "to"}).join(pairs, on=["to", "was"])
    shared = shared.with_columns((pl.col("rows") / (pl.col("rows") + pl.col("others"))).alias("share"))
    ones = rows.join(shared, left_on=["cell", "code"], right_on=["cell", "to"]).select("pair", "row", "share")
    twos = rows.join(shared, left_on=["cell", "code"], right_on=["cell", "was"]).select("pair", "row", "share")
    return ones, twos


def _made(frame: pl.DataFrame, less: Numbers | float = 0.0) -> _Sums:
    pair, row, weight = (frame[name].to_numpy() for name in frame.columns)
    return _Sums(pair.astype(np.int64), row.astype(np.int64), weight.astype(np.float64), less)


def _excess(
    sums: _Sums, group: Ints, bins: Ints, pairs: int, count: int, *, ordered: bool, draw: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return (pairs, places) statistics over the threshold that shuffling within groups reaches in ``ALPHA`` of all cases."""
    home = np.argsort(group, kind="stable")
    seen = _total(sums, bins, pairs, count, ordered=ordered)
    shuffled = np.empty_like(bins)
    null = np.empty((_SHUFFLES, *seen.shape), np.float32)
    for turn in range(_SHUFFLES):
        shuffled[home] = bins[np.lexsort((draw.random(len(group)), group))]
        null[turn] = _total(sums, shuffled, pairs, count, ordered=ordered)
    deviation = np.sqrt(np.einsum("tpc,tpc->pc", null, null) / _SHUFFLES) + _FLOOR
    null /= deviation
    tops = np.sort(null.reshape(_SHUFFLES, -1).max(axis=1))
    threshold = max(float(tops[-int(ALPHA * (_SHUFFLES + 1))]), 1e-6)
    return (seen / deviation / threshold).astype(np.float32)


def _total(sums: _Sums, bins: Ints, pairs: int, count: int, *, ordered: bool) -> npt.NDArray[np.float32]:
    flat = np.bincount(sums.pair * count + bins[sums.row], sums.weight, pairs * count)
    total = flat.reshape(pairs, count) - sums.less
    if ordered:
        total = total[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    return total.astype(np.float32)
