"""Where votes stand: a file with a line a vote, columns with an annotator each, or a set whose rows name annotators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ..dataset import Dataset, is_set
from ..embed.encoding import row_texts
from ..errors import UsageError, quote
from ..reading.column_names import NAMES, plain
from ..reading.mapping import SAMPLE
from ..text import keys
from .records import columns_of, extra_columns, extra_names

_ITEM = (
    "item", "itemid", "unit", "unitid", "task", "taskid", "docid", "documentid", "example", "exampleid", "sampleid",
    "questionid", "textid", "id", "key", "uid", "guid",
    *NAMES["text"],
)  # fmt: skip
_ANNOTATOR = (*NAMES["annotator"], "judge", "judgeid", "crowdworker", "userid", "user", "person")
_LABEL = (
    *(name for name in NAMES["label"] if not name.startswith("gold")), "vote", "response", "judgement", "judgment",
    "value", "score",
)  # fmt: skip
_PARTS = ("label", "annotator", "source", "group", "origin", "split")  # columns of a row that hold one word


@dataclass(frozen=True)
class VoteLines:
    """Votes as they were found."""

    frame: pl.DataFrame
    """``item, annotator, label``: strings, a line a vote."""
    notes: list[str] = field(default_factory=list)
    """What was guessed, and what was passed over."""
    gold: dict[str, str] | None = None
    """Item to label, where it was asked for."""
    texts: pl.DataFrame | None = None
    """``item, text``, a line an item; of a set, whose columns say what is a text."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """What the user said of where votes stand; ``None`` means: guess."""

    item: str | None = None
    annotator: str | None = None
    label: str | None = None
    votes: tuple[str, ...] = ()
    """Columns that hold one annotator each."""
    gold: str | None = None
    """A column, or ``FILE:column``."""


def find_votes(source: str | Path, where: Where | None = None) -> VoteLines:
    """Return the votes in a file, or in a set.

    Args:
        source: any file that ``vetset read`` takes, or ``NAME.vet``.
        where: the columns.

    Raises:
        UsageError: a column is not there, or can't be guessed.
        DataError: the source can't be read.
    """
    where = where or Where()
    _one_each(where)
    if Path(source).is_dir() and is_set(Path(source)):
        return _of_set(Dataset.open(source), where)
    named = [name for name in (where.item, where.annotator, where.label, *where.votes, where.gold) if name]
    table, notes = columns_of(source, named)
    lines = _wide(table, where, str(source)) if where.votes else _long(table, where, str(source))
    return VoteLines(lines.frame, notes + lines.notes, _gold(table, where, lines))


def _one_each(where: Where) -> None:
    """Refuse a column that is named for two things."""
    named: dict[str, str] = {}
    for option, column in [
        ("--item", where.item), ("--annotator", where.annotator), ("--label", where.label),
        *(("--votes", column) for column in dict.fromkeys(where.votes)), ("--gold", where.gold),
    ]:  # fmt: skip
        if column is not None and named.setdefault(column, option) != option:
            raise UsageError(f"{named[column]} and {option} both name column {quote(column, 40)}; name one for each.")


def _long(table: pl.DataFrame, where: Where, name: str) -> VoteLines:
    notes: list[str] = []
    found: dict[str, str] = {}
    for part, given, usual in (
        ("annotator", where.annotator, _ANNOTATOR), ("label", where.label, _LABEL), ("item", where.item, _ITEM),
    ):  # fmt: skip
        column = given or _guess([column for column in table.columns if column not in found.values()], usual)
        if column is None:
            raise UsageError(
                f"{name} has no column that is plainly the {part}; its columns are {_few(table.columns)}: name one with "
                f"--{part}"
                + (", or the columns that hold one annotator each with --votes." if part == "annotator" else ".")
            )
        found[part] = _there(table, column, name)
        if given is None:
            notes.append(f"{part}: {quote(column, 40)}, by its name")
    frame = table.select(pl.col(found[part]).alias(part) for part in ("item", "annotator", "label"))
    return VoteLines(frame, notes)


def _wide(table: pl.DataFrame, where: Where, name: str) -> VoteLines:
    columns = [_there(table, column, name) for column in where.votes]
    if len(set(columns)) < 2:
        raise UsageError("--votes needs two columns or more, one for each annotator, with commas between.")
    items, notes = _items(table, where, name)
    return VoteLines(_melted(table.with_columns(items.alias("")), columns), notes)


def _items(table: pl.DataFrame, where: Where, name: str) -> tuple[pl.Series, list[str]]:
    """Return what each line is of: its own number, unless a column was named."""
    if where.item is not None:
        return table[_there(table, where.item, name)], []
    return pl.int_range(1, table.height + 1, eager=True).cast(pl.String), ["item: each record by its number"]


def _melted(table: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    return pl.concat(
        [table.select(pl.col("").alias("item"), pl.lit(column).alias("annotator"), pl.col(column).alias("label"))
         for column in columns]
    )  # fmt: skip


def _of_set(dataset: Dataset, where: Where) -> VoteLines:
    """Return the votes of a set as it was read: what was decided since is no vote."""
    rows, name = dataset.as_read().rows, str(dataset.folder)
    if where.item or where.annotator or where.label:
        raise UsageError(f"{name} is a set: its columns were named when it was read; give --votes, or the source file.")
    if where.votes:
        table = _row_columns(dataset, rows, [*where.votes, *([where.gold] if where.gold else [])])
        if absent := [column for column in where.votes if table[column].null_count() == table.height]:
            raise UsageError(
                f"{name} has no column {quote(absent[0])} with a value; its columns are {_few(_names(dataset, rows))}."
            )
        lines = _wide(table.with_columns(rows["id"].alias("\0id")), Where(item="\0id", votes=where.votes), name)
        gold = _gold(table.with_columns(rows["id"].alias("\0id")), where, lines)
        texts = pl.DataFrame({"item": rows["id"], "text": row_texts(rows)})
        return VoteLines(lines.frame, lines.notes, gold, texts)
    if rows["annotator"].null_count() == rows.height:
        raise UsageError(
            f"{name} says of no row who labelled it; read its source again with --annotator COLUMN, or name the columns "
            "that hold one annotator each with --votes A,B."
        )
    asked = keys(rows)
    known = pl.DataFrame(
        {
            "id": rows["id"],
            "key": asked["input_folded"],
            "tools": rows["tools"].hash(seed=3),
            "empty": asked["input_empty"],
        }
    )
    item = pl.when(pl.col("key").is_not_null() & ~pl.col("empty")).then(pl.col("id").min().over("key", "tools"))
    frame = known.select(item.alias("item"), rows["annotator"], rows["label"])
    notes = ["item: rows with the same input (case, width and white space apart); it goes by the first of their ids"]
    # What was labelled is the input: rows that share it may have replies of their own.
    texts = pl.DataFrame({"item": rows["id"], "text": row_texts(rows, "input")}).filter(frame["item"] == rows["id"])
    if where.gold is None:
        return VoteLines(frame, notes, None, texts)
    table = _row_columns(dataset, rows, [where.gold]).with_columns(frame["item"].alias("\0id"))
    return VoteLines(frame, notes, _gold(table, where, VoteLines(frame, notes)), texts)


def _row_columns(dataset: Dataset, rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return columns of the source by their names, also those that became a part of the row."""
    inputs = dataset.manifest.get("inputs") or [{}]
    became = {column: part for part, column in (inputs[0].get("columns") or {}).items() if part in _PARTS}
    parts = {name: became.get(name, name) for name in names if became.get(name, name) in _PARTS}
    extra = extra_columns(rows, [name for name in names if name not in parts and ":" not in name])
    return extra.with_columns(rows[part].alias(name) for name, part in parts.items())


