"""From evidence to the chance that a label is wrong, and to how many are: calibrated by errors planted into this very set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .planted import Doubles, Ints, Ranked, depths, plant

_BINS = 40
_DRAWS = 100  # of the bootstrap
_TIMES = 4  # wrong labels planted a row
_ROUNDS = 5
_TAIL = 0.15  # least share of the planted errors that a tail has to hold for the rate to be read off it
_PRIOR = 20.0  # rows with the rate of all that each label starts with
_FLOOR, _CEILING = 1e-4, 0.995
_SURE = 20.0  # log-odds by which a label stands that a person has confirmed
_OWN = 2.0  # answers that a row's own chance is worth beside those of people
_ALIKE = 1.0  # log-odds apart at which an answer counts a third; more where they spread over more than tens
_DOUBTFUL = 20  # rows that tell how steeply chances rise with the margin
_TILT = 0.01  # a unit of margin: no two degrees of doubt are worth the same, however few rows tell them apart


@dataclass(frozen=True)
class Noise:
    """The wrong labels among n rows."""

    wrong: Doubles
    """(n) chance that the row's label is wrong."""
    rank: Doubles
    """(n) margin by which rows are ordered, the worst highest: finer than ``wrong``, which has a ceiling; over 0 where the text
    speaks for another label, the habits of its label and its annotator counted in."""
    rate: float
    """Share of wrong labels."""
    depths: Doubles
    """(9) chances of how far behind the likeliest label a wrong one stands."""
    apart: float
    """Chance that a planted error looks worse than a row of the set: 1 where all would be seen, 0.5 where none."""
    spread: float
    """Standard error of the log of ``rate``, by the rows that were drawn (bootstrap)."""
    foretold: Doubles | None = None
    """(n) chance that the label a row came with is wrong, by all other rows and answers; where people decided some (``came``)."""
    found: Doubles | None = None
    """(n) what these people found: 1 that it was wrong, 0 that it was right, NaN where nobody looked."""


