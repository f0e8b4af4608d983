"""The points of the map as a chart: one table that travels as Arrow, and a series for each group that picks its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from ...curate.review.desk import Look
from ...curate.review.heads import SETTLED
from .plain import short

# Okabe and Ito's colours, each with a shape of its own: colour alone tells nothing.
_LOOKS = (
    ("#0072B2", "circle"), ("#E69F00", "rect"), ("#009E73", "triangle"), ("#CC79A7", "diamond"), ("#56B4E9", "roundRect"),
    ("#D55E00", "pin"), ("#B8A800", "arrow"),
)  # fmt: skip
MOST = len(_LOOKS)
"""Groups that can be told apart."""

_REST = "all others"
_TEXT, _NAME = 60, 30  # characters in a tooltip and in the legend


def group_of(look: Look, rows: pl.Series, by: str) -> pl.Series:
    """Return the group of each row: by a column of the rows, by its first ``finding``, or by whether it is ``decided``."""
    if by == "decided":
        return pl.Series("group", np.where(look.heads.marks[rows.to_numpy()] == SETTLED, "decided", "open"))
    if by == "finding":
        first = look.view.findings.unique("row", keep="first", maintain_order=True).select("row", "rule")
        place = pl.DataFrame({"row": rows.cast(pl.UInt32)})
        found = place.join(first, on="row", how="left", maintain_order="left")["rule"]
        return found.fill_null("nothing found").alias("group")
    return look.view.rows[by].gather(rows).fill_null("(none)").alias("group")


def commonest(groups: pl.Series) -> list[str]:
    """Return the values of a column of groups, the commonest first."""
    counts = groups.value_counts(sort=True).sort("count", groups.name, descending=[True, False])
    return counts[groups.name].to_list()


def points(look: Look, drawn: pl.DataFrame, groups: pl.Series, named: Sequence[str]) -> pl.DataFrame:
    """Return ``x, y, text, group`` of the rows that are drawn; those of no named group are "all others"."""
    texts = look.view.rows["text"].gather(drawn["row"].cast(pl.Int64)).fill_null("").str.slice(0, 4 * _TEXT)
    shown = {group: short(group, _NAME) for group in named}
    return drawn.select(pl.col("x", "y").cast(pl.Float32)).with_columns(
        text=pl.Series([short(text, _TEXT) for text in texts], dtype=pl.String),
        group=groups.replace_strict(shown, default=_REST, return_dtype=pl.String),
    )


def chart(table: pl.DataFrame, named: Sequence[str]) -> dict[str, Any]:
    """Return the option of the chart, for ECharts.

    Args:
        table: of ``points``.
        named: the groups, the commonest first.
    """
    looks = [(_REST, "#8A8F98", "circle", 4, 0.45)]
    looks += [(short(name, _NAME), *look, 7, 0.85) for name, look in zip(named, _LOOKS, strict=False)]
    picks = [{"transform": {"type": "filter", "config": {"dimension": "group", "=": name}}} for name, *_ in looks]
    series = [
        {
            "type": "scatter", "name": name, "datasetIndex": number, "symbol": symbol, "symbolSize": size, "large": False,
            "itemStyle": {"color": colour, "opacity": opacity}, "encode": {"x": "x", "y": "y", "tooltip": ["text"]},
        }
        for number, (name, colour, symbol, size, opacity) in enumerate(looks, 1)
    ]  # fmt: skip
    return {
        "animation": False,
        "dataset": [{"source": table}, *picks],
        # As text and not as HTML, which a tooltip is by default: the words are a user's.
        "tooltip": {"renderMode": "richText", "confine": True},
        "legend": {"type": "scroll", "top": 0, "left": 0, "right": 0},
        "grid": {"left": 10, "right": 10, "top": 60, "bottom": 10},
        "xAxis": {"show": False, "scale": True},
        "yAxis": {"show": False, "scale": True},
        "toolbox": {"right": 0, "top": 28, "feature": {"brush": {"type": ["polygon", "rect", "clear"]}}},
        "brush": {
            "xAxisIndex": "all", "yAxisIndex": "all", "throttleType": "debounce", "throttleDelay": 300,
            "outOfBrush": {"colorAlpha": 0.15},
        },
        "series": series,
    }  # fmt: skip
