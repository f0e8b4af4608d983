"""Single values out of raw JSON: as text, as messages, or from within an object."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from ..labels.targets import Kind, NotATarget, canonical
from .raw_messages import NotARow, Raw, json_of, loose_messages, loose_turns, text_of

_UNSET = msgspec.UNSET

_decode_texts = msgspec.json.Decoder(list[str | None]).decode


def texts_of(column: Sequence[Any], name: str, *, scalar: bool = False) -> list[str | None]:
    """Raw values as text. A column of texts and nulls is decoded in one go; any other, one by one.

    Args:
        column: raw JSON, texts or ``None``.
        name: of the column, for messages.
        scalar: a list or an object is taken as the text of its JSON.
    """
    try:
        return _decode_texts(b"[" + b",".join([b"null" if raw is None else raw for raw in column]) + b"]")
    except (msgspec.MsgspecError, TypeError):
        plain = json_raw if scalar else _same
        return [raw if raw is None or isinstance(raw, str) else text_of(plain(raw), name) for raw in column]


def _same(raw: Any) -> Any:
    return raw


def coerced(raw: Any, kind: str, column: str) -> Any:
    """Return a raw value as its part's kind is decoded on the fast way."""
    if raw is None or kind in ("scalar", "reply", "json"):
        return raw
    data = raw.encode() if isinstance(raw, str) else bytes(raw)
    if kind in ("text", "time"):
        return (
            raw
            if isinstance(raw, str)
            else json_of(raw)
            if data[:1] in b"{[" and kind == "time"
            else text_of(raw, column)
        )
    if data == b"null":
        return None
    return loose_messages(data, column) if kind == "messages" else loose_turns(data, column)


def step_into(raw: Any, name: str) -> Any:
    """One step into raw JSON: an object opens, all else has nothing inside."""
    if raw is None or raw is _UNSET or bytes(raw)[:1] != b"{":
        return None
    return msgspec.json.decode(raw, type=dict[str, Raw]).get(name)


def json_raw(raw: Any) -> Any:
    """A list or object that serves as a scalar is taken as the text of its JSON."""
    if raw is None or raw is _UNSET or bytes(raw)[:1] not in b"{[":
        return raw
    return Raw(msgspec.json.encode(bytes(raw).decode()))


def group_of(pattern: re.Pattern[str], text: str | None) -> Raw | None:
    """Return the pattern's first group as raw JSON."""
    found = pattern.search(text) if text else None
    return Raw(msgspec.json.encode(found.group(1))) if found else None


def target_of(raw: Any, kind: Kind, column: str) -> Raw | None:
    """Return a set of labels, or shares, as raw JSON: a text in the one form that rows have.

    Raises:
        NotARow: it is neither.
    """
    if raw is None:
        return None
    try:
        text = canonical(msgspec.json.decode(raw), kind)
    except NotATarget as error:
        raise NotARow(f"'{column}' {error}") from error
    return None if text is None else Raw(msgspec.json.encode(text))
