"""Personal data and secrets in a text: every finder, in an order in which the surest goes first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from .found import Found, Kind, Span
from .iban import find_iban
from .ip import find_ip
from .mail import find_mail
from .numbers import find_numbers
from .plain import plain, shown
from .private_key import find_private_key, find_putty_key
from .secret import find_secret
from .url import find_url

_Finder = Callable[[str], list[Span]]
_BY_MARK: tuple[tuple[Kind, str, _Finder], ...] = (
    ("private_key", "PRIVATE KEY", find_private_key),
    ("private_key", "PuTTY-User-Key-File", find_putty_key),
    ("url_credentials", "://", find_url),
    ("secret", "", find_secret),
    ("email", "@", find_mail),
    ("email", "%40", find_mail),
)
"""Kind, what stands in every text that holds one, and finder."""
_BY_DIGITS: tuple[tuple[Kind, _Finder], ...] = (("iban", find_iban), ("ip", find_ip))
_DIGITS = re.compile(r"[0-9][0-9.]")

_CLAIMED = "\0"


def find(text: str) -> list[Found]:
    """Return personal data and secrets of nine structured kinds, in order; no two overlap.

    Takes time in proportion to the text, whatever it holds. A text that holds characters which are shown as nothing is read
    twice, with and without them: they may stand within a value, or between two. Names, postal addresses and dates of birth have
    no form by which they could be found.

    >>> find("write to ann@firma.example or call +49 30 1234567")
    [Found(kind='email', start=9, end=26), Found(kind='phone', start=35, end=49)]
    """
    seen = shown(text)
    if seen is None:
        return _find(text)
    hidden = [Found(kind, *seen.span(start, end)) for kind, start, end in _find(seen.text)]
    return _united([*hidden, *_find(text)])


def _united(found: list[Found]) -> list[Found]:
    """Return what was found in two readings of a text, in order; where the two overlap, all of it as the first one has it."""
    united: list[Found] = []
    for one in sorted(found, key=lambda each: each.start):  # keeps the first reading first where both begin alike
        last = united[-1] if united else None
        if last is None or one.start >= last.end:
            united.append(one)
        else:
            united[-1] = Found(last.kind, last.start, max(last.end, one.end))
    return united


def _find(text: str) -> list[Found]:
    left, found = plain(text), list[Found]()
    for kind, mark, finder in _BY_MARK:
        if mark in left and (spans := finder(left)):
            left = _claim(left, spans)
            found += [Found(kind, *span) for span in spans]
    if _DIGITS.search(left):
        for kind, finder in _BY_DIGITS:
            if spans := finder(left):
                left = _claim(left, spans)
                found += [Found(kind, *span) for span in spans]
        found += find_numbers(left)
    return sorted(found, key=lambda each: each.start)


def _claim(text: str, spans: Sequence[Span]) -> str:
    """Return the text, as long as it was, with nothing to find in ``spans``."""
    pieces, at = list[str](), 0
    for start, end in spans:
        pieces += [text[at:start], _CLAIMED * (end - start)]
        at = end
    return "".join([*pieces, text[at:]])
