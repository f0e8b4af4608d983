"""The same text in plain characters, place by place, and where a value may begin and end in it.

People write numbers in full width, in Arabic and Persian digits, with no-break spaces and typographic dashes. Each is
exchanged for its ASCII character, one for one, so that finders read one way of writing and their places hold in the text.
"""

from __future__ import annotations

import re

_DIGITS = {chr(zero + digit): str(digit) for zero in (0x0660, 0x06F0, 0x0966, 0xFF10) for digit in range(10)}
_WIDE = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}
SPACES = "\u00a0\u2000\u2002\u2003\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
DASHES = "\u2010\u2011\u2012\u2013\u2212\ufe63"
_TABLE = str.maketrans({**_WIDE, **_DIGITS, **dict.fromkeys(SPACES, " "), **dict.fromkeys(DASHES, "-")})
UNUSUAL = "[" + "".join([*_DIGITS, "\uff20"]) + "]"
"""A pattern of digits and signs of addresses that are not ASCII: where one stands, a value may."""
# Wide commas and periods are in every Chinese text and say nothing of a value.
_ANY = re.compile(f"{UNUSUAL}|[{SPACES}{DASHES}]")


def plain(text: str) -> str:
    """Return ``text`` with odd digits, spaces and dashes as ASCII, as long as it was.

    >>> plain("４１１１\u00a0٢٠")
    '4111 20'
    """
    return text if text.isascii() or not _ANY.search(text) else text.translate(_TABLE)


def begins(text: str, at: int) -> bool:
    r"""Say whether a value may begin at ``at``: after no ASCII letter or digit, but for those of an escape (``\n`` in JSON).

    Letters of other scripts are neighbours like any other, since Chinese and Thai put no space between words.
    """
    if at == 0:
        return True
    before = text[at - 1]
    if before == "_":  # _emphasis_, but no part of a name_4111
        return at == 1 or not _joins(text[at - 2])
    return not _joins(before) or _ESCAPE.search(text, max(at - 6, 0), at) is not None


def ends(text: str, at: int) -> bool:
    """Say whether a value may end before ``at``."""
    after = text[at : at + 1]
    return not _joins(after) and not (after == "_" and _joins(text[at + 1 : at + 2]))


_ESCAPE = re.compile(r"\\(?:[nrt]|u[0-9a-fA-F]{4})$")


def _joins(character: str) -> bool:
    return character.isascii() and character.isalnum()
