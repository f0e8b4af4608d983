"""How alike the names of two labels are: the same after folding, misspelt, or the same words otherwise put."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from typing import Literal

from ..text import fold

Likeness = Literal["same", "misspelt", "reworded"]

_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SEPARATORS = frozenset("-./:,;&+|")
_MARKS = frozenset({"new", "old", "legacy", "deprecated", "copy", "tmp", "temp", "final", "v", "version", "ver", "rev"})
_LONGEST = 60  # characters of a name of which spellings are compared: longer labels are sentences
_ONE_SLIP, _TWO_SLIPS = 5, 10  # letters from which one or two slips are a misspelling: NUM and HUM are two labels
_IDEOGRAPHS = 0x2E80  # from here on stand CJK, kana and Hangul
_MEETING = 50  # names that meet: a hundred that are one letter apart are codes, and no slips
_MANY = 500  # names, up to which two slips are looked for


def tokens(name: str) -> list[str]:
    """Return the words, numbers and signs of a name, folded; separators between words are none.

    >>> tokens("cardArrival-v2"), tokens("+1"), tokens("C#")
    (['card', 'arrival', 'v', '2'], ['+', '1'], ['c', '#'])
    """
    found = _TOKEN.findall(fold(_HUMP.sub(" ", name)))
    return [token for at, token in enumerate(found) if token not in _SEPARATORS or not _between_words(found, at)]


def _between_words(found: list[str], at: int) -> bool:
    """Whether a sign stands between two words, or a word and a number: "-1" and "1-2" keep theirs."""
    if at == 0 or at == len(found) - 1:
        return False
    one, other = found[at - 1], found[at + 1]
    return one.isalnum() and other.isalnum() and not (one.isdigit() and other.isdigit())


def likeness(one: str, other: str) -> Likeness | None:
    """Return how two names are alike, or ``None``.

    >>> [likeness("card_arrival", other) for other in ("Card Arrival", "card_arival", "v2_card_arrivals")]
    ['same', 'misspelt', 'reworded']
    >>> likeness("level_1", "level_2"), likeness("legal", "illegal"), likeness("NUM", "HUM")
    (None, None, None)
    """
    a, b = tokens(one), tokens(other)
    if _run(a) == _run(b):
        return "same"
    if len(one) <= _LONGEST and len(other) <= _LONGEST and _is_slip(a, b):
        return "misspelt"
    return "reworded" if _stem(a) == _stem(b) else None


def alike_names(names: list[str]) -> dict[tuple[int, int], Likeness]:
    """Return the pairs of names that are alike, as positions, the lower one first.

    No pair is compared that has nothing in common: names meet by their folded form, by their stems, and by what is left of them
    without one or two letters (the deletion neighbourhood of Mor and Fraenkel 1982).
    """
    cut = [tokens(name) for name in names]
    meeting: dict[object, list[int]] = defaultdict(list)
    for at, parts in enumerate(cut):
        run = _run(parts)
        meeting["run", run].append(at)
        meeting["stem", tuple(_stem(parts))].append(at)
        if len(names[at]) <= _LONGEST and len(run) >= _ONE_SLIP:
            letters = "".join(part for part in parts if part.isalpha())
            others = tuple(part for part in parts if not part.isalpha())  # a digit is never a slip
            for less in _without(letters, 2 if len(run) >= _TWO_SLIPS and len(names) <= _MANY else 1):
                meeting["less", others, less].append(at)
    found: dict[tuple[int, int], Likeness] = {}
    for together in meeting.values():
        for pair in combinations(sorted(set(together))[:_MEETING], 2):
            if pair not in found and (how := likeness(names[pair[0]], names[pair[1]])) is not None:
                found[pair] = how
    return found


def _run(parts: list[str]) -> str:
    """The tokens as one run, with a bar where two numbers would run into one."""
    run = ""
    for token in parts:
        run += f"|{token}" if run and run[-1].isdigit() and token[0].isdigit() else token
    return run


def _stem(parts: list[str]) -> list[str]:
    """The words in no order, without plural and marks of a version."""
    words = [part for part in parts if part not in _MARKS]
    if len(words) < len(parts):  # the number of a version goes with it
        words = [part for at, part in enumerate(parts) if part not in _MARKS and not _numbers_a_mark(parts, at)]
    return sorted(_singular(word) for word in words) or sorted(parts)


def _numbers_a_mark(parts: list[str], at: int) -> bool:
    return parts[at].isdigit() and at > 0 and parts[at - 1] in _MARKS


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _is_slip(a: list[str], b: list[str]) -> bool:
    """Whether one run is the other with a letter or two slipped: no digit, and no word's first letter, is."""
    one, other = _run(a), _run(b)
    if any(ord(letter) >= _IDEOGRAPHS for letter in one + other):  # a character is a word there, and no letter of one
        return False
    if [t for t in a if not t.isalpha()] != [t for t in b if not t.isalpha()]:
        return False
    shorter = min(len(one), len(other))
    allowed = 0 if shorter < _ONE_SLIP else 1 if shorter < _TWO_SLIPS else 2
    if abs(len(one) - len(other)) > allowed or one[:1] != other[:1]:
        return False
    if len(a) == len(b) and not all(_may_slip(x, y) for x, y in zip(a, b, strict=True)):
        return False
    return 0 < slips(one, other) <= allowed


def _may_slip(x: str, y: str) -> bool:
    """Whether one word of a name may be the other, misspelt: "in" and "on", "legal" and "illegal" are words of their own."""
    short, long = sorted((x, y), key=len)
    if x[0] != y[0]:
        return len(long) == len(short) + 1 and long[0] != "a" and long[1:] == short
    return x == y or len(short) >= _ONE_SLIP - 1 or len(short) < len(long)


def slips(one: str, other: str) -> int:
    """Return the fewest letters to insert, delete, replace or swap with their neighbour (Damerau 1964, restricted).

    >>> slips("arrival", "arival"), slips("form", "from")
    (1, 1)
    """
    before, last = list[int](), list(range(len(other) + 1))
    for i, x in enumerate(one, 1):
        line = [i]
        for j, y in enumerate(other, 1):
            best = min(last[j] + 1, line[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == other[j - 2] and one[i - 2] == y:
                best = min(best, before[j - 2] + 1)
            line.append(best)
        before, last = last, line
    return last[-1]


def _without(run: str, letters: int) -> Iterable[str]:
    """The run without up to so many of its characters."""
    found = {run}
    latest = {run}
    for _ in range(letters):
        latest = {text[:at] + text[at + 1 :] for text in latest for at in range(len(text))}
        found |= latest
    return found
