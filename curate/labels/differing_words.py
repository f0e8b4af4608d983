"""Whether the words that tell two alike texts apart explain that they have different labels."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from math import log

from ..near.numbers import numbers_of
from ..text import fold
from .labelled import Labelled
from .names import slips

_WORD = re.compile(r"\w+")
_EXPLAINS = log(3)  # odds of the one label over the other that the differing words give; real pairs in docs/rules
_SLIP = 4  # letters, from which a word with one letter slipped is the same word


def words_of(text: str) -> list[str]:
    """Return the words of a text, folded, in order; a long text's first thousand.

    >>> words_of("Don't  STOP!")
    ['don', 't', 'stop']
    """
    return _WORD.findall(fold(text[:20_000]))[:1_000]


@dataclass(frozen=True)
class Difference:
    """The words that only one of two texts has."""

    here: list[str]
    there: list[str]

    @property
    def trivial(self) -> bool:
        """Whether there are none but misspellings."""
        if len(self.here) != len(self.there):
            return False
        return all(
            min(len(one), len(other)) >= _SLIP and one[0] == other[0] and slips(one, other) <= 1
            for one, other in zip(sorted(self.here), sorted(self.there), strict=True)
        )


def difference(one: list[str], other: list[str]) -> Difference:
    """Return what only one of two lists of words has, as often as it has it more."""
    a, b = Counter(one), Counter(other)
    return Difference(sorted((a - b).elements()), sorted((b - a).elements()))


@dataclass(frozen=True)
class Meanings:
    """What each word says of the labels of a set."""

    of: Labelled

    @cached_property
    def sizes(self) -> Counter[int]:
        """How many texts a label has: a text that stands in a hundred rows is one."""
        return Counter(code for _, code in set(zip(self.of.text.tolist(), self.of.code.tolist(), strict=True)))

    @cached_property
    def texts(self) -> Counter[tuple[str, int]]:
        """In how many texts of a label a word stands, a text of several labels with each."""
        pairs = sorted(set(zip(self.of.text.tolist(), self.of.code.tolist(), strict=True)))
        words = [set(words_of(text)) for text in self.of.texts]
        return Counter((word, code) for text, code in pairs for word in words[text])

    def explain(self, apart: Difference, here: int, there: int) -> bool:
        """Say whether the words make it at least three times as likely that the labels are as they are and not swapped or equal.

        Each word counts by the texts of the two labels that it stands in, the two at hand left out (naive Bayes, words by
        presence, with half a text added).
        """
        evidence = self._odds(apart.here, here, there) + self._odds(apart.there, there, here)
        return evidence >= _EXPLAINS

    def _odds(self, words: list[str], own: int, other: int) -> float:
        ours, theirs = self.sizes[own], self.sizes[other] + 1
        total = 0.0
        for word in set(words):
            here, there = max(self.texts[word, own] - 1, 0), self.texts[word, other]
            if here or there:  # a word that stands nowhere else says nothing
                total += log((here + 0.5) / ours) - log((there + 0.5) / theirs)
        return total


def same_numbers(one: str, other: str) -> bool:
    """Say whether two texts hold the same numbers, in digits or words: with others they may be two questions.

    >>> same_numbers("order 17", "order 18"), same_numbers("two cards", "2 cards")
    (False, True)
    """
    starts, values = numbers_of([one, other])
    return set(values[: starts[1]].tolist()) == set(values[starts[1] :].tolist())
