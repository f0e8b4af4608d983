"""Newline-delimited JSON to row columns: whole chunks where records are alike, line by line where one is odd.

The fast way decodes a block of lines into structs whose fields are made from the plan (parts with their types, every
other known column as raw JSON) and then works column by column. A block that does not fit (a key that the rest lack, a
type that changes, a broken line) is halved until the odd lines stand alone, and only those take the patient way.
"""

from __future__ import annotations

import json
import operator
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from ..errors import quote
from ..messages import Content, content_hash
from .mapping import COMMON, Plan, taken_from, text_columns
from .row_columns import Columns
from .shapes import BUILDERS, KINDS, TYPES, NotARow, Raw, json_of, loose_messages, loose_turns, text_of

_UNSET = msgspec.UNSET
_BLOCK = 1 << 18  # bytes decoded at a time: what is made of them is used while it is in the processor's cache
_PATIENT = 16  # lines: a smaller block is not halved again
_AGAIN = 8  # times
_WIDE = 1000  # columns: keys that are data (ids, words) would be more and more
_DEEP = "it is nested too deeply to be read"
_REFUSALS = (msgspec.MsgspecError, UnicodeError, RecursionError, NotARow)
# A string that never ends is taken to the line's end, so that no line costs more than its length.
_NAN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|-?Infinity|NaN', re.DOTALL)
_NEEDED = frozenset(
    ("text", "prompt", "completion", "instruction", "output", "conversations", "messages", "chosen", "rejected")
)


@dataclass
class Odd:
    """A record that could not become a row."""

    line: int
    reason: str
    text: str


