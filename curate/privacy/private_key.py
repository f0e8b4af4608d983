"""Private keys: PEM and PGP armour (RFC 7468, RFC 9580), SSH's own, PuTTY's."""

from __future__ import annotations

import re

from .found import Span

_HEAD = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_FOOT = re.compile(r"-{4,5} ?END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_LONGEST = 20_000
"""Characters from header to footer: RSA with 16,384 bits has 12,900, and quoting makes lines longer."""
_CODED = re.compile(r"[A-Za-z0-9+/=]{8}")
# What quoting puts between two lines: white space, `> `, `" +`, and line feeds as JSON has them.
_BETWEEN = r"(?:\\[nr]|[\s\\\"'+,>|]){0,60}"
_LINE = re.compile(
    rf"{_BETWEEN}(?:(?:Proc-Type|DEK-Info|Version|Comment|Hash): [^\n\\]{{0,200}}|[A-Za-z0-9+/=]{{16,}})"
)
_LAST = re.compile(
    rf"(?<=[A-Za-z0-9+/=]{{60}}){_BETWEEN}[A-Za-z0-9+/=]{{1,15}}"
)  # after a full line, what is left of the next
_PUTTY = re.compile(
    r"PuTTY-User-Key-File-[123]:[\s\S]{0,8000}?Private-Lines: ?[0-9]{1,3}(?:\s{1,4}[A-Za-z0-9+/=]{1,80}){1,90}"
)


def find_private_key(text: str) -> list[Span]:
    r"""Return the spans of private keys, from header to footer, or line by line where one is cut off.

    A header by itself, as in a sentence about keys, is none; nor is one around anything but a key.

    >>> find_private_key("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQ\n-----END EC PRIVATE KEY-----\n")
    [(0, 76)]
    """
    found: list[Span] = []
    heads = [match.span() for match in _HEAD.finditer(text)]
    nexts = [*(start for start, _ in heads), len(text)][1:]
    for (start, head), following in zip(heads, nexts, strict=True):
        foot = _FOOT.search(text, head, min(head + _LONGEST, following))
        if foot is None:
            end = _cut_off(text, head, following)
            if end > head:
                found.append((start, end))
        elif _CODED.search(text, head, foot.start()):
            found.append((start, foot.end()))
    return found


def find_putty_key(text: str) -> list[Span]:
    """Return the spans of private keys in PuTTY's own form."""
    return [match.span() for match in _PUTTY.finditer(text)]


def _cut_off(text: str, head: int, limit: int) -> int:
    """Return where the lines of a key end that has no footer: ``head`` where there is none."""
    end = head
    while line := _LINE.match(text, end, limit):
        end = line.end()
    last = _LAST.match(text, end, limit) if end > head else None
    return last.end() if last else end
