"""One sample against another: six looks at it, each with what chance alone would have brought."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ...curate.embed.encoder import Encoder
from ...curate.errors import quote
from ...curate.masking import mask
from ..stats.holm import adjusted
from . import label_mix, lengths, separating, vocabulary
from .permuting import Doubles, Statistic, p_value, permuted
from .pooling import Pool, drawn

Look = Literal["labels", "unseen classes", "length", "words", "unseen words", "vectors"]

FLOORS: dict[Look, float] = {
    "labels": 0.05, "unseen classes": 0.0, "length": 0.1, "words": 0.02, "unseen words": 0.05, "vectors": 0.1,
}  # fmt: skip
"""Least effect beyond chance that is worth an act; a class that nobody taught the model is worth one at any size."""

MEANS: dict[Look, str] = {
    "labels": "rows that would have to change class",
    "unseen classes": "rows of classes that were not there",
    "length": "largest difference of the shares of texts up to a length",
    "words": "Jensen-Shannon divergence of the words, bits",
    "unseen words": "words that stand in no known text",
    "vectors": "area under the ROC curve of a classifier that tells new from known",
}

_COMPARED = 1_500  # texts a side, for words and vectors: what 1,500 don't show is too small to act on
_READ = 4_000  # characters that are masked, of which the cut is taken: half a secret has no form
_TEXTS = 3  # shown of those that look newest
_POWER = 0.8416  # normal quantile of 80%
_ONE_ROW = 1.61  # rows expected, of which one comes with a chance of 80% (Poisson)


@dataclass(frozen=True)
class Shift:
    """What one look found."""

    look: Look
    effect: float
    """In the unit of ``MEANS``."""
    by_chance: float
    """Mean effect if nothing had moved: small samples differ, too."""
    p: float
    detectable: float
    """Least effect that would be found in about four of five samples of this size."""
    evidence: tuple[str, ...]
    """Phrases, masked and cut."""
    adjusted: float = 1.0
    """p after Holm's correction for every look of the report."""
    alpha: float = 0.05

    @property
    def beyond(self) -> float:
        """The effect less what chance brings."""
        return self.effect - self.by_chance

    @property
    def sure(self) -> bool:
        """Whether it is more than chance."""
        return self.adjusted <= self.alpha

    @property
    def found(self) -> bool:
        """Whether it is more than chance and large enough to act on."""
        return self.sure and self.beyond >= FLOORS[self.look] and self.beyond > 0

    def summary(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "look": self.look, "means": MEANS[self.look], "effect": round(self.effect, 4),
            "by_chance": round(self.by_chance, 4), "p": round(self.p, 6), "adjusted": round(self.adjusted, 6),
            "detectable": round(self.detectable, 4), "least_that_counts": FLOORS[self.look], "sure": self.sure,
            "found": self.found, "evidence": list(self.evidence),
        }  # fmt: skip


@dataclass(frozen=True)
class Looked:
    """What all looks at two samples found."""

    shifts: tuple[Shift, ...]
    notes: tuple[str, ...]


def look(pool: Pool, *, encoder: Encoder, permutations: int, alpha: float, seed: int = 0, looks: int = 12) -> Looked:
    """Return what moved between the samples of a pool.

    Args:
        pool: both samples.
        encoder: see ``embed.encoder``.
        permutations: how often units change places.
        alpha: chance of a false alarm over all looks.
        seed: of every draw.
        looks: over how many alpha is shared; for ``detectable``.
    """
    notes: list[str] = []
    if any(pool.left_out):
        notes.append(
            f"{pool.left_out[0]:,} new and {pool.left_out[1]:,} known rows left out: their conversations, users or copies hold "
            "more rows than those of the other side, and only units of like sizes can change places."
        )
    whole: dict[str, tuple[Statistic, Callable[[], list[str]]]] = {"length": _length(pool)}
    found = label_mix.classes(pool)
    if isinstance(found, str):
        notes.append(found)
    else:
        whole = {**_labels(found), **whole}
    part = drawn(pool, _COMPARED, seed=seed)
    if len(part.texts) < len(pool.texts):
        notes.append(
            f"words and vectors were compared on {len(part.texts):,} of {len(pool.texts):,} texts, drawn by chance."
        )
    few = {**_words(part), **_vectors(part, encoder, seed=seed)}
    shifts = []
    for of, statistics in ((pool, whole), (part, few)):
        values = permuted(
            of.unit_new,
            {name: pair[0] for name, pair in statistics.items()},
            permutations=permutations,
            rows=len(of.texts),
            seed=seed,
        )
        shifts += [
            _shift(name, values[name], pair[1], of, share=alpha / looks, alpha=alpha)
            for name, pair in statistics.items()
        ]
    return Looked(tuple(shifts), tuple(notes))


