"""US social security numbers, by the rules of the Social Security Administration on which were ever given out."""

from __future__ import annotations

import re

from .context import says_ssn
from .found import Span

_FORM = re.compile(
    r"(?P<area>[0-9]{3})(?P<sign>[ .-]| - |)(?P<group>[0-9]{2})(?P=sign)(?P<serial>[0-9]{4})(?![0-9A-Za-z]|[-.][0-9A-Za-z])"
)
_PRINTED = {"078051120", "219099999", "457555462", "123456789", "987654321"}
"""Printed in advertisements and void ever since (SSA: 078-05-1120, 219-09-9999, 457-55-5462). Digits in their order are
anybody's example, unless they are written as one."""


def ssn_at(text: str, at: int) -> Span | None:
    """Return the span of the number that begins at the digit ``at``, or ``None``.

    With dashes (123-45-6789) the form is no other's; with spaces, dots or nothing between a word has to say what it is.
    """
    match = _FORM.match(text, at)
    if match is None or not _is_given(match["area"], match["group"], match["serial"]):
        return None
    dashes = match["sign"] == "-"
    if (
        match["area"] + match["group"] + match["serial"] in _PRINTED
        and not dashes
        and not says_ssn(text, *match.span())
    ):
        return None
    return match.span() if dashes or says_ssn(text, *match.span()) else None


def _is_given(area: str, group: str, serial: str) -> bool:
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"
