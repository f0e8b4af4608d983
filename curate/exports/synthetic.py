"""Synthetic rows of an export: how many by which teacher, under which terms; and that closed terms stop it unless waived."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..distill.lineage import synthetic
from ..distill.teachers import OPEN, WORDS, terms_of_rows
from ..errors import GateError, UsageError, quote
from ..masking import mask
from ..wording import counted, shell

_NAMED = 5  # teachers and rows in a sentence

COLUMNS = ("teacher", "run", "parents")
"""Columns of the lineage of an export that are null but for synthetic rows."""


_UNSPLIT = "no split: a synthetic row follows what it was made from to train, or stands in none"


@dataclass(frozen=True)
class Waiver:
    """Why rows are written whose teacher's terms are not open, and on whose word."""

    reason: str
    by: str


def waiver_of(text: str | None) -> Waiver | None:
    """Return the waiver that ``REASON by NAME`` tells; ``None`` where there is none.

    Raises:
        UsageError: the reason or the name is missing.

    >>> waiver_of("our contract with them allows it by Ann Lee")
    Waiver(reason='our contract with them allows it', by='Ann Lee')
    """
    if text is None:
        return None
    reason, _, name = text.rpartition(" by ")
    if not reason.strip() or not name.strip():
        raise UsageError(
            f"--waive-terms {quote(text)} gives no reason and name; write it as 'REASON by NAME': why these rows may be written, "
            "and who says so."
        )
    return Waiver(reason.strip(), name.strip())


def account_of(rows: pl.DataFrame, written: pl.Series, waiver: Waiver | None) -> dict[str, Any] | None:
    """Return what an export's account says of the synthetic rows among those written; ``None`` where there is none.

    Args:
        rows: the rows, at least ``id, extra``.
        written: ids of those that were written.
        waiver: of terms that are not open.
    """
    made = synthetic(rows.select("id", "extra"))
    made = made.filter(pl.col("id").is_in(written.implode()))
    if made.is_empty():
        return None
    terms = ["teacher", "revision", "training", "name", "says", "source", "dated", "by"]
    teachers = terms_of_rows(made).group_by(terms).agg(rows=pl.len(), first=pl.col("id").first())
    teachers = teachers.sort("rows", *terms, descending=[True, *[False] * len(terms)], nulls_last=True)
    open_ = pl.col("training").is_in(list(OPEN))
    teachers = teachers.with_columns(open=open_, waived=~open_ & pl.lit(waiver is not None)).drop("first")
    runs = made.group_by("run", "kind", "recipe").agg(rows=pl.len())
    runs = runs.sort("rows", "run", "kind", "recipe", descending=[True, False, False, False], nulls_last=True)
    used = waiver is not None and bool(teachers["waived"].any())
    return {
        "rows": made.height, "teachers": teachers.to_dicts(), "runs": runs.to_dicts(),
        "waiver": asdict(waiver) if waiver is not None and used else None,
    }  # fmt: skip


def closed(account: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the teachers of an account whose terms are not open and that nobody waived."""
    return [] if account is None else [one for one in account["teachers"] if not one["open"] and not one["waived"]]


def why_closed(account: dict[str, Any] | None) -> str | None:
    """Return why these rows can't be written without a waiver: rows and terms by teacher; ``None`` where they can."""
    found = closed(account)
    if not found:
        return None
    told = [f"{_name(one['teacher'])}, {counted(one['rows'], 'row')}: {_terms(one)}" for one in found[:_NAMED]]
    more = f", and {counted(len(found) - _NAMED, 'more teacher')}" if len(found) > _NAMED else ""
    return (
        "the terms of teachers are unknown or not open to the training of other models (" + "; ".join(told) + more + ")"
    )


def refuse_closed(account: dict[str, Any] | None, folder: Path) -> None:
    """Raise ``GateError`` where synthetic rows would be written whose teacher's terms are not open, and nobody waived it."""
    why = why_closed(account)
    if why is not None:
        raise GateError(
            f"{why}, so nothing was written; read the terms and say why it may be, `vetset export {shell(folder)} -o DIR "
            "--waive-terms 'REASON by NAME'`, or drop these rows (`vetset findings "
            f"{shell(folder)} --select licences.teacher` lists them)."
        )


def unused(waiver: Waiver | None, account: dict[str, Any] | None) -> list[str]:
    """Return a note where terms were waived and there was nothing to waive."""
    if waiver is None or (account is not None and account["waiver"] is not None):
        return []
    return ["Terms were waived, but no written row needed it; the waiver is not recorded."]


def with_origin(lineage: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return an export's lineage with ``origin, license`` of every row, and ``teacher, run, parents`` of synthetic ones.

    Most formats have no place for either, so here they stand for every record.

    Args:
        lineage: one line a row that was read.
        rows: these rows.
    """
    told = rows.select("id", "origin", "license").join(synthetic(rows).select("id", *COLUMNS), on="id", how="left")
    joined = lineage.join(told, on="id", how="left", maintain_order="left")
    follows = pl.col("teacher").is_not_null() & (pl.col("fate") == "unsplit")
    return joined.with_columns(why=pl.when(follows).then(pl.lit(_UNSPLIT)).otherwise("why"))


def told_of(lineage: pl.DataFrame) -> dict[str, int]:
    """Return how many written rows each teacher wrote, by the lineage of an export."""
    if "teacher" not in lineage.columns:  # of an export of before there were synthetic rows
        return {}
    written = lineage.filter((pl.col("fate") == "written") & pl.col("teacher").is_not_null())
    return dict(written.group_by("teacher").len().iter_rows())


def _name(teacher: str) -> str:
    return quote(mask(teacher), 60)


def _terms(one: dict[str, Any]) -> str:
    word = WORDS[one["training"]]
    return f"{word}, by {one['source']}, {one['dated'] or 'undated'}" if one["source"] else word
