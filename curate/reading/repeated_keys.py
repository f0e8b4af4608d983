"""Records that name a key twice: every reader keeps one of the values and drops the other without a word.

Parsing every record again to see it would cost more than the reading. So keys are looked at by whole blocks: two of one
object whose first and last eight bytes and lengths are alike make their line suspect, as do keys with escapes, and tabs
between the values. Only suspect lines are parsed.
"""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import numpy.typing as npt

from .json_strings import Strings, find_strings
from .ragged import Bytes, Places

_COLON, _OPEN, _CLOSE, _BLANK, _FEED = 58, 123, 125, 32, 10
_DEPTH = 1 << 10  # levels that are told apart; deeper ones count as one, which only makes more lines suspect


def suspects(data: bytes) -> list[int]:
    r"""Return the lines, from 0, of JSON lines in which some object may name a key twice; no other line does.

    Args:
        data: records, one a line, without the last line's end; UTF-8.

    >>> suspects(b'{"a": 1}\n{"a": 1, "a": 2}\n{"a": {"a": 1}}')
    [1]
    """
    padded = np.zeros(len(data) + 8, np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    strings = find_strings(padded, len(data))
    tabbed = _with_controls(strings, padded[: len(data)])
    keys = _keys(strings, padded)
    if len(keys) < 2:
        return np.unique(tabbed).tolist()
    begins, ends = strings.opens[keys] + 1, strings.closes[keys]
    lines = strings.line_of(keys)
    escaped = np.searchsorted(strings.escapes, begins) != np.searchsorted(strings.escapes, ends)
    last = np.ndarray((len(data) + 1,), np.dtype("<u8"), padded, strides=(1,))[np.maximum(ends - 8, begins)]
    marks = strings.names[keys] * np.uint64(0x9E3779B97F4A7C15) + (ends - begins).astype(np.uint64)
    marks = (marks ^ np.where(ends - begins > 8, last, np.uint64(0))) * np.uint64(0xC2B2AE3D27D4EB4F)
    marks ^= marks >> np.uint64(29)
    objects = _objects(strings, padded[: len(data)], begins, lines)
    marks += objects.astype(np.uint64) * np.uint64(0xD6E8FEB86659FD93)
    order = np.argsort(marks, kind="stable")
    alike = np.flatnonzero(marks[order][1:] == marks[order][:-1])
    return np.unique(np.concatenate((lines[order[alike]], lines[escaped], tabbed))).tolist()


def _with_controls(strings: Strings, view: Bytes) -> Places:
    """Return the lines that hold tabs or such, of which ``strings`` has nothing: between values they are white space."""
    if np.count_nonzero(view < _BLANK) == len(strings.feeds):
        return np.empty(0, np.int64)
    return np.searchsorted(strings.feeds, np.flatnonzero((view < _BLANK) & (view != _FEED)))


def _keys(strings: Strings, padded: Bytes) -> Places:
    """Return the strings that a colon follows."""
    after = strings.gaps & np.uint64(255)
    spaced = np.flatnonzero(after == _BLANK)
    if len(spaced):  # white space before the colon, which hardly any writer puts there
        for i in spaced.tolist():
            place = int(strings.closes[i]) + 1
            while padded[place] == _BLANK:
                place += 1
            after[i] = padded[place]
    return np.flatnonzero(after == _COLON)


def _objects(strings: Strings, view: Bytes, places: Places, lines: Places) -> Places:
    """Return where the object opens that holds each place: the last brace before it that led to the same depth."""
    braces = np.flatnonzero((view == _OPEN) | (view == _CLOSE))
    string = np.searchsorted(strings.opens, braces) - 1
    braces = braces[(string < 0) | (strings.closes[string] < braces)]
    if not len(braces):
        return lines
    opening = view[braces] == _OPEN
    depth = np.cumsum(np.where(opening, 1, -1))
    line = np.searchsorted(strings.lines, braces, side="right") - 1
    first = np.searchsorted(braces, strings.lines)  # the first brace of each line
    before = np.concatenate(([0], depth))[first]
    level = np.clip(depth - before[line], 0, _DEPTH - 1)
    opens = _placed(line[opening], level[opening], braces[opening])
    order = np.argsort(opens)
    near = np.maximum(np.searchsorted(braces, places) - 1, 0)
    found = np.searchsorted(opens[order], _placed(lines, level[near], places)) - 1
    return braces[opening][order[np.maximum(found, 0)]] if len(order) else lines


def _placed(line: Places, level: Places, place: Places) -> npt.NDArray[np.int64]:
    return ((line * _DEPTH + level) << 32) + place


def repeated_key(raw: bytes) -> str | None:
    """Return a key that some object in the JSON names twice; ``None`` also where the JSON is broken.

    >>> repeated_key(b'{"a": 1, "b": {"c": 2, "c": 3}}')
    'c'
    """
    found: list[str] = []

    def pairs(items: list[tuple[str, object]]) -> None:
        if len(dict(items)) < len(items):
            found.append(Counter(key for key, _ in items).most_common(1)[0][0])

    try:
        json.loads(raw, object_pairs_hook=pairs, parse_int=str)  # Python refuses to make an int of 5,000 digits
    except (ValueError, RecursionError):
        return None
    return found[0] if found else None