def _names(dataset: Dataset, rows: pl.DataFrame) -> list[str]:
    """Return the columns of a set's source that may hold votes: those that became a word of the row, and the further ones."""
    became = (dataset.manifest.get("inputs") or [{}])[0].get("columns") or {}
    return [*(column for part, column in became.items() if part in _PARTS), *extra_names(rows.head(SAMPLE))]


def _gold(table: pl.DataFrame, where: Where, lines: VoteLines) -> dict[str, str] | None:
    """Return the gold labels: of a column beside the votes, or of another file with the same items."""
    if where.gold is None:
        return None
    if where.gold in table.columns and table[where.gold].null_count() < table.height:
        items = table["\0id"] if "\0id" in table.columns else lines.frame["item"][: table.height]
        told = pl.DataFrame({"item": items, "gold": table[where.gold]})
    else:
        file, _, column = where.gold.rpartition(":")
        if not file:
            raise UsageError(f"there is no column {quote(where.gold)}; its columns are {_few(table.columns)}.")
        beside, _ = columns_of(file, [column])
        item = where.item if where.item in beside.columns else _guess([c for c in beside.columns if c != column], _ITEM)
        if item is None:
            raise UsageError(f"{file} has no column that is plainly the item; call it as in the file of the votes.")
        told = pl.DataFrame({"item": beside[item], "gold": beside[_there(beside, column, file)]})
    told = told.drop_nulls().unique()
    # Of an item with two gold labels nobody knows which is right; taking the first would hang on the order of the lines.
    return dict(told.filter(pl.len().over("item") == 1).sort("item").iter_rows())


def _guess(columns: Sequence[str], usual: Sequence[str]) -> str | None:
    """Return the column whose name stands first among the usual ones."""
    called = {plain(column): column for column in reversed(columns)}
    return next((called[name] for name in usual if name in called), None)


def _there(table: pl.DataFrame, column: str, name: str) -> str:
    if column not in table.columns or table[column].null_count() == table.height:
        # what was asked for stands in the table too, empty where no record has it
        columns = [known for known in table.columns if table[known].null_count() < table.height]
        raise UsageError(f"{name} has no column {quote(column)} with a value; its columns are {_few(columns)}.")
    return column


def _few(columns: Sequence[str]) -> str:
    shown = [quote(column, 30) for column in columns if column and not column.startswith("\0")]
    return ", ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "") if shown else "none"
