"""The same text in plain characters, place by place, and where a value may begin and end in it.

People write numbers in full width, in Arabic and Persian digits, with no-break spaces and typographic dashes. Each is
exchanged for its ASCII character, one for one, so that finders read one way of writing and their places hold in the text.
Characters that are shown as nothing, such as a zero-width space or a soft hyphen, may stand within any value; they are left out,
and ``Shown`` knows the place of what is left.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

_DIGITS = {chr(zero + digit): str(digit) for zero in (0x0660, 0x06F0, 0x0966, 0xFF10) for digit in range(10)}
_WIDE = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}
SPACES = "\u00a0\u2000\u2002\u2003\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
DASHES = "\u2010\u2011\u2012\u2013\u2212\ufe63"
_TABLE = str.maketrans({**_WIDE, **_DIGITS, **dict.fromkeys(SPACES, " "), **dict.fromkeys(DASHES, "-")})
UNUSUAL = "[" + "".join([*_DIGITS, "\uff20"]) + "]"
"""A pattern of digits and signs of addresses that are not ASCII: where one stands, a value may."""
# Wide commas and periods are in every Chinese text and say nothing of a value.
_ANY = re.compile(f"{UNUSUAL}|[{SPACES}{DASHES}]")


UNSEEN = "".join(
    chr(first) if first == last else f"{chr(first)}-{chr(last)}"
    for first, last in (
        (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F),
        (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
    )
)  # fmt: skip
"""The characters that are shown as nothing (Unicode's Default_Ignorable_Code_Point, and U+FFF9 to U+FFFB), for a class."""
_UNSEEN = re.compile(f"[{UNSEEN}]+")


class Shown(NamedTuple):
    """A text without what is shown as nothing."""

    text: str
    cuts: list[int]
    """Places in ``text`` where something was left out, in order."""
    gone: list[int]
    """Characters that were left out up to each cut."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where in the whole text a span of ``text`` stands, with what was left out within it."""
        return self._place(start), self._place(end - 1) + 1

    def _place(self, at: int) -> int:
        cut = bisect_right(self.cuts, at)
        return at + (self.gone[cut - 1] if cut else 0)


def shown(text: str) -> Shown | None:
    r"""Return what is seen of ``text``; ``None`` where that is all of it.

    >>> seen = shown("an\u200bn@firma.ie")
    >>> seen.text, seen.span(0, 3)
    ('ann@firma.ie', (0, 4))
    """
    if text.isascii() or _UNSEEN.search(text) is None:
        return None
    spans = [found.span() for found in _UNSEEN.finditer(text)]
    gone = list(accumulate(end - start for start, end in spans))
    cuts = [start - before for (start, _), before in zip(spans, [0, *gone], strict=False)]
    return Shown(_UNSEEN.sub("", text), cuts, gone)


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
