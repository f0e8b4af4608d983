"""Newline-delimited JSON to row columns: whole chunks where records are alike, line by line where one is odd.

The fast way decodes a block of lines into structs whose fields are made from the plan (parts with their types, every
other known column as raw JSON) and then works column by column. A block that does not fit (a key that the rest lack, a
type that changes, a broken line) is halved until the odd lines stand alone, and only those take the patient way.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from ..errors import quote
from ..messages import Content
from .chunks import Chunk
from .compiled_chats import lift_compiled
from .faults import fault, nulled, why
from .line_blocks import is_one_a_line, line_blocks, start_of_line
from .mapping import COMMON, Plan, taken_from, text_columns
from .plain_chats import LONGEST, MARK, Lifted, lift
from .raw_values import coerced, group_of, json_raw, step_into, target_of, texts_of
from .repeated_keys import repeated_key, suspects
from .row_columns import Columns
from .shapes import BUILDERS, KINDS, TYPES, NotARow, Raw, json_of, label_of, text_of

_UNSET = msgspec.UNSET


_BLOCK = 1 << 18  # bytes decoded at a time: what is made of them is used while it is in the processor's cache


_LIFTED = 1 << 20  # bytes that conversations are lifted from at a time: numpy's calls cost, so blocks are larger


_PATIENT = 16  # lines: a smaller block is not halved again


_AGAIN = 8  # times


_WIDE = 1000  # columns: keys that are data (ids, words) would be more and more


_REFUSALS = (msgspec.MsgspecError, UnicodeError, RecursionError, NotARow)


_NEEDED = frozenset(
    ("text", "prompt", "completion", "instruction", "output", "conversations", "messages", "chosen", "rejected")
)


@dataclass
class Odd:
    """A record that could not become a row."""

    line: int
    reason: str
    text: str


class Block(NamedTuple):
    """Some lines, their numbers, and the plain conversations among them."""

    data: bytes
    lines: Sequence[int]
    lifted: Lifted | None


class Prepared(NamedTuple):
    """A chunk whose blocks have been looked over."""

    blocks: list[Block]
    odd: list[Odd]
    cells: Chunk | None
    """A table of texts: there is nothing to decode."""


@dataclass
class Converter:
    """Turns chunks of one source into columns."""

    plan: Plan
    known: list[str]
    """Columns of the sample, in order."""
    compiled: bool = False
    """Whether conversations are lifted by compiled loops, which take a second to load."""
    nan_records: int = 0
    _later: Counter[str] = field(default_factory=Counter)

    def convert(self, data: bytes, lines: Sequence[int]) -> tuple[Columns, list[Odd]]:
        """Convert one chunk: JSON records, one a line, and the source line of each."""
        return self.finish(self.prepare(Chunk(data, lines, [])))

    def prepare(self, chunk: Chunk) -> Prepared:
        """Do what needs no knowledge of the chunks before, and hardly the interpreter's lock: may run on a thread ahead."""
        odd: list[Odd] = []
        if chunk.columns is not None and self._takes_cells and list(chunk.columns) == self.known:
            return Prepared([], odd, chunk)
        data, lines = chunk.data, chunk.lines
        data = data.removesuffix(b"\n")
        column = self._chats
        found = []
        size = _BLOCK if column is None else len(data) if self.compiled else _LIFTED
        for block in line_blocks(data, lines, size):
            lifted = self._lifts(block[0], column) if column is not None else None
            if lifted is None:
                found.append(Block(*self._single_keys(*block, odd), None))
            else:
                found.append(Block(*block, lifted))
        return Prepared(found, odd, None)

    def finish(self, prepared: Prepared) -> tuple[Columns, list[Odd]]:
        """Convert a chunk that has been prepared; chunks in their order."""
        columns, odd = Columns(), prepared.odd
        if prepared.cells is not None:
            self._cells(prepared.cells, columns)
        for data, lines, lifted in prepared.blocks:
            left = data, lines
            if lifted is not None:
                left = self._single_keys(*self._lift(data, lines, lifted, columns), odd)
            for part, its in line_blocks(*left, _BLOCK):
                self._block(part, its, columns, odd)
        return columns, odd

    def _lift(self, data: bytes, lines: Sequence[int], lifted: Lifted, columns: Columns) -> tuple[bytes, Sequence[int]]:
        """Add the rows whose conversations are plain; return the other lines."""
        try:
            records, chosen = self._marked(lifted)
            if not records:
                return data, lines
            lifted.keep(chosen)
            parts, common, extra = self._parts(records, lifted=True)
            nothing = [None] * len(records)
            tools = [json_of(raw) for raw in parts.get("tools", nothing)]
            label = [label_of(raw) for raw in parts.get("label", nothing)]
        except _REFUSALS:
            return data, lines
        rows = lifted.rows.tolist()
        columns.add_lifted(
            lifted, tools, label, common, lines if len(rows) == len(lines) else [lines[row] for row in rows], extra
        )
        if len(rows) == len(lines):
            return b"", []
        left = sorted(set(range(len(lines))).difference(rows))
        texts = data.split(b"\n")
        return b"\n".join([texts[row] for row in left]), [lines[row] for row in left]

    def _lifts(self, data: bytes, column: str) -> Lifted | None:
        return lift_compiled(data, column) if self.compiled else lift(data, column)

    @cached_property
    def _takes_cells(self) -> bool:
        """Whether a table's cells are all that is asked for: texts and a label, each in a column of its own."""
        whole = all(path in self.known for _, path in self._paths)
        return self.plan.shape in ("text", "text-label") and whole and self.plan.targets is None

    def _cells(self, chunk: Chunk, columns: Columns) -> None:
        """Add the rows of a table of texts; an empty cell is nothing but in ``text`` and ``extra``."""
        cells = {name: column.to_pylist() for name, column in (chunk.columns or {}).items()}
        parts = {part: cells[path] for part, path in self._paths}
        several = [column for part, column in parts.items() if part.startswith("text")]
        texts = (
            several[0] if len(several) == 1 else ["\n\n".join(filter(None, row)) for row in zip(*several, strict=True)]
        )
        nothing: list[str | None] = [None] * len(texts)
        common = {
            part: [text or self.plan.constants.get(part) for text in parts[part]]
            if part in parts
            else [self.plan.constants.get(part)] * len(texts)
            for part in COMMON
        }
        label = [text or None for text in parts["label"]] if "label" in parts else nothing
        extra = self._extras([list(map(msgspec.json.encode, cells[name])) for name in self._rest], len(texts))
        columns.add_texts(texts, label, common, chunk.lines, extra)

    def _marked(self, lifted: Lifted) -> tuple[list[Any], npt.NDArray[np.bool_]]:
        """Decode what is left of the records; one with other keys than the rest, or with a fault, is not chosen."""
        rows = len(lifted.rows)
        try:
            records = self._records(lifted.rest, rows, self._marked_decoder)
            if not lifted.doubtful and b"".join([record.mark for record in records]) == MARK * rows:
                return records, np.ones(rows, np.bool_)
        except (*_REFUSALS, TypeError):
            pass
        lines = enumerate(lifted.rest.split(b"\n"))
        found = [None if row in lifted.doubtful else self._marked_one(line) for row, line in lines]
        return [record for record in found if record is not None], np.array([record is not None for record in found])

    def _marked_one(self, line: bytes) -> Any:
        try:
            record = self._marked_decoder.decode(line)
        except _REFUSALS:
            return None
        return record if record.mark is not _UNSET and bytes(record.mark) == MARK else None

    @cached_property
    def _chats(self) -> str | None:
        """The column whose conversations can be lifted: nothing but tools and a label goes with them."""
        column = self.plan.columns.get("messages", "")
        others = self.plan.columns.keys() - {"messages", "tools", "label", *COMMON}
        plain = self.plan.shape == "messages" and not others and self._direct.get(column) == "messages"
        return column if plain and len(column) <= LONGEST and column.isalnum() and column.isascii() else None

    def _block(self, data: bytes, lines: Sequence[int], columns: Columns, odd: list[Odd]) -> None:
        try:
            block = self._fast(self._records(data, len(lines), self._decoder))
        except _REFUSALS:
            if (block := self._without_nan(data)) is not None:
                pass
            elif len(lines) <= _PATIENT:
                self._patiently(data, lines, columns, odd)
                return
            else:
                half = len(lines) // 2
                cut = start_of_line(data, half)
                self._block(data[: cut - 1], lines[:half], columns, odd)
                self._block(data[cut:], lines[half:], columns, odd)
                return
        contents, common, extra = block
        columns.add(contents, common, lines, extra)

    def _single_keys(self, data: bytes, lines: Sequence[int], odd: list[Odd]) -> tuple[bytes, Sequence[int]]:
        """Take out the records that name a key twice: every reader keeps one of the values and drops the other."""
        doubtful = suspects(data) if lines else []
        if not doubtful:
            return data, lines
        texts = data.split(b"\n")
        found = {row: key for row in doubtful if (key := repeated_key(texts[row])) is not None}
        odd += [
            Odd(lines[row], f"it names the key {quote(key, 30)} twice", texts[row].decode(errors="backslashreplace"))
            for row, key in found.items()
        ]
        kept = [row for row in range(len(lines)) if row not in found]
        return b"\n".join([texts[row] for row in kept]), [lines[row] for row in kept]

    def _without_nan(self, data: bytes) -> tuple[list[Content], dict[str, list[str | None]], list[bytes]] | None:
        """Read a block whose only fault is NaN and Infinity, with null in their place; ``None`` if it has others."""
        if b"NaN" not in data and b"Infinity" not in data:
            return None
        before = data.split(b"\n")
        after = [nulled(line) for line in before]
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
        return self._decoder_of({f"f{i}": TYPES[kind] for i, kind in enumerate(self._direct.values())})

    @cached_property
    def _marked_decoder(self) -> msgspec.json.Decoder[Any]:
        """Of records whose conversations have been lifted out."""
        return self._decoder_of(
            {
                "mark" if column == self._chats else f"f{i}": Raw if column == self._chats else TYPES[kind]
                for i, (column, kind) in enumerate(self._direct.items())
            }
        )

    def _decoder_of(self, direct: dict[str, Any]) -> msgspec.json.Decoder[Any]:
        fields = [(name, kind | msgspec.UnsetType, _UNSET) for name, kind in direct.items()]
        fields += [(f"r{i}", Raw | msgspec.UnsetType, _UNSET) for i in range(len(self._rest))]
        rename = dict(zip((name for name, *_ in fields), [*self._direct, *self._rest], strict=True))
        return msgspec.json.Decoder(
            msgspec.defstruct("Record", fields, rename=rename, forbid_unknown_fields=True, gc=False)
        )

    @cached_property
    def _heads(self) -> list[bytes]:
        return [msgspec.json.encode(column) + b":" for column in self._rest]

    def _records(self, data: bytes, rows: int, decoder: msgspec.json.Decoder[Any]) -> list[Any]:
        records = decoder.decode_lines(data)
        # msgspec reads two records on a line, or one on two lines, without a word.
        return records if is_one_a_line(data, len(records), rows) else list(map(decoder.decode, data.split(b"\n")))

    # ---- the fast way: columns -----------------------------------------------------------------------------------

    def _fast(self, records: list[Any]) -> tuple[list[Content], dict[str, list[str | None]], list[bytes]]:
        parts, common, extra = self._parts(records)
        contents = BUILDERS[self.plan.shape]({part: column for part, column in parts.items() if part not in COMMON})
        return contents, common, extra

    def _parts(
        self, records: list[Any], *, lifted: bool = False
    ) -> tuple[dict[str, Sequence[Any]], dict[str, list[str | None]], list[bytes]]:
        values = list(zip(*map(msgspec.structs.astuple, records), strict=True))
        direct = dict(zip(self._direct, values, strict=False))
        rest: dict[str, Sequence[Any]] = dict(zip(self._rest, values[len(self._direct) :], strict=True))
        parts: dict[str, Sequence[Any]] = {}
        for part, path in self._paths:
            if lifted and part == "messages":
                continue
            if path in direct and part != "time":
                column = direct[path]
                if part in _NEEDED and _UNSET in column and not self._may_lack(part):
                    raise NotARow
                parts[part] = column if _UNSET not in column else [None if item is _UNSET else item for item in column]
                if _kind(part) == "text" and self._direct[path] != "text":
                    parts[part] = [text_of(raw, path) for raw in parts[part]]
                elif _kind(part) in ("messages", "turns") and self._direct[path] == "scalar":  # also a label, or such
                    parts[part] = [coerced(raw, _kind(part), path) for raw in parts[part]]
            else:
                column = rest.get(path) if path in rest else self._nested(path, rest, len(records))
                if part in _NEEDED and column and None in column and not self._may_lack(part):
                    raise NotARow
                parts[part] = [None if item is _UNSET else item for item in column or [None] * len(records)]
                if _kind(part) in ("text", "time"):
                    parts[part] = texts_of(parts[part], path)
        if self.plan.targets is not None:
            parts["label"] = [self._target(raw) for raw in parts["label"]]
        common = {part: self._common(part, parts.get(part), len(records)) for part in COMMON}
        return parts, common, self._extras(list(rest.values()), len(records))

    def _target(self, raw: Any) -> Raw | None:
        kind = self.plan.targets
        return raw if kind is None else target_of(raw, kind, self.plan.columns["label"])

    def _common(self, part: str, column: Sequence[Any] | None, rows: int) -> list[str | None]:
        constant = self.plan.constants.get(part)
        if column is None:
            return [constant] * rows
        return [text or constant for text in (column if part == "time" else texts_of(column, part, scalar=True))]

    def _nested(self, path: str, rest: dict[str, Sequence[Any]], rows: int) -> list[Any]:
        column, pattern = taken_from(path)
        steps = [column] if column in rest else column.split(".")
        raws: Sequence[Any] = rest.get(steps[0]) or [None] * rows
        for step in steps[1:]:
            raws = [step_into(raw, step) for raw in raws]
        if pattern is None:
            return [json_raw(raw) for raw in raws]
        return [group_of(pattern, None if raw is None or raw is _UNSET else text_of(raw, column)) for raw in raws]

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
                odd.append(Odd(line, why(error), raw.decode("utf-8", errors="backslashreplace")))
                continue
            self._learn(record)
            columns.add([content], {part: [value] for part, value in common.items()}, [line], [extra])

    def _learn(self, record: Mapping[str, Raw]) -> None:
        """Take a column that the sample lacked, once it has come again and again, for one that the fast way knows."""
        for column in record.keys() - self._columns:
            self._later[column] += 1
            if self._later[column] == _AGAIN and len(self.known) < _WIDE:
                self.known.append(column)
                for name in ("_columns", "_direct", "_rest", "_decoder", "_marked_decoder", "_heads"):
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
            parts[part] = coerced(raw, _kind(part), path)
        if "label" in parts:
            parts["label"] = self._target(parts["label"])
        build = BUILDERS[self.plan.shape]
        content = build({part: [value] for part, value in parts.items() if part not in COMMON})[0]
        common = {
            part: (part in parts and (parts[part] if part == "time" else text_of(json_raw(parts[part]), part)))
            or self.plan.constants.get(part)
            for part in COMMON
        }
        rest = [msgspec.json.encode(key) + b":" + bytes(raw) for key, raw in record.items() if key not in self._direct]
        return content, common, b"{" + b",".join(rest) + b"}"

    def _object(self, raw: bytes) -> dict[str, Raw]:
        """Decode a record to raw values, with null for NaN and Infinity."""
        for line in (raw, nulled(raw)):
            try:
                record = msgspec.json.decode(line, type=dict[str, Raw])
            except msgspec.ValidationError as error:
                raise NotARow("it is not a JSON object") from error
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            self.nan_records += line != raw
            return record
        raise NotARow(fault(raw))


def _kind(part: str) -> str:
    return "time" if part == "time" else KINDS[part.rstrip("0123456789")]
