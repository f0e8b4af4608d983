"""From evidence on cells to the chance that a label is there by mistake, and that one is missing: by planted errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .cells import Cells, Doubles, Floats

Ints = npt.NDArray[np.int64]

_TIMES = 4  # errors planted a cell
_ROUNDS = 4
_SEEN = 200_000  # absent cells that the curve is learnt from: there are a hundred times as many as present ones
_TOP = 4_000  # of them, that the curve passes through one by one
_DEEP = 8  # places behind the likeliest label that is absent which are told apart
_PRIOR = 20.0  # cells with the rate of all that each label starts with, as in ``noise``
_FLOOR, _CEILING = 1e-4, 0.95
_BINS = 40
_TAIL = 0.15  # least share of the planted mistakes that a tail has to hold for the rate to be read off it
_TILT = 0.01  # a unit of odds, so that no two degrees of doubt are worth the same
_MISSED = 0.5  # most labels that are missing, for each that is there


@dataclass(frozen=True)
class CellNoise:
    """Chances of mistakes among the cells of n rows."""

    wrong: Doubles
    """(c) for each label that a row has: the chance that it should not be there."""
    missing: Floats
    """(m, k) the chance that a label is missing where a row of this text lacks it."""


def fit_cell_noise(cells: Cells, text: Ints, code: Ints, *, seed: int = 0) -> CellNoise:
    """Estimate the chance of a mistake for labels that are there, and apart from them for labels that are not.

    No text took part in its own evidence: a label that is there by mistake looks as one that is absent there now, at the depth
    behind the likeliest absent ones at which doubtful labels stand, and a missing label as one of those that are present. The
    share of mistakes is read off where hardly any right cell looks so bad (``noise``), once for either kind. Labels that are
    there by mistake more often are mixed in; of missing ones this found fewer (measured on BANKING77, planted).

    Args:
        cells: the evidence.
        text: (c) which text, of each label that a row has.
        code: (c) which label.
        seed: of what is planted.
    """
    draw = np.random.default_rng(seed)
    texts, labels = cells.odds.shape
    absent = _Absent.of(cells, draw)
    own = cells.odds[text, code].astype(np.float64)
    wrong, lift = np.where(own < 0, 0.5, 0.02), np.zeros(labels)
    state = draw.bit_generator.state
    for step in range(2 * _ROUNDS):
        if step == _ROUNDS:
            lift = _by_label(wrong, code, labels)
        draw.bit_generator.state = state  # the same draws each round: what changes is the fit, not the dice
        drawn, odds = absent.planted(text, own, wrong, draw, _TIMES * code.size)
        wrong = _chances(lift[code] - own, lift[drawn] - odds)
    missing = _chances(absent.odds, own[_drawn(draw, 1 - wrong, _TIMES * absent.odds.size)])
    # Where missing labels look as absent ones do, nothing bounds how many are missing.
    most = _MISSED * code.size / max(texts * labels - code.size, 1)
    missing *= min(1.0, most / max(float(missing.mean()), 1e-12))
    return CellNoise(wrong, _Curve.of(absent.odds, missing).chance(cells.odds))


def _chances(seen: Doubles, planted: Doubles) -> Doubles:
    """Return (n) each cell's chance to be one of the mistakes, given how bad it looks and how bad mistakes do.

    As in ``noise``: the share of mistakes is that of the seen over that of the planted in the tail which bounds it best
    (mixture proportions: Scott 2015), the chance at a degree of doubt that rate times planted over seen. Steps are
    averaged before they are cut off at 1: mistakes are so few here that each may be a step of its own, and half would be lost.
    """
    from sklearn.isotonic import IsotonicRegression

    edges = np.unique(np.quantile(np.concatenate([seen, planted]), np.linspace(0, 1, _BINS + 1)[1:-1]))
    edges = np.union1d(edges, np.quantile(seen, 1 - np.geomspace(1e-3, 1, 10, endpoint=False)))
    found = np.bincount(np.searchsorted(edges, seen), minlength=edges.size + 1)
    kept = np.union1d(0, np.flatnonzero(found))  # what is planted where nothing is seen belongs to the step below
    edges, found = edges[kept[1:] - 1], np.add.reduceat(found, kept)
    looks = np.bincount(np.searchsorted(edges, planted), minlength=edges.size + 1) / planted.size
    share = found / seen.size
    tail, tail_looks = share[::-1].cumsum()[::-1], looks[::-1].cumsum()[::-1]
    slack = np.sqrt(np.maximum(tail, 1 / seen.size) / seen.size)
    at = int(np.where(tail_looks > _TAIL, (tail + slack) / np.maximum(tail_looks, 1e-9), np.inf).argmin())
    rate = min(tail[at] / max(tail_looks[at], 1e-9), 0.9)
    chance = rate * looks / np.maximum(share, 0.3 / seen.size)
    level = IsotonicRegression().fit_transform(np.arange(chance.size), chance, sample_weight=share + 1e-9)
    level = np.clip(level, _FLOOR / 10, _CEILING)
    if not edges.size:
        return np.full(seen.size, level[0])
    middles = np.concatenate([[edges[0]], (edges[:-1] + edges[1:]) / 2, [edges[-1]]])
    odds = np.interp(seen, middles, np.log(level / (1 - level))) + _TILT * (seen - middles[middles.size // 2])
    return np.clip(1 / (1 + np.exp(-odds)), _FLOOR / 10, 0.999)


@dataclass(frozen=True)
class _Absent:
    """Labels that texts don't have: a sample of all, and the likeliest of each text."""

    code: Ints
    odds: Doubles
    best: Ints
    """(m, 9) the likeliest labels that the text lacks."""
    best_odds: Doubles

    @classmethod
    def of(cls, cells: Cells, draw: np.random.Generator) -> _Absent:
        texts, labels = cells.odds.shape
        count = min(_SEEN, texts * labels)
        flat = (
            np.sort(draw.permutation(texts * labels)[:count])
            if texts * labels < 2 * _SEEN
            else np.unique(draw.integers(0, texts * labels, count))
        )
        text, code = flat // labels, flat % labels
        lacking = cells.given[text, code] == 0
        text, code = text[lacking], code[lacking]
        odds = np.where(cells.given > 0, -np.inf, cells.odds)
        deep = min(_DEEP + 1, labels)
        near = np.argpartition(-odds, deep - 1, axis=1)[:, :deep]
        value = np.take_along_axis(odds, near, axis=1)
        order = np.argsort(-value, axis=1, kind="stable")
        near, value = np.take_along_axis(near, order, axis=1), np.take_along_axis(value, order, axis=1)
        return cls(code, cells.odds[text, code].astype(np.float64), near, value.astype(np.float64))

    def planted(
        self, text: Ints, own: Doubles, wrong: Doubles, draw: np.random.Generator, count: int
    ) -> tuple[Ints, Doubles]:
        """Return ``count`` labels, and their odds, as if they had been given by mistake."""
        deep = (self.best_odds[text] > own[:, None]).sum(axis=1).clip(0, _DEEP)
        labels = self.best.shape[1]
        # squared: thousands of right cells, each with a small chance, would draw what is planted to where right ones stand
        seen = np.bincount(deep, wrong * wrong, minlength=_DEEP + 1)[:labels]
        chances = 0.95 * seen / max(seen.sum(), 1e-12) + 0.05 / labels
        depth = draw.choice(labels, count, p=chances / chances.sum())
        row = text[draw.integers(0, text.size, count)]
        code, odds = self.best[row, depth], self.best_odds[row, depth]
        # what lies deeper, or is not there, is any absent label
        any_one = draw.integers(0, self.code.size, count)
        far = (depth == _DEEP) | ~np.isfinite(odds)
        return np.where(far, self.code[any_one], code), np.where(far, self.odds[any_one], odds)


