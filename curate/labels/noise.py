"""From evidence to the chance that a label is wrong, and to how many are: calibrated by errors planted into this very set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .mixture import CEILING, FLOOR, Mixture
from .planted import Doubles, Ints, Ranked, depths, plant

_TIMES = 4  # wrong labels planted a row
_ROUNDS = 5
_PRIOR = 20.0  # rows with the rate of all that each label starts with
_SURE = 20.0  # log-odds by which a label stands that a person has confirmed
_OWN = 2.0  # answers that a row's own chance is worth beside those of people
_ALIKE = 1.0  # log-odds apart at which an answer counts a third; more where they spread over more than tens
_FEW = 3.0  # wrong rows under which errors of one label alone are looked for: the planted ones may be of another kind
_USUAL = 5.0  # texts as sure as is usual that each label starts with
_DOUBTFUL = 20  # rows that tell how steeply chances rise with the margin


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
    doubted: float = 0.0
    """Rows whose text speaks for another label, where no rate could be read off at first; else 0."""
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
    if found.rate * len(label) < _FEW:
        found = _at_one_scale(found, ranked, text, label, lift, draw, known)
    return found if known is None else _trusting(found, known)


def _at_one_scale(
    noise: Noise,
    ranked: Ranked,
    text: Ints,
    label: Ints,
    lift: Doubles,
    draw: np.random.Generator,
    known: Doubles | None,
) -> Noise:
    """Return the noise fitted again, margins measured by how sure the texts of a label are.

    Where all errors are of one label, its texts are less sure of it than others are of theirs, so its errors look milder than
    those planted into the others, and no rate can be read off. On one scale they compare. The order of the rows stays: scaled
    margins order them worse (measured on four real sets).
    """
    from sklearn.isotonic import IsotonicRegression

    scale = _sureness(ranked, text)
    again = _converge(
        noise.rank / scale,
        lambda new: (ranked.margin(text, new) + lift[new]) / scale,
        ranked,
        text,
        label,
        np.where(noise.rank > 0, 0.5, 0.02),
        draw,
        known,
    )
    wrong = IsotonicRegression(y_min=0, y_max=CEILING).fit(noise.rank, again.wrong).predict(noise.rank)
    doubted = float((noise.rank > 0).sum())
    return replace(
        noise,
        wrong=wrong,
        rate=again.rate,
        apart=again.apart,
        spread=again.spread,
        depths=again.depths,
        doubted=doubted,
    )


def _sureness(ranked: Ranked, text: Ints) -> Doubles:
    """Return (n) by how much the texts that speak for a label do so, over what is usual; few texts count as usual ones."""
    best = ranked.best[text, 0]
    sure = -ranked.margin(text, best)
    usual = float(np.median(sure))
    if usual <= 0:
        return np.ones(text.size)
    of_label = np.ones(ranked.odds.shape[1])
    for label in np.unique(best):
        own = sure[best == label]
        of_label[label] = (float(np.median(own)) / usual * own.size + _USUAL) / (own.size + _USUAL)
    return np.maximum(of_label, 1e-3)[best]


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
    level = IsotonicRegression(y_min=0, y_max=CEILING).fit_transform(grid, level)
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
    mean = max(float(_told(noise.wrong, noise.found).mean()), FLOOR)
    sure = np.zeros(who.size, bool) if noise.found is None else ~np.isnan(noise.found)
    odds, lift, wrong = _log_odds(np.maximum(noise.wrong, FLOOR / 10)), np.zeros(who.size), noise.wrong
    rows = np.bincount(who[known])
    for _ in range(_ROUNDS):
        rate = (np.bincount(who[known], _told(wrong, noise.found)[known]) + _PRIOR * mean) / (rows + _PRIOR)
        lift[known] = (_log_odds(np.clip(rate, FLOOR, 0.98)) - _log_odds(np.array([mean])))[who[known]]
        wrong = np.where(sure, 0.0, np.clip(1 / (1 + np.exp(-(odds + lift))), FLOOR, CEILING))
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
    mean = max(float(wrong.mean()), FLOOR)
    rows = np.bincount(label, minlength=labels)
    rate = (np.bincount(label, wrong, minlength=labels) + _PRIOR * mean) / (rows + _PRIOR)
    rate = np.clip(rate, FLOOR / 10, 0.98)
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
    chances, looks, mixture = np.ones(1), margin[None], Mixture(margin, margin[None])
    state = draw.bit_generator.state
    for _ in range(_ROUNDS):
        draw.bit_generator.state = state  # the same draws each round: what changes is the fit, not the dice
        wrong = _told(wrong, known)
        chances = depths(ranked, text, label, wrong)
        looks = np.stack([planted_margin(plant(ranked, text, label, chances, draw)) for _ in range(_TIMES)])
        mixture = Mixture(margin, looks)
        wrong = mixture.chances(1 - wrong)
    right = 1 - _told(wrong, known)
    return Noise(wrong, margin, mixture.rate(right), chances, mixture.apart(right), mixture.spread(right, draw))
