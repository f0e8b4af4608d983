"""The verb ``agree``: how far annotators agree, who errs and how, and one label of their votes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import UsageError, quote
from ..masking import mask
from ..wording import counted
from .choosing import TABLES_AND_CLASSIFIER, Choice, choose, ways
from .coefficients import Level, fleiss, kinds, krippendorff
from .confusions import confused
from .consensus import Labels, Rest
from .error_rates import counted_errors, shrunken
from .pairs import PAIRS, differing
from .resampling import DRAWS, Interval, drawn, interval, whole
from .votes import Votes, numbers

ANNOTATORS = pl.Schema(
    {
        "annotator": pl.String,
        "votes": pl.Int64,
        "judged": pl.Int64,  # of these: votes of which something else tells whether they are wrong
        "wrong": pl.Float64,  # of these, as a sum of probabilities
        "rate": pl.Float64,  # of errors, shrunken
        "low": pl.Float64,
        "high": pl.Float64,
    }
)
"""Columns of a frame of annotators."""


_FEW = 20  # items: with these the 95% interval holds the truth 91 times of 100


@dataclass(frozen=True)
class Coefficient:
    """One coefficient of agreement."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    why: str | None = None
    """Why there is no value, or no interval."""


@dataclass(frozen=True)
class Agreement:
    """What the votes say of the annotators and of the items."""

    votes: Votes
    level: Level
    coefficients: list[Coefficient]
    pairs: pl.DataFrame
    """``pairs.PAIRS``; those that credibly differ most first."""
    annotators: pl.DataFrame
    """``ANNOTATORS``, the highest error rate first; rates are null where nothing tells of them."""
    confusions: pl.DataFrame
    """``annotator, given, rest`` in words and the counts of ``confusions.CONFUSIONS``; the least likely first."""
    choice: Choice
    labels: pl.DataFrame
    """``item, label, confidence, votes, tied``: what the chosen way makes of the votes, an item a line."""
    seed: int
    draws: int
    right: dict[str, float] = field(default_factory=dict)
    """With gold: the share of items whose label is right, by each way."""
    gold_items: int = 0
    """Items whose gold label is known."""
    notes: list[str] = field(default_factory=list)

    @property
    def tells_apart(self) -> bool:
        """Whether something tells which of the annotators errs; of two that is a classifier only."""
        known = self.annotators["rate"].is_not_null().any()
        several = len(self.votes.annotators) > 2 or not self.votes.shared
        return known and (several or self.choice.method == TABLES_AND_CLASSIFIER)

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        votes = self.votes
        return {
            "items": len(votes.items), "shared": votes.shared, "votes": len(votes.item),
            "annotators": self.annotators.to_dicts(), "labels": votes.labels, "level": self.level,
            "missing": votes.missing, "repeated": votes.repeated, "contradicted": votes.contradicted,
            "coefficients": {
                entry.name: {key: value for key, value in asdict(entry).items() if key != "name"}
                for entry in self.coefficients
            },
            "pairs": self.pairs.to_dicts(),
            "confusions": self.confusions.filter("credible").to_dicts(),
            "aggregation": {
                "method": self.choice.method, "sentence": self.choice.sentence,
                "evidence": [asdict(entry) for entry in self.choice.evidence],
                "tied": int(self.labels["tied"].sum()), "right": self.right, "gold_items": self.gold_items,
            },
            "seed": self.seed, "draws": self.draws, "notes": self.notes,
        }  # fmt: skip


