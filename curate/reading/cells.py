"""Delimited text whose quotes and fields are in order, cut into columns by whole blocks.

Quotes that enclose switch between inside and outside; a doubled one inside switches twice with nothing between. Where
every quote that switches in stands at the start of a field (or after a quote), and every one that switches out at its
end (or before a quote), this is what a strict reader of RFC 4180 sees. Any other block is left to ``delimited``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .ragged import Bytes, Places, texts

_QUOTE, _FEED, _RETURN = 34, 10, 13


class Cells(NamedTuple):
    """The whole rows at the start of a block."""

    columns: list[pa.LargeStringArray]
    starts: Places
    """The line where each row begins, from 0."""
    lines: int
    used: int
    """Bytes; what comes after is the beginning of a row."""


class Grid(NamedTuple):
    """Where the fields of some rows stand; both places have one line a row."""

    starts: Places
    ends: Places
    quotes: Places
    feeds: Places
    used: int


def grid(data: bytes, delimiter: str, *, width: int, quoted: bool, limit: int) -> Grid | None:
    """Find the fields of a block that begins with a row; ``None`` where anything is not as it should be.

    Args:
        data: lines, UTF-8.
        delimiter: of the fields.
        width: fields in a row; 0: as many as the first row has.
        quoted: quotes enclose; otherwise they are text.
        limit: bytes that a field may have.
    """
    if len(delimiter.encode()) > 1 or b"\0" in data:
        return None
    view, mark = np.frombuffer(data, np.uint8), ord(delimiter)
    returns = np.flatnonzero(view == _RETURN) if b"\r" in data else np.empty(0, np.int64)
    if len(returns) and (returns[-1] == len(data) - 1 or (view[returns + 1] != _FEED).any()):
        return None
    quotes = np.flatnonzero(view == _QUOTE) if quoted and b'"' in data else np.empty(0, np.int64)
    breaks = np.flatnonzero((view == mark) | (view == _FEED))
    feeds = breaks[view[breaks] == _FEED]
    if len(quotes):
        breaks = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
    ends_row = view[breaks] == _FEED
    rows = np.count_nonzero(ends_row)
    if not rows:
        return None
    last = int(np.flatnonzero(ends_row)[-1])
    breaks, ends_row = breaks[: last + 1], ends_row[: last + 1]
    width = width or int(np.argmax(ends_row)) + 1
    used = int(breaks[-1]) + 1
    quotes = quotes[: np.searchsorted(quotes, used)]
    if len(breaks) != rows * width or not ends_row[width - 1 :: width].all() or not _quotes_fit(view, quotes, mark):
        return None
    starts, ends = np.concatenate(([0], breaks[:-1] + 1)).reshape(rows, width), breaks.reshape(rows, width).copy()
    if len(returns):
        ends[:, -1] -= (view[ends[:, -1] - 1] == _RETURN) & (ends[:, -1] > starts[:, -1])
    if (ends - starts).max() > limit or (width == 1 and (ends == starts).any()):  # an empty line is no row
        return None
    return Grid(starts, ends, quotes, feeds[: np.searchsorted(feeds, used)], used)


def _quotes_fit(view: Bytes, quotes: Places, mark: int) -> bool:
    opens, closes = quotes[::2], quotes[1::2]
    before, after = view[opens - 1], view[closes + 1]
    begins = (opens == 0) | (before == mark) | (before == _FEED) | (before == _QUOTE)
    ends = (after == mark) | (after == _FEED) | (after == _RETURN) | (after == _QUOTE)
    return bool(begins.all() and ends.all())


def whole_rows(data: bytes, delimiter: str, *, width: int, quoted: bool, limit: int) -> Cells | None:
    """Cut a block into columns, as ``grid`` finds them."""
    found = grid(data, delimiter, width=width, quoted=quoted, limit=limit)
    if found is None:
        return None
    starts, ends, quotes, feeds, used = found
    view, buffer = np.frombuffer(data, np.uint8), pa.py_buffer(data)
    closes = quotes[1::2]
    doubled = closes[view[closes + 1] == _QUOTE] if len(closes) else closes
    if len(quotes):
        enclosed = (view[starts] == _QUOTE) & (ends > starts)
        starts, ends = starts + enclosed, ends - enclosed
    columns = [
        texts(buffer, starts[:, i], ends[:, i], _within(doubled, starts[:, i], ends[:, i])) for i in range(width)
    ]
    first = found.starts[:, 0]
    lines = np.arange(len(first)) if len(feeds) == len(first) else np.searchsorted(feeds, first)
    return Cells(columns, lines, len(feeds), used)


def in_order(blocks: Callable[[], Iterable[bytes]], delimiter: str, *, limit: int) -> tuple[int, int] | None:
    """Return how many fields every row has, and how many lines quotes join to others; ``None`` where rows differ.

    Args:
        blocks: opens the file anew, as blocks of whole lines of UTF-8.
        delimiter: of the fields.
        limit: bytes that a field may have.
    """
    width = joined = 0
    rest = b""
    for block in blocks():
        found = grid(rest + block, delimiter, width=width, quoted=True, limit=limit)
        if found is None:
            return None
        width = found.starts.shape[1]
        joined += len(found.feeds) - len(found.starts)
        rest = (rest + block)[found.used :]
    if rest:
        last = grid(rest + b"\n", delimiter, width=width, quoted=True, limit=limit)
        if last is None or last.used <= len(rest):
            return None
        joined += len(last.feeds) - len(last.starts)
    return width, joined


def _within(places: Places, starts: Places, ends: Places) -> Places:
    if not len(places):
        return places
    row = np.searchsorted(starts, places, side="right") - 1
    chosen: npt.NDArray[np.bool_] = (row >= 0) & (places < ends[row])
    return places[chosen]
