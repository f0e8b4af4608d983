"""Payment cards: the first digits and lengths that networks give out (ISO/IEC 7812, as the networks publish them)."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from .check_digits import luhn
from .context import says_card
from .found import Span


class _Range(NamedTuple):
    low: int  # of the first six digits
    high: int
    sure: tuple[int, ...]  # lengths that are taken whatever stands beside
    may: tuple[int, ...] = ()  # and those that are rare: only where a word speaks of a card, or groups of four show it


_MAESTRO = (12, 13, 14, 15, 17, 18, 19)
_RANGES = sorted(
    [
        _Range(220000, 220499, (16,), (17, 18, 19)),  # Mir
        _Range(222100, 272099, (16,)),  # Mastercard
        _Range(300000, 305999, (14,), (16, 17, 18, 19)),  # Diners Club
        _Range(309500, 309599, (14,), (16, 17, 18, 19)),
        _Range(340000, 349999, (15,)),  # American Express
        _Range(352800, 358999, (16,), (17, 18, 19)),  # JCB
        _Range(360000, 369999, (14,), (15, 16, 17, 18, 19)),  # Diners Club
        _Range(370000, 379999, (15,)),  # American Express
        _Range(380000, 399999, (14,), (16, 17, 18, 19)),
        _Range(400000, 499999, (16,), (13, 19)),  # Visa; 13 digits is German goods (EAN) oftener than an old card
        _Range(500000, 509999, (16,), _MAESTRO),  # Maestro, Elo, RuPay
        _Range(510000, 559999, (16,)),  # Mastercard
        _Range(560000, 589999, (16,), _MAESTRO),
        _Range(600000, 619999, (16,), (17, 18, 19)),  # Discover, RuPay, Hipercard
        _Range(620000, 629999, (16, 19), (17, 18)),  # UnionPay
        _Range(630000, 639999, (16,), _MAESTRO),
        _Range(640000, 659999, (16,), (17, 18, 19)),  # Discover
        _Range(670000, 679999, (16,), _MAESTRO),
        _Range(810000, 829999, (16,)),  # RuPay
        _Range(979200, 979299, (16,)),  # Troy
    ]
)
_LOWS = [each.low for each in _RANGES]
_GROUPS = re.compile(r"[0-9]{4}(?:\.[0-9]{3,6}){2,4}(?!\.?[0-9])|[0-9]{1,19}(?:(?: ?- ?| )[0-9]{1,19}){0,18}")
_GROUP = re.compile(r"[0-9]+")
_PRINTED = ([4, 4, 4, 4], [4, 6, 5], [4, 6, 4], [4, 4, 4, 4, 3])
_ORDER = (16, 15, 14, 19, 13, 18, 17, 12)


def card_at(text: str, at: int) -> Span | None:
    """Return the span of the card number that begins at the digit ``at``, or ``None``.

    An expiry date or a security code may follow, told apart by the check digit.
    """
    match = _GROUPS.match(text, at)
    if match is None or len(match[0]) < 12:
        return None
    digits, ends, sizes = "", {}, []
    for group in _GROUP.finditer(match[0]):
        digits += group[0]
        sizes.append(len(group[0]))
        ends[len(digits)] = (at + group.end(), list(sizes))
        if len(digits) > max(_ORDER):
            break
    for length in (19, *_ORDER) if digits.startswith("62") else _ORDER:
        if length in ends:
            end, sizes = ends[length]
            if _is_card(text, (at, end), digits[:length], sizes) and not _goes_on(text, end):
                return at, end
    return None


def _is_card(text: str, span: Span, digits: str, sizes: list[int]) -> bool:
    known = _RANGES[bisect_right(_LOWS, int(digits[:6])) - 1]
    if not known.low <= int(digits[:6]) <= known.high or not luhn(digits) or len(set(digits)) == 1:
        return False
    if len(digits) in known.sure:
        return max(sizes) > 2 or says_card(text, *span)
    return len(digits) in known.may and (sizes in _PRINTED or says_card(text, *span))


def _goes_on(text: str, end: int) -> bool:
    """Whether the number goes on: a longer one is no card, but a date, a code of few digits or another card may follow."""
    if _LONGER.match(text, end) is None:
        return False
    following = _ANOTHER.match(text, end)
    return following is None or not luhn(re.sub("[^0-9]", "", following[0]))


_LONGER = re.compile(r"[0-9A-Za-z]|-[0-9A-Za-z]|\.[0-9]| [0-9]{5}| [0-9]{4} [0-9]{1,4}(?![0-9/])")
_ANOTHER = re.compile(r" (?:[0-9]{14,19}|[0-9]{4}(?: [0-9]{4}){3}|[0-9]{4} [0-9]{6} [0-9]{4,5})(?![0-9])")
