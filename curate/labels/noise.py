"""From evidence to the chance that a label is wrong, and to how many are: calibrated by errors planted into this very set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .planted import Doubles, Ints, Ranked, depths, plant

_BINS = 40
_TIMES = 4  # wrong labels planted a row
_ROUNDS = 5
_TAIL = 0.15  # least share of the planted errors that a tail has to hold for the rate to be read off it
_PRIOR = 20.0  # rows with the rate of all that each label starts with
_FLOOR, _CEILING = 1e-4, 0.995
_TILT = 0.01  # a unit of margin: no two degrees of doubt are worth the same, however few rows tell them apart


@dataclass(frozen=True)
class Noise:
    """The wrong labels among n rows."""

    wrong: Doubles
    """(n) chance that the row's label is wrong."""
    rank: Doubles
    """(n) log-odds by which rows are ordered, the worst highest: finer than ``wrong``, which has a ceiling."""
    rate: float
    """Share of wrong labels."""
    depths: Doubles
    """(9) chances of how far behind the likeliest label a wrong one stands."""


def fit_noise(ranked: Ranked, text: Ints, label: Ints, *, seed: int = 0) -> Noise:
    """Estimate each row's chance of a wrong label.

    No row took part in its own evidence, so a row with another label shows how that label, had it been given wrongly, would
    look: planting errors costs nothing. Where rows look so wrong that right ones hardly ever do, their share among all, over
    their share among the planted, is the rate of errors (mixture proportion estimation: Scott 2015); at each
    degree of doubt the chance is rate times planted over seen. Labels that are doubted oftener are wrong oftener: mixed in.

    It takes errors to be made without regard to how hard a text is to label. What errs where the text misleads (rules, weak
    labels) looks right to every view, and more is wrong than is said here.

    Args:
        ranked: the evidence.
        text: (n) which text each row has.
        label: (n) the given labels.
        seed: of what is planted.
    """
    draw = np.random.default_rng(seed)
    margin = ranked.margin(text, label)
    flat = np.where(margin > 0, 0.5, 0.02)
    first = _converge(margin, lambda new: ranked.margin(text, new), ranked, text, label, flat, draw)
    lift = _by_label(first.wrong, label, ranked.odds.shape[1])
    return _converge(
        margin + lift[label], lambda new: ranked.margin(text, new) + lift[new], ranked, text, label, first.wrong, draw
    )


def with_annotators(noise: Noise, who: Ints) -> Noise:
    """Mix in who labelled a row: what is done by somebody who errs oftener is wrong oftener.

    By Bayes' rule a row's odds change by those of its annotator over those of all. Each annotator's rate starts at that of all
    and moves with the rows (empirical Bayes); rates rest on the rows' chances and these on the rates, so it goes round a few times.

    Args:
        noise: by the texts alone.
        who: (n) which annotator; -1 where that is not known.
    """
    known = who >= 0
    if np.unique(who[known]).size < 2:
        return noise
    mean = max(float(noise.wrong.mean()), _FLOOR)
    odds, lift, wrong = _log_odds(noise.wrong), np.zeros(who.size), noise.wrong
    rows = np.bincount(who[known])
    for _ in range(_ROUNDS):
        rate = (np.bincount(who[known], wrong[known]) + _PRIOR * mean) / (rows + _PRIOR)
        lift[known] = (_log_odds(np.clip(rate, _FLOOR, 0.98)) - _log_odds(np.array([mean])))[who[known]]
        wrong = np.clip(1 / (1 + np.exp(-(odds + lift))), _FLOOR, _CEILING)
    return Noise(wrong, noise.rank + lift, float(wrong.mean()), noise.depths)


def _log_odds(chance: Doubles) -> Doubles:
    return np.log(chance / (1 - chance))


def _by_label(wrong: Doubles, label: Ints, labels: int) -> Doubles:
    """Return (k) log of each label's odds of being wrong over those of all, shrunken towards them."""
    mean = max(float(wrong.mean()), _FLOOR)
    rows = np.bincount(label, minlength=labels)
    rate = (np.bincount(label, wrong, minlength=labels) + _PRIOR * mean) / (rows + _PRIOR)
    rate = np.clip(rate, _FLOOR / 10, 0.98)
    return np.log(rate / (1 - rate)) - np.log(mean / (1 - mean))


def _converge(
    margin: Doubles,
    planted_margin: Callable[[Ints], Doubles],
    ranked: Ranked,
    text: Ints,
    label: Ints,
    wrong: Doubles,
    draw: np.random.Generator,
) -> Noise:
    rate, chances = 0.0, np.ones(1)
    state = draw.bit_generator.state
    for _ in range(_ROUNDS):
        draw.bit_generator.state = state  # the same draws each round: what changes is the fit, not the dice
        chances = depths(ranked, text, label, wrong)
        looks = np.stack([planted_margin(plant(ranked, text, label, chances, draw)) for _ in range(_TIMES)])
        rate, wrong = _mixture(margin, looks, 1 - wrong)
    return Noise(wrong, margin, rate, chances)


def _mixture(margin: Doubles, looks: Doubles, right: Doubles) -> tuple[float, Doubles]:
    """Return the share of planted looks among those seen, and (n) each row's chance to be one of them."""
    rows = margin.size
    edges = np.unique(np.quantile(np.concatenate([margin, looks.ravel()]), np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = edges.size + 1
    seen = np.bincount(np.searchsorted(edges, margin), minlength=bins) / rows
    planted = np.zeros(bins)
    for look in looks:
        planted += np.bincount(np.searchsorted(edges, look), right, minlength=bins)
    planted /= planted.sum()
    tail_seen, tail_planted = seen[::-1].cumsum()[::-1], planted[::-1].cumsum()[::-1]
    slack = np.sqrt(np.maximum(tail_seen, 1 / rows) / rows)
    bound = np.where(tail_planted > _TAIL, (tail_seen + slack) / np.maximum(tail_planted, 1e-9), np.inf)
    at = int(bound.argmin())
    rate = float(min(tail_seen[at] / tail_planted[at], 0.9))
    chance = np.clip(rate * planted / np.maximum(seen, 0.3 / rows), 0, 1)
    return rate, _smooth(margin, edges, chance, seen)


def _smooth(margin: Doubles, edges: Doubles, chance: Doubles, seen: Doubles) -> Doubles:
    """Return (n) chances that rise with the margin: isotonic over the bins, straight in log-odds between their middles."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=_FLOOR, y_max=_CEILING).fit_transform(
        np.arange(chance.size), chance, sample_weight=seen + 1e-6
    )
    if not edges.size:
        return np.full(margin.size, fitted[0])
    middles = np.concatenate([[edges[0]], (edges[:-1] + edges[1:]) / 2, [edges[-1]]])
    odds = np.log(fitted / (1 - fitted))
    level = np.interp(margin, middles, odds) + _TILT * (margin - middles[middles.size // 2])
    return np.clip(1 / (1 + np.exp(-level)), _FLOOR / 10, _CEILING)
