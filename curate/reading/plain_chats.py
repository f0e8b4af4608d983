"""Plain conversations lifted out of JSON lines by whole blocks, without one Python object a message.

Most chats hold nothing but ``{"role": ..., "content": ...}`` messages. Their records are found by the places of quotes:
in a line with an even number of them the strings alternate with what stands between, and a conversation is plain where
the strings and the gaps come in one order only. What is lifted out is replaced by ``MARK``, so that the rest of the
record is still read, and judged, as JSON. A line with anything else in its conversation is simply not lifted.

The law that makes this safe: a record is lifted where (1) what remains, with ``MARK`` as the value of the column, is
valid JSON, which its reader checks, and (2) what was taken out is a valid JSON array by itself, which this file checks.
Putting a valid value in the place of another one gives the record as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .conversations import plain_messages
from .json_strings import MASKS, Strings, find_strings, word
from .ragged import Bytes, Places, integers, spans, texts
from .repeated_keys import suspects

MARK = b'"' + b"\x7f" * 16 + b'"'
"""Stands where a conversation was: a text of delete characters. A block that holds it all the same is not lifted from."""

LONGEST = 8
"""Bytes of the column's name: so many are compared at once."""

_PLAIN_ESCAPES = np.zeros(256, np.uint8)
for _letter, _meant in zip(b'"\\bfnrt', b'"\\\b\f\n\r\t', strict=True):
    _PLAIN_ESCAPES[_letter] = _meant

_COLONS, _COMMAS = (word(b":"), word(b": ")), (word(b","), word(b", "))
_OPENS, _NEXTS = (word(b":[{"), word(b": [{")), (word(b"},{"), word(b"}, {"))
_END, _ROLE, _CONTENT = word(b"}]"), word(b"role"), word(b"content")


@dataclass
class Lifted:
    """The plain conversations of a block."""

    rows: Places
    """Lines of the block, from 0, in order."""
    rest: bytes
    """Their records with ``MARK`` for the conversation, one a line."""
    messages: pa.LargeListArray
    said: memoryview
    """The conversations as compact JSON."""
    begins: Places
    """Where each of them begins in ``said``, and where it ends."""
    ends: Places
    doubtful: frozenset[int]
    """Lines of ``rest`` in which a key may stand twice."""

    def __len__(self) -> int:
        return len(self.rows)

    def keep(self, chosen: npt.NDArray[np.bool_]) -> None:
        """Forget the conversations that were not chosen."""
        if not chosen.all():
            self.rows, self.begins, self.ends = self.rows[chosen], self.begins[chosen], self.ends[chosen]
            self.messages = self.messages.take(integers(np.flatnonzero(chosen)))


def lift(data: bytes, column: str) -> Lifted | None:
    """Find the plain conversations in ``column`` of JSON lines; ``None`` where there are none.

    Args:
        data: records, one a line, without the last line's end; UTF-8.
        column: the key that they stand under.
    """
    name = column.encode()
    if len(name) > LONGEST or len(data) < len(MARK):
        return None
    marked = np.zeros(len(data) + 8, np.uint8)
    marked[: len(data)] = np.frombuffer(data, np.uint8)
    strings = find_strings(marked, len(data))
    if len(strings.opens) < 5:
        return None
    heads, counts = _conversations(strings, word(name), len(name))
    rows = strings.line_of(heads)
    chosen = np.bincount(rows, minlength=len(strings.lines))[rows] == 1
    chosen &= ~np.isin(rows, np.searchsorted(strings.feeds, _odd_escapes(marked, strings.escapes)))
    heads, counts, rows = heads[chosen], counts[chosen], rows[chosen]
    begins, ends = strings.opens[heads] - 2, strings.closes[heads + 4 * counts - 1] + 3
    marked[begins[:, None] + np.arange(len(MARK))] = np.frombuffer(MARK, np.uint8)
    stops = np.append(strings.feeds + 1, len(data))
    kept = (
        np.stack([strings.lines[rows], ends], axis=1).ravel(),
        np.stack([begins + len(MARK), stops[rows]], axis=1).ravel(),
    )
    rest = spans(pa.py_buffer(marked), *kept).buffers()[2].to_pybytes().removesuffix(b"\n")
    if not len(rows) or rest.count(MARK[1:-1]) != len(rows):
        return None
    before = np.cumsum(counts) - counts
    keys = np.repeat(heads - 4 * before, counts) + 4 * np.arange(counts.sum())  # the string "role" of every message
    meant = _what_is_meant(data, strings)
    roles, contents = (_resolved(meant, strings, keys + i) for i in (1, 3))
    said, ends = _compact(data, strings, keys, counts)
    begins = np.concatenate(([0], ends[:-1]))
    return Lifted(rows, rest, plain_messages(counts, roles, contents), said, begins, ends, frozenset(suspects(rest)))


