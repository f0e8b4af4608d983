"""Slices: parts of the eval set, each judged by itself, so that no group of users pays for the mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ...curate.errors import UsageError, quote
from ...curate.masking import mask
from ..stats.gain import Gain, gain
from ..stats.holm import adjusted
from .pairing import Pairs

COLUMNS = ("label", "source", "stratum", "tags")
"""Columns that slices are made of where none is named; a stratum that says what the label says is no other slice."""

LEAST = 10  # rows: in fewer, even five losses without a win are no 0.05 once anything else is tested
_SHOWN = 3  # values of a column, in a sentence
_MOST = 60  # slices: each one more takes power from all


@dataclass(frozen=True)
class Slice:
    """The rows with one value of one column."""

    column: str
    value: str
    gain: Gain
    p_worse: float
    """One-sided p of no loss, by Holm over all slices that were tested."""
    worse: bool

    def summary(self) -> dict[str, Any]:
        """Return the slice as JSON values."""
        of = self.gain
        return {
            "column": self.column, "value": self.value, "rows": of.rows, "baseline": of.baseline, "candidate": of.candidate,
            "gain": of.gain, "low": of.low, "high": of.high, "p_worse": self.p_worse, "worse": self.worse,
        }  # fmt: skip


@dataclass(frozen=True)
class Sliced:
    """All slices that were tested, the worst first, and how many were too small to be."""

    slices: list[Slice]
    small: int
    left: int
    """Slices that were large enough and not tested: the largest were."""


def slices(pairs: Pairs, *, columns: Sequence[str] | None = None, alpha: float = 0.05) -> Sliced:
    """Judge each slice by itself.

    A slice is significantly worse where the one-sided p of its paired difference, adjusted by Holm (1979) over all slices, is
    below alpha.

    ``COLUMNS`` are judged always: whoever names others must not lose sight of a group that pays for the mean.

    Args:
        pairs: the rows.
        columns: more columns that slices are made of, beside ``COLUMNS``.
        alpha: of the family of all slices.

    Raises:
        UsageError: there is no such column.
    """
    every = list(dict.fromkeys((*COLUMNS, *(columns or ()))))
    if unknown := [column for column in columns or () if column not in pairs.rows.columns]:
        known = ", ".join(
            _described(pairs.rows, column) for column in (*COLUMNS, "group") if column in pairs.rows.columns
        )
        raise UsageError(
            f"--slice {quote(unknown[0], 40)} is no column of the eval set's rows, which have {known}; the columns that "
            "`vetset evalset build --by` named stand in stratum, and the one that was read as the source in source."
        )
    found: list[tuple[str, str, np.ndarray]] = []
    seen: set[bytes] = set()
    small = 0
    for column in every:
        for value, rows in _values(pairs.rows, column):
            if rows.size == pairs.rows.height or rows.tobytes() in seen:
                continue
            seen.add(rows.tobytes())
            if rows.size < LEAST or np.unique(pairs.clusters[rows]).size < 2:
                small += 1
            else:
                found.append((column, value, rows))
    found.sort(key=lambda one: -one[2].size)
    tested = found[:_MOST]
    gains = [
        gain(pairs.baseline[rows], pairs.candidate[rows], weights=pairs.weights[rows], clusters=pairs.clusters[rows])
        for _, _, rows in tested
    ]
    corrected = adjusted([of.p_no_loss for of in gains]) if gains else np.zeros(0)
    slices = [
        Slice(column, value, of, float(p), bool(p < alpha and of.gain < 0))
        for (column, value, _), of, p in zip(tested, gains, corrected, strict=True)
    ]
    return Sliced(sorted(slices, key=lambda one: (one.p_worse, one.gain.gain)), small, len(found) - len(tested))


def _described(rows: pl.DataFrame, column: str) -> str:
    """Return a column's name, and its first values where it has few."""
    told = rows[column].explode() if isinstance(rows.schema[column], pl.List) else rows[column]
    values = told.drop_nulls().cast(pl.String).unique().sort().to_list()
    if not values:
        return f"{column} (empty)"
    shown = ", ".join(quote(mask(value), 30) for value in values[:_SHOWN])
    return f"{column} ({shown}{f' and {len(values) - _SHOWN:,} more' if len(values) > _SHOWN else ''})"


def _values(rows: pl.DataFrame, column: str) -> list[tuple[str, np.ndarray]]:
    """Return each value of a column with the places of its rows; a row may have several tags."""
    if column not in rows.columns:
        return []
    told = rows.select(pl.col(column)).with_row_index("row")
    if isinstance(told.schema[column], pl.List):
        told = told.filter(pl.col(column).list.len() > 0).explode(column)
    told = told.drop_nulls(column)
    if 2 * told[column].n_unique() > told.height and told.height:
        return []  # hardly any value stands twice: reference answers, ids
    groups = told.group_by(pl.col(column).cast(pl.String).alias("value")).agg("row").sort("value")
    return [(value, np.sort(np.asarray(places, np.int64))) for value, places in groups.iter_rows()]
