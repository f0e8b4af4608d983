"""Rows and rejects of planned sources, written chunk by chunk while the next ones are made."""

from __future__ import annotations

import gc
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TextIO

import msgspec
import polars as pl
import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from ..errors import quote
from ..near.compiled import compiled
from .ahead import ahead
from .convert import Converter, Odd
from .mapping import Plan
from .row_columns import ARROW, Columns, ids, in_order, table
from .sources import Chunk, Source
from .times import parse

_TIME = pl.Datetime("us", "UTC")


Progress = Callable[[int, int], None]
"""Told bytes done and bytes in all, after each chunk."""


_LARGE = 128 << 20  # bytes: below, loading numba costs more than the compiled loop saves


# Only these columns repeat their values; trying a dictionary on the rest costs a third of the writing time.
_DICTIONARY: Any = [
    "label",
    "group",
    "annotator",
    "source",
    "license",
    "origin",
    "split",
    "file",
    "messages.list.element.role",
]


@dataclass
class SourceRead:
    """What came of one source."""

    name: str
    container: str
    plan: Plan
    rows: int = 0
    rejects: int = 0
    notes: list[str] = field(default_factory=list)


def write_rows(
    sources: Sequence[Source], plans: Sequence[tuple[Plan, list[str]]], folder: Path, progress: Progress | None
) -> tuple[list[SourceRead], str]:
    """Convert every chunk and write rows and rejects; converting and compressing run on two cores at once."""
    total, done = sum(source.size for source in sources), 0
    seen: dict[str, int] = {}
    digest = blake2b(digest_size=16)
    results = []
    collecting = gc.isenabled()
    gc.disable()  # millions of short strings and no cycles: the collector only costs (measured: half of the decoding time)
    try:
        with (
            _parquet_writer(folder / "rows.parquet") as write,
            (folder / "rejects.jsonl").open("w", encoding="utf-8") as rejects,
        ):
            for source, (plan, known) in zip(sources, plans, strict=True):
                result = SourceRead(source.name, source.container, plan)
                converter = Converter(plan, known, compiled=total >= _LARGE and compiled())
                undated: list[str] = []
                prepared = ((chunk, converter.prepare(chunk)) for chunk in source.chunks())
                with closing(ahead(prepared)) as chunks:
                    for chunk, blocks in chunks:
                        columns, odd = converter.finish(blocks)
                        done += _write_chunk(
                            chunk, columns, odd, converter.plan, result, rejects, write, undated, seen, digest
                        )
                        if progress is not None:
                            progress(min(done, total), total)
                result.notes = [*source.notes, *_notes(converter, undated)]
                results.append(result)
        if progress is not None:
            progress(total, total)
    finally:
        if collecting:
            gc.enable()
    return results, digest.hexdigest()


def _write_chunk(
    chunk: Chunk, columns: Columns, odd: list[Odd], plan: Plan, result: SourceRead, rejects: TextIO,
    write: Callable[[Callable[[], pa.Table]], None],
    undated: list[str], seen: dict[str, int], digest: Any,
) -> int:  # fmt: skip
    for reject in sorted([*chunk.rejects, *odd], key=lambda reject: reject.line):
        record = {"file": result.name, "line": reject.line, "reason": reject.reason, "text": reject.text}
        rejects.write(msgspec.json.encode(record).decode() + "\n")
        result.rejects += 1
    if columns.lines:
        order = in_order(columns)
        row_ids = ids(columns.digests if order is None else [columns.digests[row] for row in order], seen)
        dates = columns.common["time"]
        texts = pl.Series(dates if order is None else [dates[row] for row in order], dtype=pl.String)
        times = parse(texts, day_is_first=plan.day_first) if texts.null_count() < len(texts) else texts.cast(_TIME)
        if (missing := times.is_null() & texts.is_not_null()).any():
            undated += texts.filter(missing).to_list()
        digest.update("\n".join([*row_ids, ""]).encode())
        write(partial(table, columns, row_ids, times, order, file=result.name))
        result.rows += len(row_ids)
    return chunk.size


def _notes(converter: Converter, undated: list[str]) -> list[str]:
    notes = []
    if converter.nan_records:
        notes.append(
            f"{converter.nan_records:,} records hold NaN or Infinity, which JSON has no word for; read as null"
        )
    if undated:
        notes.append(
            f"{len(undated):,} values of '{converter.plan.columns['time']}' are no date (first: {quote(undated[0], 30)}); "
            "their time is null, their text is kept in extra"
        )
    return notes


@contextmanager
def _parquet_writer(path: Path) -> Iterator[Callable[[Callable[[], pa.Table]], None]]:
    """Write tables to one Parquet file on a second thread (compression lets go of the interpreter lock)."""
    tables: queue.Queue[Callable[[], pa.Table] | None] = queue.Queue(maxsize=2)
    failed: list[BaseException] = []

    def work() -> None:
        ended = False
        try:
            with ParquetWriter(
                path,
                ARROW,
                compression="lz4",
                use_dictionary=_DICTIONARY,
                write_statistics=False,
            ) as writer:
                while (item := tables.get()) is not None:
                    writer.write_table(item())
                ended = True  # what fails after this is the file's end, which is written when the block is left
        except BaseException as error:  # noqa: BLE001 - handed to the reading thread, which raises it
            failed.append(error)
            while not ended:
                ended = tables.get() is None

    def put(item: Callable[[], pa.Table]) -> None:
        if failed:
            raise failed[0]  # at once: a full disk is told before the rest of a large file is read
        tables.put(item)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield put
    finally:
        tables.put(None)
        thread.join()
    if failed:
        raise failed[0]
