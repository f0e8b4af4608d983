"""JSON Lines: slices of the file, passed on as they are. What is wrong in a line is for its reader to find."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from .chunks import Chunk
from .encodings import TextFile
from .ragged import line_feeds


def json_lines(text: TextFile) -> Iterator[Chunk]:
    """Yield the lines of a file that holds one JSON value a line; blank lines are left out."""
    first = 1
    for block in text.blocks():
        data = block if block.endswith(b"\n") else block + b"\n"
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        ends = line_feeds(np.frombuffer(data, np.uint8))
        count = len(ends)
        lines: Sequence[int] = range(first, first + count)
        # A line that begins with white space or its own end is all that can be blank.
        starts = np.frombuffer(data, np.uint8)[np.concatenate(([0], ends[:-1] + 1))]
        if (starts <= 32).any():
            kept = [(line, text) for line, text in zip(lines, data.split(b"\n"), strict=False) if text.strip()]
            lines, data = [line for line, _ in kept], b"\n".join([*(text for _, text in kept), b""])
        if lines:
            yield Chunk(data, lines, [])
        first += count


def looks_like_lines(head: bytes, *, whole: bool) -> bool:
    r"""Whether most of the first lines are a JSON object or array each.

    Args:
        head: the first bytes of the file, UTF-8.
        whole: they are the whole file.

    >>> looks_like_lines(b'{"a": 1}\n{"a": 2}\n', whole=True)
    True
    >>> looks_like_lines(b'{\n "a": 1\n}\n', whole=True)
    False
    """
    lines = head.split(b"\n", 51)[:50]
    if not whole and len(lines) < 50:
        lines = lines[:-1]  # cut off in the middle
    lines = [line for line in lines if line.strip()]
    if not lines or (lines[0].lstrip().startswith(b"[") and not _is_value(lines[0])):
        return False  # an array may hold whole objects on lines of their own
    return sum(map(_is_value, lines)) * 2 >= len(lines)


def _is_value(line: bytes) -> bool:
    line = line.strip()
    if not (line.startswith((b"{", b"[")) and line.endswith((b"}", b"]"))):
        return False
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:  # Python's reader takes NaN and half surrogates, which msgspec refuses
            json.loads(line)
        except (ValueError, RecursionError):
            return False
    return True
