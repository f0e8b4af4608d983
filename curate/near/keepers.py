"""Which row of a cluster is kept: the order in which rows are worth keeping."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import UsageError, quote

KEEPERS = ("longest", "first", "newest", "majority", "source:NAME", "column:NAME")
"""What ``keep`` may be."""


def keeping_order(
    rows: pl.DataFrame,
    keep: str,
    *,
    sizes: npt.NDArray[np.int64],
    component: npt.NDArray[np.int64],
    train: str = "train",
) -> npt.NDArray[np.int64]:
    """Return the rank of each row, 0 for the one most worth keeping; no two are alike.

    Rows of an eval split come before all others: where a training row is a near copy of an eval row, it is the training row that
    goes. Ties go to the longest, then to the lowest id, so that the order of the rows in the file changes nothing (but for
    ``first``, which is about nothing else).

    Args:
        rows: n rows (``dataset.ROWS``).
        keep: ``longest`` (most distinct shingles: it holds most of what the others hold), ``first`` (in the order of the files),
            ``newest`` (by ``time``), ``majority`` (rows with the label that most of their component have),
            ``source:A,B`` (rows of these sources, in this order), ``column:NAME`` (the highest number of a column or of a key
            of ``extra``; ``column:-NAME`` the lowest).
        sizes: (n) distinct shingles.
        component: (n) which rows hang together.
        train: the name of the split that is trained on.

    Raises:
        UsageError: ``keep`` is none of these, or names sources or a column that no row has.
    """
    worth = _worth(rows, keep, component)
    order = pl.DataFrame(
        {
            "held": rows["split"].is_not_null() & (rows["split"] != train),
            "worth": worth,
            "size": sizes,
            "id": rows["id"],
        }
    ).with_row_index("row")
    ranked = order.sort(
        ["held", "worth", "size", "id"], descending=[True, True, True, False], nulls_last=True, maintain_order=True
    )
    rank = np.empty(len(rows), np.int64)
    rank[ranked["row"].to_numpy()] = np.arange(len(rows))
    return rank


def _worth(rows: pl.DataFrame, keep: str, component: npt.NDArray[np.int64]) -> pl.Series:
    """One number a row, more is better; null where nothing is known."""
    kind, _, name = keep.partition(":")
    if keep == "longest":
        return pl.repeat(0.0, len(rows), eager=True)
    if keep == "first":
        return pl.Series(-np.arange(len(rows), dtype=np.float64))
    if keep == "newest":
        return rows["time"].dt.timestamp("us").cast(pl.Float64)
    if keep == "majority":
        votes = rows.select("label", component=pl.Series(component))
        return votes.select(
            (pl.len().over("component", "label") * pl.col("label").is_not_null()).cast(pl.Float64)
        ).to_series()
    if kind == "source" and name:
        wanted = {source.strip(): -float(place) for place, source in enumerate(name.split(","))}
        there = rows["source"].drop_nulls().value_counts(sort=True)["source"].to_list()
        if not wanted.keys() & set(there):
            known = (
                f"sources are {', '.join(quote(source) for source in there[:5])}" if there else "no row has a source"
            )
            raise UsageError(f"--keep {quote(keep)}: no row has such a source; {known}.")
        return rows["source"].replace_strict(wanted, default=None, return_dtype=pl.Float64)
    if kind == "column" and name.lstrip("-"):
        values = _column(rows, name.lstrip("-"))
        return -values if name.startswith("-") else values
    raise UsageError(f"--keep takes {', '.join(KEEPERS)}, not {quote(keep)}.")


def _column(rows: pl.DataFrame, name: str) -> pl.Series:
    if name in rows.columns and rows.schema[name].is_temporal():
        return rows[name].dt.timestamp("us").cast(pl.Float64)
    if name in rows.columns and not rows.schema[name].is_nested() and name != "extra":
        found: pl.Series = rows[name].cast(pl.Float64, strict=False)
    else:
        path = "$" + "".join(f"['{part}']" for part in name.split(".")) if re.fullmatch(r"[\w .-]+", name) else None
        if path is None:
            raise UsageError(f"--keep column: takes a column or a key of extra, not {quote(name)}.")
        found = rows["extra"].str.json_path_match(path).cast(pl.Float64, strict=False)
    if found.null_count() == len(found):
        raise UsageError(f"no row has a number in {quote(name)}; --keep column: takes a column that holds numbers.")
    return found
