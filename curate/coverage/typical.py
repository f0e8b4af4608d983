"""The words by which some texts differ from the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np

from ..masking import mask
from ..near.cosine import Ints

_WORD = re.compile(r"[^\W\d_]{2,}")
_RUN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0e00-\u0e7f]")  # scripts that set no blanks, and Hangul
_READ = 2_000  # characters of a text: its topic stands in the first of them
_COMMON = 0.2  # of the other texts hold a word that says nothing
_LONGEST = 20  # characters of a word that is shown


def typical_words(texts: list[str], groups: list[Ints], *, most: int = 4) -> list[list[str]]:
    """Return, for each group of texts, the words that stand in many of them and in few others.

    Words are ranked by the difference of the two shares of texts, each half a text off 0 and 1, times the logarithm of their
    ratio (Jeffreys' divergence of a word), so that neither a word of all texts nor a name of one wins. Texts are masked
    first; a word must stand in two of a group's texts and in a fifth of them.

    Args:
        texts: n texts.
        groups: positions of each group's texts.
        most: words a group.
    """
    if not groups:
        return []
    everywhere = Counter(word for text in texts for word in _words(text))
    return [_ranked(_counted(texts[at] for at in group), everywhere, len(group), len(texts))[:most] for group in groups]


def _counted(texts: Iterable[str]) -> Counter[str]:
    # Both: neither a piece of a secret nor what stands in its place.
    return Counter(word for text in texts for word in _words(mask(text[:_READ])) & _words(text))


def _ranked(own: Counter[str], everywhere: Counter[str], size: int, total: int) -> list[str]:
    least = max(2, size / 5)
    ranked = []
    for word, count in own.items():
        if count >= least and len(word) <= _LONGEST:
            inside = (count + 0.5) / (size + 1)
            outside = (max(everywhere[word] - count, 0) + 0.5) / (total - size + 1)
            if inside > outside < _COMMON:
                ranked.append((-(inside - outside) * float(np.log(inside / outside)), word))
    return [word for _, word in sorted(ranked)]


def _words(text: str) -> set[str]:
    found = set()
    for word in _WORD.findall(text[:_READ].lower()):
        if _RUN.match(word):
            found.update(word[at : at + 2] for at in range(len(word) - 1))
        else:
            found.add(word)
    return found
