"""The JSON that a text holds: all of it, a code block in it, or an object or list that stands in its prose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import msgspec

# Bounded, and without what the block holds: a pattern that looks for its end as well tries each of many spaces anew.
_OPENING = re.compile(r"```[a-zA-Z0-9_-]{0,40}[^\S\n]{0,40}\n")
_TRIES = 8  # opening brackets that are tried: prose with many, such as a list of links, must not cost a parse for each

_decode = msgspec.json.Decoder().decode


class NoJson(ValueError):
    """A text holds no JSON."""


def read_json(text: str, *, strict: bool = False) -> Any:
    r"""Return the JSON value that a text holds.

    Taken are, in this order: the whole text; the first code block that is JSON; the first object or list in the text that is.
    NaN and Infinity are no JSON (RFC 8259). Of a key that is repeated the last value counts.

    Args:
        text: such as a model's answer.
        strict: only the whole text will do.

    Raises:
        NoJson: there is none.

    >>> read_json('Sure!\n```json\n{"a": 1}\n```'), read_json('I found {"a": [1]}, see above.')
    ({'a': 1}, {'a': [1]})
    """
    text = text.strip()
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        if strict:
            raise NoJson from None
    for block in _blocks(text):
        try:
            return _decode(block)
        except (ValueError, RecursionError):
            continue
    return _within(text)


def _blocks(text: str) -> Iterator[str]:
    """Yield what stands in code blocks that are closed."""
    opening = _OPENING.search(text)
    while opening:
        end = text.find("```", opening.end())
        if end < 0:
            return
        yield text[opening.end() : end].strip()
        opening = _OPENING.search(text, end + 3)


def _within(text: str) -> Any:
    place = -1
    for _ in range(_TRIES):
        place = next((at for at in range(place + 1, len(text)) if text[at] in "{["), -1)
        if place < 0:
            break
        try:
            _, end = _DECODER.raw_decode(text, place)  # finds the end
            value = _decode(text[place:end])  # is stricter: no half of a surrogate pair
        except (ValueError, RecursionError):
            continue
        if value and (text[place] == "{" or text[end : end + 1] != "("):  # "[see](here)" is a link
            return value
        place = end - 1
    raise NoJson


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_constant=_refuse)
