"""Whatever a user points at, as sources: file, folder, glob, hub name; told apart by content first, ending second."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

from . import tables
from .chunks import Chunk, Reject
from .compression import DAMAGED, ending, open_plain
from .delimited import delimited
from .dialects import CONTAINERS, delimiter_of, guess_dialect, is_table
from .encodings import HEAD, TextFile, known_encoding, sniff_encoding
from .errors import DataError, UsageError, quote
from .hub import HubData, looks_like_hub_name
from .json_documents import inspect, json_document
from .json_lines import json_lines, looks_like_lines
from .plain_text import text_document, text_lines

__all__ = ["Chunk", "Reject", "Source", "find_sources"]

_JSON = {".json", ".jsonl", ".ndjson", ".jsonlines", ".jl"}
_TABLES = {".csv", ".tsv", ".tab", ".psv"}
_PROSE = frozenset(
    {
        ".md", ".rst", ".html", ".htm", ".xml", ".tex", ".py", ".js", ".ts", ".c", ".h", ".cpp", ".java", ".go", ".rs",
        ".sol", ".sql", ".sh", ".yaml", ".yml", ".toml"
    }
)  # fmt: skip
_TEXTS = {"text lines", "text document", "json array of texts"}
_BESIDE = {"readme", "license", "licence", "notice", "copying", "changelog", "contributing", "citation", "authors"}
_METADATA = {"dataset_info.json", "dataset_infos.json", "state.json", "dataset_dict.json", "provenance.json"}
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


class _Options(NamedTuple):
    header: bool | None
    delimiter: str | None
    encoding: str | None


def find_sources(
    given: Sequence[str | Path],
    *,
    header: bool | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> tuple[list[Source], list[str]]:
    """Return the sources that the given paths, globs and hub names stand for, and what was passed over, with reasons.

    Args:
        given: files, folders (read to their depth), globs (``**`` too), ``owner/name`` on the hub.
        header: whether the first line of delimited text holds names; guessed.
        delimiter: of delimited text; guessed.
        encoding: of text; guessed file by file.

    Raises:
        UsageError: nothing is there, or an option makes no sense.
        DataError: a file that was named is empty or no data.
    """
    options = _Options(
        header, delimiter_of(delimiter) if delimiter else None, known_encoding(encoding) if encoding else None
    )
    sources: list[Source] = []
    skipped: list[str] = []
    for item in given:
        path = Path(item)
        if path.is_dir():
            found, passed = _folder(path, str(item), options)
        elif path.exists():
            found, passed = [_file(path, str(item), options)], []
        elif glob.has_magic(str(item)):
            found, passed = _many(sorted(map(Path, glob.glob(str(item), recursive=True))), options)
            if not found and not passed:
                raise UsageError(f"no file matches {quote(item)}; check the pattern, and quote it against the shell.")
        elif looks_like_hub_name(str(item)):
            found, passed = [_hub(str(item))], []
        else:
            raise UsageError(f"{quote(item, 100)}: no such file or folder; check the path.")
        sources += found
        skipped += passed
    return _once(sources, skipped)


def _once(sources: list[Source], skipped: list[str]) -> tuple[list[Source], list[str]]:
    first: dict[Path, Source] = {}
    again = [source.name for source in sources if first.setdefault(source.path.resolve(), source) is not source]
    return list(first.values()), [*skipped, *(f"{name}: given twice" for name in again)]


def _folder(path: Path, name: str, options: _Options) -> tuple[list[Source], list[str]]:
    if saved := tables.saved_splits(path):
        return [_saved(folder, split, _join(name, split)) for split, folder in saved], []
    files: list[Path] = []
    sources: list[Source] = []
    skipped: list[str] = []
    for root, folders, names in os.walk(path):
        for inner in sorted(folders):
            if inner.startswith(".") or inner.endswith(".vet"):
                skipped.append(f"{_join(root, inner)}: {'hidden' if inner.startswith('.') else 'a set of vetset'}")
            elif saved := tables.saved_splits(Path(root, inner)):
                sources += [_saved(folder, split, _join(root, inner, split)) for split, folder in saved]
            else:
                continue
            folders.remove(inner)
        folders.sort()
        files += [Path(root, file) for file in names]
    found, passed = _many(sorted(files), options, has_data=bool(sources))
    return sorted(sources + found, key=lambda source: source.name), skipped + passed


def _join(*parts: str | None) -> str:
    return os.path.join(*(part for part in parts if part))


def _many(files: list[Path], options: _Options, *, has_data: bool = False) -> tuple[list[Source], list[str]]:
    """Open what holds data among files that were not named one by one; texts count only where nothing else does."""
    sources: list[Source] = []
    skipped: list[str] = []
    for path in files:
        name = str(path)
        reason = _not_data(path)
        if reason is None:
            try:
                sources.append(_file(path, name, options))
            except (DataError, UsageError) as error:
                reason = str(error).removeprefix(name).removeprefix(":").partition(";")[0].strip(" .")
        if reason:
            skipped.append(f"{name}: {reason}")
    if has_data or any(source.container not in _TEXTS for source in sources):
        beside = [source for source in sources if source.container in _TEXTS]
        sources = [source for source in sources if source.container not in _TEXTS]
        skipped += [f"{source.name}: text beside data; name it to read it" for source in beside]
    return sources, skipped


def _not_data(path: Path) -> str | None:
    """Return why a file of a folder is not even opened; an empty reason passes over it in silence."""
    if path.is_dir():
        return ""
    if not path.is_file():
        return "not a regular file"
    if path.name.startswith("."):
        return "hidden"
    if path.name in _METADATA:
        return "metadata"
    if path.name.partition(".")[0].lower() in _BESIDE:
        return "text beside data"
    return None


def _hub(name: str) -> Source:
    data = HubData(name)
    note = f"{name}: no such path here, so it is fetched from the Hugging Face hub (kept in the cache of datasets)"
    return Source(Path(name), name, "hub", [note], data.chunks, data.files)


def _saved(folder: Path, split: str | None, name: str) -> Source:
    files = tables.saved_files(folder, name)

    def chunks() -> Iterator[Chunk]:
        first = 1
        for path in files:
            for chunk in tables.table_chunks(tables.batches_of(path, str(path)), split=split, first=first):
                yield chunk
                first += len(chunk.lines)

    everything = sorted(path for path in folder.iterdir() if path.is_file())
    notes = _table_notes(files[0], name) if files else []
    return Source(folder, name, "datasets folder", notes, chunks, lambda: everything)


def _file(path: Path, name: str, options: _Options) -> Source:
    """Open one file.

    Raises:
        DataError: it is empty, or holds no text and no table.
    """
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
        return Source(path, name, kind, _table_notes(path, name), reader, lambda: [path])
    known = next((what for magic, what in _BINARY.items() if head.startswith(magic)), None)
    suffix = ending(path)
    encoding = None if known else _encoding(head, suffix, options)
    if encoding is None:
        raise DataError(f"{name} is {known or 'a binary file, neither text nor a table that vetset knows'}.")
    text = TextFile(path, name, encoding)
    container, reader = _text(text, suffix, options)
    if encoding != "utf-8":
        text.notes.insert(0, f"{name}: read as {encoding}" + ("" if options.encoding else ", as its first bytes say"))
    return Source(path, name, container, text.notes, reader, lambda: [path])


def _table_notes(path: Path, name: str) -> list[str]:
    schema = tables.schema_of(path, name)
    columns = tables.class_names(schema)
    labels = [f"{name}: the numbers in {quote(column, 30)} are read as their class names" for column in columns]
    return labels + tables.binary_note(schema, name)


def _encoding(head: bytes, suffix: str, options: _Options) -> str | None:
    sniffed = sniff_encoding(head, is_text=suffix in _JSON | _TABLES | {".txt", ".md"})
    wanted = options.encoding
    if wanted is None or (
        sniffed is not None and wanted.startswith(("utf-16", "utf-32")) and sniffed[:6] == wanted[:6]
    ):
        return sniffed  # the mark knows the order of bytes
    return wanted


def _text(text: TextFile, suffix: str, options: _Options) -> tuple[str, Callable[[], Iterator[Chunk]]]:
    head = text.head
    start = head.lstrip()[:1]
    if not start:
        raise DataError(f"{text.name} holds nothing but white space; give a file that holds records.")
    if (start in b"{[" and options.delimiter is None) or suffix in _JSON:
        found = _json(text, head, suffix)
        if found:
            return found
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
    document = inspect(text.whole(), text.name)
    if document.broken:
        if suffix not in _JSON:
            return None
        if suffix != ".json" and start == b"{" and head.split(None, 1)[0] != b"{":
            return lines  # most of its lines are broken, each for itself
    if document.container == "json record" and one_line:
        return lines
    text.notes += [note for note in document.notes if note not in text.notes]
    return document.container, partial(json_document, text, document)


def _has_more_lines(text: TextFile) -> bool:
    """Whether something follows a first line that is longer than the head."""
    blocks = text.blocks()
    first = next(blocks, b"")
    return b"\n" in first.rstrip() or any(block.strip() for block in blocks)
