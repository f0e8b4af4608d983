"""Where the strings of JSON lines stand: found for a whole block by the places of its quotes and backslashes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .ragged import Bytes, Places, line_feeds

_QUOTE, _BACKSLASH, _FEED = 34, 92, 10

Words = npt.NDArray[np.uint64]

MASKS: Words = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
"""Those that keep the first n bytes of eight."""


@dataclass
class Strings:
    """Every string of a block of lines, in order. Lines where quotes do not pair have none."""

    opens: Places
    closes: Places
    names: Words
    """The first eight bytes of each string, fewer of a shorter one."""
    gaps: Words
    """What stands between a string and the next, up to eight bytes."""
    lines: Places
    """Where each line begins."""
    firsts: Places
    """The first string of each line."""
    escapes: Places
    """Where backslashes stand that escape something."""
    feeds: Places

    def line_of(self, strings: Places) -> Places:
        """Return the line, from 0, where each string stands."""
        return np.searchsorted(self.firsts, strings, side="right") - 1


def word(text: bytes) -> np.uint64:
    """Return up to eight bytes as ``Strings`` holds them."""
    return np.uint64(int.from_bytes(text, "little"))


def find_strings(padded: Bytes, size: int) -> Strings:
    """Find the strings of JSON lines.

    In a line with an even number of quotes (but for escaped ones) they open and close by turns. A line that holds control
    characters, which no string may, counts as one where quotes do not pair.

    Args:
        padded: the lines, without the last one's end, and eight bytes more.
        size: bytes of the lines.
    """
    view = padded[:size]
    feeds = line_feeds(view)
    starts = np.concatenate(([0], feeds + 1))
    escapes = _escaping(np.flatnonzero(view == _BACKSLASH))
    quotes = _unescaped(np.flatnonzero(view == _QUOTE), view, escapes)
    odd = np.zeros(len(starts), np.bool_)
    if np.count_nonzero(view < 32) > len(feeds):
        odd[np.searchsorted(feeds, np.flatnonzero((view < 32) & (view != _FEED)))] = True
    firsts = np.searchsorted(quotes, starts)
    in_line = np.diff(firsts, append=len(quotes))
    odd |= in_line % 2 == 1
    if odd.any():
        quotes = quotes[np.repeat(~odd, in_line)]
        firsts = np.searchsorted(quotes, starts)
    opens, closes = quotes[::2], quotes[1::2]
    eight = np.ndarray((size + 1,), np.dtype("<u8"), padded, strides=(1,))  # at every byte, it and the seven after
    lengths = np.minimum(closes - opens - 1, 8)
    between = np.minimum(np.append(opens[1:], size) - closes - 1, 8) if len(opens) else lengths
    names, gaps = eight[opens + 1] & MASKS[lengths], eight[closes + 1] & MASKS[between]
    return Strings(opens, closes, names, gaps, starts, firsts // 2, escapes, feeds)


def _escaping(backslashes: Places) -> Places:
    """Return the backslashes that escape: in a run of them, every other one from the first."""
    near = np.diff(backslashes) == 1
    if not near.any():
        return backslashes
    fresh = np.concatenate(([True], ~near))
    begin = np.flatnonzero(fresh)[np.cumsum(fresh) - 1]
    return backslashes[(np.arange(len(backslashes)) - begin) % 2 == 0]


def _unescaped(quotes: Places, view: Bytes, escapes: Places) -> Places:
    """Return the quotes that open or close a string."""
    behind = np.flatnonzero(view[quotes - 1] == _BACKSLASH)
    stay = np.ones(len(quotes), np.bool_)
    if len(escapes):
        before = quotes[behind] - 1
        place = np.minimum(np.searchsorted(escapes, before), len(escapes) - 1)
        stay[behind[escapes[place] == before]] = False
    return quotes[stay]
