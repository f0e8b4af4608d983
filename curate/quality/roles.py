"""Does each turn stand where it can: the order of roles, and calls, results and tools that belong together.

The order is read off whole columns; what belongs to calls is in ``tool_use``.
"""

from __future__ import annotations

import polars as pl

from ..errors import quote
from ..findings import empty, report
from .tool_use import BENDS, REASONS, tool_faults

KNOWN_ROLES = ("system", "developer", "user", "assistant", "tool", "function")

_SLIGHT = 0.2  # unusual, and fine where it is meant


def find_roles(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Find turns out of order, and calls, results and tools that do not fit together.

    Order: unknown roles, a system turn after others, two user or two assistant turns running, an assistant that speaks
    first. Tools: a result without a call, a call without a result, an id that matches no call, a tool that the row does
    not offer, arguments that are not a JSON object or do not fit the tool's schema (JSON Schema 2020-12).

    Returns:
        Findings of ``quality.roles``; ``score`` is 1.0 where the use of tools breaks, 0.2 where the assistant only
        speaks first, else 0.5.
    """
    reasons = pl.concat([_order(turns), tool_faults(rows, turns)])
    if reasons.is_empty():
        return empty()
    found = (
        reasons.sort(["row", "score"], descending=[False, True], maintain_order=True)
        .group_by("row", maintain_order=True)
        .agg(pl.col("score").first(), pl.col("reason").first(), (pl.len() - 1).alias("more"))
    )
    worst = [pl.col("reason").str.head(1).str.to_uppercase(), pl.col("reason").str.slice(1)]
    more = pl.when(pl.col("more") > 0).then(pl.format("; and {} more", "more")).otherwise(pl.lit(""))
    return report(
        found.select(
            rows["id"].gather(found["row"]),
            "score",
            pl.format("{}{}{}.", *worst, more).alias("note"),
            pl.lit("review").alias("suggest"),
        ),
        "quality.roles",
    )


def _order(turns: pl.DataFrame) -> pl.DataFrame:
    """Return the first reason of each kind in each row."""
    same = (pl.col("row") == pl.col("row").shift(1)).fill_null(value=False)
    before = pl.when(same).then(pl.col("role").shift(1))
    rule, ruled = pl.col("role").is_in(["system", "developer"]), before.is_in(["system", "developer"])
    # A call and its result may stand between two turns of the assistant, and a call may follow what it says.
    silent = pl.col("tool_calls").is_null() & pl.col("tool_calls").shift(1).is_null()
    role = pl.col("role")
    odd = {word: quote(word, 30) for word in turns["role"].fill_null("").unique() if word not in KNOWN_ROLES}
    shown = role.fill_null("").replace_strict(odd, default="", return_dtype=pl.String)
    turn, next_turn = pl.col("turn"), pl.col("turn") + 1  # the words count from 1, the column from 0
    kinds = [
        (
            ~role.is_in(KNOWN_ROLES).fill_null(value=False),
            pl.format("turn {} has an unknown role, {}", next_turn, shown),
        ),
        (
            rule & same & ~ruled.fill_null(value=False),
            pl.format("turn {} is the system's, after other turns", next_turn),
        ),
        ((role == "user") & (before == "user"), pl.format("turns {} and {} are both the user's", turn, next_turn)),
        (
            (role == "assistant") & (before == "assistant") & silent,
            pl.format("turns {} and {} are both the assistant's", turn, next_turn),
        ),
    ]
    marked = turns.with_columns(wrong.fill_null(value=False).alias(str(kind)) for kind, (wrong, _) in enumerate(kinds))
    parts = [
        marked.filter(str(kind)).unique("row", keep="first", maintain_order=True).select("row", reason.alias("reason"))
        for kind, (_, reason) in enumerate(kinds)
    ]
    spoken = turns.filter(~rule.fill_null(value=False)).unique("row", keep="first", maintain_order=True)
    first = spoken.filter(role == "assistant").select(
        "row", pl.lit(_SLIGHT).alias("score"), pl.lit("the assistant speaks before any user").alias("reason")
    )
    ordered = pl.concat(parts).select("row", pl.lit(BENDS).alias("score"), "reason")
    return pl.concat([ordered, first]).select(pl.col(name).cast(dtype) for name, dtype in REASONS.items())
