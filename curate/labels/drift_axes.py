"""Along what a definition may move: time, source, and columns that the user names, such as a product version."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..errors import quote
from ..masking import mask
from ..near.cosine import Ints

_BINS = 64  # cuts that are tried: one in 64 rows; the cut is placed to the row afterwards
_LEAST = 20  # rows of a source, to be held against the others
_MOST = 60  # sources that are looked at, the largest
_VERSION = r"^[vV]?\d{1,9}(\.\d{1,9}){0,5}$"


@dataclass(frozen=True)
class Axis:
    """Where n rows stand on one axis."""

    name: str
    ordered: bool
    place: Ints
    """(n) rank of a row's value among the distinct ones; -1 where it has none that is looked at."""
    bins: Ints
    """(n) the same, values that stand side by side in one bin where there are many; -1 as before."""
    values: list[str]
    """The distinct values, as a note shows them."""

    @property
    def count(self) -> int:
        """How many bins there are."""
        return int(self.bins.max(initial=-1)) + 1


def axes(rows: pl.DataFrame, columns: Sequence[str] = ()) -> list[Axis]:
    """Return the axes on which the rows stand in two places or more: time, source, and ``columns`` of ``extra``.

    Values that all are version numbers (1.2, v2.10) are in order; other columns are not.

    Args:
        rows: n rows.
        columns: keys of ``extra``; a dot leads into an object.
    """
    found = [_times(rows["time"])]
    for name in ("source", *columns):
        values = rows["source"] if name == "source" else rows["extra"].str.json_path_match(_path(name))
        given = values.drop_nulls()
        versions = len(given) > 0 and bool(given.str.contains(_VERSION).all())
        found.append(_versions(name, values) if versions and name != "source" else _unordered(name, values))
    return [axis for axis in found if axis.count > 1]


def _times(values: pl.Series) -> Axis:
    distinct = values.drop_nulls().unique().sort()
    place = _places(values, distinct)
    return Axis("time", True, place, _binned(place, len(distinct)), _dates(distinct))


def _dates(distinct: pl.Series) -> list[str]:
    """Return days, and minutes too where all is within some days."""
    if distinct.is_empty():
        return []
    low, high = distinct.to_list()[0], distinct.to_list()[-1]
    return distinct.dt.strftime("%Y-%m-%d" if (high - low).days > 3 else "%Y-%m-%d %H:%M").to_list()


def _versions(name: str, values: pl.Series) -> Axis:
    numbers = lambda text: [int(part) for part in re.findall(r"\d+", text)]  # noqa: E731
    distinct = pl.Series(
        sorted(values.drop_nulls().unique().to_list(), key=lambda text: (numbers(text), text)), dtype=pl.String
    )
    place = _places(values, distinct)
    return Axis(name, True, place, _binned(place, len(distinct)), [_shown(text) for text in distinct])


def _unordered(name: str, values: pl.Series) -> Axis:
    counts = values.drop_nulls().value_counts(name="rows").filter(pl.col("rows") >= _LEAST)
    distinct = counts.sort("rows", values.name, descending=[True, False])[values.name].head(_MOST).sort()
    place = _places(values, distinct)
    return Axis(name, False, place, place, [_shown(text) for text in distinct])


def _places(values: pl.Series, distinct: pl.Series) -> Ints:
    if distinct.is_empty():
        return np.full(len(values), -1, np.int64)
    found = values.replace_strict(distinct, range(len(distinct)), default=-1, return_dtype=pl.Int64)
    return found.fill_null(-1).to_numpy()


def _binned(place: Ints, distinct: int) -> Ints:
    """Put places in order into some 64 bins of about as many rows; one place is never in two bins."""
    if distinct <= _BINS:
        return place
    sizes = np.bincount(place[place >= 0], minlength=distinct)
    middle = np.cumsum(sizes) - sizes / 2
    bins = np.unique((middle * _BINS / sizes.sum()).astype(np.int64), return_inverse=True)[1]
    return np.where(place >= 0, bins[np.maximum(place, 0)], -1)


def _path(name: str) -> str:
    return f"$.{name}" if re.fullmatch(r"\w+(\.\w+)*", name) else f"$['{name}']"


def _shown(text: str) -> str:
    return quote(mask(text[:200]), 24)
