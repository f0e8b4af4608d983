"""How often answers refuse, by source: the rows themselves are findings of ``quality.template``."""

from __future__ import annotations

from typing import Any

import polars as pl

from ..quality.stock_phrases import REFUSALS, any_of

_LISTED = 50  # sources, those that refuse oftenest first


def refusal_figures(rows: pl.DataFrame, turns: pl.DataFrame, found: pl.DataFrame) -> dict[str, Any]:
    """Return how many targets open with a stock refusal, and their share by source.

    Args:
        rows: the rows.
        turns: ``text.turns(rows)``.
        found: the findings of ``quality.template``, among which all refusals are.

    Returns:
        ``{"refusals": n, "answers": n, "by_source": {name: {"refusals", "answers", "share"}}}``; nothing without a refusal.
    """
    told = turns.filter("is_target").select("row", "content")
    told = told.with_columns(id=rows["id"].gather(told["row"]), source=rows["source"].gather(told["row"]))
    among = told.filter(pl.col("id").is_in(found["id"].implode()))
    refused = among.filter(pl.col("content").str.contains(rf"^\s*{any_of(REFUSALS)}"))
    if refused.is_empty():
        return {}
    counts = told.group_by("source").len("answers").join(refused.group_by("source").len("refusals"), on="source")
    counts = counts.with_columns(share=(pl.col("refusals") / pl.col("answers")).round(4))
    counts = counts.sort("share", "source", descending=[True, False]).drop_nulls("source").head(_LISTED)
    by_source = {name: {"refusals": n, "answers": of, "share": share} for name, of, n, share in counts.iter_rows()}
    return {"refusals": refused.height, "answers": told.height, **({"by_source": by_source} if by_source else {})}
