"""How wrong labels would look here: errors planted into the evidence, at no cost, since no row judged itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_DEEP = 8  # places behind the likeliest label that are told apart; what lies deeper is drawn evenly


@dataclass(frozen=True)
class Ranked:
    """The likeliest labels of m texts."""

    odds: Floats
    """(m, k)."""
    best: Ints
    """(m, j) labels, the likeliest first; j is 10 or the number of labels."""

    @classmethod
    def of(cls, odds: Floats) -> Ranked:
        """Return the likeliest labels of each text."""
        count = min(odds.shape[1], _DEEP + 2)
        near = np.argpartition(-odds, count - 1, axis=1)[:, :count]
        value = np.take_along_axis(odds, near, axis=1)
        return cls(odds, np.take_along_axis(near, np.lexsort((near, -value), axis=1), axis=1).astype(np.int64))

    def margin(self, text: Ints, label: Ints) -> Doubles:
        """Return (n) log-odds of the likeliest other label over ``label``, a row each."""
        first, second = self.best[text, 0], self.best[text, min(1, self.best.shape[1] - 1)]
        other = np.where(first == label, second, first)
        return (self.odds[text, other] - self.odds[text, label]).astype(np.float64)

    def other(self, text: Ints, label: Ints) -> Ints:
        """Return (n) the likeliest label other than ``label``."""
        first, second = self.best[text, 0], self.best[text, min(1, self.best.shape[1] - 1)]
        return np.where(first == label, second, first)

    def depth(self, text: Ints, label: Ints) -> Ints:
        """Return (n) how many labels stand between the likeliest and ``label``: 8 for more, -1 for the likeliest itself."""
        place = self.best[text] == label[:, None]
        return np.where(place.any(axis=1), place.argmax(axis=1) - 1, _DEEP).clip(-1, _DEEP)


def depths(ranked: Ranked, text: Ints, label: Ints, wrong: Doubles) -> Doubles:
    """Return the chances of the 9 depths at which wrong labels stand behind what their text says.

    Errors that anybody could make stand right behind the likeliest label, errors by lot anywhere; the rows most in doubt tell.
    """
    deep = ranked.depth(text, label)
    seen = np.bincount(deep[deep >= 0], wrong[deep >= 0], minlength=_DEEP + 1)
    labels = ranked.odds.shape[1]
    even = np.array([1.0] * _DEEP + [max(labels - 1 - _DEEP, 0)])[: _DEEP + 1]
    even[max(labels - 1, 0) : _DEEP] = 0.0
    even /= max(even.sum(), 1.0)
    seen = np.where(even > 0, seen, 0.0)
    # by shares and not by counts: where next to no row is in doubt, what doubt there is still tells the kind of errors
    return 0.95 * seen / seen.sum() + 0.05 * even if seen.sum() > 0 else even


def plant(ranked: Ranked, text: Ints, label: Ints, chances: Doubles, draw: np.random.Generator) -> Ints:
    """Return (n) a wrong label for each row, at a depth drawn by ``chances`` among the labels that are not its own."""
    labels = ranked.odds.shape[1]
    deep = draw.choice(len(chances), len(text), p=chances / chances.sum())
    # its own label takes no place: what comes after it moves up
    place = ranked.best[text] == label[:, None]
    own = np.where(place.any(axis=1), place.argmax(axis=1), ranked.best.shape[1])
    at = np.minimum(deep, ranked.best.shape[1] - 1)
    at = np.minimum(at + (at >= own), ranked.best.shape[1] - 1)
    drawn = ranked.best[text, at]
    far = (deep >= _DEEP) | (drawn == label)
    drawn[far] = (label[far] + draw.integers(1, max(labels, 2), int(far.sum()))) % labels
    return drawn