@dataclass
class Converter:
    """Turns chunks of one source into columns."""

    plan: Plan
    known: list[str]
    """Columns of the sample, in order."""
    nan_records: int = 0
    _later: Counter[str] = field(default_factory=Counter)

    def convert(self, data: bytes, lines: Sequence[int]) -> tuple[Columns, list[Odd]]:
        """Convert one chunk: JSON records, one a line, and the source line of each."""
        columns, odd = Columns(), []
        data = data.removesuffix(b"\n")
        if self.plan.repeated_keys:
            data, lines = self._single_keys(data, lines, odd)
        start = first = 0
        while start <= len(data) and first < len(lines):
            end = data.find(b"\n", start + _BLOCK)
            end = len(data) if end < 0 else end
            last = first + data.count(b"\n", start, end) + 1
            self._block(data[start:end], lines[first:last], columns, odd)
            start, first = end + 1, last
        return columns, odd

    def _block(self, data: bytes, lines: Sequence[int], columns: Columns, odd: list[Odd]) -> None:
        try:
            block = self._fast(self._records(data, len(lines)))
        except _REFUSALS:
            if (block := self._without_nan(data)) is not None:
                pass
            elif len(lines) <= _PATIENT:
                self._patiently(data, lines, columns, odd)
                return
            else:
                half = len(lines) // 2
                cut = _start_of_line(data, half)
                self._block(data[: cut - 1], lines[:half], columns, odd)
                self._block(data[cut:], lines[half:], columns, odd)
                return
        contents, common, extra = block
        columns.contents += contents
        columns.digests += map(content_hash, contents)
        for part, values in common.items():
            columns.common[part] += values
        columns.lines += lines
        columns.extra += extra

    def _single_keys(self, data: bytes, lines: Sequence[int], odd: list[Odd]) -> tuple[bytes, list[int]]:
        """Take out the records that name a key twice: every reader keeps one of the values and drops the other."""
        kept: list[tuple[int, bytes]] = []
        for line, raw in zip(lines, data.split(b"\n"), strict=True):
            if (key := repeated_key(raw)) is None:
                kept.append((line, raw))
            else:
                odd.append(Odd(line, f"it names the key {quote(key, 30)} twice", raw.decode(errors="backslashreplace")))
        return b"\n".join(raw for _, raw in kept), [line for line, _ in kept]

    def _without_nan(self, data: bytes) -> tuple[list[Content], dict[str, list[str | None]], list[bytes]] | None:
        """Read a block whose only fault is NaN and Infinity, with null in their place; ``None`` if it has others."""
        if b"NaN" not in data and b"Infinity" not in data:
            return None
        before = data.split(b"\n")
        after = [_nulled(line) for line in before]
        try:
            block = self._fast(list(map(self._decoder.decode, after)))
        except _REFUSALS:
            return None
        self.nan_records += sum(map(operator.ne, before, after))
        return block

    # ---- the record's type, made from the plan -------------------------------------------------------------------

    @cached_property
    def _paths(self) -> list[tuple[str, str]]:
        """(part, path) of all that is taken from a record; several texts are text, text1, text2."""
        found = []
        for part, said in self.plan.columns.items():
            for number, path in enumerate(text_columns(said, self.known) if part == "text" else [said]):
                found.append((part if number == 0 else f"{part}{number}", path))
        return found

    @cached_property
    def _direct(self) -> dict[str, str]:
        """Column to kind, of the columns that a part takes whole. A time stays in extra too, since reading it loses some."""
        kinds: dict[str, str] = {}
        for part, path in self._paths:
            if part != "time" and (path in self.known or not ("." in path or "~" in path)):
                kind = _kind(part)
                kinds[path] = "scalar" if kinds.get(path, kind) != kind else kind
        return kinds

    @cached_property
    def _rest(self) -> list[str]:
        return [column for column in self.known if column not in self._direct]

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[Any]:
        fields = [(f"f{i}", TYPES[kind] | msgspec.UnsetType, _UNSET) for i, kind in enumerate(self._direct.values())]
        fields += [(f"r{i}", Raw | msgspec.UnsetType, _UNSET) for i in range(len(self._rest))]
        rename = dict(zip((name for name, *_ in fields), [*self._direct, *self._rest], strict=True))
        return msgspec.json.Decoder(
            msgspec.defstruct("Record", fields, rename=rename, forbid_unknown_fields=True, gc=False)
        )

    @cached_property
    def _heads(self) -> list[bytes]:
        return [msgspec.json.encode(column) + b":" for column in self._rest]

    def _records(self, data: bytes, rows: int) -> list[Any]:
        records = self._decoder.decode_lines(data)
        # msgspec reads two records on a line, or one on two lines, without a word.
        return (
            records if _is_one_a_line(data, len(records), rows) else list(map(self._decoder.decode, data.split(b"\n")))
        )

    # ---- the fast way: columns -----------------------------------------------------------------------------------

    def _fast(self, records: list[Any]) -> tuple[list[Content], dict[str, list[str | None]], list[bytes]]:
        values = list(zip(*map(msgspec.structs.astuple, records), strict=True))
        direct = dict(zip(self._direct, values, strict=False))
        rest: dict[str, Sequence[Any]] = dict(zip(self._rest, values[len(self._direct) :], strict=True))
        parts: dict[str, Sequence[Any]] = {}
        for part, path in self._paths:
            if path in direct and part != "time":
                column = direct[path]
                if part in _NEEDED and _UNSET in column and not self._may_lack(part):
                    raise NotARow
                parts[part] = column if _UNSET not in column else [None if item is _UNSET else item for item in column]
                if _kind(part) == "text" and self._direct[path] != "text":
                    parts[part] = [text_of(raw, path) for raw in parts[part]]
                elif _kind(part) in ("messages", "turns") and self._direct[path] == "scalar":  # also a label, or such
                    parts[part] = [_coerce(raw, _kind(part), path) for raw in parts[part]]
            else:
                column = rest.get(path) if path in rest else self._nested(path, rest, len(records))
                if part in _NEEDED and column and None in column and not self._may_lack(part):
                    raise NotARow
                parts[part] = [None if item is _UNSET else item for item in column or [None] * len(records)]
                if _kind(part) in ("text", "time"):
                    parts[part] = _texts(parts[part], path)
        contents = BUILDERS[self.plan.shape]({part: column for part, column in parts.items() if part not in COMMON})
        common = {part: self._common(part, parts.get(part), len(records)) for part in COMMON}
        return contents, common, self._extras(list(rest.values()), len(records))

    def _common(self, part: str, column: Sequence[Any] | None, rows: int) -> list[str | None]:
        if column is None:
            return [self.plan.constants.get(part)] * rows
        return [text or None for text in (column if part == "time" else _texts(column, part, scalar=True))]

    def _nested(self, path: str, rest: dict[str, Sequence[Any]], rows: int) -> list[Any]:
        column, pattern = taken_from(path)
        steps = [column] if column in rest else column.split(".")
        raws: Sequence[Any] = rest.get(steps[0]) or [None] * rows
        for step in steps[1:]:
            raws = [_step(raw, step) for raw in raws]
        if pattern is None:
            return [_json_raw(raw) for raw in raws]
        return [_group(pattern, None if raw is None or raw is _UNSET else text_of(raw, column)) for raw in raws]

    def _extras(self, rest: list[Sequence[Any]], rows: int) -> list[bytes]:
        if not rest:
            return [b"{}"] * rows
        if not any(_UNSET in column for column in rest):
            form = b"{" + b",".join(head.replace(b"%", b"%%") + b"%b" for head in self._heads) + b"}"
            return [form % row for row in zip(*rest, strict=True)]
        pairs = [
            [b"" if raw is _UNSET else head + raw for raw in column]
            for head, column in zip(self._heads, rest, strict=True)
        ]
        return [b"{" + b",".join(filter(None, row)) + b"}" for row in zip(*pairs, strict=True)]

    def _may_lack(self, part: str) -> bool:
        return part == "prompt" and self.plan.shape == "preference"

    # ---- the patient way: one line ---------------------------------------------------------------------------------

    def _patiently(self, data: bytes, lines: Sequence[int], columns: Columns, odd: list[Odd]) -> None:
        for line, raw in zip(lines, data.split(b"\n"), strict=True):
            try:
                record = self._object(raw)
                content, common, extra = self._one(record)
            except _REFUSALS as error:
                odd.append(Odd(line, _why(error), raw.decode("utf-8", errors="backslashreplace")))
                continue
            self._learn(record)
            columns.contents.append(content)
            columns.digests.append(content_hash(content))
            for part, value in common.items():
                columns.common[part].append(value)
            columns.lines.append(line)
            columns.extra.append(extra)

    def _learn(self, record: Mapping[str, Raw]) -> None:
        """Take a column that the sample lacked, once it has come again and again, for one that the fast way knows."""
        for column in record.keys() - self._columns:
            self._later[column] += 1
            if self._later[column] == _AGAIN and len(self.known) < _WIDE:
                self.known.append(column)
                for name in ("_columns", "_direct", "_rest", "_decoder", "_heads"):
                    self.__dict__.pop(name, None)

    @cached_property
    def _columns(self) -> frozenset[str]:
        return frozenset([*self._direct, *self._rest])

    def _one(self, record: dict[str, Raw]) -> tuple[Content, dict[str, str | None], bytes]:
        parts: dict[str, Any] = {}
        for part, path in self._paths:
            raw = record.get(path)
            if raw is None and ("." in path or "~" in path):
                raw = self._nested(path, {name: [item] for name, item in record.items()}, 1)[0]
            if raw is None and part in _NEEDED and not self._may_lack(part):
                raise NotARow(f"it has no '{path}'")
            parts[part] = _coerce(raw, _kind(part), path)
        build = BUILDERS[self.plan.shape]
        content = build({part: [value] for part, value in parts.items() if part not in COMMON})[0]
        common = {
            part: ((parts[part] if part == "time" else text_of(_json_raw(parts[part]), part)) or None)
            if part in parts
            else self.plan.constants.get(part)
            for part in COMMON
        }
        rest = [msgspec.json.encode(key) + b":" + bytes(raw) for key, raw in record.items() if key not in self._direct]
        return content, common, b"{" + b",".join(rest) + b"}"

    def _object(self, raw: bytes) -> dict[str, Raw]:
        """Decode a record to raw values, with null for NaN and Infinity."""
        for line in (raw, _nulled(raw)):
            try:
                record = msgspec.json.decode(line, type=dict[str, Raw])
            except msgspec.ValidationError as error:
                raise NotARow("it is not a JSON object") from error
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            self.nan_records += line != raw
            return record
        raise NotARow(_fault(raw))


