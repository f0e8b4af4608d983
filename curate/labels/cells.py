"""What the other rows say of each label of each text, where rows have several labels: a cell is a text and a label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .evidence import label_shares
from .labelled import Labelled
from .neighbours import find_neighbours, neighbour_scores
from .ridge import Lifted, fourier, leave_one_out, linear
from .words import word_vectors

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_HEARD = (
    0.30,
    0.45,
)  # as in ``evidence``: of what the best view knows, where a view begins to be heard and where it is
_CELLS = 1_500_000  # on which two numbers a label are fitted: more turn neither
_TEXTS = 1_000  # at least, whatever the number of labels
_STEPS = 12  # of Newton's method; six are enough on real sets
_ALIKE = 10.0  # how strongly the slopes of rare labels keep to that of all
_HELD = 0.1  # how strongly a label's place keeps to its share


@dataclass(frozen=True)
class Cells:
    """Evidence on m texts times k labels, by all texts but each text itself."""

    odds: Floats
    """(m, k) log of how much likelier the label is for this text than for any: labels are weighed alike, frequent or rare."""
    given: Floats
    """(m, k) share of the text's rows that have the label."""
    views: list[tuple[str, Bools]]
    """Of each view that is heard its name and (m, k) whether it takes the label for present."""
    near: Ints
    """(m, j) the nearest texts of each."""
    knows: float
    """Share of the labels' entropy that the best view explains."""
    unseen: float
    """That entropy, in nats over all cells."""


def gather_cells(of: Labelled, *, words: Floats | None = None, seed: int = 0) -> Cells:
    """Look at the cells from several sides, each out of sample: one against the rest, for all labels at once.

    A ridge classifier and one on random Fourier features (both in closed form), the nearest texts, and the same two on words.
    Each view's scores become log-odds by a slope and a place a label (Platt 1999), slopes of rare labels near that of all; views
    count by what they know of the labels, as in ``evidence``.

    Args:
        of: rows with several labels each (``Labelled.several``); at least two texts and a label.
        words: (m, e) vectors of words; made of the texts for ``None``.
        seed: of everything that is drawn.
    """
    given = given_shares(of)
    shares, weight = label_shares(given), np.ones(len(given), np.float32)
    words = word_vectors(of.texts, seed=seed) if words is None else words
    near = find_neighbours(of.vectors, seed=seed)

    def ridge(lifted: Lifted) -> Floats:
        return leave_one_out(lifted, given, weight, shares=shares, seed=seed)

    looks: dict[str, Callable[[], Floats]] = {
        "a linear classifier": lambda: ridge(linear(of.vectors)),
        "a kernel classifier": lambda: ridge(fourier(of.vectors, seed=seed)),
        "the nearest texts": lambda: neighbour_scores(near, given, shares),
        "the words": lambda: ridge(linear(words)),
        "the nearest wordings": lambda: neighbour_scores(find_neighbours(words, seed=seed), given, shares),
    }
    if not words.any():
        del looks["the words"], looks["the nearest wordings"]
    return _weighed(looks, given, near.near, seed)


def given_shares(of: Labelled) -> Floats:
    """Return (m, k) the share of each text's rows that have each label."""
    assert of.given is not None  # noqa: S101 - asked for by ``several``
    found = np.zeros((len(of.vectors), len(of.given.names)), np.float32)
    np.add.at(found, (of.text[of.given.row], of.given.code), 1.0)
    return found / np.maximum(np.bincount(of.text, minlength=len(found)), 1).astype(np.float32)[:, None]


def _weighed(looks: dict[str, Callable[[], Floats]], given: Floats, near: Ints, seed: int) -> Cells:
    found = {name: calibrated(look(), given, seed=seed) for name, look in looks.items()}
    best = max(view.knows for view in found.values())
    total, views = np.zeros_like(given), []
    for name, view in found.items():
        heard = float(np.clip((view.knows / best - _HEARD[0]) / (_HEARD[1] - _HEARD[0]), 0, 1)) if best > 0 else 0.0
        weight = max(view.knows, 0.0) ** 0.5 * heard
        total += np.float32(weight) * view.odds
        if weight > 0:
            views.append((name, view.present))
    whole = calibrated(total, given, seed=seed)
    return Cells(whole.odds, given, views, near, best, whole.unseen)


