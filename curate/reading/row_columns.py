"""The columns that a chunk of records becomes, the rows' ids, and the same as Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from ..messages import Content
from .mapping import COMMON, official_split

_TEXT = pa.large_string()
MESSAGE_TYPE = pa.struct([(name, _TEXT) for name in ("role", "content", "tool_calls", "tool_call_id", "extra")])
ARROW = pa.schema(
    [("id", _TEXT), ("messages", pa.large_list(MESSAGE_TYPE)), ("tools", _TEXT), ("rejected", _TEXT), ("label", _TEXT),
     ("group", _TEXT), ("time", pa.timestamp("us", "UTC")), ("annotator", _TEXT), ("source", _TEXT), ("license", _TEXT),
     ("origin", _TEXT), ("split", _TEXT), ("file", _TEXT), ("line", pa.int64()), ("extra", _TEXT)]
)  # fmt: skip
"""The rows schema as Arrow has it."""


@dataclass
class Columns:
    """Columns of the rows that a chunk gave, in the order of their lines."""

    contents: list[Content] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    common: dict[str, list[str | None]] = field(default_factory=lambda: {part: [] for part in COMMON})
    lines: list[int] = field(default_factory=list)
    extra: list[bytes] = field(default_factory=list)


def ids(digests: Sequence[str], seen: dict[str, int]) -> list[str]:
    """Return the id of each row; ``seen`` counts equal contents over all chunks and sources."""
    made = []
    for digest in digests:
        ordinal = seen[digest] = seen.get(digest, -1) + 1
        made.append(f"{digest}-{ordinal}")
    return made


def flat(columns: Columns, row_ids: Sequence[str], times: pl.Series) -> dict[str, pl.Series]:
    """Return every column of the rows as a series; messages lie flat, with ``counts`` telling how many a row has."""
    said = [message for content in columns.contents for message in content.messages]
    texts: dict[str, Sequence[str | None]] = {
        "id": row_ids,
        "role": [message.role for message in said],
        "content": [message.content for message in said],
        "tool_calls": [message.tool_calls for message in said],  # pyright: ignore[reportAssignmentType] - text by now
        "tool_call_id": [message.tool_call_id for message in said],
        "message_extra": [message.extra for message in said],
        "tools": [content.tools for content in columns.contents],
        "rejected": [content.rejected for content in columns.contents],
        "label": [content.label for content in columns.contents],
        **{part: values for part, values in columns.common.items() if part != "time"},
        "origin": [origin or "unknown" for origin in columns.common["origin"]],
        "split": [official_split(split) for split in columns.common["split"]],
    }
    series = {name: pl.Series(name, values, dtype=pl.String) for name, values in texts.items()}
    counts = [len(content.messages) for content in columns.contents]
    return series | {
        "time": times, "counts": pl.Series(counts, dtype=pl.Int64), "line": pl.Series(columns.lines, dtype=pl.Int64),
        "extra": pl.Series(columns.extra, dtype=pl.Binary).cast(pl.String),
    }  # fmt: skip


def table(series: dict[str, pl.Series], *, file: str) -> pa.Table:
    """Return the rows of a chunk as Arrow, in ``ARROW``'s schema. Holds no lock of the interpreter while it copies."""
    names = ("role", "content", "tool_calls", "tool_call_id", "message_extra")
    messages = pa.StructArray.from_arrays([_large(series[name]) for name in names], fields=list(MESSAGE_TYPE))
    ends = series["counts"].cum_sum()
    offsets = pl.concat([pl.Series([0], dtype=pl.Int64), ends]).to_arrow()
    arrays = {
        name: _large(column) for name, column in series.items() if name in ARROW.names and name not in ("time", "line")
    }
    arrays |= {
        "messages": pa.LargeListArray.from_arrays(offsets, messages), "line": series["line"].to_arrow(),
        "time": series["time"].to_arrow().cast(ARROW.field("time").type),
        "file": _large(pl.repeat(file, len(ends), dtype=pl.String, eager=True)),
    }  # fmt: skip
    return pa.table([arrays[name] for name in ARROW.names], schema=ARROW)


def _large(column: pl.Series) -> pa.Array:
    return column.to_arrow()  # large_string: polars gives it for texts, and needs no pandas to make it
