"""Labels that never stand together: one ends when the other begins, or each source knows but one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import quote
from ..masking import mask
from .labelled import Labelled

_STRAY = 0.02  # share of rows that may stand on the wrong side
_SPREAD = 0.1  # share of a third label's rows on each side, from which it goes through
_SOURCES = 1_000  # sources at most: where each row has one of its own they say nothing


@dataclass(frozen=True)
class Apart:
    """Where two labels part."""

    kind: Literal["by time", "by source"]
    sentence: str
    """In words, without a full stop."""


def apart(of: Labelled, rows: pl.DataFrame, one: int, other: int) -> Apart | None:
    """Return what keeps two labels apart, time before source, where most other labels stand on both sides of it."""
    return _in_time(of, rows, one, other) or _in_source(of, rows, one, other)


def _in_time(of: Labelled, rows: pl.DataFrame, one: int, other: int) -> Apart | None:
    time = rows["time"].gather(of.row)
    known = time.is_not_null().to_numpy()
    if not known.any():
        return None
    stamp = time.cast(pl.Datetime("us")).cast(pl.Int64).fill_null(0).to_numpy()
    mine, theirs = (stamp[(of.code == code) & known] for code in (one, other))
    if not mine.size or not theirs.size:
        return None
    (early, first), (late, last) = sorted([(mine, one), (theirs, other)], key=lambda side: float(np.median(side[0])))
    cut = np.quantile(early, 1 - _STRAY)
    if cut > np.quantile(late, _STRAY) or not _others_go_through(of, stamp <= cut, known, one, other):
        return None
    day = str(time.filter(pl.Series((of.code == last) & known)).min())[:10]
    return Apart("by time", f"{_named(of, first)} ends where {_named(of, last)} begins ({day})")


def _in_source(of: Labelled, rows: pl.DataFrame, one: int, other: int) -> Apart | None:
    source = rows["source"].gather(of.row)
    known = source.is_not_null().to_numpy()
    number = source.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    if not 2 <= np.unique(number[known]).size <= _SOURCES:
        return None
    counts = np.zeros((2, int(number.max()) + 1))
    for at, code in enumerate((one, other)):
        counts[at] = np.bincount(number[(of.code == code) & known], minlength=counts.shape[1])
    if not counts.sum(axis=1).all():
        return None
    ours = counts[0] >= counts[1]
    stray = counts[0][~ours].sum() / counts[0].sum(), counts[1][ours].sum() / counts[1].sum()
    if max(stray) > _STRAY or not _others_go_through(of, ours[number], known, one, other):
        return None
    at = int(counts[0].argmax()), int(counts[1].argmax())
    said = [quote(mask(str(source.filter(pl.Series(number == place))[0])[:200]), 16) for place in at]
    return Apart("by source", f"the one stands in sources such as {said[0]} only, the other in ones such as {said[1]}")


def _others_go_through(
    of: Labelled, side: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_], one: int, other: int
) -> bool:
    """Whether at least half of the rows that have a third label have one that stands on both sides."""
    third = known & (of.code != one) & (of.code != other)
    total = np.bincount(of.code[third], minlength=len(of.names))
    here = np.bincount(of.code[third & side], minlength=len(of.names))
    share = here / np.maximum(total, 1)
    through = (share >= _SPREAD) & (share <= 1 - _SPREAD)
    return 2 * int(total[through].sum()) >= int(total.sum()) > 0


def _named(of: Labelled, code: int) -> str:
    return quote(mask(of.names[code][:200]), 24)
