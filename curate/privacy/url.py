"""Addresses that hold a name and a password (RFC 3986, 3.2.1): of databases, queues, registries, file servers."""

from __future__ import annotations

import re

from .found import Span
from .plain import begins

_SIGN = re.compile(r"://")
_SCHEME = re.compile(r"[A-Za-z0-9.+-]{0,30}[A-Za-z]")  # backwards
_JAVA = "jdbc:"
_AUTHORITY = re.compile(
    r"(?P<name>[^\s:/?#@\"'<>`|\\\[\](){},]{0,100}):(?P<password>[^\s/?#\"<>`|\\]{1,200})@"
    r"(?P<host>\[[0-9a-fA-F:.]{2,45}\]|[\w-](?:[\w.-]{0,252}\w)?|\$?\{[\w.-]{1,60}\})(?::[0-9]{1,5})?"
)
_BLANK = re.compile(r"\$?\{.*\}|\$\w+|\$\(.*\)|%\w?|\*+|[xX]{3,}|\.{3,}|…|\[.*\]|:?\w+:")
"""A place left for a password: ``${PASSWORD}``, ``{password}``, ``***``."""


def find_url(text: str) -> list[Span]:
    """Return the spans of scheme, name, password, machine and port, in order; what path follows is none of it.

    >>> find_url("postgres://ann:s3cr%40t@db.local:5432/shop, https://ann:${TOKEN}@host/")
    [(0, 37)]
    """
    found: list[Span] = []
    for sign in _SIGN.finditer(text):
        scheme = _SCHEME.match(text[max(sign.start() - 31, 0) : sign.start()][::-1])
        authority = scheme and _AUTHORITY.match(text, sign.end())
        if not scheme or not authority or _BLANK.fullmatch(authority["password"]):
            continue
        start = sign.start() - scheme.end()
        if text.endswith(_JAVA, 0, start):
            start -= len(_JAVA)
        if not begins(text, start):
            start += 1
        if not found or start >= found[-1][1]:
            found.append((start, authority.end()))
    return found
