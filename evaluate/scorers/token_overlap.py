"""Token F1: how many words an answer and its reference share (Rajpurkar et al. 2016, SQuAD).

As in SQuAD's evaluation, case, punctuation and the articles a, an, the don't count. Characters of Chinese, Japanese and Thai,
which write no spaces, are words of their own (Lewis et al. 2020, MLQA).
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from .answers import settle, spoken, wanted
from .case import Case, Scored

_PUNCTUATION = str.maketrans("", "", string.punctuation + "，。！？；：、「」『』（）《》“”‘’…—–·،؟؛")
_ARTICLES = {"a", "an", "the"}
_UNSPACED = re.compile("([\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")


def score_token_f1(cases: Sequence[Case]) -> list[Scored]:
    """Score the F1 of the words that the answer shares with the reference.

    >>> round(score_token_f1([Case("The cat sat down.", "a cat sat")])[0].score, 3)
    0.8
    """
    values = [token_f1(spoken(case.output), wanted(case, "token_f1")) for case in cases]
    # What was cut off or refuses shares few words and is no worse for it: only whole answers are scored by what they share.
    found = [Scored(1.0) if value == 1.0 else None for value in values]
    return settle(cases, found, else_=lambda place: Scored(values[place]))


def token_f1(text: str, reference: str) -> float:
    """Return the harmonic mean of precision and recall of words, each as often as it stands there; 1 where both have none."""
    given, right = squad_words(text), _right(reference)
    if not given or not right:
        return float(not given and not right)
    shared = sum(min(count, right[word]) for word, count in Counter(given).items() if word in right)
    return 2 * shared / (len(given) + right.total())


def squad_words(text: str) -> list[str]:
    """Return the words that count.

    >>> squad_words("The U.S. economy, 经济")
    ['us', 'economy', '经', '济']
    """
    text = text.lower().translate(_PUNCTUATION)
    if not text.isascii():
        text = _UNSPACED.sub(r" \1 ", text)
    return [word for word in text.split() if word not in _ARTICLES]


@lru_cache(maxsize=1024)  # several samples of one row have one reference
def _right(reference: str) -> Counter[str]:
    return Counter(squad_words(reference))
