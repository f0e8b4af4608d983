"""Rows as tables: Parquet as they stand in the set, CSV as text, label and what is known of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import polars as pl

from .records import CannotCarry, Layout, objects, text_label

if TYPE_CHECKING:
    from .wire import Tally

FIXED = ("text", "label", "group", "time", "annotator", "source", "license", "split")
"""Columns of a CSV, in order; the scalar fields of ``extra`` follow."""

WIDTH = 200
"""Most fields of ``extra`` that become columns: beyond, a key is data (an id, a date), not a name."""

_CHUNK = 20_000
_ANY = Layout(extra=True)  # a text without a label is a row of a table, too


def write_parquet(rows: pl.DataFrame, out: BinaryIO) -> None:
    """Write the rows with every column."""
    rows.write_parquet(out, compression="zstd", compression_level=3)


def write_csv(rows: pl.DataFrame, out: BinaryIO, tally: Tally) -> Iterator[pl.DataFrame]:
    """Write a CSV (UTF-8, comma, texts quoted, null empty and unquoted); yields the rows of each chunk that went in."""
    names, beyond = _extra_columns(rows)
    header = True
    for chunk in rows.iter_slices(_CHUNK) if rows.height else [rows]:
        kept, texts, labels = [], [], []
        for place, row in enumerate(chunk.select("id", "messages", "tools", "label").iter_rows(named=True)):
            try:
                record = text_label(row, _ANY)
            except CannotCarry as reason:
                tally.leave_out(row["id"], str(reason))
                continue
            kept.append(place)
            texts.append(record["text"])
            labels.append(record["label"])
        chunk = chunk[kept]  # noqa: PLW2901 - the rows that stay
        table = chunk.select(
            pl.Series("text", texts, dtype=pl.String),
            pl.Series("label", labels, dtype=pl.String),
            "group",
            pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"),
            *FIXED[4:],
        ).with_columns(_extra_values(chunk, names, beyond, tally))
        table.write_csv(out, include_header=header, quote_style="non_numeric")
        header = False
        yield chunk


def _extra_columns(rows: pl.DataFrame) -> tuple[dict[str, str], set[str]]:
    """Return key to column of the fields that become columns, and the keys that don't."""
    names: dict[str, str] = {}
    beyond: set[str] = set()
    for text in rows["extra"].filter(rows["extra"] != "{}"):
        for key, raw in objects(text).items():
            if key in names or key in beyond or bytes(raw)[:1] in (b"{", b"["):
                continue
            if len(names) == WIDTH:
                beyond.add(key)
                continue
            name = key if key not in FIXED else f"extra.{key}"
            while name in names.values():
                name = f"extra.{name}"
            names[key] = name
    return names, beyond


def _extra_values(chunk: pl.DataFrame, names: dict[str, str], beyond: set[str], tally: Tally) -> list[pl.Series]:
    columns: dict[str, list[str | None]] = {name: [None] * chunk.height for name in names.values()}
    for place, (row_id, extra) in enumerate(chunk.select("id", "extra").iter_rows()):
        deep = False
        for key, raw in objects(extra).items():
            scalar, value = _scalar(bytes(raw))
            deep |= not scalar or key in beyond
            if key in names:
                columns[names[key]][place] = value
        if deep:
            tally.add("field", "extra that is a list, an object, or one of too many fields", row_id)
    return [pl.Series(name, values, dtype=pl.String) for name, values in columns.items()]


def _scalar(raw: bytes) -> tuple[bool, Any]:
    if raw[:1] == b'"':
        return True, msgspec.json.decode(raw, type=str)
    if raw[:1] in (b"{", b"["):
        return False, None
    return True, None if raw == b"null" else raw.decode()
