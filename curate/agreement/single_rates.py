"""Votes by how often each annotator errs: one rate for each, or one for all, which is the majority.

Errors are taken to fall on the other labels alike (the one-coin form of Dawid & Skene 1979), fitted by
expectation-maximisation. Only labels that somebody gave an item are held, so 2,000 labels cost no more than two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .consensus import Labels, Rest
from .votes import Floats, Ints, Votes

_ROUNDS, _STILL = 200, 1e-6
_WORTH = 4.0  # votes: what an annotator's rate is drawn towards the mean of all by; they tell 3 of 4 from chance
_LEAST, _MOST = 0.01, 0.999  # no annotator is taken to be always right, or never


@dataclass(frozen=True)
class SingleRates:
    """Fitted rates, and of each label that an item was given (e of them, sorted by item and label) how likely it is."""

    votes: Votes
    right: Floats
    """(a) how often each annotator is right."""
    prior: Floats
    """(k) how frequent each label is."""
    key: Ints
    """(e) item * k + label, rising."""
    likely: Floats
    """(e) probability that it is the item's label."""

    @property
    def weight(self) -> Floats:
        """(a) what a vote for a label adds to its log odds."""
        return np.log(self.right) - np.log(self._slip)

    @property
    def _slip(self) -> Floats:
        """(a) probability of one certain wrong label."""
        return (1 - self.right) / max(len(self.prior) - 1, 1)

    def labels(self) -> Labels:
        """Return the likeliest label of each item."""
        item, label = np.divmod(self.key, len(self.prior))
        many = np.bincount(self.votes.label, minlength=len(self.prior))
        # Sums of equal parts may differ in the last digit: what is equal must stay so, for ties to be seen.
        order = np.lexsort((label, -many[label], -np.round(self.likely, 9), item))
        _, first = np.unique(item[order], return_index=True)
        found = np.full(len(self.votes.items), -1), np.zeros(len(self.votes.items)), self._empty()
        best = order[first]
        found[0][item[best]], found[1][item[best]] = label[best], self.likely[best]
        second = order[np.minimum(first + 1, len(order) - 1)]
        found[2][item[best]] = (
            (item[second] == item[best]) & (second != best) & (np.abs(self.likely[second] - self.likely[best]) < 1e-8)
        )
        return Labels(*found)

    def foreseen(self, item: Ints, annotator: Ints, label: Ints) -> Floats:
        """Return the probability of votes that the fit has not seen."""
        likely = self._likely(item, label)
        return likely * self.right[annotator] + (1 - likely) * self._slip[annotator]

    def rest(self, item: Ints, annotator: Ints, label: Ints) -> Rest:
        """Return what the others say of votes that the fit has seen."""
        likely = self._likely(item, label)
        own = likely * np.exp(-self.weight[annotator])
        best, second = self._leaders()
        key = item * len(self.prior) + label
        leader = np.where(self.key[best[item]] == key, second[item], best[item])
        alone = self.key[leader] == key  # nobody gave the item another label
        others = np.where(alone | (own >= self.likely[leader]), label, self.key[leader] % len(self.prior))
        unlike = np.maximum(1 - likely, 1e-12)
        return Rest(unlike / (own + unlike), others)

    def _likely(self, item: Ints, label: Ints) -> Floats:
        key = item * len(self.prior) + label
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        given = self.key[place] == key
        told, label_of = np.divmod(self.key, len(self.prior))
        left = 1 - np.bincount(told, self.likely, len(self.votes.items))
        unsaid = 1 - np.bincount(told, self.prior[label_of], len(self.votes.items))
        other = np.clip(left[item], 0, 1) * self.prior[label] / np.maximum(unsaid[item], 1e-12)
        return np.where(given, self.likely[place], np.clip(other, 0, 1))

    def _leaders(self) -> tuple[Ints, Ints]:
        """Return, for each item, its two likeliest entries; twice the same where it has one."""
        item = self.key // len(self.prior)
        order = np.lexsort((-self.likely, item))
        known, first, many = np.unique(item[order], return_index=True, return_counts=True)
        best, second = np.zeros((2, len(self.votes.items)), np.int64)
        best[known], second[known] = order[first], order[first + (many > 1)]
        return best, second

    def _empty(self) -> np.ndarray:
        return np.zeros(len(self.votes.items), bool)


def fit_rates(votes: Votes, *, alike: bool) -> SingleRates:
    """Fit how often annotators are right.

    Args:
        votes: the votes.
        alike: one rate for all, and no label likelier than another before the votes: then the likeliest label is the
            one with the most votes.
    """
    labels, items = len(votes.labels), len(votes.items)
    key, entry = np.unique(votes.item * labels + votes.label, return_inverse=True)
    item, label = np.divmod(key, labels)
    seen = np.bincount(votes.annotator, minlength=len(votes.annotators)).astype(np.float64)
    right, prior = np.full(len(seen), 0.8), np.full(labels, 1 / labels)
    likely = np.zeros(len(key))
    for _ in range(_ROUNDS):
        before = likely
        weight = np.log(right) - np.log((1 - right) / max(labels - 1, 1))
        mass = np.log(prior[label]) + np.bincount(entry, weight[votes.annotator], len(key))
        peak = np.zeros(items)  # the labels that nobody gave have their prior, so no less than 0
        np.maximum.at(peak, item, mass)
        mass = np.exp(mass - peak[item])
        unsaid = np.maximum(1 - np.bincount(item, prior[label], items), 0) * np.exp(-peak)
        likely = mass / (np.bincount(item, mass, items) + unsaid)[item]
        hits = np.bincount(votes.annotator, likely[entry], len(seen))
        mean = (hits.sum() + 1) / (seen.sum() + 2)
        right = np.full(len(seen), mean) if alike else (hits + _WORTH * mean) / (seen + _WORTH)
        right = np.clip(right, _LEAST, _MOST)
        if not alike:
            prior = np.bincount(label, likely, labels) + 1
            prior /= prior.sum()
        if np.abs(likely - before).max(initial=0) < _STILL:
            break
    return SingleRates(votes, right, prior, key, likely)
