"""Two texts against each other, word by word, at once however long they are.

By words that stand once in each text and in the same order in both (Cohen's patience diff), then between them by the longest
runs (``difflib``) where that is little work. ``near.explain`` says in short what differs; here every character of both texts has
its place, so that they can be shown.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal

from .sketch_words import ALONE, MARKS

Kind = Literal["equal", "here", "there"]

_UNIT = re.compile(rf"[{ALONE}]|(?:[^\W{ALONE}]|[{MARKS}])+|\s+|[^\w\s]")
_WORD = 100  # characters of a word that are looked back for its beginning: what is longer is none
_MOST = 5_000  # characters of each text that are compared behind what they begin with and before what they end on alike
_EQUAL: tuple[Kind, ...] = ("equal",)
_DIFFERS: tuple[Kind, ...] = ("here", "there")
_SQUARE = 2_500  # units here times units there, up to which runs are looked for: what that costs grows with the product


@dataclass(frozen=True)
class Piece:
    """A run of one text or of both."""

    kind: Kind
    """Whether both have it, the first alone, or the second alone."""
    text: str
    """As the first has it where both do."""
    compared: bool = True
    """``False`` for the rest of long texts, of which nobody knows what they share."""


def word_diff(a: str, b: str) -> list[Piece]:
    """Return both texts in pieces: "equal" and "here" make up the first, "equal" and "there" the second.

    Give texts as they may be shown: what is to be masked is masked while it is whole. Words are told apart as they are written,
    capitals and all; scripts without spaces are compared by characters.

    >>> [(piece.kind, piece.text) for piece in word_diff("lost in Rome", "lost in Oslo")]
    [('equal', 'lost in '), ('here', 'Rome'), ('there', 'Oslo')]
    """
    start = _shared_start(a, b)
    end = _shared_start(a[start:][::-1], b[start:][::-1])
    start, end = _whole_words(a, b, start, end)
    here, there = a[start : len(a) - end], b[start : len(b) - end]
    pieces = [
        Piece("equal", a[:start]),
        *_aligned(_UNIT.findall(here[:_MOST]), _UNIT.findall(there[:_MOST])),
        Piece("here", here[_MOST:], compared=False),
        Piece("there", there[_MOST:], compared=False),
        Piece("equal", a[len(a) - end :]),
    ]
    return _joined(pieces)


def _shared_start(a: str, b: str) -> int:
    """Return how many characters two texts begin with alike: by halves, since comparing slices costs next to nothing."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[low:middle] == b[low:middle] else (low, middle - 1)
    return low


def _whole_words(a: str, b: str, start: int, end: int) -> tuple[int, int]:
    """Return the shared start and end, shortened so that neither cuts a word in two."""
    least = max(start - _WORD, 0), max(end - _WORD, 0)
    while start > least[0] and (_inside(a, start) or _inside(b, start)):
        start -= 1
    while end > least[1] and (_inside(a, len(a) - end) or _inside(b, len(b) - end)):
        end -= 1
    return start, end


_WITHIN = re.compile(rf"(?:[^\W{ALONE}]|[{MARKS}]){{2}}|\s{{2}}")


def _inside(text: str, at: int) -> bool:
    return 0 < at < len(text) and _WITHIN.fullmatch(text[at - 1 : at + 1]) is not None


def _aligned(a: list[str], b: list[str]) -> list[Piece]:
    """Return the pieces of two lists of units."""
    if not (a and b):
        return _only(a, b)
    anchors = _anchors(a, b)
    if not anchors:
        return _by_runs(a, b)
    found: list[Piece] = []
    i = j = 0
    first = 0  # of a run of anchors, one right behind the other in both
    for x, y in [*anchors, (len(a), len(b))]:
        if (x, y) != (i, j):
            found += [Piece("equal", "".join(a[first:i])), *_by_runs(a[i:x], b[j:y])]
            first = x
        i, j = x + 1, y + 1
    return [*found, Piece("equal", "".join(a[first:]))]


def _anchors(a: list[str], b: list[str]) -> list[tuple[int, int]]:
    """Return the places of units that stand once in each list, as many as have the same order in both."""
    once, other = Counter(a), Counter(b)
    place = {unit: at for at, unit in enumerate(b) if other[unit] == 1}
    pairs = [(at, place[unit]) for at, unit in enumerate(a) if once[unit] == 1 and unit in place]
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (_, there) in enumerate(pairs):  # the longest rising run of places (Schensted 1961)
        at = bisect_left(tails, there)
        before.append(ends[at - 1] if at else -1)
        tails[at : at + 1], ends[at : at + 1] = [there], [number]
    found = []
    last = ends[-1] if ends else -1
    while last >= 0:
        found.append(pairs[last])
        last = before[last]
    return found[::-1]


def _by_runs(a: list[str], b: list[str]) -> list[Piece]:
    """Return the pieces of two short lists; two long ones without a word that stands once differ as a whole."""
    start = end = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    x, y = a[start : len(a) - end], b[start : len(b) - end]
    found = [Piece("equal", "".join(a[:start]))]
    if x and y and len(x) * len(y) <= _SQUARE:
        for _, i, j, k, m in SequenceMatcher(None, x, y, autojunk=False).get_opcodes():
            found += [Piece("equal", "".join(x[i:j]))] if x[i:j] == y[k:m] else _only(x[i:j], y[k:m])
    else:
        found += _only(x, y)
    return [*found, Piece("equal", "".join(a[len(a) - end :]))]


def _only(a: list[str], b: list[str]) -> list[Piece]:
    return [Piece("here", "".join(a)), Piece("there", "".join(b))]


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces without empty ones, of each stretch that differs first all of the one text, then all of the other."""
    stretches: list[Piece] = []
    for (differs, compared), run in groupby((p for p in pieces if p.text), lambda p: (p.kind != "equal", p.compared)):
        parts, kinds = list(run), _DIFFERS if differs else _EQUAL
        texts: list[tuple[Kind, str]] = [
            (kind, "".join(part.text for part in parts if part.kind == kind)) for kind in kinds
        ]
        stretches += [Piece(kind, text, compared) for kind, text in texts if text]
    return stretches