def agree(
    votes: Votes,
    *,
    level: Level = "nominal",
    shares: npt.ArrayLike | None = None,
    wrong: npt.ArrayLike | None = None,
    gold: Mapping[str, str] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Agreement:
    """Return what the votes say of the annotators and of the items.

    Args:
        votes: ``votes.gathered(...)``.
        level: ``ordinal`` needs labels in their order, ``interval`` labels that are numbers.
        shares: (n, k) a classifier's probability of each label for each item: one more voter, if it earns its place.
        wrong: (v) probability by a classifier that a vote is wrong, for votes that are alone on their item; NaN where
            it does not say.
        gold: item to label, to say how often each way of making one label is right; nothing else looks at it.
        draws: of the items, for intervals.
        seed: of the draws, and of the votes that are held back.

    Raises:
        UsageError: ``interval`` with labels that are no numbers, or gold of other items.
    """
    if level == "interval" and votes.values is None:
        raise UsageError("the interval level needs labels that are numbers; take the ordinal level with an order.")
    choice = choose(votes, shares=shares, seed=seed)
    fitted = ways(votes, shares=shares)[choice.method](votes)
    rest = fitted.rest(votes.item, votes.annotator, votes.label)
    right, known = _right(votes, gold, shares)
    return Agreement(
        votes, level, _coefficients(votes, level, draws, seed),
        differing(votes, level=level, draws=draws, seed=seed) if votes.shared else PAIRS.to_frame(),
        _annotators(votes, rest, wrong, apart=len(votes.annotators) > 2 or choice.method == TABLES_AND_CLASSIFIER),
        _confusions(votes, rest), choice, _labels(votes, fitted.labels()),
        seed, draws, right, known, _notes(votes, level, choice, wrong),
    )  # fmt: skip


def _coefficients(votes: Votes, level: Level, draws: int, seed: int) -> list[Coefficient]:
    names = ["fleiss_kappa", "krippendorff_alpha"]
    if not votes.shared:
        return [Coefficient(name, None, None, None, "no item was labelled by two annotators") for name in names]
    found = kinds(votes)
    statistics = [fleiss(found), krippendorff(found, level, values=votes.values)]
    result = []
    for name, statistic, values in zip(
        names, statistics, drawn(statistics, found.many, draws=draws, seed=seed), strict=True
    ):
        value = whole(statistic, found.many)
        if not np.isfinite(value):
            result.append(
                Coefficient(name, None, None, None, "all give one label, so agreement can't be told from chance")
            )
            continue
        bounds = interval(values, point=value) if draws else Interval(None, None)
        result.append(Coefficient(name, value, bounds.low, bounds.high, bounds.why))
    return result


def _annotators(votes: Votes, rest: Rest, wrong: npt.ArrayLike | None, *, apart: bool) -> pl.DataFrame:
    """Return the error rates: by the rest where there is one, else by the classifier."""
    people = len(votes.annotators)
    shared = votes.per_item[votes.item] > 1
    judged = np.bincount(votes.annotator[shared], minlength=people)
    if apart:
        who = votes.annotator[shared]
        errors, worth = counted_errors(rest.wrong[shared], who, people=people, labels=len(votes.labels))
    else:  # of two nothing tells who errs
        errors, worth = np.bincount(votes.annotator[shared], rest.wrong[shared], people), judged.astype(np.float64)
    share = worth / np.maximum(judged, 1)
    weighed = errors * share
    if wrong is not None:
        doubt = np.asarray(wrong, np.float64)
        alone = ~shared & ~np.isnan(doubt)
        many, found = (np.bincount(votes.annotator[alone], part, people) for part in (None, doubt[alone]))
        judged, errors, worth, weighed = judged + many, errors + found, worth + many, weighed + found
    frame = pl.DataFrame(
        {
            "annotator": votes.annotators,
            "votes": np.bincount(votes.annotator, minlength=people),
            "judged": judged,
            "wrong": errors,
        }
    )
    if judged.any():
        rates = shrunken(weighed, worth)
        known = pl.Series(judged > 0)
        bounds = {"rate": rates.mean, "low": rates.low, "high": rates.high}
        frame = frame.with_columns(
            pl.when(known).then(pl.Series(values)).alias(name) for name, values in bounds.items()
        )
    else:
        frame = frame.with_columns(pl.lit(None).alias(name) for name in ("rate", "low", "high"))
    return frame.cast(dict(ANNOTATORS)).sort("rate", "annotator", descending=[True, False], nulls_last=True)  # pyright: ignore[reportArgumentType]


def _confusions(votes: Votes, rest: Rest) -> pl.DataFrame:
    judged = votes.per_item[votes.item] > 1
    found = confused(votes.annotator[judged], votes.label[judged], rest.label[judged])
    names = {"annotator": votes.annotators, "given": votes.labels, "rest": votes.labels}
    return found.with_columns(
        pl.Series(column, [words[place] for place in found[column]], dtype=pl.String) for column, words in names.items()
    )


def _labels(votes: Votes, found: Labels) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "item": votes.items,
            "label": [votes.labels[place] for place in found.label],
            "confidence": np.round(found.confidence, 6),
            "votes": votes.per_item,
            "tied": found.tied,
        }
    )


def _right(votes: Votes, gold: Mapping[str, str] | None, shares: npt.ArrayLike | None) -> tuple[dict[str, float], int]:
    if gold is None:
        return {}, 0
    known = np.array([item in gold for item in votes.items])
    if not known.any():
        raise UsageError(
            f"the gold labels are of other items: {quote(mask(next(iter(gold), '')[:200]), 60)} is none that was voted on; "
            "name the column that holds the items in both."
        )
    place = _places(votes, set(gold.values()))
    truth = np.array([place.get(gold[item], -2) if item in gold else -2 for item in votes.items])
    return {
        method: float((fit(votes).labels().label[known] == truth[known]).mean())
        for method, fit in ways(votes, shares=shares).items()
    }, int(known.sum())


def _places(votes: Votes, gold: set[str]) -> dict[str, int]:
    """Return the positions of labels, and of gold labels that are written as another number of the same value."""
    place = {label: number for number, label in enumerate(votes.labels)}
    if votes.values is not None:
        by_value = {value: number for number, value in enumerate(votes.values.tolist())}
        for label in gold - set(place):
            value = numbers([label])
            if value is not None and value[0] in by_value:
                place[label] = by_value[value[0]]
    return place


def _notes(votes: Votes, level: Level, choice: Choice, wrong: npt.ArrayLike | None) -> list[str]:
    notes = []
    if votes.missing:
        notes.append(f"{counted(votes.missing, 'vote')} without an item, an annotator or a label: not counted")
    if votes.repeated:
        notes.append(f"{votes.repeated:,} lines repeat a vote, and don't count again")
    if votes.alike:
        notes.append(
            f"{counted(votes.alike, 'label')} {'is' if votes.alike == 1 else 'are'} written as another number of the same "
            "value (1.0 and 1), and count as that"
        )
    if votes.contradicted:
        notes.append(f"{votes.contradicted:,} times an annotator gave one item several labels; none of these counts")
    if level == "nominal" and votes.values is not None and len(votes.labels) > 2:
        notes.append(
            "the labels are numbers; if more of them means more, --level ordinal (or interval, where steps are equal) "
            "counts a near miss as less than a far one"
        )
    if 0 < votes.shared < _FEW:
        notes.append(f"fewer than {_FEW} items have two votes: the intervals are too narrow to build on")
    alone = votes.per_item[votes.item] == 1
    if wrong is not None and (told := int((alone & ~np.isnan(np.asarray(wrong, np.float64))).sum())):
        notes.append(
            f"{counted(told, 'vote')} alone on an item: by the classifier alone is told how often these are wrong"
        )
    if votes.shared and len(votes.annotators) == 2 and choice.method != TABLES_AND_CLASSIFIER:
        notes.append("of two annotators nothing tells who errs: both get the rate at which they differ")
    return notes
