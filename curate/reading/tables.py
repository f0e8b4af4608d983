"""Parquet, Arrow and ``datasets`` folders as JSON records, a batch at a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import polars as pl
import pyarrow as pa
from pyarrow import parquet

from ..errors import DataError, quote
from .chunks import SIZE, Chunk
from .compression import is_compressed, open_plain
from .encodings import WHOLE

Batches = Callable[[], Iterator[pa.RecordBatch]]


def table_kind(head: bytes) -> str | None:
    """Tell Parquet and Arrow by the first bytes of a file."""
    if head.startswith(b"PAR1"):
        return "parquet"
    # An Arrow stream begins with a continuation mark and the length of a schema, which is never near 16 MB.
    stream = head[:4] == b"\xff\xff\xff\xff" and len(head) > 8 and 0 < int.from_bytes(head[4:8], "little") < SIZE
    return "arrow" if stream or head.startswith(b"ARROW1") else None


def batches_of(path: Path, name: str) -> Batches:
    """Return what opens a Parquet or Arrow file (also one that was compressed as a whole) and yields its batches."""

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            with _handle(path) as file:
                head = file.read(8)
                file.seek(0)
                yield from _parquet(file) if head.startswith(b"PAR1") else _arrow(file, head)
        except (pa.ArrowException, OSError, EOFError) as error:
            raise DataError(
                f"{name} can't be read to its end as {'Parquet' if path.suffix == '.parquet' else 'a table'} "
                f"({type(error).__name__}): it is damaged or cut off; fetch it again."
            ) from error

    return batches


def _handle(path: Path) -> pa.NativeFile:
    if not is_compressed(path):
        return pa.memory_map(str(path))
    with open_plain(path) as file:
        data = file.read(WHOLE + 1)
    if len(data) > WHOLE:
        raise DataError(f"{path} is a table of more than {WHOLE >> 20} MiB inside; decompress it and give that file.")
    return pa.BufferReader(data)


def _parquet(file: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    table = parquet.ParquetFile(file)
    size = sum(table.metadata.row_group(i).total_byte_size for i in range(table.num_row_groups))
    rows = max(1, min(65_536, SIZE * table.metadata.num_rows // max(size, 1)))
    yield from table.iter_batches(batch_size=rows)


def _arrow(file: pa.NativeFile, head: bytes) -> Iterator[pa.RecordBatch]:
    if head.startswith(b"ARROW1"):
        table = pa.ipc.open_file(file)
        stored = (table.get_batch(i) for i in range(table.num_record_batches))
    else:
        stored = iter(pa.ipc.open_stream(file))
    for batch in stored:
        rows = max(1, SIZE * batch.num_rows // max(batch.nbytes, 1))
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def table_chunks(batches: Batches, *, split: str | None = None, first: int = 1) -> Iterator[Chunk]:
    """Yield the records of a table; ``lines`` are their numbers, from ``first``.

    Args:
        batches: opens the table.
        split: put into each record as ``_split``, unless the table has such a column.
        first: the number of the first record.
    """
    for batch in batches():
        table = _named(pa.Table.from_batches([batch]))
        if split is not None and "_split" not in table.column_names:
            table = table.append_column("_split", pa.repeat(split, table.num_rows))
        if table.num_rows:
            yield Chunk(_json(table), range(first, first + table.num_rows), [])
        first += table.num_rows


def _named(table: pa.Table) -> pa.Table:
    """Give every column a name of its own, and class labels the names that ``datasets`` keeps in the schema."""
    classes = class_names(table.schema)  # asked first: renaming drops what datasets wrote into the schema
    names = [name or f"column_{i}" for i, name in enumerate(table.column_names, 1)]
    if (repeated := Counter(names)) and max(repeated.values()) > 1:
        names = [name if name not in names[:i] else f"{name}_{i + 1}" for i, name in enumerate(names)]
    table = table.rename_columns(names)
    for column, labels in classes.items():
        # -1 stands for "no label" there
        named = pl.Series(table[column]).replace_strict(dict(enumerate(labels)), default=None, return_dtype=pl.String)
        table = table.set_column(table.column_names.index(column), column, named.to_arrow())
    return table


def class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Return the names of the classes of each column that ``datasets`` stores as class numbers."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {
            column: feature["names"]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
            if column in schema.names and pa.types.is_integer(schema.field(column).type)
        }
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _json(table: pa.Table) -> bytes:
    if all(_is_plain(kind) for kind in table.schema.types):
        return pl.DataFrame(table).write_ndjson().encode()
    # polars has no JSON for binary values and panics; msgspec writes them as base64, at a tenth of the speed.
    return msgspec.json.Encoder(enc_hook=str).encode_lines(table.to_pylist())


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_plain(kind.value_type)
    if types.is_struct(kind):
        return kind.num_fields > 0 and all(_is_plain(kind.field(i).type) for i in range(kind.num_fields))
    if types.is_dictionary(kind):
        return types.is_string(kind.value_type) or types.is_large_string(kind.value_type)
    return (
        types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind) or types.is_floating(kind)
        or types.is_boolean(kind) or types.is_null(kind) or types.is_date(kind) or types.is_timestamp(kind)
        or types.is_time(kind) or types.is_decimal128(kind)
    )  # fmt: skip


def binary_note(schema: pa.Schema, name: str) -> list[str]:
    """Say which columns hold bytes, as JSON has no word for them."""
    binary = [field.name for field in schema if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type)]
    few = ", ".join(quote(column, 30) for column in binary[:4])
    return [f"{name}: the bytes in {few} are read as base64"] if binary else []


def schema_of(path: Path, name: str) -> pa.Schema:
    """Return the columns of a Parquet or Arrow file.

    Raises:
        DataError: it is damaged.
    """
    try:
        with _handle(path) as file:
            head = file.read(8)
            file.seek(0)
            if head.startswith(b"PAR1"):
                return parquet.read_schema(file)
            return (pa.ipc.open_file(file) if head.startswith(b"ARROW1") else pa.ipc.open_stream(file)).schema
    except (pa.ArrowException, OSError, EOFError) as error:
        raise DataError(
            f"{name} is damaged or cut off: its columns can't be read ({type(error).__name__}); fetch it again."
        ) from error


def saved_splits(folder: Path) -> list[tuple[str | None, Path]]:
    """Return split and folder of each part of a ``save_to_disk`` folder; nothing if it is none."""
    if (folder / "dataset_dict.json").is_file():
        splits = json.loads((folder / "dataset_dict.json").read_text(encoding="utf-8")).get("splits", [])
        return [(split, folder / split) for split in splits]
    return [(None, folder)] if (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file() else []


def saved_files(folder: Path, name: str) -> list[Path]:
    """Return the Arrow files of one saved split, in their order.

    Raises:
        DataError: the folder's list of files is damaged, or one is missing.
    """
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        files = [folder / Path(entry["filename"]).name for entry in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{name}/state.json does not list the files of a saved data set; save it again.") from error
    if state.get("_indices_data_files"):
        raise DataError(f"{name} was saved by an old release of datasets, its rows in another order; save it again.")
    if missing := [file.name for file in files if not file.is_file()]:
        raise DataError(f"{name}: {missing[0]} is missing, though state.json lists it; copy the whole folder.")
    return files
