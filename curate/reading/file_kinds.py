"""What one file is: told by its content first, by its ending second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError, UsageError, quote
from . import tables
from .chunks import Chunk, Source, shown
from .compression import DAMAGED, ending, open_plain
from .delimited import delimited
from .dialects import CONTAINERS, guess_dialect, is_table
from .encodings import HEAD, WHOLE, TextFile, marked_encoding, sniff_encoding
from .json_documents import inspect_file, json_document
from .json_lines import json_lines, looks_like_lines
from .plain_text import text_document, text_lines

_JSON = {".json", ".jsonl", ".ndjson", ".jsonlines", ".jl"}
_TABLES = {".csv", ".tsv", ".tab", ".psv"}
_PROSE = frozenset(
    {
        ".md", ".rst", ".html", ".htm", ".xml", ".tex", ".py", ".js", ".ts", ".c", ".h", ".cpp", ".java", ".go", ".rs",
        ".sol", ".sql", ".sh", ".yaml", ".yml", ".toml"
    }
)  # fmt: skip
TEXTS = {"text lines", "text document", "json array of texts"}
"""Containers of text without fields."""
_BINARY = {
    b"PK\x03\x04": "a zip archive or an office document; unpack it, or save the table as CSV",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
    b"%PDF": "a PDF; extract its text first",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"\x89HDF": "an HDF5 file; export the table as Parquet",
    b"FEA1": "Feather version 1; write it again as version 2",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
}


class Options(NamedTuple):
    """What the user has set, where ``None`` means: guess."""

    header: bool | None
    delimiter: str | None
    encoding: str | None


def open_file(path: Path, name: str, options: Options) -> Source:
    """Open one file.

    Raises:
        DataError: it is empty, or holds no text and no table.
    """
    name = shown(name)
    if not path.is_file():
        raise UsageError(f"{name} is not a regular file; write it to disk first.")
    try:
        with open_plain(path) as file:
            head = file.read(HEAD)
    except DAMAGED as error:
        raise DataError(f"{name} is damaged or cut off: it can't be decompressed; fetch it again.") from error
    if not head.strip():
        raise DataError(f"{name} is empty; give a file that holds records.")
    if kind := tables.table_kind(head):
        reader = partial(tables.table_chunks, tables.batches_of(path, name))
        return Source(path, name, kind, table_notes(path, name), reader, lambda: [path])
    known = next((what for magic, what in _BINARY.items() if head.startswith(magic)), None)
    suffix = ending(path)
    encoding = None if known else _encoding(head, suffix, options)
    if encoding is None:
        raise DataError(f"{name} is {known or 'a binary file, neither text nor a table that vetset knows'}.")
    if options.encoding and (mark := marked_encoding(head)) not in (None, encoding):
        raise UsageError(
            f"{name} begins with the mark of {mark}, not of {options.encoding}; leave --encoding out for it."
        )
    text = TextFile(path, name, encoding, given=options.encoding is not None)
    container, reader = _text(text, suffix, options)
    if encoding != "utf-8":
        text.notes.insert(0, f"{name}: read as {encoding}" + ("" if options.encoding else ", as its first bytes say"))
    return Source(path, name, container, text.notes, reader, lambda: [path])


def table_notes(path: Path, name: str) -> list[str]:
    """Say what becomes of class numbers and bytes in a Parquet or Arrow file."""
    schema = tables.schema_of(path, name)
    columns = tables.class_names(schema)
    labels = [f"{name}: the numbers in {quote(column, 30)} are read as their class names" for column in columns]
    return labels + tables.binary_note(schema, name)


def _encoding(head: bytes, suffix: str, options: Options) -> str | None:
    sniffed = sniff_encoding(head, is_text=suffix in _JSON | _TABLES | {".txt", ".md"})
    wanted = options.encoding
    if wanted is None or (
        sniffed is not None and wanted.startswith(("utf-16", "utf-32")) and sniffed[:6] == wanted[:6]
    ):
        return sniffed  # the mark knows the order of bytes
    return wanted


def _text(text: TextFile, suffix: str, options: Options) -> tuple[str, Callable[[], Iterator[Chunk]]]:
    head = text.head
    start = head.lstrip()[:1]
    if not start:
        raise DataError(f"{text.name} holds nothing but white space; give a file that holds records.")
    if (start in b"{[" and options.delimiter is None) or suffix in _JSON:
        text.json = True
        found = _json(text, text.head, suffix)
        if found:
            return found
        text.json = False
    if (
        options.delimiter
        or suffix in _TABLES
        or (suffix not in _PROSE and is_table(head.decode(errors="replace"), "\t"))
    ):
        dialect, notes = guess_dialect(
            text.blocks, head, text.name, ending=suffix, delimiter=options.delimiter, header=options.header
        )
        text.notes += notes
        container = CONTAINERS.get(dialect.delimiter, f"delimited ({dialect.delimiter})")
        return container, lambda: delimited(text.blocks, dialect)
    if suffix in {".txt", ".text"}:
        return "text lines", partial(text_lines, text)
    return "text document", partial(text_document, text)


def _json(text: TextFile, head: bytes, suffix: str) -> tuple[str, Callable[[], Iterator[Chunk]]] | None:
    """Tell lines from one document; ``None`` when it is neither and its name does not insist."""
    whole = len(head) < HEAD
    lines = "jsonl", partial(json_lines, text)
    start = head.lstrip()[:1]
    one_line = b"\n" not in head.strip()
    if looks_like_lines(head, whole=whole) and not (whole and one_line and suffix in (".json", "", ".txt")):
        return lines
    if start not in b"{[" or (start == b"{" and not whole and one_line and _has_more_lines(text)):
        return lines
    document = inspect_file(text, head)
    if document.broken:
        if suffix not in _JSON:
            return None
        first = head.strip().partition(b"\n")[0].strip()
        if start == b"{" and first != b"{" and (suffix != ".json" or (first.endswith(b"}") and not one_line)):
            return lines  # most of its lines are broken, each for itself
    if document.container == "json record" and one_line:
        return lines
    text.notes += [note for note in document.notes if note not in text.notes]
    return document.container, partial(json_document, text, document)


def _has_more_lines(text: TextFile) -> bool:
    """Whether something follows a first line that is longer than the head."""
    length, ended = 0, False
    for piece in text.pieces():
        rest = piece if length else piece.lstrip()
        length += len(piece)
        if not ended:
            _, feed, rest = rest.partition(b"\n")
            ended = bool(feed)
        if ended and rest.strip():
            return True
        if length > WHOLE:
            break
    return False
