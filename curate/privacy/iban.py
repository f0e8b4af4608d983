"""Bank accounts: IBANs of the countries that have them, with the length of each (ISO 13616; SWIFT's registry)."""

from __future__ import annotations

import re

from .check_digits import mod_97
from .found import Span
from .plain import begins, ends

_BY_LENGTH = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ LT LU XK MN",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR IR",
    27: "FR GR IT MC MR SM BF CM CF CG GA GQ TD KM DJ BI GF GP MQ RE PF NC PM WF YT TF BL MF",
    28: "AL AZ BY CI CY DO GT HN HU LB NI PL SV BJ ML NE SN TG MA", 29: "BR EG PS QA UA", 30: "JO KW MU YE",
    31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
LENGTHS = {country: length for length, countries in _BY_LENGTH.items() for country in countries.split()}
"""Country code to characters of its IBANs. Some countries use the form without having registered it (Iran, Mali ...)."""

# The digits first: that is what there is least of in a text, and the letters before them are looked back at.
_START = re.compile(r"[0-9]{2}(?<=[A-Za-z]{2}[0-9]{2})(?=[ -]?[A-Za-z0-9])")
_HEX = re.compile(r"[0-9a-fA-F]{4}-$")  # a part of a UUID
_REST = re.compile(r"(?:[ -]{0,2}[A-Za-z0-9]){11,31}")


def find_iban(text: str) -> list[Span]:
    """Return the spans of IBANs whose country, length and check digits are right, in order.

    >>> find_iban("to DE89 3704 0044 0532 0130 00, not to DE88 3704 0044 0532 0130 00")
    [(3, 30)]
    """
    found: list[Span] = []
    for mark in _START.finditer(text):
        start = mark.start() - 2
        length = LENGTHS.get(text[start : start + 2].upper())
        if (
            length is None
            or not begins(text, start)
            or _HEX.search(text, max(start - 5, 0), start)
            or (found and start < found[-1][1])
        ):
            continue
        end = _end(text, mark.end(), length - 4)
        if end is not None and ends(text, end) and mod_97(re.sub("[ -]", "", text[start:end]).upper()):
            found.append((start, end))
    return found


def _end(text: str, at: int, characters: int) -> int | None:
    """Return where the next so many letters and digits end; words in capitals may follow an account."""
    rest = _REST.match(text, at)
    if rest is None:
        return None
    for place in range(at, rest.end()):
        characters -= text[place].isalnum()
        if not characters:
            return place + 1
    return None
