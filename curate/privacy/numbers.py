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
    sign, count = _before(text, start, taken)
    second = sign == " " and 0 < count <= _FEW  # 2 4111 1111 1111 1111
    alone = not sign or (second and not _before(text, start - 1 - count, taken)[0])
    chained = bool(sign) and not (sign == " " and _own_sign(text, group))
    if chained and not alone and text[start] not in _OPENING:  # as most numbers in a list of numbers
        return None
    if alone and (span := card_at(text, digit)):
        return Found("card", *span)
    if not chained and (span := ssn_at(text, digit)):
        return Found("ssn", *span)
    span = phone_at(text, start, chained=chained)
    return Found("phone", *span) if span else None


def _before(text: str, at: int, taken: int) -> tuple[str, int]:
    """Return the sign that joins what stands before to what begins at ``at``, and how many digits that has.

    None for a letter (ORD-4111); the sign is empty where nothing is joined.
    """
    low = max(at - 24, taken)
    if at - 2 < low or text[at - 1] not in " .,/-":
        return "", 0
    first = at - 1
    while first > low and text[first - 1] in "0123456789":
        first -= 1
    letter = text[at - 2].isascii() and text[at - 2].isalpha() and text[at - 1] in "-."
    return (text[at - 1], at - 1 - first) if first < at - 1 or letter else ("", 0)


def _own_sign(text: str, group: re.Match[str]) -> bool:
    """Whether what stands between the groups from here on is another sign than the space before."""
    return text[group.start()] in _OPENING or text[group.end() : group.end() + 1] in ("-", ".", "/")
