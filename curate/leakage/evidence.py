"""What two texts share, for a person: the run of words around a gram, and the words that only one of them has.

Made for texts that a rule has found, never to find any: words are read by a regular expression that agrees with
``near.folding`` on all but rare marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..masking import hidden, mask
from .quoting import shown
from .sides import Ints, Texts

EXPLAINED = 20_000
"""Findings of a rule that show their words: about 0.6 ms each for texts of 1 kB, and nobody reads more."""
_READ = 20_000_000  # bytes of both sides that are read for that: some 10 s, however long the texts are
_LONGEST = 200_000  # characters of one text
_LINE = 500  # characters of a run, of which some 60 are shown
_PLACES = 20  # of a gram in the other text around which a run is looked for: one word repeated has it at every word

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

    def shown(self, low: int, high: int) -> str:
        """Quote the text from one word to before another, masked."""
        if low >= high:
            return "''"
        found = islice((_PLAIN if self.text.isascii() else _WORD).finditer(self.text), low, high)
        start = last = next(found)
        for last in found:
            if last.end() - start.start() > _LINE:
                break
        return shown(self.text, start.start(), last.end())


def explained(own: Texts, rows: Ints, other: Texts, peers: Ints) -> int:
    """Return of how many of these pairs, from the first on, the words are shown."""
    sizes = np.minimum(own.sizes()[rows], _LONGEST) + np.minimum(other.sizes()[peers], _LONGEST)
    return min(EXPLAINED, int(np.searchsorted(np.cumsum(sizes), _READ, side="right")))


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
    best, at = (0, 0), -1
    for _ in range(_PLACES):
        at = _next(other.words, gram, at + 1)
        if at < 0:
            break
        back = _alike(own.words[:start][::-1], other.words[:at][::-1])
        ahead = _alike(own.words[start:], other.words[at:])
        if back + ahead > best[1] - best[0]:
            best = start - back, start + ahead
    return best


def _next(words: list[str], gram: list[str], at: int) -> int:
    """The first place from ``at`` on where the gram stands; -1 for none."""
    with suppress(ValueError):
        while True:
            at = words.index(gram[0], at)
            if words[at : at + len(gram)] == gram:
                return at
            at += 1
    return -1


def _alike(one: list[str], other: list[str]) -> int:
    """How many words two lists have in common at their beginning: slices are compared 50 times as fast as words."""
    count, step, most = 0, 16, min(len(one), len(other))
    while step:
        if count + step <= most and one[count : count + step] == other[count : count + step]:
            count += step
            step *= 2
        else:
            step //= 2
            most = min(most, count + 2 * step)
    return count


def differences(one: str, other: str, most: int = 4) -> str:
    """Say which words only one of two texts has, the first few of each; secrets and personal data are masked.

    >>> differences("pay 5 coins", "pay 6 coins to ann@example.com")
    "only here '5', only there '6 to mail address'"
    """
    # Masked while whole: a mail address in words is no mail address any more.
    own, peer = (Words.of(mask(text[:_LONGEST])).words for text in (one, other))
    here, there = Counter(own), Counter(peer)
    told, secret = [], hidden(one[:_LONGEST], other[:_LONGEST]) if here != there else set[str]()
    for name, words, extra in (("here", own, here - there), ("there", peer, there - here)):
        only = list(dict.fromkeys("masked" if word in secret else word for word in words if word in extra))
        if only:
            told.append(f"only {name} {shown(' '.join(only[:most]) + (' …' if len(only) > most else ''))}")
    if told:
        return ", ".join(told)
    same = Counter(Words.of(one).words) == Counter(Words.of(other).words)
    return "the same words" if same else "words that are masked here"
