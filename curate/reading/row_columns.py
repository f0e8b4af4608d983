"""The columns that a chunk of records becomes, the rows' ids, and the same as Arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from ..messages import Content, content_hash, content_hashes, text_hashes
from .conversations import MESSAGE_TYPE, TEXT, messages_of, plain_messages
from .mapping import COMMON, official_split
from .plain_chats import Lifted
from .ragged import integers

ARROW = pa.schema(
    [("id", TEXT), ("messages", pa.large_list(MESSAGE_TYPE)), ("tools", TEXT), ("rejected", TEXT), ("label", TEXT),
     ("group", TEXT), ("time", pa.timestamp("us", "UTC")), ("annotator", TEXT), ("source", TEXT), ("license", TEXT),
     ("origin", TEXT), ("split", TEXT), ("file", TEXT), ("line", pa.int64()), ("extra", TEXT)]
)  # fmt: skip
"""The rows schema as Arrow has it."""


@dataclass
class Columns:
    """Columns of the rows that a chunk gave. The conversations stay as they came until ``table`` makes them Arrow."""

    said: list[list[Content] | Lifted | list[str]] = field(default_factory=list)
    """The conversations of one run of rows after another; a text stands for a user's only turn."""
    digests: list[str] = field(default_factory=list)
    tools: list[str | None] = field(default_factory=list)
    rejected: list[str | None] = field(default_factory=list)
    label: list[str | None] = field(default_factory=list)
    common: dict[str, list[str | None]] = field(default_factory=lambda: {part: [] for part in COMMON})
    lines: list[int] = field(default_factory=list)
    extra: list[bytes] = field(default_factory=list)

    def add(
        self, contents: list[Content], common: Mapping[str, list[str | None]], lines: Sequence[int], extra: list[bytes]
    ) -> None:
        """Add rows whose conversations are Python objects."""
        self.said.append(contents)
        self.digests += map(content_hash, contents)
        self.tools += [content.tools for content in contents]
        self.rejected += [content.rejected for content in contents]
        self.label += [content.label for content in contents]
        self._provenance(common, lines, extra)

    def add_lifted(
        self, lifted: Lifted, tools: Sequence[str | None], label: Sequence[str | None],
        common: Mapping[str, list[str | None]], lines: Sequence[int], extra: list[bytes],
    ) -> None:  # fmt: skip
        """Add rows whose conversations were lifted out of their block."""
        self.said.append(lifted)
        self.digests += content_hashes(lifted.said, lifted.begins.tolist(), lifted.ends.tolist(), tools, label)
        self.tools += tools
        self.rejected += [None] * len(lines)
        self.label += label
        self._provenance(common, lines, extra)

    def add_texts(
        self, texts: list[str], label: Sequence[str | None], common: Mapping[str, list[str | None]], lines: Sequence[int],
        extra: list[bytes],
    ) -> None:  # fmt: skip
        """Add rows of one user turn each."""
        self.said.append(texts)
        self.digests += text_hashes(texts, label)
        self.tools += [None] * len(lines)
        self.rejected += [None] * len(lines)
        self.label += label
        self._provenance(common, lines, extra)

    def _provenance(self, common: Mapping[str, list[str | None]], lines: Sequence[int], extra: list[bytes]) -> None:
        for part, values in common.items():
            self.common[part] += values
        self.lines += lines
        self.extra += extra

    def messages(self) -> pa.LargeListArray:
        """Return the conversations as Arrow, run after run."""
        runs = [_arrow(run) for run in self.said if run]
        return pa.concat_arrays(runs) if len(runs) != 1 else runs[0]


def ids(digests: Sequence[str], seen: dict[str, int]) -> list[str]:
    """Return the id of each row; ``seen`` counts equal contents over all chunks and sources."""
    made = []
    for digest in digests:
        ordinal = seen.get(digest, -1) + 1
        seen[digest] = ordinal
        made.append(f"{digest}-{ordinal}" if ordinal else digest + "-0")
    return made


def in_order(columns: Columns) -> list[int] | None:
    """Return the order in which the rows stand in the source; ``None`` where they are in it."""
    lines = np.asarray(columns.lines)
    return None if (np.diff(lines) >= 0).all() else np.argsort(lines, kind="stable").tolist()


def table(
    columns: Columns, row_ids: Sequence[str], times: pl.Series, order: list[int] | None, *, file: str
) -> pa.Table:
    """Return the rows of a chunk as Arrow, in ``ARROW``'s schema and in the order of their lines.

    Args:
        columns: the rows as they were made.
        row_ids: in the order of lines, as are ``times``.
        times: of the rows.
        order: which row stands at each place; ``None`` where they stand in order.
        file: the source's name.
    """
    texts: dict[str, Sequence[str | None]] = {
        "tools": columns.tools, "rejected": columns.rejected, "label": columns.label,
        **{part: values for part, values in columns.common.items() if part != "time"},
    }  # fmt: skip
    if _is_empty(texts["origin"]):
        texts["origin"] = ["unknown"] * len(row_ids)
    else:
        texts["origin"] = [origin or "unknown" for origin in texts["origin"]]
    if not _is_empty(texts["split"]):
        texts["split"] = [official_split(split) for split in texts["split"]]
    arrays: dict[str, pa.Array] = {name: _text(values) for name, values in texts.items()}
    arrays |= {
        "messages": columns.messages(), "line": integers(np.array(columns.lines, np.int64)),
        "extra": _large(pl.Series(columns.extra, dtype=pl.Binary).cast(pl.String)),
    }  # fmt: skip
    if order is not None:
        places = integers(np.array(order, np.int64))
        arrays = {name: column.take(places) for name, column in arrays.items()}
    arrays |= {
        "id": _text(row_ids), "time": times.to_arrow().cast(ARROW.field("time").type),
        "file": _repeated(file, len(row_ids)),
    }  # fmt: skip
    return pa.table([arrays[name] for name in ARROW.names], schema=ARROW)


def _arrow(run: list[Content] | Lifted | list[str]) -> pa.LargeListArray:
    if isinstance(run, Lifted):
        return run.messages
    texts = [text for text in run if isinstance(text, str)]
    if texts:
        return plain_messages(np.ones(len(texts), np.int64), _repeated("user", len(texts)), _text(texts))
    return _listed([content for content in run if isinstance(content, Content)])


def _listed(contents: list[Content]) -> pa.LargeListArray:
    said = [message for content in contents for message in content.messages]
    texts: list[list[Any]] = [
        [message.role for message in said], [message.content for message in said],
        [message.tool_calls for message in said], [message.tool_call_id for message in said],
        [message.extra for message in said],
    ]  # fmt: skip
    counts = np.array([len(content.messages) for content in contents], np.int64)
    return messages_of(counts, [_text(values) for values in texts])


def _text(values: Sequence[str | None]) -> pa.Array:
    if _is_empty(values):
        return pa.nulls(len(values), TEXT)
    return _large(pl.Series(values, dtype=pl.String))  # twice as fast as Arrow's own way from Python


def _is_empty(values: Sequence[str | None]) -> bool:
    return values.count(None) == len(values)


def _repeated(value: str, rows: int) -> pa.Array:
    return _large(pl.repeat(value, rows, dtype=pl.String, eager=True))


def _large(column: pl.Series) -> pa.Array:
    return column.to_arrow()  # large_string: polars gives it for texts, and needs no pandas to make it
