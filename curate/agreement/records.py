"""Records of any file, or of a set's further fields, as columns of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from ..errors import DataError
from ..reading.mapping import SAMPLE, as_text, value
from ..reading.sources import find_sources
from ..wording import counted


def columns_of(path: str | Path, named: Sequence[str] = ()) -> tuple[pl.DataFrame, list[str]]:
    """Return the columns of a file as texts, and what was passed over.

    Args:
        path: any file, folder or glob that ``vetset read`` takes.
        named: columns that are looked for in every record; nested ones as ``meta.worker``.

    Raises:
        UsageError: there is no such file.
        DataError: it can't be read, or holds no record.
    """
    sources, notes = find_sources([path])
    frames: list[pl.DataFrame] = []
    lost = 0
    for source in sources:
        for chunk in source.chunks():
            lost += len(chunk.rejects)
            if chunk.columns is not None:
                table = {name: pl.Series(name, column) for name, column in chunk.columns.items()}
                frames.append(pl.DataFrame(table).with_columns(pl.all().cast(pl.String)))
            else:
                lines = [line for line in chunk.data.splitlines() if line.strip()]
                records = [record for line in lines if (record := _record(line)) is not None]
                lost += len(lines) - len(records)
                frames.append(_texts(records, named))
    table = pl.concat(frames, how="diagonal") if frames else pl.DataFrame()
    if table.is_empty():
        raise DataError(f"{path} holds no record; give a file with a line for each vote.")
    return table, [*notes, *([f"{path}: {counted(lost, 'record')} can't be read, and none is a vote"] if lost else [])]


def extra_columns(rows: pl.DataFrame, named: Sequence[str]) -> pl.DataFrame:
    """Return further fields of a set's rows as texts, null where a row has none."""
    # Python: a field's name is the user's, and a JSON path of polars reads signs in it.
    decode = msgspec.json.Decoder().decode
    records: list[Any] = [decode(text) for text in rows["extra"]] if named else []
    return pl.DataFrame(
        {name: pl.Series(name, [_text(value(record, name)) for record in records], dtype=pl.String) for name in named}
    )


def extra_names(rows: pl.DataFrame) -> list[str]:
    """Return the names of the further fields of rows, in their order."""
    decode = msgspec.json.Decoder().decode
    found: list[Any] = [decode(text) for text in rows["extra"]]
    return list(dict.fromkeys(name for record in found for name in record))


def _record(line: bytes) -> dict[str, Any] | None:
    """Return what a line holds; ``None`` for one that is broken, or no object: a file that was cut ends in such a line."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _texts(records: Sequence[Mapping[str, Any]], named: Sequence[str]) -> pl.DataFrame:
    names = dict.fromkeys(name for record in records[:SAMPLE] for name in record)
    found = {name: [_text(value(record, name)) for record in records] for name in dict.fromkeys([*names, *named])}
    return pl.DataFrame({name: pl.Series(name, column, dtype=pl.String) for name, column in found.items()})


def _text(found: Any) -> str | None:
    return None if isinstance(found, (dict, list)) else as_text(found)
