"""A JSON document read step by step, where a strict parser refuses: broken off, NaN, a key that stands twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from .chunks import Reject

_GAP = re.compile(r"[\s,]*")
_COLON = re.compile(r"\s*:\s*")
_STRICT = json.JSONDecoder()
_LENIENT = json.JSONDecoder(strict=False)


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
    if text[start : start + 1] == "[":
        yield from _scan(text, start + 1, "]", keyed=False)
    elif not fields and _end(text, start, _LENIENT)[0] is not None:
        yield from _scan(text, start, "", keyed=False)
    else:
        yield from _scan(text, start + 1, "}", keyed=True)


def _end(text: str, start: int, decoder: json.JSONDecoder) -> tuple[int | None, str]:
    """Return where the value that begins at ``start`` ends; or ``None`` and why it does not."""
    try:
        return decoder.raw_decode(text, start)[1], ""
    except json.JSONDecodeError as error:
        line = text.count("\n", 0, error.pos) + 1
        column = error.pos - text.rfind("\n", 0, error.pos)
        return None, f"{error.msg[0].lower()}{error.msg[1:]} at line {line}, column {column}"
    except RecursionError:
        return None, "it is nested too deeply"


def _scan(text: str, position: int, close: str, *, keyed: bool) -> Iterator[Element | Reject]:
    line, seen = 1, 0
    while True:
        begin = _GAP.match(text, position).end()  # type: ignore[union-attr]
        line += text.count("\n", seen, begin)
        seen = begin
        if text[begin : begin + 1] == close:  # the end of the text, too, where nothing has to close
            rest = text[begin + 1 :].strip()
            if rest:
                yield Reject(line, "text after the end of the JSON document", rest)
            return
        if begin == len(text):
            yield Reject(line, f"the JSON document breaks off: its {'{' if keyed else '['} is never closed", "")
            return
        key, value, why = _key(text, begin) if keyed else (None, begin, "")
        end, problem = (None, why) if why else _end(text, value, _STRICT)
        if end is None and problem.startswith("invalid control character"):
            end, _ = _end(text, value, _LENIENT)
            if end is not None:
                yield Reject(line, f"not JSON: {problem}", text[begin:end])
                position = end
                continue
        if end is None:
            yield Reject(line, f"the JSON document breaks here: {problem}; nothing after it was read", text[begin:])
            return
        yield Element(line, key, text[value:end].encode())
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
