"""What every container becomes: chunks of JSON records, one a line, with the source line of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

SIZE = 8 << 20
"""Bytes of text that make a chunk: large enough that work per chunk is nothing, small enough that memory stays flat."""


class Reject(NamedTuple):
    """A record that its container already could not make out."""

    line: int
    reason: str
    text: str
    """The whole raw record."""


class Chunk(NamedTuple):
    """Some records of a source, in order."""

    data: bytes
    """JSON values, each on a line of its own that ends with a line feed; no blank lines."""
    lines: Sequence[int]
    """The line (in files without lines: the record) where each begins, from 1."""
    rejects: list[Reject]


def encoded(records: Iterable[Mapping[str, object]]) -> bytes:
    r"""Return records as JSON lines.

    >>> encoded([{"text": "hi"}, {"text": "ho"}])
    b'{"text":"hi"}\n{"text":"ho"}\n'
    """
    return msgspec.json.Encoder().encode_lines(list(records))


def gathered(found: Iterable[tuple[int, bytes] | Reject]) -> Iterator[Chunk]:
    """Yield chunks of single records: pairs of line and JSON, and rejects between them."""
    lines: list[int] = []
    records: list[bytes] = []
    rejects: list[Reject] = []
    held = 0
    for item in found:
        if isinstance(item, Reject):
            rejects.append(item)
        else:
            lines.append(item[0])
            records.append(item[1])
            held += len(item[1])
        if held > SIZE:
            yield Chunk(b"\n".join([*records, b""]), lines, rejects)
            lines, records, rejects, held = [], [], [], 0
    if records or rejects:
        yield Chunk(b"\n".join([*records, b""]), lines, rejects)
