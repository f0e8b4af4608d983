"""Many pieces of one block of bytes, copied out at once: Arrow does it, as numpy has nothing for pieces of many lengths."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Places: TypeAlias = npt.NDArray[np.int64]
Bytes: TypeAlias = npt.NDArray[np.uint8]


def spans(data: pa.Buffer, starts: Places, ends: Places) -> pa.LargeBinaryArray:
    """Return copies of the bytes from each start to its end; the spans come in order and do not overlap."""
    bounds = np.empty(2 * len(starts), np.int64)
    bounds[::2], bounds[1::2] = starts, ends
    if not len(bounds):
        return pa.nulls(0, pa.large_binary())
    every = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(bounds) - 1, [None, pa.py_buffer(bounds), data])
    return every.take(integers(np.arange(0, len(bounds) - 1, 2)))


def texts(data: pa.Buffer, starts: Places, ends: Places, dropped: Places) -> pa.LargeStringArray:
    """Return spans as texts, without the bytes at the places ``dropped`` (all places in order)."""
    before = np.searchsorted(dropped, starts)
    without = np.searchsorted(dropped, ends) - before
    inside = dropped[ranges(before, without)]
    if not len(inside):
        return spans(data, starts, ends).view(pa.large_string())
    pieces = spans(
        data,
        np.sort(np.concatenate((starts, inside + 1)), kind="stable"),
        np.sort(np.concatenate((ends, inside)), kind="stable"),
    )
    offsets = np.concatenate(([0], np.cumsum(ends - starts - without)))
    return pa.LargeStringArray.from_buffers(len(starts), pa.py_buffer(offsets), pieces.buffers()[2])


def integers(values: Places) -> pa.Int64Array:
    """Return numbers as Arrow; ``pa.array`` would import pandas first, where that is installed: half a second."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def ranges(starts: Places, lengths: Places) -> Places:
    """Return start, start + 1, ... of each range, one range after another.

    >>> ranges(np.array([3, 8]), np.array([2, 3])).tolist()
    [3, 4, 8, 9, 10]
    """
    ends = np.cumsum(lengths)
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(ends[-1] if len(ends) else 0)


_STEP = 1 << 18  # bytes that are searched at a time: the comparison's result then stays in the processor's cache


def line_feeds(view: Bytes) -> Places:
    """Return where line feeds stand.

    >>> line_feeds(np.array([97, 10, 97, 10], np.uint8)).tolist()
    [1, 3]
    """
    if np.count_nonzero(view[:_STEP] == 10) * 200 < min(len(view), _STEP):
        data, found = view.tobytes(), []  # one after another: five times as fast where lines are long
        place = data.find(b"\n")
        while place >= 0:
            found.append(place)
            place = data.find(b"\n", place + 1)
        return np.array(found, np.int64)
    steps = range(0, len(view), _STEP)
    return np.concatenate(
        [np.empty(0, np.int64), *(np.flatnonzero(view[start : start + _STEP] == 10) + start for start in steps)]
    )
