"""Error rates by empirical Bayes: a rate of few votes is drawn towards what is usual, one of many stays.

Rates are taken to come from a Beta distribution, counts given a rate from a binomial one; the Beta is fitted to all
counts at once (the Beta-binomial likelihood; Casella 1985, An introduction to empirical Bayes data analysis).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .votes import Floats, Ints

LEVEL = 0.95
# What is thought of the Beta before any count: worth some 30 votes, give or take a factor of 6. It decides where two or
# three rates can't tell how far rates lie apart.
_WORTH, _SPREAD = 30.0, 1.8
_START, _ROUNDS, _STILL, _NOTHING = 0.2, 200, 1e-5, 1e-12


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


def counted_errors(doubt: Floats, annotator: Ints, *, people: int, labels: int) -> tuple[Floats, Floats]:
    """Return (a) the errors of each annotator among the votes that others judge, and (a) how many votes that is worth.

    The others' doubt in a vote is not the chance that it is wrong: who is right nine times of ten is so where two others are at
    odds, too. Each annotator's rate is the one under which the votes are likeliest, where the truth is what the others say it
    is (expectation-maximisation); where they are unsure a vote tells little of it, and counts for as little (Louis 1982,
    Finding the observed information matrix when using the EM algorithm).

    Args:
        doubt: (v) probability, by the others alone, that the vote's label is not the item's.
        annotator: (v) who gave it.
        people: how many annotators there are.
        labels: how many labels there are; errors are taken to fall on the others alike.

    Others who are nine tenths sure are with it half of the times; 100 such votes tell as much as 64 of which all is known:

    >>> rate, worth = counted_errors(np.array([0.1, 0.9] * 50), np.zeros(100, np.int64), people=1, labels=2)
    >>> rate.round(1).tolist(), worth.round(0).tolist()
    ([50.0], [64.0])
    """
    many = np.bincount(annotator, minlength=people).astype(np.float64)
    right, slip = 1 - doubt, doubt / max(labels - 1, 1)
    rate = np.full(people, _START)
    for _ in range(_ROUNDS):
        before, own = rate, rate[annotator]
        wrong = own * slip / np.maximum(own * slip + (1 - own) * right, _NOTHING)
        rate = np.bincount(annotator, wrong, people) / np.maximum(many, 1)
        if np.abs(rate - before).max(initial=0) < _STILL:
            break
    # Half an error in a vote more: a rate of nought has no spread to measure by.
    usual = (rate * many + 0.5) / (many + 1)
    own = usual[annotator]
    said = np.clip((1 - own) * right + own * slip, _NOTHING, 1 - _NOTHING)
    told = np.bincount(annotator, (right - slip) ** 2 / (said * (1 - said)), people) * usual * (1 - usual)
    return rate * many, np.minimum(told, many)


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
