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

import msgspec

from .chunks import Chunk, Reject

LIMIT = 1 << 27
"""Characters of one field (csv's own limit is 131,072); beyond it, an opening quote counts as one that never closes."""

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
        self.taken: list[str] = []
        self.blocks = 0
        self.stray = False
        self._back: deque[str] = deque()
        self._source = self._read(blocks)

    def _read(self, blocks: Iterable[bytes]) -> Iterator[str]:
        for block in blocks:
            text = block.decode()
            self.blocks += 1
            if "\r" in text and text.count("\r") != text.count("\r\n"):
                # csv would end the record there; in a file with line feeds it is a character of the text
                text, self.stray = _STRAY.sub(_MARK, text), True
            yield from io.StringIO(text, newline="\n")

    def stream(self) -> Iterator[str]:
        """Yield the lines that were given back, then those of the file; ask again after ``give_back``."""
        back, source, take = self._back, self._source, self.taken.append
        while (line := back.popleft() if back else next(source, None)) is not None:
            take(line)
            yield line

    def give_back(self, lines: list[str]) -> None:
        """Put lines before those that are still to come."""
        self._back.extendleft(reversed(lines))


def records(lines: Lines, delimiter: str, *, quoted: bool) -> Iterator[tuple[int, list[str], str]]:
    """Yield line, fields and problem of each record; empty lines are none.

    Where quotes break, the record's first line alone is reported (with no fields), and reading goes on with the next
    line: a quote that never closes would otherwise swallow the file. That happens at most once in a file to its end, as
    every later line then holds its quotes in pairs. ``lines.taken`` holds the record's lines.
    """
    csv.field_size_limit(LIMIT)
    quoting: Any = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    number, taken = 1, lines.taken
    while True:
        try:
            for fields in csv.reader(lines.stream(), delimiter=delimiter, quoting=quoting, strict=True):
                if fields:
                    yield number, fields, ""
                number += len(taken)
                taken.clear()
            return
        except csv.Error as error:
            first, *others = taken
            taken[:] = [first]
            yield number, [], _PROBLEMS.get(str(error).partition(" (")[0], "its quotes do not match")
            taken.clear()
            lines.give_back(others)
            number += 1


_PROBLEMS = {
    "unexpected end of data": "a quoted field opens here and never closes; reading goes on with the next line",
    "field larger than field limit": f"a quoted field opens here and is not closed within {LIMIT:,} characters",
}


def delimited(blocks: Blocks, dialect: Dialect) -> Iterator[Chunk]:
    """Yield the records of a delimited file as JSON objects, values as text."""
    lines = Lines(blocks())
    width = len(dialect.names)
    make = _maker(dialect.names)
    found: list[list[str]] = []
    numbers: list[int] = []
    rejects: list[Reject] = []
    begun, header = 0, dialect.header
    for number, fields, problem in records(lines, dialect.delimiter, quoted=dialect.quoted):
        if header and not problem:
            header = False
        elif len(fields) == width and not lines.stray:
            found.append(fields)
            numbers.append(number)
        elif problem or not _is_blank(fields, width):
            if problem or (len(fields) != width and not (dialect.unnamed_end and len(fields) == width - 1)):
                rejects.append(_reject(number, fields, lines.taken, problem, width))
            else:
                found.append(restored(fields))
                numbers.append(number)
        if lines.blocks > begun:  # about one chunk a block
            if begun and (found or rejects):
                yield _chunk(make, dialect, found, numbers, rejects)
                found, numbers, rejects = [], [], []
            begun = lines.blocks
    if found or rejects:
        yield _chunk(make, dialect, found, numbers, rejects)


def _maker(names: tuple[str, ...]) -> Callable[..., Any]:
    """Return what makes a row of fields: a struct, which encodes at twice the speed of a dict, where the names allow it."""
    if any(not name.isprintable() or "\\" in name or '"' in name for name in names):
        return lambda *row: dict(zip(names, row, strict=False))
    columns = [(f"f{i}", str | msgspec.UnsetType, msgspec.UNSET) for i in range(len(names))]
    return msgspec.defstruct("Row", columns, rename={f"f{i}": name for i, name in enumerate(names)}, gc=False)


def _chunk(
    make: Callable[..., Any], dialect: Dialect, found: list[list[str]], numbers: list[int], rejects: list[Reject]
) -> Chunk:
    if dialect.unnamed_end:
        found = [fields if fields[-1] or len(fields) < len(dialect.names) else fields[:-1] for fields in found]
    return Chunk(msgspec.json.Encoder().encode_lines([make(*fields) for fields in found]), numbers, rejects)


def restored(fields: list[str]) -> list[str]:
    """Return the fields with the carriage returns that stood inside them."""
    return [text.replace(_MARK, "\r") for text in fields]


def _is_blank(fields: list[str], width: int) -> bool:
    return width > 1 and len(fields) == 1 and not fields[0].strip()


def _reject(number: int, fields: list[str], taken: list[str], problem: str, width: int) -> Reject:
    raw = "".join(taken).replace(_MARK, "\r").rstrip("\r\n")
    one = "" if len(fields) == 1 else "s"
    return Reject(number, problem or f"it has {len(fields)} field{one} where {width} columns are named", raw)
