"""Why a split can't be had as asked, in figures: too few units, units too large, times too few or entangled."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from ..errors import quote
from ..masking import mask
from .order import Order

_POINTS = 0.02  # of the rows: nobody asks for 80% and minds 79
_FIFTH = 0.2  # of the split: two points are the whole of a split of 2%
_COARSE = 0.05  # of the rows: where units are big, half a unit is as near as one can come, up to here


def tolerance(order: Order, sizes: np.ndarray) -> np.ndarray:
    """Return by how many rows each split may be off: docs/splits.md says why so.

    Args:
        order: what was asked for.
        sizes: rows of each unit.
    """
    rows = sizes.sum()
    ordered = np.sort(sizes)
    middle = ordered[np.searchsorted(np.cumsum(ordered), rows / 2)]  # the unit that the middle row stands in
    fine = np.minimum(_POINTS * rows, _FIFTH * order.targets)
    return np.maximum(np.maximum(fine, min(middle / 2, _COARSE * rows)), 1.0)


def off_size(rows: pl.DataFrame, order: Order, units: np.ndarray, split: np.ndarray) -> str | None:
    """Return what keeps the sizes from what was asked for, or ``None`` where they are within the tolerance.

    Args:
        rows: column ``group`` and, for a split in time, ``time``.
        order: what was asked for.
        units: unit of each row.
        split: index of the split of each row, -1 where held out.
    """
    sizes = np.bincount(units)
    got = np.bincount(split[split >= 0], minlength=len(order.names))
    wanted = order.targets if order.counts else order.targets / order.targets.sum() * got.sum()
    coarse = [sizes]
    if "time" in order.by:
        coarse.append(rows["time"].drop_nulls().value_counts()["count"].to_numpy())
    allowed = np.max([tolerance(order, grain) for grain in coarse], axis=0)
    if (got > 0).all() and (np.abs(got - wanted) <= allowed + 1e-9).all():
        return None
    largest = int(np.argmax(sizes))
    home = int(split[np.argmax(units == largest)])
    if home >= 0 and sizes[largest] > wanted[home] + allowed[home]:
        share = f"{_percent(sizes[largest], len(units))} of the rows ({sizes[largest]:,} of {len(units):,})"
        problem = f"{name_unit(rows, order, units, largest)} {share}; {_asked(order, home, len(units))} can't be met"
    elif "time" in order.by and (timeless := rows["time"].null_count()) > wanted[0] + allowed[0]:
        problem = (
            f"{timeless:,} of {len(units):,} rows have no time and go to {order.names[0]}, which is more than asked"
        )
    else:
        grain = min(coarse, key=len)
        noun = "times" if len(coarse) > 1 and grain is coarse[1] else "units"
        each = f"{grain[0]:,} each" if grain.min() == grain.max() else f"{grain.min():,} to {grain.max():,} each"
        problem = f"{len(units):,} rows stand in {len(grain):,} {noun} of {each}; {sizes_text(order)} can't be met"
    return problem


def too_few_units(rows: pl.DataFrame, order: Order, units: np.ndarray) -> str:
    """Return the sentence for fewer units than splits."""
    sizes = np.bincount(units)
    largest = int(np.argmax(sizes))
    held = f" ({name_unit(rows, order, units, largest)} {sizes[largest]:,})" if len(units) > len(sizes) else ""
    noun = "row" if len(units) == 1 else "rows"
    return (
        f"{len(units):,} {noun} form{'s' * (len(units) == 1)} {_units(len(sizes))}{held}; "
        f"{len(order.names)} splits need at least {len(order.names)}"
    )


def too_few_moments(time: pl.Series, order: Order) -> str:
    """Return the sentence for fewer distinct times than splits."""
    counts = time.drop_nulls().value_counts().sort("time")
    listed = ", ".join(f"{day(moment)}: {rows:,} rows" for moment, rows in counts.iter_rows())
    values = "value" if counts.height == 1 else "values"
    return f"time has {counts.height} distinct {values} ({listed}); {len(order.names)} splits need {len(order.names)}"


def all_across(order: Order, rows: int, across: int) -> str:
    """Return the sentence for units that lie across the cuts, wherever these are made."""
    ties = " and ".join(way for way in order.by if way != "time") or "time"
    return (
        f"{across:,} of {rows:,} rows lie across a cut in time, whichever the cuts, because {ties} ties them to rows "
        "of another time"
    )


def name_unit(rows: pl.DataFrame, order: Order, units: np.ndarray, unit: int) -> str:
    """Return a subject and verb for a unit: a group by its name, a chain of groups by their number."""
    groups = rows["group"].filter(pl.Series(units == unit))
    named = groups.drop_nulls().unique()
    near = "near" in order.by
    if "group" in order.by and len(named) == 1 and groups.null_count() == 0:
        return f"group {quote(mask(named[0]))} holds"
    if "source" in order.by and (source := _only(rows["source"].filter(pl.Series(units == unit)))) is not None:
        return f"source {quote(mask(source))} holds"
    if "group" in order.by and len(named) > 1:
        shared = " or near copies of them" if near else ""
        return f"{len(named):,} groups that share texts{shared} with one another hang together and hold"
    if set(order.by) <= {"duplicates", "near"}:
        return "rows that are near copies of one another hold" if near else "rows with one text hold"
    return "rows that hang together hold"


def _only(values: pl.Series) -> str | None:
    """Return the value that all rows have, or ``None`` if there is none."""
    return values[0] if values.n_unique() == 1 else None


def day(moment: datetime) -> str:
    """Return a time as people write it: the date alone where it stands for a day."""
    return moment.strftime("%Y-%m-%d" if moment.time() == moment.min.time() else "%Y-%m-%d %H:%M:%S")


def sizes_text(order: Order) -> str:
    """Return what was asked as it is typed."""
    return ",".join(f"{size:g}" for size in (order.counts or order.ratios or ()))


def _asked(order: Order, index: int, rows: int) -> str:
    if order.counts:
        return f"{order.names[index]} with {order.counts[index]:,} rows"
    return f"{order.names[index]} at {_percent(order.targets[index], rows)}"


def _units(count: int) -> str:
    return f"{count:,} unit{'s' * (count != 1)}"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.3g}%"
