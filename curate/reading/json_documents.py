"""JSON that is one document: an array of records, an object of records or of lists, or one list among other fields.

Elements are cut out of the file, not decoded and written again: numbers, escapes and the order of keys stay as they
were. A document that breaks gives what stands before the break, and the rest as one reject. An array that is long is read
step by step, in bounded memory; any other long document is refused, as nobody knows what it is before its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from ..errors import DataError, quote
from ..wording import counted
from .chunks import Chunk, Reject, gathered
from .encodings import WHOLE, TextFile
from .json_scan import Element, begins_an_array, first_value, place, scan, scan_pieces

Raw = msgspec.Raw

_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_GAP = re.compile(rb"[\s,]*")
_KEY = re.compile(rb'[\s,]*("(?:[^"\\]|\\.)*")\s*:\s*', re.DOTALL)

# A document with one of these keys is one record, not a container: `messages` alone is a list of objects too.
_FIELDS = frozenset(
    {
        "text", "label", "prompt", "completion", "instruction", "input", "output", "question", "answer", "messages",
        "conversations", "conversation", "turns", "chosen", "rejected", "content", "response", "utterance", "sentence",
        "id", "tools", "choices", "role"
    }
)  # fmt: skip
_SPLITS = frozenset(["train", "training", "dev", "validation", "valid", "val", "eval", "evaluation", "test", "testing"])


_LONG = 1 << 26
"""Bytes of an array that is parsed in one go; twice the speed of step by step, and 64 bytes of memory for each value."""
_VALUES = 1 << 24
"""Commas in a document that is parsed in one go: ``{"a":[0,0,...`` takes 30 times its size."""


class Document(NamedTuple):
    """What a document turned out to be."""

    container: str
    key: str | None = None
    """The key of the list that is read, where it is one of several fields."""
    notes: tuple[str, ...] = ()
    broken: bool = False
    long: bool = False
    """It was not looked at as a whole, nor can it be: an array, or objects one after another."""


def inspect_file(text: TextFile, head: bytes) -> Document:
    """Tell what kind of document a file is, holding no more of it than can be held.

    Raises:
        DataError: as ``inspect``; or it is too long, and no array.
    """
    array = head.lstrip()[:1] == b"["
    data = text.up_to(_LONG if array else WHOLE)
    if data is not None and data.count(b",") <= _VALUES:
        return inspect(data, text.name)
    start = head.decode(errors="ignore")
    if array:
        texts = start.lstrip()[1:].lstrip().startswith('"')
        sound = begins_an_array(start)
        return Document("json array of texts" if texts and sound else "json array", broken=not sound, long=True)
    first = first_value(start)
    if first and start.lstrip()[len(first) :].lstrip().startswith("{"):
        return Document("json object of records", long=True)
    much = f"{WHOLE >> 20} MiB" if data is None else f"{_VALUES >> 20} million values"
    raise DataError(
        f"{text.name} is one JSON object of more than {much}{text.inside}, too much to be held in memory; "
        "write its records as JSON Lines, one on each line, and give that file."
    )


def inspect(data: bytes, name: str) -> Document:
    """Tell what kind of document the bytes are.

    Raises:
        DataError: it is an object of lists of unequal lengths.
    """
    if data.lstrip()[:1] == b"[":
        try:
            elements: list[Raw] = msgspec.json.decode(data, type=list[Raw])
        except _REFUSED:
            return Document("json array", broken=True)
        return Document(
            "json array of texts" if elements and all(_first(raw) == b'"' for raw in elements) else "json array"
        )
    try:
        fields: dict[str, Raw] = msgspec.json.decode(data, type=dict[str, Raw])
    except _REFUSED:
        return Document("json object of records", broken=True)
    return _inspect_object(fields, name)


def _inspect_object(fields: dict[str, Raw], name: str) -> Document:
    kinds = {_first(raw) for raw in fields.values()}
    objects = [key for key, raw in fields.items() if _is_list_of_objects(raw)]
    container, key, notes = "json record", None, ()
    if kinds == {b"{"}:
        container = "json object of columns" if _is_pandas(fields) else "json object of records"
    elif len(objects) == len(fields) > 1 and {field.lower() for field in fields} <= _SPLITS:
        container, notes = "json object of splits", (f"{name}: its lists {_few(objects)} are splits, put in _split",)
    elif fields.keys() & _FIELDS & set(objects) or (fields.keys() & _FIELDS and kinds != {b"["}):
        pass  # one record, such as a single conversation
    elif len(objects) == 1:
        container, key, beside = "json array", objects[0], _few([field for field in fields if field != objects[0]])
        left = f"; what stands beside it is left out: {beside}" if beside else ""
        notes = (f"{name}: read the list under {quote(key)}{left}",)
    elif kinds == {b"["}:
        return _inspect_lists(fields, name)
    elif len(fields) > 1 and not kinds & {b"{", b"["}:
        container = "json object of values"
    return Document(container, key, notes)


def _inspect_lists(fields: dict[str, Raw], name: str) -> Document:
    lengths = {key: len(msgspec.json.decode(raw, type=list[Raw])) for key, raw in fields.items()}
    if len(set(lengths.values())) > 1:
        (one, length), *_ = lengths.items()
        other = next(key for key in lengths if lengths[key] != length)
        raise DataError(
            f"{name}: its list {quote(one)} has {counted(length, 'value')} and {quote(other)} has {lengths[other]:,}; "
            "give lists of one length, or one record a line."
        )
    return Document("json object of lists")


def _few(names: list[str]) -> str:
    return ", ".join(quote(name, 30) for name in names[:4]) + (
        f" and {len(names) - 4:,} more" if len(names) > 4 else ""
    )


def _first(raw: Raw) -> bytes:
    return bytes(memoryview(raw)[:1])


def _is_list_of_objects(raw: Raw) -> bool:
    return _first(raw) == b"[" and memoryview(raw).nbytes > 2 and bytes(memoryview(raw)[1:64]).lstrip().startswith(b"{")


def _is_pandas(fields: dict[str, Raw]) -> bool:
    """Tell what ``DataFrame.to_json()`` writes: an object a column, keyed by the row number."""
    first, *others = [list(msgspec.json.decode(raw, type=dict[str, Raw])) for raw in list(fields.values())[:3]]
    return bool(first) and all(key.isdigit() for key in first) and all(keys == first for keys in others)


def json_document(text: TextFile, document: Document) -> Iterator[Chunk]:
    """Yield the records of a document that ``inspect_file`` has told apart; all but a long one is held as a whole."""
    stepwise = document.long or (document.broken and document.container == "json array")
    data = b"" if stepwise else text.whole()
    if stepwise:
        found = scan_pieces((piece.decode() for piece in text.pieces()), text.name)
    elif document.broken:
        found = scan(data.decode())
    elif document.container == "json record":
        found = iter([Element(place(data, 0), None, data)])
    elif document.key is not None or document.container == "json object of splits":
        found = _lists(data, document.key)
    elif document.container.startswith("json array"):
        found = _elements(data, data.index(b"["), msgspec.json.decode(data, type=list[Raw]))
    elif document.container == "json object of lists":
        found = _zipped(data)
    elif document.container == "json object of columns":
        found = _turned(data)
    else:
        found = _pairs(data)
    texts = document.container == "json array of texts"
    yield from gathered(item if isinstance(item, Reject) else (item.line, _record(item, texts)) for item in found)


def _record(element: Element, texts: bool) -> bytes:
    # Cut out of a document that has been parsed, so a line feed can only stand between tokens.
    flat, key = one_line(element.raw), element.key
    if key is None:
        return b'{"text":' + flat + b"}" if texts else flat
    field, value = key
    head = b"{" + msgspec.json.encode(field) + b":" + msgspec.json.encode(value)
    if flat[:1] != b"{":
        return head + b',"value":' + flat + b"}"
    if msgspec.json.encode(field) in flat and field in json.loads(flat):
        return flat
    inner = flat[1:].lstrip()
    return head + (b"}" if inner == b"}" else b"," + inner)


def one_line(raw: bytes) -> bytes:
    """Return a JSON value on one line, its tokens as they were."""
    if b"\n" not in raw and b"\r" not in raw:
        return raw.strip()
    try:
        return msgspec.json.format(raw, indent=-1)
    except _REFUSED:  # NaN, or half a surrogate pair
        return raw.replace(b"\r", b" ").replace(b"\n", b" ").strip()


def _elements(data: bytes, start: int, elements: list[Raw], key: tuple[str, str] | None = None) -> Iterator[Element]:
    """Yield the elements of the array that begins at ``start``, each with its line."""
    line, seen, position = place(data, start), start, start + 1
    for raw in elements:
        begin = _GAP.match(data, position).end()  # type: ignore[union-attr]
        position = begin + memoryview(raw).nbytes
        line += data.count(b"\n", seen, begin)
        seen = begin
        yield Element(line, key, data[begin:position])


def _fields(data: bytes) -> Iterator[tuple[str, int, Raw]]:
    """Yield key, where the value begins, and value of a top-level object, a repeated key each time."""
    fields: dict[str, Raw] = msgspec.json.decode(data, type=dict[str, Raw])
    position = data.index(b"{") + 1
    for key, raw in fields.items():
        found = _KEY.match(data, position)
        begin = found.end() if found else 0
        length = memoryview(raw).nbytes
        if (
            not found
            or msgspec.json.decode(found[1]) != key
            or memoryview(data)[begin : begin + length] != memoryview(raw)
        ):
            raise _Repeated
        position = begin + length
        yield key, begin, raw


class _Repeated(Exception):
    """A key stands twice, so that a dict can't hold the document."""


def _pairs(data: bytes) -> Iterable[Element | Reject]:
    line, seen = 1, 0
    try:
        found = []
        for key, begin, raw in _fields(data):
            line += data.count(b"\n", seen, begin)
            seen = begin
            found.append(Element(line, ("_key", key), bytes(raw)))
    except _Repeated:
        return scan(data.decode(), fields=True)
    return found


def _lists(data: bytes, only: str | None) -> Iterator[Element]:
    """Yield the elements of the list under one key, or of every list with its key as the split."""
    for key, begin, raw in _fields(data):
        if only is None or key == only:
            yield from _elements(
                data, begin, msgspec.json.decode(raw, type=list[Raw]), None if only else ("_split", key)
            )


def _zipped(data: bytes) -> Iterator[Element]:
    """Yield the rows of an object of lists; a row's line is that of its value in the first list."""
    fields: dict[str, list[Raw]] = msgspec.json.decode(data, type=dict[str, list[Raw]])
    first = next(iter(fields))
    lines = [element.line for element in _elements(data, _first_value(data), fields[first])]
    yield from _rows(list(fields), zip(*fields.values(), strict=True), lines)


def _first_value(data: bytes) -> int:
    return _KEY.match(data, data.index(b"{") + 1).end()  # type: ignore[union-attr]


def _turned(data: bytes) -> Iterator[Element]:
    fields: dict[str, dict[str, Raw]] = msgspec.json.decode(data, type=dict[str, dict[str, Raw]])
    rows = list(dict.fromkeys(row for column in fields.values() for row in column))
    columns = ([column.get(row, Raw(b"null")) for row in rows] for column in fields.values())
    yield from _rows(list(fields), zip(*columns, strict=True), range(1, len(rows) + 1))


def _rows(names: list[str], rows: Iterable[tuple[Raw, ...]], lines: Iterable[int]) -> Iterator[Element]:
    heads = [msgspec.json.encode(name) + b":" for name in names]
    for line, row in zip(lines, rows, strict=True):
        yield Element(
            line, None, b"{" + b",".join([head + bytes(raw) for head, raw in zip(heads, row, strict=True)]) + b"}"
        )
