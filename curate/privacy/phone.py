"""Telephone numbers: international (ITU-T E.164 and E.123), and the national forms that no other number has.

What has no such form is one where the words beside it say so (``context``). Dates, years, decimals, sums, ZIP codes and
longer numbers are none.
"""

from __future__ import annotations

import re

from .context import says_other, says_phone
from .found import Span

_LENGTHS = {
    "1": (11, 11), "7": (11, 11), "20": (11, 12), "27": (11, 11), "30": (12, 12), "31": (11, 11), "32": (10, 11),
    "33": (11, 11), "34": (11, 11), "36": (10, 11), "40": (11, 11), "41": (11, 11), "43": (8, 14), "44": (11, 12),
    "45": (10, 10), "47": (10, 10), "48": (11, 11), "49": (8, 14), "52": (12, 13), "54": (12, 13), "55": (12, 13),
    "61": (11, 11), "65": (10, 10), "81": (11, 12), "82": (10, 12), "86": (11, 13), "90": (12, 12), "91": (12, 12),
    "92": (11, 12), "351": (12, 12), "353": (10, 12), "380": (12, 12), "420": (12, 12), "421": (12, 12),
    "852": (11, 11), "966": (11, 12), "971": (11, 12), "972": (11, 12),
}  # fmt: skip
"""Country code to least and most digits, the code counted (ITU-T, national numbering plans)."""
_OTHER_COUNTRY = (8, 13)
_CODES = {
    str(code)
    for code in (
        *map(int, _LENGTHS), 39, 46, 51, 53, *range(56, 59), 60, 62, 63, 64, 66, 84, 93, 94, 95, 98, 211, 212, 213, 216, 218,
        *range(220, 270), *range(290, 300), 350, 352, *range(354, 360), *range(370, 384), *range(385, 390), 423,
        *range(500, 510), *range(590, 600), *range(670, 693), 800, 808, 850, 853, 855, 856, 870, 878, *range(880, 884), 886, 888,
        *range(960, 969), 970, *range(973, 978), *range(992, 997), 998,
    )
}  # fmt: skip
"""Country codes that are assigned."""

_INTERNATIONAL = re.compile(r"(?:\+|00)[ (]?[1-9][0-9]{0,14}(?:[ .\-/()]{0,3}[0-9]{1,14}){0,9}")
_NATIONAL = re.compile(
    r"(?:"
    r"(?:1[ .-]?)?\([2-9][0-9]{2}\)[ .-]{0,2}[0-9]{3}[ .-]?[0-9]{4}"  # North America
    r"|(?:1[ .-])?[2-9][0-9]{2}(?P<us>[.-])[0-9]{3}(?P=us)[0-9]{4}|[2-9][0-9]{2}[ /][0-9]{3}-[0-9]{4}"
    r"|123-456-7890"  # no area begins with 1, and this is what people make up
    r"|0[1-9](?P<fr>[ .-])[0-9]{2}(?:(?P=fr)[0-9]{2}){3}"  # France
    r"|\([1-9][0-9]\) ?9? ?[0-9]{4}[ -][0-9]{4}"  # Brazil
    r"|8[ -]?\(?[3-9][0-9]{2}\)?[ -][0-9]{3}-[0-9]{2}-[0-9]{2}|\([3-9][0-9]{2,3}\) [0-9]{2,3}-[0-9]{2}-[0-9]{2}"  # Russia
    r"|1[3-9][0-9](?P<cn>[ -])[0-9]{4}(?P=cn)[0-9]{4}"  # China
    # A trunk 0 and an area, then at most four groups: most of Europe, Asia, Africa and Australia
    r"|\(0[1-9][0-9]{0,4}\)[ /-]{0,3}[0-9]{2,8}(?:[ -][0-9]{2,6}){0,3}"
    r"|0[1-9][0-9]{1,4}(?:[/-]| - | )[0-9]{2,8}(?:[ -][0-9]{2,6}){0,3}"
    r"|0[1-9][ -](?:[0-9]{7,8}|[0-9]{3} [0-9]{4})|0[1-9][ -][0-9]{3,4}[ -][0-9]{4}|0[1-9]-[0-9]{3} [0-9]{2,3} [0-9]{2}"
    r")(?![0-9A-Za-z]|[-/.:][0-9A-Za-z]| ?[ap]\.?m\b)"
)
_TRUNK = range(9, 13)
"""Digits of a national number with its trunk 0; those of other forms are as many."""
_BARE = re.compile(r"\(?[0-9]{1,13}\)?(?:[ ./-]{0,2}\(?[0-9]{1,12}\)?){0,7}")
_LEAST, _MOST = 7, 13

