"""Chosen rows that nobody has settled: their reference may be wrong, so that a right answer is counted as a mistake."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ...curate import text
from ...curate.checking import judge
from ...curate.dataset import Dataset
from ...curate.decisions.policy import DEFAULT_BLOCK
from ...curate.splits.splitting import hangs_on_splits
from ...curate.wording import counted, shell

DOUBTED = ("leakage.answer", "labels.suspect")
"""Beside those that block and hang on no split: the question holds its own answer, or the reference is doubted."""


def unsettled(dataset: Dataset, chosen: pl.DataFrame) -> dict[str, int] | None:
    """Return on how many chosen rows a finding stands that blocks or doubts the reference, by rule; ``None`` without a check.

    What leaks and what splits bring is left out: choosing the rows settles that.

    Args:
        dataset: the set.
        chosen: the eval rows, by ``id``.
    """
    result = judge(dataset)
    if not result.rules:
        return None
    asked = [*(rule for rule in DEFAULT_BLOCK if not hangs_on_splits(rule)), *DOUBTED]
    standing = result.standing.filter(pl.col("rule").is_in(asked) & pl.col("id").is_in(chosen["id"].implode()))
    found = dict(standing.group_by("rule").agg(pl.col("id").n_unique()).iter_rows())
    return {rule: found[rule] for rule in asked if rule in found}


def contested(rows: pl.DataFrame, chosen: pl.DataFrame) -> tuple[int, int]:
    """Return how many chosen rows ask what another row asks that has another label; and of how many that one is chosen, too.

    Args:
        rows: those that could be chosen.
        chosen: the eval rows, by ``id``.
    """
    asked = rows.select("id", "label").with_columns(asked=text.keys(rows)["input_folded"]).drop_nulls()
    mine = asked.filter(pl.col("id").is_in(chosen["id"].implode()))
    many, both = (
        side.group_by("asked").agg(pl.col("label").n_unique()).filter(pl.col("label") > 1)["asked"]
        for side in (asked, mine)
    )
    first, second = (mine.filter(pl.col("asked").is_in(one.implode())).height for one in (many, both))
    return first, second


def unsettled_notes(dataset: Dataset, rows: int, found: Mapping[str, int] | None, of: tuple[int, int]) -> list[str]:
    """Return what there is to say of rows that nobody has settled, with the next step."""
    name, (many, both) = shell(dataset.folder), of
    notes = []
    if found is None:
        notes.append(
            f"the set was never checked, so nobody knows which of these rows have a wrong reference: `vetset check {name}`, "
            "settle what it finds, and build again"
        )
    elif found:
        said = ", ".join(f"{rule} on {count:,}" for rule, count in found.items())
        notes.append(
            f"findings stand on chosen rows, so that a right answer may count as wrong: {said} of {rows:,}; settle them with "
            f"`vetset review {name}`, and build again"
        )
    if many and (both or not (found or {}).get("labels.conflict")):
        twice = f", {both:,} of them beside it in the eval set" if both else ""
        notes.append(
            f"{counted(many, 'row')} of {rows:,} ask what a row with another label asks{twice}: no model can get both right; "
            f"say which label is right with `vetset review {name}`, and build again"
        )
    return notes