def _kind(part: str) -> str:
    return "time" if part == "time" else KINDS[part.rstrip("0123456789")]


def _start_of_line(data: bytes, line: int) -> int:
    """Return where line number ``line`` (from 0) starts."""
    return [match.end() for match, _ in zip(re.finditer(rb"\n", data), range(line), strict=False)][-1]


_decode_texts = msgspec.json.Decoder(list[str | None]).decode


def _texts(column: Sequence[Any], name: str, *, scalar: bool = False) -> list[str | None]:
    """Raw values as text. A column of texts and nulls is decoded in one go; any other, one by one.

    Args:
        column: raw JSON, texts or ``None``.
        name: of the column, for messages.
        scalar: a list or an object is taken as the text of its JSON.
    """
    try:
        return _decode_texts(b"[" + b",".join([b"null" if raw is None else raw for raw in column]) + b"]")
    except (msgspec.MsgspecError, TypeError):
        plain = _json_raw if scalar else _same
        return [raw if raw is None or isinstance(raw, str) else text_of(plain(raw), name) for raw in column]


def _same(raw: Any) -> Any:
    return raw


def _coerce(raw: Any, kind: str, column: str) -> Any:
    if raw is None or kind in ("scalar", "reply", "json"):
        return raw
    data = raw.encode() if isinstance(raw, str) else bytes(raw)
    if kind in ("text", "time"):
        return (
            raw
            if isinstance(raw, str)
            else json_of(raw)
            if data[:1] in b"{[" and kind == "time"
            else text_of(raw, column)
        )
    if data == b"null":
        return None
    return loose_messages(data, column) if kind == "messages" else loose_turns(data, column)


