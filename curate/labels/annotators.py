"""Annotators who err more than the rest, or confuse one pair of labels; and what that says of each of their rows.

Where every row has one label, the classifier stands in for the other annotators. It errs itself, more on some labels than
on others: so an annotator is held against what the classifier says of the *others'* rows of the same labels, and only what
goes beyond that counts. "The same labels" is taken both ways, by the label that was given and by the one that the
classifier sees: where annotators have topics of their own, either alone takes the topic for the annotator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ..agreement.confusions import confused
from ..agreement.error_rates import shrunken
from ..agreement.votes import Floats, Ints
from ..clusters import ids
from ..errors import quote
from ..findings import empty, report
from ..masking import mask
from .labelled import Labelled

_CHANCE = 0.01  # of a single annotator named in vain, among all of a set
_FACTOR, _BEYOND = 1.5, 0.02  # an error rate that is less than so much above what the rows are due is not worth a word
_TIMES, _TWICE = 5, 2.0  # the same of a few labels: what is rarer is not worth a word
_NAMED = 3  # confusions that a note names
_NEAREST = (3, 7)  # labels that are taken together with one: the nearest by the mean of their rows
_LEAST = 0.2  # of a row's probability of being wrong: under it a finding would be in vain four times of five
_USUAL = 0.02  # a rate of errors that any annotator may have: without it a rise from next to nothing would make all rows doubtful
_CELLS = 1_000_000  # people times sets of labels that are looked at together
_ROUNDS = 3  # an annotator's rate rests on the rows' doubts, and these on the rate


@dataclass(frozen=True)
class _Rows:
    """n rows whose annotator is known."""

    who: Ints
    given: Ints
    truth: Ints
    """(n) the label by the classifier where it rather doubts the given one, else that."""
    suggested: Ints
    wrong: Floats
    names: list[str]
    """(a) of the annotators."""


@dataclass(frozen=True)
class Annotators:
    """What the classifier's doubts say of a annotators."""

    rows: Ints
    """(a) rows of each."""
    rate: Floats
    """(a) error rate, shrunken."""
    low: Floats
    """(a) bounds of the rate, wide enough to hold for all of them at once."""
    high: Floats
    due: Floats
    """(a) error rate that the others have on rows of the same labels."""
    chance: Floats
    """(a) of so many errors or more, if the annotator were like the others."""

    @property
    def credible(self) -> npt.NDArray[np.bool_]:
        """(a) Whether the rate is above what is due, beyond doubt and by enough to matter."""
        beyond = (self.rate > _FACTOR * self.due) & (self.rate > self.due + _BEYOND)
        return beyond & (self.chance * len(self.rate) < _CHANCE)


def find_annotator(
    rows: pl.DataFrame, labelled: Labelled, wrong: npt.ArrayLike, suggested: npt.ArrayLike
) -> pl.DataFrame:
    """Find the doubtful rows of annotators who credibly err more than the rest, or confuse some labels.

    The score is the row's probability of being wrong, given its text and who labelled it.

    Args:
        rows: the rows.
        labelled: those that have a label, as arrays.
        wrong: (n) probability by the classifier that the label is wrong.
        suggested: (n) label that the classifier would give, as a position in ``labelled.names``.
    """
    known = _known(rows, labelled)
    if known is None:
        return empty()
    has, names, who = known
    other = np.asarray(suggested, np.int64)[has]
    told = _judged(labelled, has, names, who, np.asarray(wrong, np.float64)[has], other)
    found = told.filter((pl.col("score") >= _LEAST) & pl.col("note").is_not_null())
    place = found["place"].to_numpy()
    relabel = (pl.col("score") >= 0.5) & pl.Series(other[place] != labelled.code[has][place])
    value = pl.Series([labelled.names[label] for label in other[place]], dtype=pl.String)
    return report(
        found.select(
            ids(rows, pl.Series(labelled.row[has][place])).alias("id"),
            "score",
            "note",
            pl.when(relabel).then(pl.lit("relabel")).otherwise(pl.lit("review")).alias("suggest"),
            pl.when(relabel).then(value).alias("value"),
        ),
        "labels.annotator",
    )


def doubts(rows: pl.DataFrame, labelled: Labelled, wrong: npt.ArrayLike, suggested: npt.ArrayLike) -> Floats:
    """Return (n) the probability that each label is wrong, given the text and who labelled it.

    It differs from ``wrong`` only for the rows of annotators of whom something is credible.
    """
    known = _known(rows, labelled)
    found = np.array(wrong, np.float64)
    if known is not None:
        has, names, who = known
        told = _judged(labelled, has, names, who, found[has], np.asarray(suggested, np.int64)[has])
        found[has] = told["score"].to_numpy()
    return found


