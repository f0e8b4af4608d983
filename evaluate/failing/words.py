"""What a failure is about, as weighted words: a form that stays the same from run to run, whatever encoder is there."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from ...curate.masking import mask
from ..word_list import words

Weights = dict[str, float]

_READ = 2_000  # characters of a masked text: of a long answer the beginning says what it is about
KEPT = 60
"""Words of a kind that are kept: what they leave out moves a cosine by less than a hundredth on bank intents."""


def weighted(texts: Sequence[str]) -> list[Weights]:
    """Return TF-IDF weights of the words of each text, of length 1; secrets and personal data are masked first.

    >>> [sorted(found) for found in weighted(["card lost", "card 4111 1111 1111 1111"])]
    [['card', 'lost'], ['card', 'number']]
    """
    counted = [Counter(words(mask(text[: 2 * _READ])[:_READ])) for text in texts]
    rows = Counter(word for one in counted for word in one)
    found = []
    for one in counted:
        weights = {w: (1 + math.log(n)) * (math.log((1 + len(texts)) / (1 + rows[w])) + 1) for w, n in one.items()}
        found.append(unit(weights))
    return found


def middle(of: Sequence[Weights], *, most: int = KEPT) -> Weights:
    """Return the middle of some texts: the weightiest words of their mean, of length 1."""
    summed: Counter[str] = Counter()
    for one in of:
        summed.update(one)
    first = sorted(summed.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
    return {word: round(weight, 4) for word, weight in sorted(unit(dict(first)).items())}


def cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return the cosine of two vectors of length 1."""
    return sum(weight * other.get(word, 0.0) for word, weight in sorted(one.items()))


def unit(weights: Mapping[str, float]) -> Weights:
    """Return the weights at length 1."""
    length = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {word: weight / length for word, weight in weights.items()} if length else {}
