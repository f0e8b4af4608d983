"""Error rates by empirical Bayes: a rate of few votes is drawn towards what is usual, one of many stays.

Rates are taken to come from a Beta distribution, counts given a rate from a binomial one; the Beta is fitted to all
counts at once (the Beta-binomial likelihood; Casella 1985, An introduction to empirical Bayes data analysis).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .votes import Floats

LEVEL = 0.95
# What is thought of the Beta before any count: worth some 30 votes, give or take a factor of 6. It decides where two or
# three rates can't tell how far rates lie apart.
_WORTH, _SPREAD = 30.0, 1.8


@dataclass(frozen=True)
class Rates:
    """r rates with their intervals."""

    mean: Floats
    """(r) drawn towards the usual rate."""
    low: Floats
    high: Floats
    usual: float
    """Mean of the Beta that the rates are drawn towards."""
    worth: float
    """How many votes that Beta is worth."""


def shrunken(wrong: Floats, judged: Floats, *, level: float = LEVEL) -> Rates:
    """Return error rates that have been drawn towards each other, as far as the counts allow.

    Args:
        wrong: (r) errors; sums of probabilities will do.
        judged: (r) votes that were judged, at least as many.
        level: how often an interval should hold its rate.

    Two errors in two votes are hardly more than what is usual:

    >>> rates = shrunken(np.array([2.0, 10, 12, 9, 11]), np.array([2.0, 100, 100, 100, 100]))
    >>> rates.mean.round(2).tolist()
    [0.12, 0.11, 0.12, 0.11, 0.11]
    """
    from scipy import special

    usual, worth = _fitted(wrong, judged)
    bad, good = usual * worth + wrong, (1 - usual) * worth + judged - wrong
    tails = (1 - level) / 2, (1 + level) / 2
    low, high = (special.betaincinv(bad, good, tail) for tail in tails)
    return Rates(bad / (bad + good), low, high, usual, worth)


def _fitted(wrong: Floats, judged: Floats) -> tuple[float, float]:
    """Return mean and worth of the Beta under which the counts are likeliest."""
    from scipy import optimize, special

    seen = judged > 0
    wrong, judged = np.clip(wrong[seen], 0, judged[seen]), judged[seen]

    def unlikely(at: Floats) -> float:
        usual, worth = special.expit(at[0]), np.exp(np.clip(at[1], -5, 15))
        usual = np.clip(usual, 1e-9, 1 - 1e-9)
        bad, good = usual * worth, (1 - usual) * worth
        likely = special.betaln(bad + wrong, good + judged - wrong).sum() - len(wrong) * special.betaln(bad, good)
        # Half an error in a vote and a half: the usual rate is never 0 or 1, whatever was counted.
        before = 0.5 * np.log(usual) + np.log1p(-usual) - 0.5 * ((np.log(worth) - np.log(_WORTH)) / _SPREAD) ** 2
        return -float(likely + before)

    pooled = (wrong.sum() + 0.5) / (judged.sum() + 1.5)
    start = np.array([np.log(pooled / (1 - pooled)), np.log(_WORTH)])
    found = optimize.minimize(unlikely, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}).x
    return float(np.clip(special.expit(found[0]), 1e-9, 1 - 1e-9)), float(np.exp(np.clip(found[1], -5, 15)))
