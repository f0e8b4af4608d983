"""Votes by what each annotator says where the truth is what: Dawid and Skene's model, with a classifier as one more voter.

Dawid & Skene (1979), Maximum likelihood estimation of observer error-rates using the EM algorithm. Each annotator's table
is drawn towards that of all annotators together, and that towards a common rate of errors, so that few votes don't make a
table of noughts and ones. A classifier's class shares are a vote that is spread over the labels; how far it is to be
believed, and what it takes for what, is learned like any annotator's table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .consensus import Labels, Rest
from .single_rates import fit_rates
from .votes import Floats, Ints, Votes

_ROUNDS, _STILL = 50, 1e-4  # rounds, and the mean change of a probability under which no label changes any more
_WORTH = 5.0  # votes: what a line of an annotator's table is drawn towards that of all by
_COMMON = 2.0  # votes: what a line of the table of all is drawn towards one rate of errors by
_NUMBERS = 5_000_000  # of the tables, and four times as many of the labels' probabilities: beyond, a fit takes minutes
_BATCH = 50_000


@dataclass(frozen=True)
class Tables:
    """Fitted tables."""

    votes: Votes
    said: Floats
    """(a, k, k) log probability that an annotator says a label (second) where another (third) is true."""
    likely: Floats
    """(n, k) probability of each label."""

    def labels(self) -> Labels:
        """Return the likeliest label of each item."""
        rounded = np.round(self.likely, 9) + np.bincount(self.votes.label, minlength=len(self.votes.labels)) * 1e-18
        best = rounded.argmax(axis=1)
        top = np.sort(self.likely, axis=1)[:, -2:]
        tied = np.abs(top[:, -1] - top[:, 0]) < 1e-8 if len(self.votes.labels) > 1 else np.zeros(len(best), bool)
        voted = self.votes.per_item > 0
        confidence = np.take_along_axis(self.likely, best[:, None], axis=1)[:, 0]
        return Labels(np.where(voted, best, -1), np.where(voted, confidence, 0.0), tied & voted)

    def foreseen(self, item: Ints, annotator: Ints, label: Ints) -> Floats:
        """Return the probability of votes that the fit has not seen."""
        found = np.zeros(len(item))
        for at in _batches(len(item)):
            found[at] = (self.likely[item[at]] * np.exp(self.said[annotator[at], label[at]])).sum(axis=1)
        return found

    def rest(self, item: Ints, annotator: Ints, label: Ints) -> Rest:
        """Return what the others say of votes that the fit has seen."""
        wrong, others = np.zeros(len(item)), np.zeros(len(item), np.int64)
        for at in _batches(len(item)):
            mass = np.log(np.maximum(self.likely[item[at]], 1e-300)) - self.said[annotator[at], label[at]]
            share = _softmax(mass)
            others[at] = share.argmax(axis=1)
            wrong[at] = 1 - np.take_along_axis(share, label[at][:, None], axis=1)[:, 0]
        return Rest(np.clip(wrong, 0, 1), others)


def fits(votes: Votes) -> bool:
    """Say whether tables can be fitted: they have a vote for each of their lines, and aren't too large to be held."""
    labels, people = len(votes.labels), len(votes.annotators)
    return (
        people * labels <= len(votes.item)
        and people * labels**2 <= _NUMBERS
        and len(votes.items) * labels <= 4 * _NUMBERS
    )


def fit_tables(votes: Votes, *, shares: npt.ArrayLike | None = None, worth: float = _WORTH) -> Tables:
    """Fit the tables by expectation-maximisation, begun with one rate of errors for each annotator.

    Args:
        votes: the votes; ``fits(votes)`` holds.
        shares: (n, k) how a classifier spreads each item over the labels; a line of noughts says nothing.
        worth: how many votes the table of all annotators is worth in that of each.
    """
    labels, people = len(votes.labels), len(votes.annotators)
    gave = _gave(votes)
    voter = None if shares is None else np.asarray(shares, np.float64)
    likely = _begin(votes)
    said = np.zeros((people, labels, labels))
    for _ in range(_ROUNDS):
        before = likely
        counts = (gave @ likely).reshape(people, labels, labels)
        common = _common(counts.sum(axis=0))
        said = np.log(_drawn(counts, common, worth))
        prior = np.log((likely.sum(axis=0) + 1) / (len(likely) + labels))
        mass = gave.T @ said.reshape(people * labels, labels) + prior
        if voter is not None:
            mass += voter @ np.log(_drawn(voter.T @ likely, common, worth))
        likely = _softmax(mass)
        if np.abs(likely - before).sum() < _STILL * len(likely):
            break
    return Tables(votes, said, likely)


def _gave(votes: Votes) -> Any:
    """Return (a * k, n) a 1 where an annotator gave an item a label."""
    from scipy import sparse

    labels = len(votes.labels)
    shape = (len(votes.annotators) * labels, len(votes.items))
    return sparse.csr_matrix((np.ones(len(votes.item)), (votes.annotator * labels + votes.label, votes.item)), shape)


def _begin(votes: Votes) -> Floats:
    labels = len(votes.labels)
    start = fit_rates(votes, alike=False)
    likely = np.zeros((len(votes.items), labels))
    likely.ravel()[start.key] = start.likely
    left = 1 - likely.sum(axis=1, keepdims=True)
    return likely + left * (likely == 0) / np.maximum((likely == 0).sum(axis=1, keepdims=True), 1)


def _common(counts: Floats) -> Floats:
    """Return (k, k) what all together say (first) where a label (second) is true, drawn towards one rate of errors."""
    labels = len(counts)
    right = (np.trace(counts) + 1) / (counts.sum() + 2)
    usual = np.full((labels, labels), (1 - right) / max(labels - 1, 1))
    np.fill_diagonal(usual, right)
    return _drawn(counts, usual, _COMMON)


def _drawn(counts: Floats, usual: Floats, worth: float) -> Floats:
    """Return counts (..., k said, k true) as shares of what is said, drawn towards the usual ones."""
    return (counts + worth * usual) / (counts.sum(axis=-2, keepdims=True) + worth)


def _softmax(mass: Floats) -> Floats:
    share = np.exp(mass - mass.max(axis=1, keepdims=True))
    return share / share.sum(axis=1, keepdims=True)


def _batches(length: int) -> list[slice]:
    return [slice(begin, begin + _BATCH) for begin in range(0, length, _BATCH)]