@dataclass(frozen=True)
class _Curve:
    """Odds to chances, rising."""

    odds: Doubles
    level: Doubles

    @classmethod
    def of(cls, odds: Doubles, chance: Doubles) -> _Curve:
        order = np.argsort(odds, kind="stable")
        # one in a thousand absent labels is missing: the top is taken whole
        some = order[np.union1d(np.linspace(0, order.size - 1, 1_000).astype(np.int64), np.arange(order.size)[-_TOP:])]
        chance = np.clip(chance[some], _FLOOR / 10, 0.999)
        return cls(odds[some], np.log(chance / (1 - chance)))

    def chance(self, odds: Floats) -> Floats:
        level = np.interp(odds, self.odds, self.level)
        return (1 / (1 + np.exp(-level))).astype(np.float32)


def _drawn(draw: np.random.Generator, weight: Doubles, count: int) -> Ints:
    total = weight.cumsum()
    return np.searchsorted(total, draw.random(count) * total[-1]).clip(0, weight.size - 1)


def _by_label(wrong: Doubles, code: Ints, labels: int) -> Doubles:
    """Return (k) log of each label's odds of being wrong over those of all, shrunken towards them, as ``noise`` does."""
    mean = float(np.clip(wrong.mean(), _FLOOR, 0.9))
    rate = (np.bincount(code, wrong, minlength=labels) + _PRIOR * mean) / (np.bincount(code, minlength=labels) + _PRIOR)
    rate = np.clip(rate, _FLOOR / 10, 0.98)
    return np.log(rate / (1 - rate)) - np.log(mean / (1 - mean))
