"""What a split came to: sizes, label balance, held rows, time spans, and leaks beside those of a random split."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from .order import Order, strata
from .random_split import leaks

_LISTED = 100  # labels and held rows that are listed one by one; all are counted


def describe(
    rows: pl.DataFrame,
    keys: pl.DataFrame,
    order: Order,
    assignment: pl.Series,
    units: pl.Series,
    *,
    cuts: list[datetime],
    clusters: pl.Series | None = None,
) -> dict[str, Any]:
    """Return the report of a split as plain JSON values, all counted from ``assignment`` and not from the plan."""
    sizes = units.value_counts()["count"]
    frame = rows.select("id", "label", "time").with_columns(assignment, units)
    return {
        "rows": rows.height,
        "by": list(order.by),
        "seed": order.seed,
        "splits": _sizes(frame, order),
        "units": {"count": len(sizes), "largest": int(sizes.max() or 0), "single": int((sizes == 1).sum())},  # pyright: ignore
        "held": _held(frame, order),
        "time": _times(frame, order, cuts),
        "labels": _labels(frame, order),
        "leaks": leaks(rows, keys, assignment, train=order.names[0], clusters=clusters, by_source="source" in order.by),
    }


def _sizes(frame: pl.DataFrame, order: Order) -> dict[str, dict[str, Any]]:
    placed = frame["split"].is_not_null().sum()
    found = {}
    for index, name in enumerate(order.names):
        part = frame.filter(pl.col("split") == name)
        asked = {"asked_rows": order.counts[index]} if order.counts else {"asked": (order.ratios or ())[index]}
        found[name] = {"rows": part.height, "share": part.height / placed, **asked, "units": part["unit"].n_unique()}
    return found


def _held(frame: pl.DataFrame, order: Order) -> dict[str, Any]:
    held = frame.filter(pl.col("split").is_null())
    reasons = ["units that lie across a cut in time"] * ("time" in order.by) + ["beyond the counts"] * bool(
        order.counts
    )
    return {
        "rows": held.height,
        "units": held["unit"].n_unique(),
        "reason": " or ".join(reasons) if held.height else None,
        "ids": held["id"].head(_LISTED).to_list(),
    }


def _times(frame: pl.DataFrame, order: Order, cuts: list[datetime]) -> dict[str, Any] | None:
    if "time" not in order.by:
        return None
    spans = frame.group_by("split").agg(pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
    span_of = {split: {"first": _iso(first), "last": _iso(last)} for split, first, last in spans.iter_rows()}
    return {
        "cuts": [_iso(moment) for moment in cuts],
        "splits": {name: span_of[name] for name in order.names},
        "rows_without_time": frame["time"].null_count(),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _labels(frame: pl.DataFrame, order: Order) -> dict[str, Any]:
    """Return the share of each label in each split, and where it is furthest from its share of all placed rows."""
    note = strata(frame["label"])[1]
    unplanned = "the cuts in time decide" if "time" in order.by else None if order.stratify else "not asked for"
    stratified = note is None and unplanned is None
    if note is not None:
        return {"stratified": False, "note": note, "shares": [], "gap": None}
    placed = frame.filter(pl.col("split").is_not_null())
    counts = placed.group_by("label", "split").len().pivot("split", index="label", values="len").fill_null(0)
    counts = counts.with_columns(pl.sum_horizontal(order.names).alias("rows")).sort(
        ["rows", "label"], descending=[True, False]
    )
    table = counts.select(order.names).to_numpy().astype(float)
    shares, overall = table / table.sum(axis=0), counts["rows"].to_numpy() / placed.height
    listed = [
        {"label": label, "rows": rows, "share": float(whole), **dict(zip(order.names, map(float, part), strict=True))}
        for label, rows, whole, part in zip(counts["label"], counts["rows"], overall, shares, strict=True)
    ]
    where = np.unravel_index(np.argmax(np.abs(shares - overall[:, None])), shares.shape)
    gap = {
        "label": counts["label"][int(where[0])],
        "split": order.names[int(where[1])],
        "share": float(shares[where]),
        "overall": float(overall[where[0]]),
        "points": float(100 * abs(shares[where] - overall[where[0]])),
    }
    return {"stratified": stratified, "note": unplanned, "labels": len(listed), "shares": listed[:_LISTED], "gap": gap}
