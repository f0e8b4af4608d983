"""CSV, TSV and their kin as records: one pass, strict about quotes and the number of fields, honest about line numbers.

A row with too many or too few fields, or with broken quotes, becomes a reject with its text: which of its cells would
belong to which column is anybody's guess. Values stay the characters that stand in the file (``007`` is not 7).
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from .cells import whole_rows
from .chunks import SIZE, Chunk, Reject, encoded

LIMIT = 1 << 27
"""Characters of one field (csv's own limit is 131,072); beyond it, an opening quote counts as one that never closes."""

_PIECE = 1 << 17  # characters that are parsed in one go
_STRAY = re.compile("\r(?!\n)")
_MARK = "\ud80d"  # stands for a carriage return inside a line; half a surrogate pair can't come out of UTF-8

Blocks = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is to be read."""

    delimiter: str
    names: tuple[str, ...]
    header: bool = True
    """The first record holds the names."""
    quoted: bool = True
    """A quote at the start of a field opens it; otherwise quotes are text and each line is a record."""
    unnamed_end: bool = False
    """Rows end in a delimiter: the last, nameless column is left out where it is empty."""


class Lines:
    """Physical lines, those of the record under way kept, so that a record can be told in full or given back."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self.number = 1
        """Of the line where the next record begins."""
        self.taken: list[str] = []
        """The lines of the record under way."""
        self.stray = False
        """Some lines hold carriage returns that end none, each written as ``_MARK``."""
        self._ahead: deque[str] = deque()
        self._back = b""
        self._parts: deque[bytes] = deque()
        self._pieces = self._read(blocks)

    def _read(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a small piece, which holds the header, and then as much as comes at once."""
        size = _PIECE
        for block in blocks:
            end = block.find(b"\n", size) + 1 or len(block)
            yield block[:end]
            if end < len(block):
                yield block[end:]
            size = len(block)

    def piece(self) -> bytes | None:
        """Return some lines at once, or ``None`` at the end; only where ``between`` records."""
        back, self._back = self._back, b""
        piece = self._parts.popleft() if self._parts else next(self._pieces, None)
        return back + piece if piece is not None else back or None

    def cut(self, piece: bytes) -> bool:
        """Put a piece back in smaller ones, so that a fault in it costs less; ``False`` if it is small."""
        parts = []
        start = 0
        while start < len(piece):
            end = piece.find(b"\n", start + _PIECE) + 1 or len(piece)
            parts.append(piece[start:end])
            start = end
        self._parts.extendleft(reversed(parts[:-1] and parts))
        return len(parts) > 1

    def give_back(self, data: bytes) -> None:
        """Put the beginning of a record before the next piece."""
        self._back = data

    def put_piece(self, data: bytes) -> None:
        """Put a piece before the lines that are still to come."""
        text = data.decode()
        if "\r" in text and text.count("\r") != text.count("\r\n"):
            # csv would end the record there; in a file with line feeds it is a character of the text
            text, self.stray = _STRAY.sub(_MARK, text), True
        self.put(text)

    @property
    def between(self) -> bool:
        """Whether all lines that have been read from the file belong to records that are done."""
        return not self._ahead

    def put(self, text: str) -> None:
        """Put lines before those that are still to come."""
        self._ahead.extendleft(reversed(list(io.StringIO(text, newline="\n"))))

    def stream(self) -> Iterator[str]:
        """Yield the lines, from where the last stream was left."""
        ahead, take = self._ahead, self.taken.append
        while True:
            while ahead:
                line = ahead.popleft()
                take(line)
                yield line
            piece = self.piece()
            if piece is None:
                return
            self.put_piece(piece)


def records(lines: Lines, delimiter: str, *, quoted: bool) -> Iterator[tuple[int, list[str], str]]:
    """Yield line, fields and problem of each record; empty lines are none.

    Where quotes break, the record's first line alone is reported (with no fields), and reading goes on with the next
    line: a quote that never closes would otherwise swallow the file. That happens at most once in a file to its end, as
    every later line then holds its quotes in pairs. At each record ``lines.taken`` holds its lines, and the generator
    may be left: another one goes on from there.
    """
    csv.field_size_limit(LIMIT)
    taken = lines.taken
    taken.clear()
    while True:
        try:
            for fields in csv.reader(lines.stream(), delimiter=delimiter, quoting=_QUOTING[quoted], strict=True):
                number = lines.number
                lines.number += len(taken)
                if fields:
                    yield number, fields, ""
                taken.clear()
            return
        except csv.Error as error:
            problem = _PROBLEMS.get(str(error).partition(" (")[0], "its quotes do not match")
        lines.put("".join(taken[1:]))
        del taken[1:]
        lines.number += 1
        yield lines.number - 1, [], problem
        taken.clear()


_QUOTING: dict[bool, Any] = {True: csv.QUOTE_MINIMAL, False: csv.QUOTE_NONE}
_PROBLEMS = {
    "unexpected end of data": "a quoted field opens here and never closes; reading goes on with the next line",
    "field larger than field limit": f"a quoted field opens here and is not closed within {LIMIT:,} characters",
}


def delimited(blocks: Blocks, dialect: Dialect) -> Iterator[Chunk]:
    """Yield the records of a delimited file as JSON objects, values as text."""
    csv.field_size_limit(LIMIT)
    lines, rows = Lines(blocks()), _Rows(dialect)
    if dialect.header:
        # what stands before a header that can be read is a reject, as are broken lines anywhere
        for number, _, problem in records(lines, dialect.delimiter, quoted=dialect.quoted):
            if not problem:
                break
            rows.add(number, [], problem, lines)
    while True:
        if lines.between:
            piece = lines.piece()
            if piece is None:
                break
            if not rows.take(piece, lines) and not lines.cut(piece):
                lines.put_piece(piece)
        if not lines.between:
            for number, fields, problem in records(lines, dialect.delimiter, quoted=dialect.quoted):
                rows.add(number, fields, problem, lines)
                if lines.between or rows.held > SIZE:
                    break
        if rows.held > SIZE // 2:  # a block without its last row is a little less than SIZE
            yield rows.chunk()
    if rows.numbers or rows.rejects:
        yield rows.chunk()


class _Rows:
    """The rows and rejects of the next chunk."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._clear()

    def _clear(self) -> None:
        self.runs: list[list[pa.LargeStringArray]] = []
        self.found: list[list[str]] = []
        self.numbers: list[int] = []
        self.rejects: list[Reject] = []
        self.held = 0

    def take(self, piece: bytes, lines: Lines) -> bool:
        """Take all rows of a piece at once, if they are in order; what is left begins the next piece."""
        dialect = self.dialect
        if dialect.unnamed_end:
            return False
        cells = whole_rows(piece, dialect.delimiter, width=len(dialect.names), quoted=dialect.quoted, limit=LIMIT)
        if cells is None:
            return False
        self._close_run()
        self.runs.append(cells.columns)
        self.numbers += (cells.starts + lines.number).tolist()
        self.held += cells.used
        lines.number += cells.lines
        lines.give_back(piece[cells.used :])
        return True

    def add(self, number: int, fields: list[str], problem: str, lines: Lines) -> None:
        """Sort one record: a row, a reject, or nothing but blanks."""
        width = len(self.dialect.names)
        self.held += sum(map(len, lines.taken))
        if len(fields) == width or (self.dialect.unnamed_end and len(fields) == width - 1):
            self.found.append(restored(fields) if lines.stray else fields)
            self.numbers.append(number)
        elif problem or not _is_blank(fields, width):
            raw = "".join(restored(lines.taken)).rstrip("\r\n")
            one = "" if len(fields) == 1 else "s"
            reason = problem or f"it has {len(fields)} field{one} where {width} columns are named"
            self.rejects.append(Reject(number, reason, raw))

    def _close_run(self) -> None:
        if self.found:
            self.runs.append(
                [pl.Series(column, dtype=pl.String).to_arrow() for column in zip(*self.found, strict=True)]
            )
            self.found = []

    def chunk(self) -> Chunk:
        """Return what has been gathered and begin anew."""
        if self.dialect.unnamed_end:
            chunk = Chunk(self._ragged(), self.numbers, self.rejects)
        else:
            self._close_run()
            columns = map(pa.concat_arrays, zip(*self.runs, strict=True))
            chunk = Chunk(b"", self.numbers, self.rejects, dict(zip(self.dialect.names, columns, strict=False)))
        self._clear()
        return chunk

    def _ragged(self) -> bytes:
        width = len(self.dialect.names)
        found = [fields if fields[-1] or len(fields) < width else fields[:-1] for fields in self.found]
        return encoded(dict(zip(self.dialect.names, fields, strict=False)) for fields in found)


def restored(fields: list[str]) -> list[str]:
    """Return the fields with the carriage returns that stood inside them."""
    return [text.replace(_MARK, "\r") for text in fields]


def _is_blank(fields: list[str], width: int) -> bool:
    return width > 1 and len(fields) == 1 and not fields[0].strip()
