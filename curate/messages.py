"""One message, and the content hash of a row: what a model would be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    _Calls = msgspec.Raw | str | None
else:
    _Calls = msgspec.Raw  # what it is decoded as; in a union with None msgspec takes no raw value


class Said(msgspec.Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """One message. It is also the type that chat files are decoded to, so that plain messages are never copied."""

    role: str
    content: str | None = None
    tool_calls: _Calls = None  # raw when just decoded; text from then on (``raw_messages.strict_messages``)
    tool_call_id: str | None = None
    extra: str | None = msgspec.field(
        default=None, name="\ufdd0extra"
    )  # U+FDD0 is no character: no source has this key


class Content(NamedTuple):
    """A row without its ordinal and provenance."""

    messages: list[Said]
    tools: str | None = None
    rejected: str | None = None
    label: str | None = None


_canonical = msgspec.json.Encoder().encode


def content_hash(content: Content) -> str:
    """Return 20 hex digits (80 bits of SHA-256) over the compact JSON of ``[messages, tools, rejected, label]``.

    Messages are objects without their null fields. 80 bits keep the chance that any two of a million texts collide under
    10^-12 and still fit on a line.
    """
    return sha256(_canonical(content)).hexdigest()[:20]


_NO_TAIL = b",null,null,null]"


def content_hashes(
    said: bytes | memoryview, begins: Sequence[int], ends: Sequence[int], tools: Sequence[str | None],
    label: Sequence[str | None],
) -> list[str]:  # fmt: skip
    """Return the content hash of each row, of conversations that are compact JSON already; ``rejected`` is null.

    Args:
        said: the conversations.
        begins: where each begins.
        ends: where each ends.
        tools: of each row.
        label: of each row.
    """
    start = sha256(b"[")
    tails = (
        _NO_TAIL if schema is None and word is None else b"," + _canonical((schema, None, word))[1:]
        for schema, word in zip(tools, label, strict=True)
    )
    hashes = []
    for begin, end, tail in zip(begins, ends, tails, strict=True):
        row = start.copy()
        row.update(said[begin:end])
        row.update(tail)
        hashes.append(row.hexdigest()[:20])
    return hashes


_encode_text = msgspec.json.Encoder().encode


def text_hashes(texts: Sequence[str], label: Sequence[str | None]) -> list[str]:
    """Return the content hash of rows that are one user turn and a label each, without an object for either."""
    head = b'[[{"role":"user","content":'
    tails = {word: b"}],null,null," + _encode_text(word) + b"]" for word in set(label)}
    return [
        sha256(head + text + tails[word]).hexdigest()[:20]
        for text, word in zip(map(_encode_text, texts), label, strict=True)
    ]
