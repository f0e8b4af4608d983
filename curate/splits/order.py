"""What a user asks of a split, checked before any work: sizes, names, and by what rows are kept together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..errors import DataError, UsageError, quote
from .components import renumber

TIES = ("group", "source", "duplicates", "near", "parents")
"""What can tie rows into a unit; beside these, ``by`` may name ``time``."""

_STRATA = 1000  # more label values than this, or more than a tenth of the rows, are answers and not classes


@dataclass(frozen=True)
class Order:
    """What was asked for."""

    names: tuple[str, ...]
    targets: np.ndarray  # rows wanted in each split
    ratios: tuple[float, ...] | None
    counts: tuple[int, ...] | None
    by: tuple[str, ...]
    stratify: bool
    seed: int


def choose_ways(
    rows: pl.DataFrame, by: tuple[str, ...] | None, clusters: pl.Series | None, parents: pl.Series | None = None
) -> tuple[str, ...]:
    """Return by what to split, in a fixed order; without ``by``, whatever the rows have but time.

    Raises:
        UsageError: an unknown way, or clusters or parents that don't fit.
        DataError: the column asked for is null in every row.
    """
    if clusters is not None and len(clusters) != rows.height:
        raise UsageError(f"clusters has {len(clusters)} values for {rows.height} rows; give one a row.")
    if by is None:
        grouped = rows["group"].null_count() < rows.height
        found = ("group",) * grouped + ("duplicates",) + ("near",) * (clusters is not None)
        return found + ("parents",) * (parents is not None)
    unknown = [way for way in by if way not in (*TIES, "time")]
    if unknown:
        raise UsageError(
            f"rows can't be split by {quote(unknown[0])}; give any of group, source, time, duplicates, near, parents."
        )
    if "near" in by and clusters is None:
        raise UsageError("a split by near needs the cluster of each row; give clusters=near_clusters(rows).")
    if clusters is not None and "near" not in by:
        raise UsageError("clusters of near copies tie rows only with near in by; add it, or leave clusters out.")
    if "parents" in by and parents is None:
        raise UsageError(
            "a split by parents is for sets with synthetic rows; there is none, so leave parents out of by."
        )
    for column in ("group", "source", "time"):
        if column in by and rows.height and rows[column].null_count() == rows.height:
            raise DataError(f"no row has a {column}, so rows can't be split by it; read with --{column} COLUMN.")
    return tuple(way for way in ("group", "source", "time", "duplicates", "near", "parents") if way in by)


def place_order(
    rows: int,
    by: tuple[str, ...],
    *,
    ratios: tuple[float, ...] | None,
    counts: tuple[int, ...] | None,
    names: tuple[str, ...] | None,
    stratify: bool,
    seed: int,
) -> Order:
    """Check sizes and names and return them with the rows that each split should have.

    Raises:
        UsageError: sizes or names make no sense.
        DataError: there are no rows, or fewer than the counts ask for.
    """
    if rows == 0:
        raise DataError("there is no row to split; read a file that has rows, or undo the decisions that drop all.")
    sizes: Sequence[float] | None = counts if counts is not None else ratios
    if sizes is None or not 2 <= len(sizes) <= 20 or not all(0 < size < float("inf") for size in sizes):
        raise UsageError(f"give 2 to 20 ratios or counts, each above 0; got {sizes}.")
    names = names or (("train", "test") if len(sizes) == 2 else ("train", "validation", "test"))
    if len(names) != len(sizes) or len(set(names)) != len(names) or not all(names):
        raise UsageError(f"{len(sizes)} sizes need {len(sizes)} different names of splits; got {', '.join(names)}.")
    if counts is not None:
        if sum(counts) > rows:
            raise DataError(f"counts sum to {sum(counts):,} and there are {rows:,} rows; ask for {rows:,} or fewer.")
        return Order(names, np.array(counts, dtype=float), None, tuple(counts), by, stratify, seed)
    if abs(sum(sizes) - 1) > 0.02:  # three thirds written as 0.33 pass
        raise UsageError(f"ratios must sum to 1; {', '.join(map(str, sizes))} sum to {sum(sizes):g}.")
    targets = np.array(sizes) / sum(sizes) * rows
    return Order(names, targets, tuple(float(size) for size in sizes), None, by, stratify, seed)


def strata(label: pl.Series) -> tuple[np.ndarray, str | None]:
    """Return a class a row to balance by, and why there is none or how it differs from the label."""
    counts = label.value_counts(sort=False)
    if label.null_count() == len(label):
        return np.zeros(len(label), dtype=np.int64), "no row has a label"
    if counts.height > min(_STRATA, max(len(label) / 10, 20)):
        note = f"{counts.height:,} different labels in {len(label):,} rows are answers, not classes"
        return np.zeros(len(label), dtype=np.int64), note
    return renumber(label.rank("dense").fill_null(0).to_numpy()), None
