"""What the other rows say of each text: several cheap views, each as log-odds over the labels, weighed by what they know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .dynamics import learning_scores
from .labelled import Labelled
from .neighbours import Neighbours, find_neighbours, neighbour_scores
from .ridge import fourier, leave_one_out, linear
from .temperature import fit_temperature
from .words import word_vectors

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_HEARD = (0.30, 0.45)  # of what the best view knows: below the first a view is silent, from the second on it is heard
_LOUD = 0.5  # power of what a view knows, as its weight


@dataclass(frozen=True)
class View:
    """One view of the labels."""

    name: str
    """In words, as a note says it."""
    knows: float
    """Share of the labels' entropy that it explains out of sample (McFadden's R2 under label noise); 0 is nothing, 1 all."""
    weight: float
    """Its part in the sum; 0 where it knows too little beside the best."""
    best: Ints
    """(m) the label that it puts first for each text."""


@dataclass(frozen=True)
class Evidence:
    """Log-odds of k labels for m texts, by all texts but each text itself."""

    odds: Floats
    """(m, k) log of p(text | label), up to a constant a text: labels are weighed alike, however many rows they have."""
    views: list[View]
    neighbours: Neighbours
    """By meaning, or by words where no encoder is at hand."""
    targets: Floats = field(repr=False)
    """(m, k) share of each label among the rows of a text."""


def gather_evidence(of: Labelled, *, words: Floats | None = None, seed: int = 0) -> Evidence:
    """Look at the labels of n rows from several sides, each out of sample.

    On the vectors: a ridge classifier, one on random Fourier features, the nearest texts, training dynamics; on the words the
    last two. Each view's scores become log-odds by the slope that makes the labels likeliest where some of them come from
    nowhere; the labels' shares are taken off (the larger label would otherwise draw all doubtful rows). A view counts by what it
    knows, not at all where that is under a third of what the best one knows: an encoder of another language only blurs the words.

    Args:
        of: at least two texts and two labels.
        words: (m, e) vectors of words; made of the texts for ``None``.
        seed: of everything that is drawn.
    """
    targets = of.targets
    shares = label_shares(targets)
    weight = targets @ (1 / np.maximum(targets.sum(axis=0), 1e-6)).astype(np.float32)  # every label weighs the same
    words = word_vectors(of.texts, seed=seed) if words is None else words
    near = find_neighbours(of.vectors, seed=seed)
    looks: dict[str, Callable[[], Floats]] = {
        "a linear classifier": lambda: leave_one_out(linear(of.vectors), targets, weight, shares=shares, seed=seed),
        "a kernel classifier": lambda: leave_one_out(
            fourier(of.vectors, seed=seed), targets, weight, shares=shares, seed=seed
        ),
        "the nearest texts": lambda: neighbour_scores(near, targets, shares),
        "training dynamics": lambda: learning_scores(of.vectors, targets, shares, seed=seed),
        "the nearest wordings": lambda: neighbour_scores(find_neighbours(words, seed=seed), targets, shares),
        "the words": lambda: learning_scores(words, targets, shares, seed=seed),
    }
    if not words.any():
        del looks["the nearest wordings"], looks["the words"]
    return _weighed(looks, targets, shares, near)


def _weighed(looks: dict[str, Callable[[], Floats]], targets: Floats, shares: Floats, near: Neighbours) -> Evidence:
    unseen = float(-np.log(targets @ shares).mean())  # nats a text where nothing is known but the shares
    total, views = np.zeros_like(targets), []
    found = {name: _look(look, targets, shares, unseen) for name, look in looks.items()}
    best = max((knows for _, knows in found.values()), default=0.0)
    for name, (odds, knows) in found.items():
        heard = float(np.clip((knows / best - _HEARD[0]) / (_HEARD[1] - _HEARD[0]), 0, 1)) if best > 0 else 0.0
        weight = max(knows, 0.0) ** _LOUD * heard
        total += np.float32(weight) * odds
        views.append(View(name, knows, weight, odds.argmax(axis=1)))
    fitted = fit_temperature(total, targets, shares)
    return Evidence(total * np.float32(fitted.slope), views, near, targets)


def label_shares(targets: Floats) -> Floats:
    """Return (k) share of each label, of texts and not of rows, since views learn from texts; half a text is added to each."""
    texts, labels = targets.shape
    return np.asarray((targets.sum(axis=0) + 0.5) / (texts + 0.5 * labels), np.float32)


def _look(look: Callable[[], Floats], targets: Floats, shares: Floats, unseen: float) -> tuple[Floats, float]:
    scores = look()
    fitted = fit_temperature(scores, targets, shares)
    return scores * np.float32(fitted.slope), (1 - fitted.loss / unseen if unseen > 0 else 0.0)