def _step(raw: Any, name: str) -> Any:
    """One step into raw JSON: an object opens, all else has nothing inside."""
    if raw is None or raw is _UNSET or bytes(raw)[:1] != b"{":
        return None
    return msgspec.json.decode(raw, type=dict[str, Raw]).get(name)


def _json_raw(raw: Any) -> Any:
    """A list or object that serves as a scalar is taken as the text of its JSON."""
    if raw is None or raw is _UNSET or bytes(raw)[:1] not in b"{[":
        return raw
    return Raw(msgspec.json.encode(bytes(raw).decode()))


def _group(pattern: re.Pattern[str], text: str | None) -> Raw | None:
    found = pattern.search(text) if text else None
    return Raw(msgspec.json.encode(found.group(1))) if found else None


def repeated_key(raw: bytes) -> str | None:
    """Return a key that some object in the JSON names twice; ``None`` also where the JSON is broken.

    >>> repeated_key(b'{"a": 1, "b": {"c": 2, "c": 3}}')
    'c'
    """
    found: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> None:
        if len(dict(items)) < len(items):
            found.append(Counter(key for key, _ in items).most_common(1)[0][0])

    try:
        json.loads(raw, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return None
    return found[0] if found else None


def _nulled(line: bytes) -> bytes:
    """Put null for NaN and Infinity outside of strings; every other character stays."""
    if b"NaN" not in line and b"Infinity" not in line:
        return line
    return _NAN.sub(lambda found: found[0] if found[0][:1] == b'"' else b"null", line)


def _fault(raw: bytes) -> str:
    """Say what is wrong with a line that msgspec refuses; Python's reader tells where."""
    try:
        record = json.loads(raw.decode(), object_pairs_hook=list)  # pairs, since keys may hold half surrogates too
    except RecursionError:
        return _DEEP
    except UnicodeDecodeError as wrong:
        return f"it is not UTF-8 at byte {wrong.start + 1}"
    except json.JSONDecodeError as error:
        return f"it is not JSON: {error.msg[0].lower()}{error.msg[1:]} at character {error.pos + 1}"
    except ValueError:  # an integer of more digits than Python reads
        return "it is not JSON that can be read"
    if not (raw.lstrip()[:1] == b"{" and isinstance(record, list)):
        return "it is not a JSON object"
    return "it holds half of a surrogate pair (such as \\ud83d alone), which is no character"


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return _DEEP
    if isinstance(error, UnicodeError):
        return "it holds what is no character in UTF-8"
    return str(error) if isinstance(error, NotARow) else f"it can't be read ({error})"


def _is_one_a_line(data: bytes, records: int, rows: int) -> bool:
    """Whether each line is a record: as many as lines, and every line begins with { and ends with }.

    A value that went over a line's end could go on with a comma or a bracket only, not with {.
    """
    if records != rows:
        return False
    view = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(view == 10)
    return bool(view[0] == 123 and view[-1] == 125 and (view[ends - 1] == 125).all() and (view[ends + 1] == 123).all())
