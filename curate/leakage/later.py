"""Train rows from after the time of evaluation, and eval rows from before it, in sets that are split by time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from ..findings import report
from .sides import Ints, Sides, sides, together

_BY_TIME = 0.9  # chance that a random eval row is later than a random train row; 0.5 on a random split
_LEAST = 10  # rows with a time on each side: of fewer, chance looks like a split by time


@dataclass(frozen=True)
class TimeFigures:
    """How the times of an eval split lie to those of train."""

    eval_rows: int
    """Rows with a time."""
    train_rows: int
    later: float
    """Chance that a random eval row is later than a random train row, ties half: 0.5 on a random split, 1 on one by time."""
    cut: datetime
    """The last moment of train for which the fewest rows stand on the wrong side."""
    train_after: int
    """Train rows after the cut."""
    eval_before: int
    """Eval rows at or before the cut, ties with the last train row left out."""


def find_time(rows: pl.DataFrame, *, against: pl.DataFrame | None = None, train: str = "train") -> pl.DataFrame:
    """Find rows on the wrong side of a split by time: train rows after the cut, eval rows before it.

    A split is taken to be one by time where a random eval row is later than a random train row with a chance of 0.9 or more
    (Mann and Whitney's statistic, 1947); on a random split that is 0.5, and nothing is found: ``time_figures`` tells. The
    cut is the moment for which the fewest rows are on the wrong side, so that one wrong date in train does not accuse every
    eval row. Each eval split is held against train by itself. With an eval file, only rows of this set are found.

    Args:
        rows: the rows.
        against: the rows of an eval file.
        train: name of the split that is trained on.

    Returns:
        Findings; score 0.6. Unlike in other rules of this family, train rows of the set are found too: they hold what was not
        known yet.
    """
    found = []
    for _, pair in _pairs(rows, against, train):
        figures, tested, trained = _measured(pair)
        if figures is None or figures.later < _BY_TIME:
            continue
        cut = np.datetime64(figures.cut.replace(tzinfo=None), "us").astype(np.int64)
        found.append(_told(pair.trained, np.flatnonzero((trained > cut) & (trained != _NONE)), figures.cut, after=True))
        if not pair.outside:
            found.append(
                _told(pair.tested, np.flatnonzero((tested < cut) & (tested != _NONE)), figures.cut, after=False)
            )
    return together(rows, found).unique("id", keep="first", maintain_order=True)


def time_figures(
    rows: pl.DataFrame, *, against: pl.DataFrame | None = None, train: str = "train"
) -> dict[str, TimeFigures]:
    """Return how the times of each eval split lie to those of train; splits with fewer than ten times are left out."""
    measured = {name: _measured(pair)[0] for name, pair in _pairs(rows, against, train)}
    return {name: figures for name, figures in measured.items() if figures is not None}


_NONE = np.iinfo(np.int64).min


def _pairs(rows: pl.DataFrame, against: pl.DataFrame | None, train: str) -> list[tuple[str, Sides]]:
    names = rows["split"].drop_nulls().unique().sort().to_list()
    inside = [
        (f"{name} in {train}", pair)
        for name in names
        if name != train
        for pair in sides(rows.filter(pl.col("split").is_in([name, train])), train=train)
    ]
    outside = [("against in set", pair) for pair in sides(rows, against, train=train) if pair.outside]
    return inside + outside


def _measured(pair: Sides) -> tuple[TimeFigures | None, Ints, Ints]:
    """Return the figures, and the times of both sides (µs since 1970; the lowest number where there is none)."""
    tested, trained = _times(pair.tested), _times(pair.trained)
    late, early = np.sort(tested[tested != _NONE]), np.sort(trained[trained != _NONE])
    if min(late.size, early.size) < _LEAST:
        return None, tested, trained
    below = np.searchsorted(early, late, side="left") + np.searchsorted(early, late, side="right")
    later = float(below.mean() / (2 * early.size))
    moments = np.unique(early)
    after = early.size - np.searchsorted(early, moments, side="right")
    before = np.searchsorted(late, moments, side="left")
    best = int(np.argmin(after + before))
    cut = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(moments[best]))
    return TimeFigures(late.size, early.size, later, cut, int(after[best]), int(before[best])), tested, trained


def _times(rows: pl.DataFrame) -> Ints:
    # A year that no calendar of Python's has is no time that a split could be made by.
    held = pl.when(pl.col("time").dt.year().is_between(datetime.min.year, datetime.max.year)).then("time")
    return rows.select(held.dt.timestamp("us").fill_null(_NONE)).to_series().to_numpy()


def _told(rows: pl.DataFrame, own: Ints, cut: datetime, *, after: bool) -> pl.DataFrame:
    shown = f"{cut:%Y-%m-%d %H:%M}"
    times = rows["time"].gather(own).dt.strftime("%Y-%m-%d %H:%M")
    words = (
        f"trained on, but later than {shown}, where the split by time has its cut"
        if after
        else f"evaluated, but earlier than {shown}, where the split by time has its cut"
    )
    return report(
        pl.DataFrame(
            {
                "id": rows["id"].gather(own),
                "score": pl.repeat(0.6, own.size, eager=True),
                "note": pl.Series([f"The row of {time} is {words}." for time in times], dtype=pl.String),
                "suggest": pl.repeat("review", own.size, eager=True),
            }
        ),
        "leakage.time",
    )
