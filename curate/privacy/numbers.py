"""Numbers that are personal data: runs of digits are read once, and each group in them may begin one."""

from __future__ import annotations

import re

from .card import card_at
from .found import Found
from .phone import phone_at
from .plain import begins
from .ssn import ssn_at

# Seven digits with little between them: fewer are no number of anybody. A long run goes on in the next.
_RUN = re.compile(r"[0-9](?:[ ().\-/]{0,3}[0-9]){6,120}")
_GROUP = re.compile(r"(?:\(\+|\+ ?\(?|\()?[0-9]+")
_OPENING = "+("
# What is joined to the group that follows: digits, or a letter with a sign (ORD-4111).
_BEFORE = re.compile(r"(?P<digits>[0-9]{1,20})(?P<sign>[ .,/-])$|[A-Za-z](?P<joint>[-.])$")
_FEW = 3


def find_numbers(text: str) -> list[Found]:
    """Return payment cards, social security and telephone numbers, in order.

    >>> [found.kind for found in find_numbers("4111 1111 1111 1111, 219-45-6789, +49 30 1234567")]
    ['card', 'ssn', 'phone']
    """
    found: list[Found] = []
    for run in _RUN.finditer(text):
        at = run.start()
        while at and text[at - 1] in _OPENING and run.start() - at < _FEW:
            at -= 1
        while group := _GROUP.search(text, at, run.end()):
            at = group.end()
            if begins(text, group.start()) and (here := _at(text, group, taken=found[-1].end if found else 0)):
                found.append(here)
                at = here.end
    return found


def _at(text: str, group: re.Match[str], *, taken: int) -> Found | None:
    """Return what begins at a group of digits; ``taken`` is where the last one ended."""
    start = group.start()
    digit = next(at for at in range(start, group.end()) if text[at].isdigit())
    before = _before(text, start, taken)
    second = before is not None and before["sign"] == " " and len(before["digits"]) <= _FEW  # 2 4111 1111 1111 1111
    alone = before is None or (second and _before(text, before.start(), taken) is None)
    chained = before is not None and not (before["sign"] == " " and _own_sign(text, group))
    if chained and not alone and text[start] not in _OPENING:  # as most numbers in a list of numbers
        return None
    if alone and (span := card_at(text, digit)):
        return Found("card", *span)
    if not chained and (span := ssn_at(text, digit)):
        return Found("ssn", *span)
    span = phone_at(text, start, chained=chained)
    return Found("phone", *span) if span else None


def _before(text: str, at: int, taken: int) -> re.Match[str] | None:
    return _BEFORE.search(text, max(at - 24, taken), at)


def _own_sign(text: str, group: re.Match[str]) -> bool:
    """Whether what stands between the groups from here on is another sign than the space before."""
    return text[group.start()] in _OPENING or text[group.end() : group.end() + 1] in ("-", ".", "/")
