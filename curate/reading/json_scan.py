"""A JSON document read step by step: one that a strict parser refuses (broken off, NaN, a key twice), or a long one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..errors import DataError
from .chunks import Reject

_RECORD = 1 << 27
"""Characters of one record that is still open. As long as a field of a CSV file may be; the objects that Python makes of
``[[],[],...`` take 25 times that."""
_REST = 1 << 29
"""Characters after a break that are kept as a reject."""

_WORD = len("-Infinity")  # so near the end of what has been read, a word or a number may go on

_GAP = re.compile(r"[\s,]*")
_COLON = re.compile(r"\s*:\s*")
_CONTROL = re.compile(r"[\x00-\x1f]")
# Numbers stay text: nothing is asked of them, and Python refuses to make an int of more than 4,300 digits.
_STRICT = json.JSONDecoder(parse_int=str)
_LENIENT = json.JSONDecoder(strict=False, parse_int=str)


class Element(NamedTuple):
    """One value of a document."""

    line: int
    key: tuple[str, str] | None
    """A field to put before the others: its name and value."""
    raw: bytes


def place(data: bytes, position: int) -> int:
    """Return the line, from 1, of the first visible character from ``position`` on."""
    visible = len(data) - len(data[position:].lstrip())
    return data.count(b"\n", 0, visible) + 1


def scan(text: str, *, fields: bool = False) -> Iterator[Element | Reject]:
    """Yield the elements of an array, the fields of an object, or objects one after another, up to where it breaks.

    What follows a break comes as one reject. A value with a line feed or another control character inside a string is a
    reject of its own, and reading goes on.

    Args:
        text: the document.
        fields: an object is one whole, of fields, even if it is sound.
    """
    start = len(text) - len(text.lstrip())
    if text[start : start + 1] == "[" or (not fields and first_value(text)):
        yield from scan_pieces([text], "the document")
    else:
        window = _Window([text], "the document")
        yield from _scan(window, window.skip(0) + 1, "}", keyed=True)


def scan_pieces(pieces: Iterable[str], name: str) -> Iterator[Element | Reject]:
    """Yield the elements of an array, or objects one after another, holding no more than the record under way.

    Args:
        pieces: the document, cut anywhere.
        name: of the document, for messages.

    Raises:
        DataError: one record, or what follows a break, is too long to be held.
    """
    window = _Window(pieces, name)
    start = window.skip(0)
    array = window.text[start : start + 1] == "["
    yield from _scan(window, start + 1 if array else start, "]" if array else "", keyed=False)


def first_value(text: str) -> str:
    """Return the JSON value that a text begins with, or nothing where that is broken or breaks off."""
    start = len(text) - len(text.lstrip())
    end, _ = _end(text, start)
    return text[start:end] if end else ""


def begins_an_array(start: str) -> bool:
    r"""Whether a text, cut off somewhere, may be the beginning of a sound JSON array.

    >>> begins_an_array('[{"a": 1}, {"a'), begins_an_array("[Mon Oct 9] started\n[Mon")
    (True, False)
    """
    *_, last = scan_pieces([start], "the document")
    if not isinstance(last, Reject) or last.reason.startswith("text after"):
        return False
    return not last.text or _may_go_on(*_end(last.text, 0), len(last.text))


class _Window:
    """What has been read of a document and is still in use, and the line on which that stands."""

    def __init__(self, pieces: Iterable[str], name: str) -> None:
        self.text, self.name, self.line = "", name, 1
        self._pieces = iter(pieces)
        self._seen, self._line_start = 0, 0  # both are places in ``text``; the line may have begun before it

    def skip(self, position: int) -> int:
        """Return where the next value begins, and count the lines up to there."""
        begin = _GAP.match(self.text, position).end()  # type: ignore[union-attr]
        self._count(begin)
        while begin == len(self.text) and self.more(begin):
            begin = _GAP.match(self.text).end()  # type: ignore[union-attr]
            self._count(begin)
        return begin

    def _count(self, position: int) -> None:
        self.line, self._line_start = self._place(position)
        self._seen = position

    def _place(self, position: int) -> tuple[int, int]:
        last = self.text.rfind("\n", self._seen, position)
        lines = self.text.count("\n", self._seen, position)
        return self.line + lines, self._line_start if last < 0 else last + 1

    def where(self, position: int) -> str:
        """Return line and column of a character that has not been counted yet."""
        line, start = self._place(position)
        return f"line {line}, column {position - start + 1}"

    def more(self, position: int) -> bool:
        """Forget what stands before ``position``, which becomes 0, and read on; false at the end of the document.

        What is kept is doubled at least, so that a long record is not parsed anew for each few of its characters.
        """
        kept = len(self.text) - position
        pieces = [self.text[position:]]
        length = 0
        while length <= kept and (piece := next(self._pieces, None)) is not None:
            pieces.append(piece)
            length += len(piece)
        if not length:
            return False
        if kept > _RECORD:
            raise DataError(
                f"{self.name} line {self.line:,}: this one record is longer than {_RECORD >> 20} Mi characters; "
                "write the document as JSON Lines, with records that are shorter."
            )
        self._count(position)
        self.text = "".join(pieces)
        self._seen, self._line_start = 0, self._line_start - position
        return True

    def rest(self, position: int, problem: str) -> str:
        """Return all that has not been used."""
        pieces, length = [self.text[position:]], 0
        for piece in self._pieces:
            if piece := piece if pieces[-1] else piece.lstrip():
                pieces.append(piece)
                length += len(piece)
            if length > _REST:
                raise DataError(
                    f"{self.name} line {self.line:,}: {problem}, and more than {_REST >> 20} Mi characters follow; "
                    "mend the document there."
                )
        return "".join(pieces)


def _end(text: str, start: int, decoder: json.JSONDecoder = _LENIENT) -> tuple[int | None, Exception | None]:
    """Return where the value that begins at ``start`` ends; or ``None`` and why it does not."""
    try:
        return decoder.raw_decode(text, start)[1], None
    except (json.JSONDecodeError, RecursionError) as error:
        return None, error


def _may_go_on(end: int | None, error: Exception | None, length: int) -> bool:
    """Whether a value that ends, or is refused, where the window of this length does might look otherwise in full."""
    if isinstance(error, json.JSONDecodeError):
        return error.msg.startswith("Unterminated string") or error.pos >= length - _WORD
    return end is not None and end >= length - _WORD


def _problem(error: Exception, window: _Window, shift: int = 0) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return "it is nested too deeply"
    said = error.msg.removesuffix(" at")
    return f"{said[0].lower()}{said[1:]} at {window.where(error.pos + shift)}"


def _scan(window: _Window, position: int, close: str, *, keyed: bool) -> Iterator[Element | Reject]:
    while True:
        begin = window.skip(position)
        if window.text[begin : begin + 1] == close:  # the end of the text, too, where nothing has to close
            problem = "text after the end of the JSON document"
            rest = window.rest(begin + len(close), problem).strip()
            if rest:
                yield Reject(window.line, problem, rest)
            return
        if begin == len(window.text):
            yield Reject(window.line, f"the JSON document breaks off: its {'{' if keyed else '['} is never closed", "")
            return
        key, value, why = _key(window.text, begin) if keyed else (None, begin, "")
        end, error = (None, None) if why else _end(window.text, value)
        if _may_go_on(end, error, len(window.text)) and window.more(begin):
            position = 0
            continue
        if end is None:
            if error:  # the strict reader names what it would have refused first
                why = _problem(_end(window.text, value, _STRICT)[1] or error, window)
            problem = f"the JSON document breaks here: {why}"
            yield Reject(window.line, f"{problem}; nothing after it was read", window.rest(begin, problem))
            return
        # Only the slice: an error's place is counted from the start of what was given, so that errors in the whole
        # document took a time that grew with their square.
        raw = window.text[value:end]
        error = _end(raw, 0, _STRICT)[1] if _CONTROL.search(raw) else None
        if error:
            yield Reject(window.line, f"not JSON: {_problem(error, window, value)}", window.text[begin:end])
        else:
            yield Element(window.line, key, raw.encode())
        position = end


def _key(text: str, begin: int) -> tuple[tuple[str, str] | None, int, str]:
    if text[begin] != '"':
        return None, begin, f"a key was expected, not {text[begin]!r}"
    try:
        key, end = _LENIENT.raw_decode(text, begin)
    except json.JSONDecodeError:
        return None, begin, "a key that never ends"
    colon = _COLON.match(text, end)
    if not colon:
        return None, begin, "a key without a colon"
    return ("_key", key), colon.end(), ""
