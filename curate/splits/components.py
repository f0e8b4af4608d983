"""Rows that must stay together: which rows hang together through any key that they share."""

from __future__ import annotations

import numpy as np
import polars as pl


def connect(rows: int, *keys: pl.Series) -> np.ndarray:
    """Return the unit of each row: rows that share a key, and all that hang on them, have one number.

    Connected components over rows (scipy's ``csgraph``); sharing is transitive: if a and b share a group, and b and c
    a text, then a, b and c are one unit. A null key ties nothing.

    Args:
        rows: how many rows there are.
        *keys: one value a row each, of any type that polars can compare.

    Returns:
        int64, one a row; units are numbered 0, 1, ... in the order of their first rows.

    >>> connect(4, pl.Series(["a", "a", None, None]), pl.Series([1, 2, 2, None])).tolist()
    [0, 0, 0, 1]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if rows == 0 or not keys:
        return np.arange(rows, dtype=np.int64)
    # An edge from each row to the first row with the same value: n edges a key, where all pairs would be n^2.
    heads = [_first_row(key) for key in keys]
    if len(heads) == 1:
        return renumber(heads[0])
    tails = np.tile(np.arange(rows), len(heads))
    edges = coo_array((np.ones(len(tails), dtype=bool), (np.concatenate(heads), tails)), shape=(rows, rows))
    return renumber(connected_components(edges, directed=False)[1])


def renumber(labels: np.ndarray) -> np.ndarray:
    """Return ``labels`` as 0, 1, ... in the order in which they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _first_row(key: pl.Series) -> np.ndarray:
    named = key.alias("key").to_frame().with_row_index("row")
    # `over` puts every null into one window; a row without a key stands alone instead.
    head = pl.when(pl.col("key").is_null()).then("row").otherwise(pl.col("row").first().over("key"))
    return named.select(head.cast(pl.Int64)).to_series().to_numpy()
