r"""The lines of a journal: how one is written, and how a file of them is read, whatever became of it.

A line is a JSON object that ends in ``"check":"xxxxxxxx"}``, the CRC-32 of all before it. The line feed comes first, not
last: what a killed writer left half written then spoils no line that another writes after it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple
from zlib import crc32

import msgspec

from .protocol import Answer

HEADER = "vetset journal 1"
_MARK = b',"check":"'
_TAIL = len(_MARK) + 8 + 2  # eight hex digits, a quotation mark and a brace


class Line(msgspec.Struct, omit_defaults=True):
    """One record: a header, a call that is about to be sent, or its answer."""

    journal: str | None = None
    """``HEADER``: what the file is."""
    asked: str | None = None
    """Key of a call that is sent now."""
    unsent: str | None = None
    """Key of a call whose last try can't have cost anything: nobody was there, or it was turned away."""
    answered: str | None = None
    """Key of the call that ``answer`` answers."""
    by: str = ""
    """Which process, by a number that it drew when it opened the journal."""
    at: float = 0.0
    """Of sending, in seconds since 1970."""
    most: tuple[int, int] | None = None
    """Tokens of prompt and answer that a call which is sent now can take at most."""
    answer: Answer | None = None
    anew: bool = False
    """Whether it takes the place of an answer that stood here before and was asked for again."""
    taken: str | None = None
    """Where the answer was taken over from, which cost this run nothing."""


class Read(NamedTuple):
    """What stands between two line feeds."""

    kind: Literal["whole", "torn", "damaged"]
    """``torn``: the beginning of a line, as a kill leaves it; ``damaged``: its characters are not what was written."""
    line: Line | None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


def write_line(line: Line) -> bytes:
    """Return a record as it stands in the file, without a line feed."""
    text = _encode(line)[:-1]
    return b'%b%b%08x"}' % (text, _MARK, crc32(text))


def read_line(text: bytes) -> Read:
    r"""Return the record that stands in a line.

    >>> read_line(write_line(Line(asked="ab", by="1"))).line.asked
    'ab'
    >>> read_line(b'{"asked":"a').kind, read_line(write_line(Line(asked="ab")).replace(b"ab", b"ac")).kind
    ('torn', 'damaged')
    """
    body = text[:-_TAIL]
    if text[-_TAIL:-10] != _MARK or text[-2:] != b'"}':
        begun = (
            text[:1] == b"{" and text[-2:] != b'"}' and b"\0" not in text
        )  # zeros: a block that never came to the disk
        return Read("torn" if begun else "damaged", None)
    if text[-10:-2] != b"%08x" % crc32(body):
        return Read("damaged", None)
    try:
        return Read("whole", _decode(body + b"}"))
    except msgspec.MsgspecError:  # as it was written, but by a version that has other fields
        return Read("damaged", None)
