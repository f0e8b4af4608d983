"""One message, and the content hash of a row: what a model would be trained on."""

from __future__ import annotations

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
    tool_calls: _Calls = None  # raw when just decoded; text from then on (``shapes.strict_messages``)
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