def _known(rows: pl.DataFrame, labelled: Labelled) -> tuple[npt.NDArray[np.bool_], list[str], Ints] | None:
    """Return which labelled rows name their annotator, the names, and who it is; ``None`` for fewer than two."""
    told = rows["annotator"].gather(labelled.row)
    names = told.drop_nulls().unique().sort().to_list()
    if len(names) < 2:
        return None
    has = told.is_not_null()
    return has.to_numpy(), names, told.filter(has).cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)


def _judged(
    labelled: Labelled, has: npt.NDArray[np.bool_], names: list[str], who: Ints, wrong: Floats, suggested: Ints
) -> pl.DataFrame:
    """Return ``place, score, note`` of each row; by Bayes' rule the odds change by what is credible of its annotator."""
    given = labelled.code[has]
    wrong = np.clip(wrong, 1e-6, 1 - 1e-6)
    sets = _label_sets(labelled)
    posterior, told = wrong, pl.DataFrame()
    for _ in range(_ROUNDS):
        truth = np.where(posterior >= 0.5, suggested, given)
        at = _Rows(who, given, truth, suggested, posterior, names)
        told = _evidence(at, sets, labelled.names)
        posterior = 1 / (1 + np.exp(-(np.log(wrong / (1 - wrong)) + told["shift"].to_numpy())))
    return told.select("place", pl.Series("score", posterior), "note")


def _evidence(at: _Rows, sets: npt.NDArray[np.bool_], labels: list[str]) -> pl.DataFrame:
    """Return ``place, shift, note``: the change of each row's log odds, and the narrowest thing that is credible."""
    due = _due(at, len(labels))
    rates = weighed(at.who, at.wrong, due, people=len(at.names))
    called = _called(at.names)
    pair_note, pair_shift = _by_pair(at, labels, called)
    set_note, set_shift = _by_set(at, due, sets, labels, called)
    rate_shift = np.where(rates.credible, _change(rates.rate, rates.due), 0.0)[at.who]
    rate_note = pl.Series(_rate_notes(rates, called), dtype=pl.String).gather(at.who)
    shift = np.maximum(np.maximum(pair_shift, set_shift), rate_shift)
    notes = pl.select(note=pl.coalesce(pair_note, set_note, rate_note))["note"]
    return pl.DataFrame({"place": np.arange(len(at.who)), "shift": shift, "note": notes})


def _due(at: _Rows, labels: int) -> Floats:
    """Return (n) the share of the others' rows of the same label that are wrong, as a mean of both meanings of the same."""
    people = len(at.names)
    by_given, by_truth = (_share_of_others(at.who, label, at.wrong, people, labels) for label in (at.given, at.truth))
    return (by_given + by_truth) / 2