def fit_noise(ranked: Ranked, text: Ints, label: Ints, *, came: Ints | None = None, seed: int = 0) -> Noise:
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
        came: (n) the labels that rows came with where a person has confirmed or changed them since, -1 elsewhere.
        seed: of what is planted.
    """
    draw = np.random.default_rng(seed)
    known = None if came is None or not (came >= 0).any() else np.where(came >= 0, came != label, np.nan)
    # The rows are looked at as they came: without those that were reviewed, which are the worst, none would seem so bad.
    label = label if known is None or came is None else np.where(came >= 0, came, label)
    margin = ranked.margin(text, label)
    flat = _told(np.where(margin > 0, 0.5, 0.02), known)
    first = _converge(margin, lambda new: ranked.margin(text, new), ranked, text, label, flat, draw, known)
    lift = _by_label(_told(first.wrong, known), label, ranked.odds.shape[1])
    found = _converge(
        margin + lift[label],
        lambda new: ranked.margin(text, new) + lift[new],
        ranked,
        text,
        label,
        first.wrong,
        draw,
        known,
    )
    return found if known is None else _trusting(found, known)


def _told(wrong: Doubles, known: Doubles | None) -> Doubles:
    """Return the chances with 0 or 1 for rows of which people said so."""
    return wrong if known is None else np.where(np.isnan(known), wrong, known)


def _trusting(noise: Noise, known: Doubles) -> Noise:
    """Return the noise of the rows as they are now, where those with an answer in ``known`` are right.

    A row's chance becomes the share of wrong labels among the answers on rows that looked as bad, counted by how close they look
    and mixed with what it was, which counts as two answers. Where people found more or less than was foretold the chances of
    the next rows follow; those far from any answer stay.
    """
    from sklearn.isotonic import IsotonicRegression

    heard = ~np.isnan(known)
    order = np.argsort(noise.rank, kind="stable")
    grid = np.unique(np.quantile(noise.rank, np.linspace(0, 1, 401)))
    before = np.interp(grid, noise.rank[order], noise.wrong[order])
    width, answers = max(_ALIKE, float(noise.rank.std()) / 10), known[heard]
    close = np.exp(-np.abs(grid[:, None] - noise.rank[heard]) / width)
    level = (before * _OWN + close @ answers) / (_OWN + close.sum(axis=1))
    level = IsotonicRegression(y_min=0, y_max=_CEILING).fit_transform(grid, level)
    wrong = np.interp(noise.rank, grid, level)
    near = np.exp(-np.abs(noise.rank[heard][:, None] - noise.rank[heard]) / width)
    np.fill_diagonal(near, 0.0)  # what the others say of it
    foretold = wrong.copy()
    foretold[heard] = (noise.wrong[heard] * _OWN + near @ answers) / (_OWN + near.sum(axis=1))
    wrong, rank = np.where(heard, 0.0, wrong), np.where(heard, np.minimum(noise.rank, -_SURE), noise.rank)
    return replace(noise, wrong=wrong, rank=rank, rate=float(wrong.mean()), foretold=foretold, found=known)


def with_annotators(noise: Noise, who: Ints) -> Noise:
    """Mix in who labelled a row: what is done by somebody who errs oftener is wrong oftener.

    By Bayes' rule a row's odds change by those of its annotator over those of all. Each annotator's rate starts at that of all
    and moves with the rows (empirical Bayes); rates rest on chances and these on rates, so it goes round a few times.

    Args:
        noise: by the texts alone.
        who: (n) which annotator; -1 where that is not known.
    """
    known = who >= 0
    if np.unique(who[known]).size < 2:
        return noise
    mean = max(float(_told(noise.wrong, noise.found).mean()), _FLOOR)
    sure = np.zeros(who.size, bool) if noise.found is None else ~np.isnan(noise.found)
    odds, lift, wrong = _log_odds(np.maximum(noise.wrong, _FLOOR / 10)), np.zeros(who.size), noise.wrong
    rows = np.bincount(who[known])
    for _ in range(_ROUNDS):
        rate = (np.bincount(who[known], _told(wrong, noise.found)[known]) + _PRIOR * mean) / (rows + _PRIOR)
        lift[known] = (_log_odds(np.clip(rate, _FLOOR, 0.98)) - _log_odds(np.array([mean])))[who[known]]
        wrong = np.where(sure, 0.0, np.clip(1 / (1 + np.exp(-(odds + lift))), _FLOOR, _CEILING))
    rank = noise.rank + lift / _steepness(noise)
    return replace(noise, wrong=wrong, rank=np.where(sure, noise.rank, rank), rate=float(wrong.mean()))


def _steepness(noise: Noise) -> float:
    """Return by how much the log-odds of being wrong rise with a unit of ``rank``, where either may be."""
    doubtful = (noise.wrong > 0.01) & (noise.wrong < 0.99)
    rank = noise.rank[doubtful]
    if rank.size < _DOUBTFUL or np.ptp(rank) < 1e-9:
        return 1.0
    return float(np.clip(np.polyfit(rank, _log_odds(noise.wrong[doubtful]), 1)[0], 0.1, 10.0))


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
    known: Doubles | None,
) -> Noise:
    chances, looks, mixture = np.ones(1), margin[None], _Mixture(margin, margin[None])
    state = draw.bit_generator.state
    for _ in range(_ROUNDS):
        draw.bit_generator.state = state  # the same draws each round: what changes is the fit, not the dice
        wrong = _told(wrong, known)
        chances = depths(ranked, text, label, wrong)
        looks = np.stack([planted_margin(plant(ranked, text, label, chances, draw)) for _ in range(_TIMES)])
        mixture = _Mixture(margin, looks)
        wrong = mixture.chances(1 - wrong)
    right = 1 - _told(wrong, known)
    return Noise(wrong, margin, mixture.rate(right), chances, mixture.apart(right), mixture.spread(right, draw))


class _Mixture:
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
        """Return (n) each row's chance to be one of the wrong."""
        seen, planted = self.shares(np.ones(right.size), right)
        chance = np.clip(self.rate(right) * planted / np.maximum(seen, 0.3 / right.size), 0, 1)
        return _smooth(self.margin, self.edges, chance, seen)

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

    fitted = IsotonicRegression(y_min=_FLOOR, y_max=_CEILING).fit_transform(
        np.arange(chance.size), chance, sample_weight=seen + 1e-6
    )
    if not edges.size:
        return np.full(margin.size, fitted[0])
    middles = np.concatenate([[edges[0]], (edges[:-1] + edges[1:]) / 2, [edges[-1]]])
    odds = np.log(fitted / (1 - fitted))
    level = np.interp(margin, middles, odds) + _TILT * (margin - middles[middles.size // 2])
    return np.clip(1 / (1 + np.exp(-level)), _FLOOR / 10, _CEILING)
