"""CSV, TSV and their kin as records: one pass, strict about quotes and the number of fields, honest about line numbers.

A row with too many or too few fields, or with broken quotes, becomes a reject with its text: which of its cells would
belong to which column is anybody's guess. Values stay the characters that stand in the file (``007`` is not 7).
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from .chunks import SIZE, Chunk, Reject

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
        self._pieces = self._read(blocks)

    def _read(self, blocks: Iterable[bytes]) -> Iterator[str]:
        for block in blocks:
            text = block.decode()
            if "\r" in text and text.count("\r") != text.count("\r\n"):
                # csv would end the record there; in a file with line feeds it is a character of the text
                text, self.stray = _STRAY.sub(_MARK, text), True
            start = 0
            while start < len(text):
                end = text.find("\n", start + _PIECE) + 1 or len(text)
                yield text[start:end]
                start = end

    def piece(self) -> str | None:
        """Return some lines at once, or ``None`` at the end; only where ``between`` records."""
        return next(self._pieces, None)

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
            text = self.piece()
            if text is None:
                return
            self.put(text)


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


def _whole_rows(text: str, dialect: Dialect) -> list[list[str]] | None:
    """Return the rows of some lines in one go (twice the speed), or ``None`` where one of them needs a closer look."""
    try:
        rows = list(
            csv.reader(
                io.StringIO(text, newline="\n"),
                delimiter=dialect.delimiter,
                quoting=_QUOTING[dialect.quoted],
                strict=True,
            )
        )
    except csv.Error:
        return None
    return rows if set(map(len, rows)) == {len(dialect.names)} else None


def _starts(rows: list[list[str]], first: int, text: str) -> Iterable[int]:
    """Return the line where each row begins: one after another, but for line feeds inside fields."""
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines == len(rows):
        return range(first, first + lines)
    return itertools.accumulate((1 + "".join(row).count("\n") for row in rows[:-1]), initial=first)


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
    while (text := lines.piece() if lines.between else "") is not None:
        whole = _whole_rows(text, dialect) if text and not lines.stray else None
        if whole is not None:
            rows.found += whole
            rows.held += len(text)
            rows.numbers += _starts(whole, lines.number, text)
            lines.number += text.count("\n") + (not text.endswith("\n"))
        else:
            lines.put(text)
            for number, fields, problem in records(lines, dialect.delimiter, quoted=dialect.quoted):
                rows.add(number, fields, problem, lines)
                if lines.between or rows.held > SIZE:
                    break
        if rows.held > SIZE:
            yield rows.chunk()
    if rows.found or rows.rejects:
        yield rows.chunk()


class _Rows:
    """The rows and rejects of the next chunk."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.make = _maker(dialect.names)
        self._clear()

    def _clear(self) -> None:
        self.found: list[list[str]] = []
        self.numbers: list[int] = []
        self.rejects: list[Reject] = []
        self.held = 0

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

    def chunk(self) -> Chunk:
        """Return what has been gathered and begin anew."""
        found, width = self.found, len(self.dialect.names)
        if self.dialect.unnamed_end:
            found = [fields if fields[-1] or len(fields) < width else fields[:-1] for fields in found]
        data = msgspec.json.Encoder().encode_lines([self.make(*fields) for fields in found])
        chunk = Chunk(data, self.numbers, self.rejects)
        self._clear()
        return chunk


def _maker(names: tuple[str, ...]) -> Callable[..., Any]:
    """Return what makes a row of fields: where the names allow it a struct, which encodes twice as fast as a dict."""
    if any(not name.isprintable() or "\\" in name or '"' in name for name in names):
        return lambda *row: dict(zip(names, row, strict=False))
    columns = [(f"f{i}", str | msgspec.UnsetType, msgspec.UNSET) for i in range(len(names))]
    return msgspec.defstruct("Row", columns, rename={f"f{i}": name for i, name in enumerate(names)}, gc=False)


def restored(fields: list[str]) -> list[str]:
    """Return the fields with the carriage returns that stood inside them."""
    return [text.replace(_MARK, "\r") for text in fields]


def _is_blank(fields: list[str], width: int) -> bool:
    return width > 1 and len(fields) == 1 and not fields[0].strip()
