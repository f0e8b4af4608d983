"""How rare the words of a text are together: could chance have set them in another text?"""

from __future__ import annotations

from functools import cached_property
from math import log

import numpy as np
import numpy.typing as npt

from ..near.shingles import Shingle
from .evidence import Words
from .overlap import Grams, grams_of
from .sides import Texts

CHANCE = 0.01
"""Texts that may be expected to hold all words of an item by chance; above that they are no evidence."""


class Rarity:
    """The idf of the words of eval texts; counted when first asked for.

    If every word fell independently into as many of the N texts of both sides as it does, N times the product of df / N texts
    would hold all of them: in logarithms, ln N less the sum of the idf. On short texts held against sets that leak nothing
    (17,000 chat turns, 10,003 bank questions) an expectation of 0.01 lets 23 pass, all of them requests such as "i need to close
    my account"; one of 1 lets "take care" and "how much is it" pass as well.
    """

    def __init__(self, tested: Texts, trained: Texts) -> None:
        self._sides = tested, trained

    @cached_property
    def _words(self) -> Grams:
        return grams_of(*self._sides, Shingle("word", 1))

    @cached_property
    def _idf(self) -> npt.NDArray[np.float64]:
        """(words of all eval texts) the idf of each."""
        return self._words.weights()[self._words.numbers]

    @cached_property
    def _least(self) -> float:
        return log(max(sum(self._words.sizes()), 1) / CHANCE)

    def telling(self) -> npt.NDArray[np.bool_]:
        """Say which eval texts have words that hardly meet by chance."""
        ends = np.concatenate([[0.0], np.cumsum(self._idf)])
        starts = self._words.sets.starts
        return ends[starts + self._words.sets.sizes] - ends[starts] >= self._least - 1e-6

    def by_chance(self, row: int, words: Words, low: int, high: int) -> bool:
        """Say whether a run of words of an eval text is no rarer than chance would have it.

        Args:
            row: the eval text.
            words: its words.
            low: the first word of the run.
            high: the word behind it.
        """
        order = {word: place for place, word in enumerate(dict.fromkeys(words.words))}
        sets = self._words.sets
        if len(order) != sets.sizes[row]:
            return False  # read differently here and there: no word can be weighed, so none is excused
        places = {order[word] for word in words.words[low:high]}
        return float(sum(self._idf[sets.starts[row] + place] for place in sorted(places))) < self._least
