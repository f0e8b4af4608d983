"""Eval rows that the training side holds already; the rule family ``leakage``."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import polars as pl

from .. import text
from ..clusters import ids, place
from ..findings import empty, report
from .answers import find_answer
from .sides import together

__all__ = ["find_answer", "find_leak", "leak_figures"]


def find_leak(
    rows: pl.DataFrame, keys: pl.DataFrame, *, against: pl.DataFrame | None = None, train: str = "train"
) -> pl.DataFrame:
    """Find rows whose input stands on both sides of the line between training and evaluation.

    Within the set, the rows of every split but ``train`` whose folded input stands in ``train`` are found. A set
    without splits has no eval side, and nothing is found.

    With ``against``, the rows of an eval file, this set is the material that a model learns from, and the eval file
    is not ours to change. So the rows found are then those of *this* set that would have to go: all that are not on
    its own eval side (split null or ``train``) and whose input stands in ``against``. The note counts the eval rows
    that are hit; ``leak_figures`` counts them over the set. The two kinds never meet in one row.

    Tools on offer are not compared, nor are targets: a question seen in training is seen, whatever the answer. Rows
    without a visible input don't leak; plain text, which has no input, is compared by itself.

    Args:
        rows: the rows.
        keys: ``text.keys(rows)``.
        against: the rows of an eval file (``dataset.ROWS``).
        train: name of the split that is trained on.
    """
    here = _texts(rows, keys)
    trained = pl.col("split") == train
    inside = here.filter(pl.col("split").is_not_null() & ~trained), here.filter(trained)
    found = [_leaks(rows, *inside, rows)]
    if against is not None:
        there = _texts(against, text.keys(against))
        found.append(_leaks(rows, here.filter(trained | pl.col("split").is_null()), there, against, outside=True))
    return together(rows, found)


_MOST_PAIRED = 8  # splits that are held against each other, at two joins a pair; of more, only those against train


def leak_figures(
    rows: pl.DataFrame, keys: pl.DataFrame, *, against: pl.DataFrame | None = None, train: str = "train"
) -> dict[str, Any]:
    """Count how much of the eval side the training side holds.

    Args:
        rows: the rows.
        keys: ``text.keys(rows)``.
        against: the rows of an eval file; its figures are those of the pair ``against in set``.
        train: name of the split that is trained on.

    Returns:
        ``eval_rows``, ``raw`` and ``normalised`` (eval rows whose input stands in train, identical and folded),
        ``distinct_raw`` and ``distinct_normalised`` (different inputs among these), and ``pairs``: the same figures
        for every two splits, ``{"dev in train": {...}, "dev in test": {...}}``; of more than eight splits, for each
        of them and train.
    """
    here = _texts(rows, keys)
    sizes = dict(rows.group_by("split").len().iter_rows())
    trained = pl.col("split") == train
    total = sum(count for split, count in sizes.items() if split not in (None, train))
    figures: dict[str, Any] = {"eval_rows": total, **_overlap(here.filter(~trained), here.filter(trained))}
    names = sorted((name for name in sizes if name is not None), key=lambda name: (name == train, name))
    sides = {name: here.filter(pl.col("split") == name) for name in names}
    pairs = [pair for pair in combinations(names, 2) if train in pair or len(names) <= _MOST_PAIRED]
    figures["pairs"] = {
        f"{one} in {other}": {"eval_rows": sizes[one], **_overlap(sides[one], sides[other])} for one, other in pairs
    }
    if against is not None:
        there, side = _texts(against, text.keys(against)), here.filter(trained | pl.col("split").is_null())
        figures["pairs"]["against in set"] = {"eval_rows": len(against), **_overlap(there, side)}
    return figures


def _texts(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, split`` and the keys to compare, for rows that have a text to compare."""
    plain = pl.col("input").is_null()
    return (
        keys.with_columns(rows["split"])
        .with_row_index("row")
        .filter(~pl.col("input_empty") | (plain & pl.col("target").is_not_null()))
        .select(
            "row",
            "split",
            pl.coalesce("input", "target").alias("raw"),
            pl.coalesce("input_folded", "target_folded").alias("folded"),
            pl.col("target_folded").alias("target"),
        )
    )


def _leaks(
    rows: pl.DataFrame, held: pl.DataFrame, known: pl.DataFrame, source: pl.DataFrame, *, outside: bool = False
) -> pl.DataFrame:
    """Report the rows of ``held`` whose text stands in ``known``, whose rows are those of ``source``."""
    raw = known.group_by("raw").agg(pl.col("row").min().alias("raw_row"))
    folded = known.group_by("folded").agg(
        pl.col("row").min().alias("folded_row"),
        pl.len().alias("times"),
        pl.col("target").is_not_null().any().alias("answered"),
    )
    # A pair of keys and a flag, not a list of targets a text: one text may stand 100,000 times on either side.
    same = known.select("folded", "target").drop_nulls().unique().with_columns(pl.lit(value=True).alias("same"))
    hit = (
        held.join(folded, on="folded", how="inner", maintain_order="left")
        .join(same, on=["folded", "target"], how="left", maintain_order="left")
        .join(raw, on="raw", how="left", maintain_order="left")
        .with_columns(pl.coalesce("raw_row", "folded_row").alias("peer_row"))
    )
    if hit.is_empty():
        return empty()
    identical = pl.col("raw_row").is_not_null()
    how = (
        pl.when(identical)
        .then(pl.lit("character for character"))
        .otherwise(pl.lit("but for case, width or white space"))
    )
    side = "the eval file" if outside else "train"
    answer = (
        pl.when(pl.col("target").is_null() | ~pl.col("answered"))
        .then(pl.lit(""))
        .when(pl.col("same").is_not_null())
        .then(pl.lit(", with the same target"))
        .otherwise(pl.lit(", with another target"))
    )
    times = pl.when(pl.col("times") == 1).then(pl.lit("once")).otherwise(pl.format("{} times", pl.col("times")))
    note = pl.format(
        f"The input stands in {side} {{}} {{}}, first at {{}}{{}}.", times, how, place(source, hit["peer_row"]), answer
    )
    return report(
        hit.select(
            ids(rows, hit["row"]).alias("id"),
            pl.when(identical).then(1.0).otherwise(0.9).alias("score"),
            # A row of another file has no id in this set, so nothing may point at it.
            (pl.lit(None) if outside else ids(source, hit["peer_row"])).alias("peer"),
            note.alias("note"),
            pl.lit("drop").alias("suggest"),
        ),
        "leakage.exact",
    )


def _overlap(held: pl.DataFrame, known: pl.DataFrame) -> dict[str, int]:
    raw = held.join(known, on="raw", how="semi")
    folded = held.join(known, on="folded", how="semi")
    return {
        "raw": raw.height,
        "normalised": folded.height,
        "distinct_raw": raw["raw"].n_unique(),
        "distinct_normalised": folded["folded"].n_unique(),
    }
