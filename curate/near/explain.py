"""What two alike texts share and what tells them apart, in words."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

from ..errors import quote
from ..masking import hidden, mask
from ..text import fold

_WORD = re.compile(r"\w+|[^\w\s]")
_SHOWN = re.compile(r"\[[a-z]+(?: [a-z]+)?\]|\w+|[^\w\s]")  # what is masked is one word
_RUN = re.compile(r"\[masked\](?:(?: \W)* \[masked\])+")
_LONGEST = 2_000  # words that are aligned; the time of an alignment grows with their square


@dataclass(frozen=True)
class Difference:
    """Two texts side by side."""

    shared: int
    """Words that both have, in the same order."""
    here: list[str]
    """Runs of words that only the first has."""
    there: list[str]
    """Runs of words that only the second has."""
    cut: bool
    """Whether only the first 2,000 words were compared."""


def align(one: str, other: str) -> Difference:
    """Return what two texts share and what only one of them has (Ratcliff and Obershelp, as in ``difflib``).

    >>> align("My card was stolen in Rome", "my card was stolen in Oslo").there
    ['Oslo']
    """
    a, b = _WORD.findall(one), _WORD.findall(other)
    cut = max(len(a), len(b)) > _LONGEST
    a, b = a[:_LONGEST], b[:_LONGEST]
    blocks = SequenceMatcher(None, [fold(word) for word in a], [fold(word) for word in b], autojunk=False).get_opcodes()
    here = [" ".join(a[i:j]) for kind, i, j, _, _ in blocks if kind != "equal" and j > i]
    there = [" ".join(b[i:j]) for kind, _, _, i, j in blocks if kind != "equal" and j > i]
    return Difference(sum(j - i for kind, i, j, _, _ in blocks if kind == "equal"), here, there, cut)


def in_short(one: str, other: str) -> str:
    """Say in a few words what only one of two texts has; the empty text where they have the same words.

    >>> in_short("My card was stolen in Rome", "my card was stolen in Oslo")
    "here 'Rome', there 'Oslo'"
    """
    # Masked while whole: a mail address in words is no mail address any more.
    one, other = one[:20_000], other[:20_000]
    a, b = _SHOWN.findall(mask(one)), _SHOWN.findall(mask(other))
    counts = Counter(map(str.casefold, a)), Counter(map(str.casefold, b))
    surplus = counts[0] - counts[1], counts[1] - counts[0]
    secret = hidden(one, other) if surplus[0] or surplus[1] else set[str]()
    sides = [("here", _only(a, surplus[0], secret)), ("there", _only(b, surplus[1], secret))]
    return ", ".join(f"{side} {quote(words, 30)}" for side, words in sides if words)


def _only(words: list[str], surplus: Counter[str], secret: set[str]) -> str:
    """The words of a surplus in the order of the text, a few of them, without those that are masked in either text."""
    found = []
    for word in words:
        if surplus[word.casefold()] > 0:
            surplus[word.casefold()] -= 1
            found.append("[masked]" if word.casefold() in secret else word)
            if len(found) == 8:
                break
    return _RUN.sub("[masked]", " ".join(found))