class Calibrated(NamedTuple):
    """Scores as log-odds."""

    odds: Floats
    """(m, k) over the label's share."""
    present: Bools
    """(m, k) whether the label is likelier there than not."""
    knows: float
    """The part of the labels' entropy that the scores explain: 0 is nothing, 1 all."""
    unseen: float
    """That entropy, in nats over all cells."""


def calibrated(scores: Floats, given: Floats, *, seed: int = 0) -> Calibrated:
    """Fit a logistic regression a label (Platt 1999), of its presence on its scores.

    Args:
        scores: (m, k) out of sample.
        given: (m, k) share of each text's rows that have the label.
        seed: of the texts that are learnt from.
    """
    texts, labels = given.shape
    some = np.sort(np.random.default_rng(seed).permutation(texts)[: max(_CELLS // labels, _TEXTS)])
    middle, spread = scores.mean(axis=0), scores.std(axis=0)
    flat = spread < 1e-6  # no opinion
    spread[flat] = 1.0
    share = ((given.sum(axis=0) + 0.5) / (texts + 1)).astype(np.float64)
    base = np.log(share / (1 - share))
    seen, said = ((scores[some] - middle) / spread).astype(np.float64), given[some].astype(np.float64)
    slope, place = _fit(seen, said, base)
    slope[flat] = 0.0
    loss, unseen = _loss(slope * seen + place, said), _loss(base, said)
    turned = (scores - middle) * (slope / spread).astype(np.float32)
    return Calibrated(
        turned + (place - base).astype(np.float32),
        turned > -place.astype(np.float32),
        1 - loss / max(unseen, 1e-9),
        unseen * texts / max(some.size, 1),
    )


def _loss(level: Doubles, said: Doubles) -> float:
    """Return the nats that labels cost where their log-odds are ``level``."""
    return float((np.logaddexp(0, level) - said * level).sum())


def _fit(seen: Doubles, said: Doubles, base: Doubles) -> tuple[Doubles, Doubles]:
    """Return (k) slopes and (k) places of logistic regressions a label: one slope for all first, then each near that."""
    slope, place = np.ones(seen.shape[1]), base.copy()
    for _ in range(_STEPS):
        (by_slope, by_place), (curve, _, level) = _rises(seen, said, slope, place)
        slope = slope + np.clip(by_slope.sum() / (curve.sum() + 1e-3), -1, 1)
        place = place + np.clip((by_place - _HELD * (place - base)) / (level + _HELD), -1, 1)
    common = slope
    for _ in range(_STEPS):
        (by_slope, by_place), (curve, cross, level) = _rises(seen, said, slope, place)
        by_slope, curve = by_slope - _ALIKE * (slope - common), curve + _ALIKE
        by_place, level = by_place - _HELD * (place - base), level + _HELD
        bottom = np.maximum(curve * level - cross * cross, 1e-9)
        slope = slope + np.clip((level * by_slope - cross * by_place) / bottom, -1, 1)
        place = place + np.clip((curve * by_place - cross * by_slope) / bottom, -1, 1)
    return slope, place


def _rises(
    seen: Doubles, said: Doubles, slope: Doubles, place: Doubles
) -> tuple[tuple[Doubles, Doubles], tuple[Doubles, Doubles, Doubles]]:
    """Return (k) how the likelihood rises along slope and place, and how these rises fall: the step of Newton's method."""
    chance = 1 / (1 + np.exp(-np.clip(slope * seen + place, -30, 30)))
    weight, left = chance * (1 - chance), said - chance
    rise = (left * seen).sum(axis=0), left.sum(axis=0)
    return rise, ((weight * seen * seen).sum(axis=0), (weight * seen).sum(axis=0), weight.sum(axis=0))