def _share_of_others(who: Ints, label: Ints, wrong: Floats, people: int, labels: int) -> Floats:
    # Cells that occur only: 1,000 annotators times 2,000 labels would be two million.
    cells, cell = np.unique(who * labels + label, return_inverse=True)
    mine = np.bincount(cell, wrong), np.bincount(cell).astype(np.float64)
    of = cells % labels
    others = [np.bincount(label, part, labels)[of] - own for part, own in zip((wrong, None), mine, strict=True)]
    total = np.bincount(who, wrong, people), np.bincount(who, minlength=people)
    rest = ((wrong.sum() - total[0]) / np.maximum(len(wrong) - total[1], 1))[cells // labels]
    return ((others[0] + rest) / (others[1] + 1))[cell]  # of a label that nobody else has: the others' rate of all


def weighed(annotator: Ints, wrong: Floats, due: Floats, *, people: int) -> Annotators:
    """Return the error rate of each annotator and what it is due.

    Args:
        annotator: (n) who.
        wrong: (n) probability that the row's label is wrong.
        due: (n) what it is for the others' rows like it.
        people: how many annotators there are.
    """
    many = np.bincount(annotator, minlength=people).astype(np.float64)
    errors = np.bincount(annotator, wrong, people).astype(np.float64)
    rates = shrunken(errors, many, level=1 - 2 * _CHANCE / people)
    mean = np.bincount(annotator, due, people) / np.maximum(many, 1)
    return Annotators(many.astype(np.int64), rates.mean, rates.low, rates.high, mean, _tail(errors, many, mean))


def _tail(wrong: Any, many: Any, share: Any) -> Any:
    """Return the chance of so many of ``many`` or more, each with the chance ``share``; also of sums of probabilities."""
    from scipy import special

    return special.betainc(np.maximum(wrong, 1e-9), np.maximum(many - wrong, 0) + 1, np.clip(share, 1e-4, 1))


def _by_pair(at: _Rows, labels: list[str], called: list[str]) -> tuple[pl.Series, Floats]:
    """Return note and change of the log odds of rows that stand for a credible confusion of two labels.

    It must be credible both of the rows where the rest say the one, and of those that were given the other.
    """
    seen = confused(at.who, at.given, at.truth)
    back = confused(at.who, at.truth, at.given).select(
        "annotator", pl.col("given").alias("rest"), pl.col("rest").alias("given"), pl.col("credible").alias("too"),
        *(pl.col(name).alias(f"back_{name}") for name in ("times", "of", "others_times", "others_of")),
    )  # fmt: skip
    found = seen.join(back, on=["annotator", "given", "rest"], how="inner", maintain_order="left")
    found = found.filter(pl.col("credible") & pl.col("too"))
    folds = [
        ((pl.col(f"{side}times") + 0.5) / (pl.col(f"{side}of") + 1))
        / ((pl.col(f"{side}others_times") + 0.5) / (pl.col(f"{side}others_of") + 1))
        for side in ("", "back_")
    ]
    shown = _shown(labels)
    notes = found.select(
        "annotator", "given", "rest",
        pl.format(
            "annotator {} gives {} where the rest say {}: {} of {}, others {} of {}.",
            pl.Series(called, dtype=pl.String).gather(found["annotator"]), shown.gather(found["given"]),
            shown.gather(found["rest"]), "times", "of", "others_times", "others_of",
        ).alias("note"),
        pl.min_horizontal(*folds).log().clip(0, None).alias("shift"),
    )  # fmt: skip
    rows = pl.DataFrame({"annotator": at.who, "given": at.given, "rest": at.truth})
    joined = rows.join(notes, on=["annotator", "given", "rest"], how="left", maintain_order="left")
    return joined["note"], joined["shift"].fill_null(0.0).to_numpy()


def _by_set(
    at: _Rows, due: Floats, sets: npt.NDArray[np.bool_], labels: list[str], called: list[str]
) -> tuple[pl.Series, Floats]:
    """Return note and change of the log odds of rows with labels that their annotator credibly confuses.

    A set is a label and those nearest to it. It must be credible both of the rows that were given one of them, and of those
    that the rest give one; of all sets that are credible of an annotator the likeliest is told.
    """
    notes: list[str | None] = [None] * len(at.who)
    shift = np.zeros(len(at.who))
    shown = _shown(labels)
    errors = np.bincount(at.who, at.wrong, len(at.names))
    able = np.flatnonzero(errors >= _TIMES)  # of fewer errors no set is told
    step = max(1, _CELLS // max(len(sets), 1))
    for people in (able[low : low + step] for low in range(0, able.size, step)):
        of_given, of_truth = _in_sets(at, due, sets, people)
        bad, chance = _credible(of_given, of_truth, tests=max(errors.size * len(sets), 1))
        times, usual, many = of_truth
        for place in np.flatnonzero(bad.any(axis=1)):
            person, best = people[place], np.flatnonzero(bad[place])[np.argmin(chance[place][bad[place]])]
            rate, usually = times[place, best] / many[place, best], usual[place, best] / many[place, best]
            rows = np.flatnonzero((at.who == person) & (sets[best][at.truth] | sets[best][at.given]))
            note = (
                f"annotator {called[person]} errs on {sets[best].sum()} labels that are alike: {times[place, best]:.0f} of "
                f"{many[place, best]:.0f} rows, where {usually:.0%} is usual; most are {_most(at, rows, shown)}."
            )
            shift[rows] = _change(rate, usually)
            for row in rows:
                notes[row] = note
    return pl.Series(notes, dtype=pl.String), shift


def _most(at: _Rows, rows: Ints, shown: pl.Series) -> str:
    """Return the labels that carry most of the errors of some rows, as given and as they likely are, the most first."""
    errors = pl.DataFrame({"given": at.given[rows], "likely": at.suggested[rows], "wrong": at.wrong[rows]})
    sums = (
        errors.filter(pl.col("given") != pl.col("likely")).group_by("given", "likely").agg(pl.col("wrong").sort().sum())
    )
    most = sums.sort(-pl.col("wrong").round(6), "given", "likely").head(_NAMED)
    kept = most.filter(pl.col("wrong") >= pl.col("wrong").max() / 4)
    return ", ".join(f"{shown[given]} for {shown[likely]} ({wrong:.0f})" for given, likely, wrong in kept.iter_rows())


def _credible(*sides: tuple[Floats, Floats, Floats], tests: int) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Return (p, s) which sets each annotator credibly errs on, on every side, and the chance of it by luck."""
    bad = np.logical_and.reduce([(times >= _TIMES) & (times >= _TWICE * usual) for times, usual, _ in sides])
    chance = np.where(bad, 0.0, 1.0)
    for times, usual, many in sides:  # the chance costs most, and few sets are left here
        found = _tail(times[bad], many[bad], usual[bad] / np.maximum(many[bad], 1e-9))
        chance[bad] = np.maximum(chance[bad], found)
    return bad & (chance * tests < _CHANCE), chance


def _in_sets(at: _Rows, due: Floats, sets: npt.NDArray[np.bool_], people: Ints) -> tuple[Any, Any]:
    """Return, by the given labels and by the true ones, (p, s) for p people and s sets: wrong rows, how many are due, rows.

    Nobody knows the true ones: a row counts for the suggested label as far as the given one is doubted.
    """
    from scipy import sparse

    place = np.full(len(at.names), -1)
    place[people] = np.arange(people.size)
    rows = np.flatnonzero(place[at.who] >= 0)
    who, shape = place[at.who[rows]], (people.size, sets.shape[1])
    belongs = sparse.csr_matrix(sets.T, dtype=np.float64)

    def summed(label: Ints, part: Floats) -> Any:
        cells: Any = sparse.csr_matrix((part[rows], (who, label[rows])), shape=shape)
        return (cells @ belongs).toarray()

    right, everything = 1 - at.wrong, np.ones(len(at.who))
    of_given = summed(at.given, at.wrong), summed(at.given, due), summed(at.given, everything)
    wrong = summed(at.suggested, at.wrong)
    usual = summed(at.given, due * right) + summed(at.suggested, due * at.wrong)
    return of_given, (wrong, usual, summed(at.given, right) + wrong)


def _label_sets(labelled: Labelled) -> npt.NDArray[np.bool_]:
    """Return (s, k) sets of labels: each with its nearest ones; none where that would be nearly all labels."""
    labels = len(labelled.names)
    sums = labelled.targets.T @ labelled.vectors
    means = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    nearest = np.argsort(-(means @ means.T), axis=1, kind="stable") if labels > 2 * min(_NEAREST) else None
    found = []
    for many in _NEAREST:
        if nearest is not None and labels > 2 * many:
            of = np.zeros((labels, labels), bool)
            np.put_along_axis(of, nearest[:, : many + 1], True, axis=1)
            of[np.arange(labels), np.arange(labels)] = True
            found.append(of)
    return np.concatenate(found) if found else np.zeros((0, labels), bool)


def _rate_notes(rates: Annotators, called: list[str]) -> list[str | None]:
    return [
        f"annotator {name} errs in some {rate:.0%} of {rows:,} rows ({low:.0%} to {high:.0%}), others in {due:.0%} of such rows."
        if bad
        else None
        for name, rate, rows, low, high, due, bad in zip(
            called, rates.rate, rates.rows, rates.low, rates.high, rates.due, rates.credible, strict=True
        )
    ]


def _change(rate: npt.ArrayLike, due: npt.ArrayLike) -> Floats:
    """Return by how much the log odds of a wrong label rise where a rate stands in the place of another."""
    before = np.clip(due, _USUAL, 0.99)
    after = np.clip(rate, before, 0.99)
    return np.log(after / (1 - after)) - np.log(before / (1 - before))


def _shown(labels: list[str]) -> pl.Series:
    return pl.Series([quote(mask(label[:200]), limit=18) for label in labels], dtype=pl.String)


def _called(names: list[str]) -> list[str]:
    """Return the annotators as a note may say them; who is masked has a number to be told apart by."""
    masked = [mask(name[:200]) for name in names]
    return [
        quote(shown if shown == name[:200] else f"{shown} {number}", limit=20)
        for number, (name, shown) in enumerate(zip(names, masked, strict=True), 1)
    ]
