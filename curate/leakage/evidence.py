"""What two texts share, for a person: the run of words around a gram, and the words that only one of them has.

Made for texts that a rule has found, never to find any: words are read by a regular expression that agrees with
``near.folding`` on all but rare marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import chain, islice

from .sides import shown

EXPLAINED = 20_000
"""Findings of a rule that show their words: about 0.6 ms each for texts of 1 kB, and nobody reads more."""
_LONGEST = 200_000  # characters of a text that are read for that

_ALONE = (
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7a3\u0e00-\u0eff\u1000-\u109f\u1780-\u17dd"
    "\U00020000-\U000323af"
)
_VOWELS = "\u0900-\u0dff\u0f00-\u0fff\u1700-\u177f\u17de-\u1bff\ua800-\uabff"
_PLAIN = re.compile(r"\w+", re.ASCII)
_WORD = re.compile(rf"[{_ALONE}]|(?:(?![{_ALONE}])[\w{_VOWELS}])+")
_DROPPED = re.compile(
    "[\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]"
)


@dataclass(frozen=True)
class Words:
    """The words of a text, folded."""

    text: str
    words: list[str]

    @classmethod
    def of(cls, text: str) -> Words:
        """Read a text.

        >>> Words.of("The Cat's 2 你好").words
        ['the', 'cat', 's', '2', '你', '好']
        """
        clean = text[:_LONGEST]
        if clean.isascii():  # what follows takes three times as long
            return cls(clean, _PLAIN.findall(clean.lower()))
        clean = _DROPPED.sub("", unicodedata.normalize("NFKC", clean))
        return cls(clean, [word.casefold() for word in _WORD.findall(clean)])

    def span(self, low: int, high: int) -> str:
        """Return the text from one word to before another."""
        if low >= high:
            return ""
        found = (_PLAIN if self.text.isascii() else _WORD).finditer(self.text)
        start = next(islice(found, low, None))
        *_, end = chain([start], islice(found, high - low - 1))
        return self.text[start.start() : end.end()]


def shared_run(own: Words, other: Words, width: int, place: int) -> tuple[int, int]:
    """Return the longest run of words that stands in both texts and holds a gram of ``own``: first word and word behind it.

    Args:
        own: the text whose gram it is.
        other: the other text.
        width: words of the gram.
        place: the gram's place among the distinct grams of ``own``, in the order of the text.

    >>> shared_run(Words.of("a b c d e"), Words.of("x b c d y"), 2, 1)
    (1, 4)
    """
    seen: dict[tuple[str, ...], int] = {}
    for start, gram in enumerate(zip(*(own.words[shift:] for shift in range(width)), strict=False)):
        if seen.setdefault(gram, start) == start and len(seen) > place:
            break
    else:
        return 0, 0
    gram, start = list(gram), seen[gram]
    best = (0, 0)
    for at in range(len(other.words) - width + 1):
        if other.words[at] == gram[0] and other.words[at : at + width] == gram:
            low, high = start, start + width
            back, ahead = at, at + width
            while low and back and own.words[low - 1] == other.words[back - 1]:
                low, back = low - 1, back - 1
            while high < len(own.words) and ahead < len(other.words) and own.words[high] == other.words[ahead]:
                high, ahead = high + 1, ahead + 1
            if high - low > best[1] - best[0]:
                best = low, high
    return best


def differences(own: Words, other: Words, most: int = 4) -> str:
    """Say which words only one of two texts has, the first few of each.

    >>> differences(Words.of("pay 5 coins"), Words.of("pay 6 coins"))
    "only here '5', only there '6'"
    """
    here, there = Counter(own.words), Counter(other.words)
    told = []
    for name, words, extra in (("here", own.words, here - there), ("there", other.words, there - here)):
        only = [word for word in dict.fromkeys(words) if word in extra]
        if only:
            told.append(f"only {name} {shown(' '.join(only[:most]) + (' …' if len(only) > most else ''))}")
    return ", ".join(told) or "the same words"