_DAY, _MONTH, _YEAR = r"(?:[0-2]?[0-9]|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)[0-9]{2}"
_DATE = re.compile(
    rf"(?:{_YEAR}[-/. ]{_MONTH}[-/. ]{_DAY}|{_DAY}[-/. ]{_DAY}[-/. ](?:{_YEAR}|[0-9]{{2}}))(?![0-9])"
    rf"|\(?{_YEAR} ?[-/] ?{_YEAR}(?![0-9])|\(?1[5-8][0-9]{{2}} ?[-/] ?(?:1[5-9]|20)[0-9]{{2}}(?![0-9])"
)
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+$")
_SUM = re.compile(r"[0-9)] ?[=*+] ?$")
_JOINED = re.compile(r"[0-9A-Za-z]|[-/.:][0-9A-Za-z]|,[0-9]|%| ?[*=×]")
_JOINED_ABROAD = re.compile(r"[0-9A-WYZa-wyz_]|[.,][0-9]| ?[*=×]")  # x: an extension follows
_MORE = re.compile(r"[ .-][0-9]")


def phone_at(text: str, at: int, *, chained: bool) -> Span | None:
    """Return the span of the telephone number that begins at ``at``, or ``None``.

    Args:
        text: where it stands.
        at: its first digit, or the plus or the bracket before it.
        chained: whether other digits stand right before it; then only a plus can begin one.
    """
    if text.startswith(("+", "(+"), at):
        return _international(text, at)
    if chained:
        return None
    if text.startswith(("00", "(00"), at):
        return _international(text, at)
    national = _NATIONAL.match(text, at)
    if national and _digits(national[0]) in _TRUNK and _is_national(national[0]) and not says_other(text, at):
        return national.span()
    return _bare(text, at)


def _international(text: str, at: int) -> Span | None:
    start = at + 1 if text[at] == "(" else at
    match = _INTERNATIONAL.match(text, start)
    plus = text[start] == "+"
    found = match[0] if match else ""
    if not plus:
        found = found.partition(" - ")[0]
    while found:
        digits = re.sub(r"\(0\)|[^0-9]", "", found if plus else found[2:])
        code = next((digits[:length] for length in (1, 2, 3) if digits[:length] in _CODES), None)
        if code is None:
            return None
        least, most = _LENGTHS.get(code, _OTHER_COUNTRY)
        if least <= len(digits) <= most and not _DECIMAL.match(found[1:]):
            end = start + len(found)
            told = plus or len(found) > len(digits) + 2 or says_phone(text, start, end)
            joined = _JOINED_ABROAD.match(text, end) or (not plus and _MORE.match(text, end))
            return (at, end) if told and not joined else None
        found = re.sub(r"[^0-9]+[0-9]+$|^[^ ().\-/]+$", "", found)  # less its last group
    return None


def _is_national(form: str) -> bool:
    sizes = [len(group) for group in re.findall(r"[0-9]+", form)]
    return sizes == _FRENCH or not (_DATE.match(form) or sizes in _OTHERS or (sizes == _ZIP and "-" in form))


_FRENCH = [2, 2, 2, 2, 2]  # the first three look like a date
_ZIP = [5, 4]
_OTHERS = ([4, 4, 4], [6, 3], [6, 2], [3, 2, 4])
"""Digits of groups that begin with 0 and are mostly something else: parts of a card, a day and a time run together."""


def _bare(text: str, at: int) -> Span | None:
    """Return the span of a number that words beside it call a telephone's."""
    found = _BARE.match(text, at)
    while found and _digits(found[0]) > _MOST:  # a second number stands behind
        end = found[0].rfind(" ")
        found = _BARE.match(text, at, at + end) if end > 0 else None
    if not found or _digits(found[0]) < _LEAST or _DATE.match(found[0]) or _DECIMAL.match(found[0]):
        return None
    if found[0].count("(") != found[0].count(")") or _JOINED.match(text, found.end()):
        return None
    sums = _SUM.search(text, max(at - 4, 0), at)
    return found.span() if not sums and says_phone(text, *found.span()) else None


def _digits(form: str) -> int:
    return sum(map(str.isdigit, form))
