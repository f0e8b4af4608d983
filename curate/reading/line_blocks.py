"""Blocks of whole lines, cut from a chunk of JSON lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from .ragged import line_feeds


def line_blocks(data: bytes, lines: Sequence[int], size: int) -> Iterator[tuple[bytes, Sequence[int]]]:
    """Yield some whole lines after others, each time a little more than ``size`` bytes, and their numbers."""
    start = first = 0
    if len(data) <= size:
        if lines:
            yield data, lines
        return
    while start <= len(data) and first < len(lines):
        end = data.find(b"\n", start + size)
        end = len(data) if end < 0 else end
        # bytes.count looks at one byte after another: 0.1 s a 100 MB
        last = first + int(np.count_nonzero(np.frombuffer(data, np.uint8, end - start, start) == 10)) + 1
        yield data[start:end], lines[first:last]
        start, first = end + 1, last


def start_of_line(data: bytes, line: int) -> int:
    """Return where line number ``line`` (from 0) starts."""
    return [match.end() for match, _ in zip(re.finditer(rb"\n", data), range(line), strict=False)][-1]


def is_one_a_line(data: bytes, records: int, rows: int) -> bool:
    """Whether each line is a record: as many as lines, and every line begins with { and ends with }.

    A value that went over a line's end could go on with a comma or a bracket only, not with {.
    """
    if records != rows:
        return False
    view = np.frombuffer(data, np.uint8)
    ends = line_feeds(view)
    return bool(view[0] == 123 and view[-1] == 125 and (view[ends - 1] == 125).all() and (view[ends + 1] == 123).all())