def _what_is_meant(data: bytes, strings: Strings) -> pa.Buffer:
    """The block with what escapes mean behind their backslashes, which are to be left out."""
    meant = np.frombuffer(data, np.uint8).copy()
    after = np.minimum(strings.escapes + 1, len(meant) - 1)
    meant[after] = _PLAIN_ESCAPES[meant[after]]
    return pa.py_buffer(meant)


def _resolved(meant: pa.Buffer, strings: Strings, chosen: Places) -> pa.LargeStringArray:
    return texts(meant, strings.opens[chosen] + 1, strings.closes[chosen], strings.escapes)


def _compact(data: bytes, strings: Strings, keys: Places, counts: Places) -> tuple[memoryview, Places]:
    """Return the conversations as compact JSON, one after another, and where each ends."""
    opens, closes = strings.opens, strings.closes
    last = np.cumsum(counts) - 1
    # {"role":  "user",  "content":  "..."},  and a bracket before the first and after the last
    starts = np.stack([opens[keys] - 1, opens[keys + 1], opens[keys + 2], opens[keys + 3]], axis=1)
    starts[last - counts + 1, 0] -= 1
    ends = np.stack([closes[keys] + 2, closes[keys + 1] + 2, closes[keys + 2] + 2, closes[keys + 3] + 3], axis=1)
    joined = spans(pa.py_buffer(data), starts.ravel(), ends.ravel())
    return memoryview(joined.buffers()[2]), np.cumsum((ends - starts).sum(axis=1))[last]


def _odd_escapes(view: Bytes, escapes: Places) -> Places:
    r"""Return the escapes that are none, or that the compact form writes in another way (``\u``, ``\/``)."""
    return escapes[_PLAIN_ESCAPES[view[escapes + 1]] == 0]


def _conversations(strings: Strings, name: np.uint64, length: int) -> tuple[Places, Places]:
    """Return the first string of each plain conversation, and how many messages it has."""
    opens, closes, names, gaps = strings.opens, strings.closes, strings.names, strings.gaps
    lengths = closes - opens - 1
    colon = (gaps == _COLONS[0]) | (gaps == _COLONS[1])
    comma = (gaps == _COMMAS[0]) | (gaps == _COMMAS[1])
    follows = (gaps == _NEXTS[0]) | (gaps == _NEXTS[1])
    ends = (gaps & MASKS[2]) == _END
    message = np.zeros(len(opens), np.bool_)
    message[:-3] = (
        ((names == _ROLE) & (lengths == 4) & colon)[:-3]
        & comma[1:-2]
        & ((names == _CONTENT) & (lengths == 7) & colon)[2:-1]
    )
    goes_on = np.zeros(-(-len(opens) // 4) * 4, np.int64)
    goes_on[: len(opens) - 3] = message[:-3] & follows[3:]
    # How many messages in a row, of those that stand four strings apart, go on before each string.
    before = np.concatenate((np.zeros(4, np.int64), goes_on.reshape(-1, 4).cumsum(axis=0).ravel()))
    opening = (names == name) & (lengths == length) & ((gaps == _OPENS[0]) | (gaps == _OPENS[1]))
    heads = np.flatnonzero(opening[:-1]) + 1
    closing = np.flatnonzero(ends)
    place = np.searchsorted(closing, heads + 3)
    heads, place = heads[place < len(closing)], place[place < len(closing)]
    last = closing[place] - 3
    counts = (last - heads) // 4 + 1
    plain = ((last - heads) % 4 == 0) & message[last] & (before[last] - before[heads] == counts - 1)
    return heads[plain], counts[plain]
