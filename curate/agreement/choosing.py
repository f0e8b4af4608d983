"""Which way of making one label of several votes: the one that best foresees votes it has not seen.

No gold is needed: a part of the votes is held back, each way is fitted to the rest, and the mean log probability that it
gives to what was held back is its evidence. The simplest way that is within one standard error of the best is taken
(Breiman and others 1984, section 3.4.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .consensus import Consensus
from .dawid_skene import fit_tables, fits
from .single_rates import fit_rates
from .votes import Floats, Ints, Votes

MAJORITY, RATES, TABLES, TABLES_AND_CLASSIFIER = (
    "majority", "one rate each", "Dawid-Skene", "Dawid-Skene with the classifier",
)  # fmt: skip

_FOLDS = 5
_FEWEST, _ENOUGH = 5_000, 1_000_000  # items, and items times labels: more would tell the same, and take minutes
_LARGE = 1_000_000  # votes times labels: from here on one fold tells enough, and five take minutes

Fit = Callable[[Votes], Consensus]


@dataclass(frozen=True)
class Evidence:
    """How well a way foresees votes that it has not seen."""

    method: str
    held_back: float
    """Mean log probability of a vote that was held back; 0 is certainty."""
    behind: float
    """How much less than the best."""
    error: float
    """Standard error of that difference, over items."""


@dataclass(frozen=True)
class Choice:
    """The way that is taken, and why."""

    method: str
    evidence: list[Evidence]
    """From the simplest way to the richest; empty where there was nothing to choose by."""
    sentence: str


def ways(votes: Votes, *, shares: npt.ArrayLike | None = None) -> dict[str, Fit]:
    """Return the ways that the votes allow, from the simplest to the richest.

    Of two annotators nothing but a classifier tells who errs, so without one all that can be done is to count.
    """
    found: dict[str, Fit] = {MAJORITY: lambda some: fit_rates(some, alike=True)}
    if len(votes.annotators) > 2 and len(votes.labels) > 1:
        found[RATES] = lambda some: fit_rates(some, alike=False)
        if fits(votes):
            found[TABLES] = fit_tables
    if shares is not None and len(votes.labels) > 1 and fits(votes):
        found[TABLES_AND_CLASSIFIER] = lambda some: fit_tables(some, shares=shares)
    return found


def choose(votes: Votes, *, shares: npt.ArrayLike | None = None, seed: int = 0) -> Choice:
    """Choose by evidence.

    Args:
        votes: the votes.
        shares: (n, k) a classifier's view of each item.
        seed: of what is held back.
    """
    able = ways(votes, shares=shares)
    if len(able) == 1:
        return Choice(MAJORITY, [], f"majority: {_only(votes)}")
    if len(votes.items) > (most := max(_FEWEST, _ENOUGH // len(votes.labels))):
        some = np.sort(np.random.default_rng(seed).choice(len(votes.items), most, replace=False))
        votes = votes.of_items(some)
        able = ways(votes, shares=None if shares is None else np.asarray(shares)[some])
    fold = _folds(votes, seed)
    folds = range(_FOLDS if len(votes.item) * len(votes.labels) <= _LARGE else 1)
    if not any((fold == part).any() for part in folds):
        return Choice(MAJORITY, [], "majority: no item has two votes, so there is nothing to choose by")
    scores = {method: [_score(fit, votes, fold == part) for part in folds] for method, fit in able.items()}
    told = np.concatenate([votes.item[fold == part] for part in folds])
    means = {method: float(np.concatenate(parts).mean()) for method, parts in scores.items()}
    best = max(means, key=lambda method: means[method])
    evidence = []
    for method, parts in scores.items():
        error = _standard_error(np.concatenate(scores[best]) - np.concatenate(parts), told)
        evidence.append(Evidence(method, means[method], means[best] - means[method], error))
    taken = next(entry for entry in evidence if entry.behind <= entry.error)
    return Choice(taken.method, evidence, _sentence(taken, best, evidence, len(told)))


def _only(votes: Votes) -> str:
    if len(votes.labels) < 2:
        return "there is one label only, so there is nothing to choose"
    return "of two annotators nothing tells who errs more, so there is nothing to weigh their votes by"


def _sentence(taken: Evidence, best: str, evidence: list[Evidence], held: int) -> str:
    chance = np.exp(taken.held_back)
    start = f"{taken.method}: of {held:,} votes that were held back it gives each a probability of {chance:.3f} (geometric mean)"
    if taken.method != best:
        return f"{start}, and the best, {best}, is ahead by less than its standard error; the simpler one is taken"
    others = ", ".join(
        f"{entry.method} {np.exp(entry.held_back):.3f}" for entry in evidence if entry.method != taken.method
    )
    return f"{start}; the others give less: {others}"


def _folds(votes: Votes, seed: int) -> Ints:
    """Return the fold of each vote, -1 for those alone on their item; votes of one item are spread over the folds."""
    random = np.random.default_rng(seed)
    order = np.lexsort((random.random(len(votes.item)), votes.item))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - votes.start[votes.item[order]]
    fold = (rank + random.integers(0, _FOLDS, len(votes.items))[votes.item]) % _FOLDS
    return np.where(votes.per_item[votes.item] > 1, fold, -1)


def _score(fit: Fit, votes: Votes, held: npt.NDArray[np.bool_]) -> Floats:
    fitted = fit(votes.chosen(~held))
    return np.log(np.maximum(fitted.foreseen(votes.item[held], votes.annotator[held], votes.label[held]), 1e-12))


def _standard_error(difference: Floats, item: Ints) -> float:
    """Return the standard error of the mean, votes of one item taken together."""
    if len(difference) < 2 or not difference.any():
        return 0.0
    sums = np.bincount(item, difference - difference.mean())
    return float(np.sqrt((sums**2).sum()) / len(difference))
