"""A source and what comes out of it, whatever its container: chunks of JSON records with the source line of each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from .ragged import integers

SIZE = 4 << 20
"""Bytes of text that make a chunk: JSON lines pass at 0.9 GB/s, at 8 MiB (new memory for each block) at 0.6."""


class Reject(NamedTuple):
    """A record that its container already could not make out."""

    line: int
    reason: str
    text: str
    """The whole raw record."""


class Chunk:
    """Some records of a source, in order. Those of a table of texts have ``columns``, and JSON only if it is asked for."""

    def __init__(
        self, data: bytes, lines: Sequence[int], rejects: list[Reject], columns: Mapping[str, pa.Array] | None = None
    ) -> None:
        self.lines = lines
        """The line (in files without lines: the record) where each begins, from 1."""
        self.rejects = rejects
        self.columns = columns
        """Name to texts."""
        self.size = len(data) if columns is None else sum(column.nbytes for column in columns.values())
        if columns is None:
            self.data = data

    @cached_property
    def data(self) -> bytes:
        """JSON values, each on a line of its own that ends with a line feed; no blank lines."""
        return _encoded_columns(self.columns or {})

    def some(self, count: int) -> list[bytes]:
        """Return ``count`` of the records from all over the chunk, or all where there are fewer."""
        step = max(1.0, len(self.lines) / count)
        chosen = [int(i * step) for i in range(min(count, len(self.lines)))]
        if self.columns is not None:
            return _encoded_columns(
                {name: column.take(integers(np.array(chosen, np.int64))) for name, column in self.columns.items()}
            ).splitlines()
        lines = self.data.split(b"\n")
        return [lines[i] for i in chosen]


@dataclass
class Source:
    """One thing to read records from. ``notes`` may grow until its records have been read to the end."""

    path: Path
    name: str
    """As shown in messages: a relative path stays relative."""
    container: str
    notes: list[str]
    reader: Callable[[], Iterator[Chunk]] = field(repr=False)
    files: Callable[[], list[Path]] = field(repr=False)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the records, from the first each time it is called."""
        return self.reader()

    @property
    def size(self) -> int:
        """Bytes on disk (of a hub data set: once it has been fetched)."""
        return sum(path.stat().st_size for path in self.files())

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the bytes on disk, of several files in the order of their names."""
        digest = hashlib.sha256()
        for path in self.files():
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()


def shown(name: str) -> str:
    """Return a file's name as text, bytes of it that are not UTF-8 in hexadecimal digits."""
    return os.fsencode(name).decode(errors="backslashreplace")


def encoded(records: Iterable[Mapping[str, object]]) -> bytes:
    r"""Return records as JSON lines.

    >>> encoded([{"text": "hi"}, {"text": "ho"}])
    b'{"text":"hi"}\n{"text":"ho"}\n'
    """
    return msgspec.json.Encoder().encode_lines(list(records))


def _encoded_columns(columns: Mapping[str, pa.Array]) -> bytes:
    rows = zip(*(column.to_pylist() for column in columns.values()), strict=True)
    return encoded(dict(zip(columns, row, strict=True)) for row in rows)


def gathered(found: Iterable[tuple[int, bytes] | Reject]) -> Iterator[Chunk]:
    """Yield chunks of single records: pairs of line and JSON, and rejects between them."""
    lines: list[int] = []
    records: list[bytes] = []
    rejects: list[Reject] = []
    held = 0
    for item in found:
        if isinstance(item, Reject):
            rejects.append(item)
        else:
            lines.append(item[0])
            records.append(item[1])
            held += len(item[1])
        if held > SIZE:
            yield Chunk(b"\n".join([*records, b""]), lines, rejects)
            lines, records, rejects, held = [], [], [], 0
    if records or rejects:
        yield Chunk(b"\n".join([*records, b""]), lines, rejects)