def adjust(shifts: list[Shift], *, alpha: float) -> list[Shift]:
    """Return the looks with their p after Holm's step-down correction (Holm 1979) over all of them."""
    corrected = adjusted([shift.p for shift in shifts]).tolist()
    return [replace(shift, adjusted=p, alpha=alpha) for shift, p in zip(shifts, corrected, strict=True)]


_Prepared = dict[str, tuple[Statistic, Callable[[], list[str]]]]


def _labels(of: label_mix.Classes) -> _Prepared:
    def unseen() -> list[str]:
        return [f"{label_mix.shown(name)} ({rows:,})" for name, rows in of.unseen[:8]]

    return {
        "labels": (label_mix.mix_statistic(of), lambda: label_mix.moved(of)),
        "unseen classes": (label_mix.unseen_statistic(of), unseen),
    }


def _length(pool: Pool) -> tuple[Statistic, Callable[[], list[str]]]:
    return lengths.length_statistic(pool), lambda: lengths.length_evidence(pool)


def _words(pool: Pool) -> _Prepared:
    of = vocabulary.vocabulary(pool)
    return {
        "words": (vocabulary.mix_statistic(of), lambda: vocabulary.telling(of, pool.unit_new)),
        "unseen words": (
            vocabulary.unseen_statistic(of), lambda: vocabulary.telling(of, pool.unit_new, unseen=True)
        ),
    }  # fmt: skip


def _vectors(pool: Pool, encoder: Encoder, *, seed: int) -> _Prepared:
    vectors = separating.text_vectors(pool.texts, encoder)

    def newest() -> list[str]:
        scores = np.where(pool.new, separating.scores(pool, vectors, seed=seed), -np.inf)
        first = np.argsort(-scores, kind="stable")[: pool.new.sum()]
        return list(dict.fromkeys(quote(mask(pool.texts[at][:_READ]), 50) for at in first))[:_TEXTS]

    return {"vectors": (separating.separation_statistic(pool, vectors, seed=seed), newest)}


def _shift(
    name: str, values: Doubles, evidence: Callable[[], list[str]], pool: Pool, *, share: float, alpha: float
) -> Shift:
    tested, effect = values[:, 0], values[:, 1]
    p = p_value(tested)
    told = tuple(evidence()) if p <= alpha else ()
    units = int(pool.unit_new.sum()), int((~pool.unit_new).sum())
    least = _detectable(name, effect[1:], units, share)
    return Shift(name, float(effect[0]), float(effect[1:].mean()), p, least, told, alpha=alpha)  # pyright: ignore[reportArgumentType]


def _detectable(name: str, chance: Doubles, units: tuple[int, int], share: float) -> float:
    """Return the effect that has four chances in five to be over what chance brings in a ``share`` of assignments.

    Where something did move, an effect varies as the difference of two shares does and not as chance's, whose sign is folded.

    Args:
        name: the look.
        chance: effects of assignments by chance.
        units: of the new sample and of the other.
        share: of alpha that the look has.
    """
    critical = float(np.quantile(chance, 1 - share))
    new, known = units
    if (
        name == "unseen classes"
    ):  # d = critical + power * sqrt(d / new), solved for d; but one such row has to come at all
        root = (_POWER / new**0.5 + (_POWER**2 / new + 4 * critical) ** 0.5) / 2
        return min(1.0, max(root**2, _ONE_ROW / new))
    spread = float(chance.std())
    if name in ("labels", "length"):
        spread = max(spread, 0.5 * (1 / new + 1 / known) ** 0.5)
    return min(1.0, critical + _POWER * spread)
