"""Clusters of near copies, as splits need them: rows that must not stand on two sides."""

from __future__ import annotations

import polars as pl

from ..near import joining
from ..near.row_texts import row_pieces
from ..near.shingles import Shingle, shingled


def near_clusters(rows: pl.DataFrame, *, threshold: float = 0.8, shingle: Shingle | None = None) -> pl.Series:
    """Return the cluster of each row: the first of all rows whose inputs hang together by near copies.

    Connected components and not stars: a split that parts any near pair leaks (``near.joining``). Inputs are compared, as by
    ``leakage.near``; plain text, which has none, by itself.

    Args:
        rows: the rows.
        threshold: least Jaccard index of two inputs that are near.
        shingle: five words for ``None``.

    Returns:
        u32, null for rows in which nothing is seen.

    >>> from vetset.curate.dataset import frame
    >>> text = "my card was charged twice for the same train ticket to Oslo"
    >>> near_clusters(frame([{"messages": text}, {"messages": "hello"}, {"messages": text.upper()}])).to_list()
    [0, 1, 0]
    """
    sets = shingled(*row_pieces(rows, "input"), shingle=shingle)
    component = pl.Series("near", joining.components(sets, joining.prepare(sets, threshold)))
    return component.replace(-1, None).cast(pl.UInt32)
