"""What was asked and what was answered, a line a row: what the rules on generative targets read."""

from __future__ import annotations

import polars as pl


def exchanges(turns: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, asked, last, system, answer`` of every row with a target that has text, in row order.

    ``asked`` is every turn before the target but the system's, with line feeds between; ``last`` is the last of the
    user's turns, or of any turn where no user speaks; ``system`` is empty where there is none. Targets that only call
    tools, and plain texts in which nothing is asked, are left out.

    Args:
        turns: ``text.turns(rows)``.
    """
    content = pl.col("content").fill_null("")
    asked = ~pl.col("is_target") & (pl.col("role") != "system")
    answers = turns.filter(pl.col("is_target") & pl.col("content").str.contains(r"\S")).select("row", answer="content")
    before = (
        turns.filter(asked)
        .group_by("row", maintain_order=True)
        .agg(
            content.str.join("\n").alias("asked"),
            pl.coalesce(content.filter(pl.col("role") == "user").last(), content.last()).alias("last"),
        )
    )
    system = turns.filter(pl.col("role") == "system").group_by("row").agg(content.str.join("\n").alias("system"))
    return (
        answers.join(before, on="row", how="inner", maintain_order="left")
        .join(system, on="row", how="left", maintain_order="left")
        .select("row", "asked", "last", pl.col("system").fill_null(""), "answer")
    )
