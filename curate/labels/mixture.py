"""Rows as they look, as a mixture of right ones and of errors planted among them: how many are wrong, and each one's chance."""

from __future__ import annotations

import numpy as np

from .planted import Doubles

_BINS = 40
_DRAWS = 100  # of the bootstrap
_TAIL = 0.15  # least share of the planted errors that a tail has to hold for the rate to be read off it
_TILT = 0.01  # a unit of margin: no two degrees of doubt are worth the same, however few rows tell them apart
FLOOR, CEILING = 1e-4, 0.995
"""Least and greatest chance of being wrong."""


class Mixture:
    """Planted looks among those seen, both counted in bins of doubt."""

    def __init__(self, margin: Doubles, looks: Doubles) -> None:
        cuts = np.linspace(0, 1, _BINS + 1)[1:-1]
        self.margin = margin
        self.edges = np.unique(np.quantile(np.concatenate([margin, looks.ravel()]), cuts))
        self.seen_in = np.searchsorted(self.edges, margin)
        self.planted_in = [np.searchsorted(self.edges, look) for look in looks]

    def shares(self, seen: Doubles, planted: Doubles) -> tuple[Doubles, Doubles]:
        """Return the share of each bin among rows weighed by ``seen``, and among planted rows weighed by ``planted``."""
        bins = self.edges.size + 1
        found = np.bincount(self.seen_in, seen, minlength=bins)
        looks = np.zeros(bins)
        for place in self.planted_in:
            looks += np.bincount(place, planted, minlength=bins)
        return found / found.sum(), looks / max(looks.sum(), 1e-12)

    def rate(self, right: Doubles, weight: Doubles | None = None) -> float:
        """Return the share of planted looks among those seen, read off the tail that bounds it best."""
        weight = np.ones(right.size) if weight is None else weight
        seen, planted = self.shares(weight, right * weight)
        tail_seen, tail_planted = seen[::-1].cumsum()[::-1], planted[::-1].cumsum()[::-1]
        slack = np.sqrt(np.maximum(tail_seen, 1 / right.size) / right.size)
        bound = np.where(tail_planted > _TAIL, (tail_seen + slack) / np.maximum(tail_planted, 1e-9), np.inf)
        at = int(bound.argmin())
        return float(min(tail_seen[at] / max(tail_planted[at], 1e-9), 0.9))

    def chances(self, right: Doubles) -> Doubles:
        """Return (n) each row's chance to be one of the wrong.

        Steps are averaged before they are cut off at 1: a few errors far from all other rows would lose most of their chance.
        """
        seen, planted = self.shares(np.ones(right.size), right)
        kept = np.union1d(0, np.flatnonzero(seen))  # what is planted where nothing is seen belongs to the step below
        seen, planted = np.add.reduceat(seen, kept), np.add.reduceat(planted, kept)
        chance = self.rate(right) * planted / np.maximum(seen, 0.3 / right.size)
        return _smooth(self.margin, self.edges[kept[1:] - 1], chance, seen)

    def apart(self, right: Doubles) -> float:
        """Return the chance that a planted row looks worse than one that is probably right; equal looks count half."""
        seen, planted = self.shares(right, right)
        return float((planted * (seen.cumsum() - seen / 2)).sum())

    def spread(self, right: Doubles, draw: np.random.Generator) -> float:
        """Return the standard error of the log of the rate over rows drawn again (Poisson bootstrap)."""
        rates = [self.rate(right, draw.poisson(1.0, right.size).astype(np.float64) + 1e-9) for _ in range(_DRAWS)]
        return float(np.log(np.maximum(rates, 0.3 / right.size)).std())


def _smooth(margin: Doubles, edges: Doubles, chance: Doubles, seen: Doubles) -> Doubles:
    """Return (n) chances that rise with the margin: isotonic over the bins, straight in log-odds between their middles."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression().fit_transform(np.arange(chance.size), chance, sample_weight=seen + 1e-6)
    fitted = np.clip(fitted, FLOOR, CEILING)
    if not edges.size:
        return np.full(margin.size, fitted[0])
    middles = np.concatenate([[edges[0]], (edges[:-1] + edges[1:]) / 2, [edges[-1]]])
    odds = np.log(fitted / (1 - fitted))
    level = np.interp(margin, middles, odds) + _TILT * (margin - middles[middles.size // 2])
    return np.clip(1 / (1 + np.exp(-level)), FLOOR / 10, 1 - FLOOR)  # past the ceiling the order goes on
