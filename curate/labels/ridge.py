"""Ridge classifiers judged out of sample in closed form: what all other rows say of each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .temperature import fit_temperature

Floats = npt.NDArray[np.float32]

PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""What a direction's variance is compared with, in hundredths of a row's mean weight."""
# steps over the likeliest penalty: noise that goes with the text is fitted less (measured on TREC, YouTube)
_STRONGER = 1
# leverage from which a row alone holds a direction: the others say nothing of it, and what rounding says is its own label
_ALONE = 0.999
_JUDGED = 4_096  # rows on which penalties are compared
_BLOCK = 8_192  # rows that are lifted at a time


@dataclass(frozen=True)
class Lifted:
    """Vectors and what turns a block of them into features."""

    vectors: Floats
    """(m, d)."""
    lift: Callable[[Floats], Floats]
    """(b, d) to (b, D)."""

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Yield places and features, a block at a time: a million rows of 1,024 features are 4 GB."""
        for low in range(0, len(self.vectors), _BLOCK):
            place = slice(low, low + _BLOCK)
            yield place, self.lift(self.vectors[place])


def linear(vectors: Floats) -> Lifted:
    """Return the vectors as they are."""
    return Lifted(vectors, lambda block: block)


def fourier(vectors: Floats, *, axes: int | None = None, seed: int = 0) -> Lifted:
    """Return random Fourier features of a Gaussian kernel (Rahimi and Recht 2007), as wide as half of all pairs are apart.

    Args:
        vectors: (m, d).
        axes: how many features; for ``None`` 2,048 from 4,000 to 20,000 texts, 1,024 else: fewer texts fill no more, and the cost
            goes with their square.
        seed: of the directions.
    """
    axes = axes or (2048 if 4_000 <= len(vectors) <= 20_000 else 1024)
    draw = np.random.default_rng(seed)
    left, right = draw.integers(0, len(vectors), (2, 2_000))
    apart = ((vectors[left] - vectors[right]) ** 2).sum(axis=1)[left != right]
    width = float(np.median(apart)) if apart.size and np.median(apart) > 0 else 1.0
    turn = (draw.standard_normal((vectors.shape[1], axes // 2)) * np.sqrt(2.0 / width)).astype(np.float32)

    def lift(block: Floats) -> Floats:
        phase = block @ turn
        return np.concatenate([np.cos(phase), np.sin(phase)], axis=1) * np.float32((2.0 / axes) ** 0.5)

    return Lifted(vectors, lift)


def leave_one_out(lifted: Lifted, targets: Floats, weight: Floats, *, shares: Floats, seed: int = 0) -> Floats:
    """Return (m, k) predictions for each row by a weighted ridge regression on all others.

    The residual of a row that is left out is its residual divided by one less its leverage (Cook and Weisberg 1982), so that
    one eigendecomposition is m regressions. Two penalties share the word: the one under which the labels are likeliest, best
    where noise is drawn by lot, and the next stronger one, which fits less of a noise that goes with the text (weak labels).

    Args:
        lifted: m rows of D features.
        targets: (m, k) share of each label.
        weight: (m) of each row, over 0 for some of them; scaled to a mean of 1.
        shares: (k) of the labels, for the likelihood.
        seed: of the rows on which penalties are compared.
    """
    rows = len(targets)
    weight = np.asarray(weight * (rows / weight.sum()), np.float32)
    mean, label_mean = _means(lifted, targets, weight)
    values, axes, product = _spectrum(lifted, targets, weight, mean, label_mean)

    def predict(turned: Floats, place: slice | npt.NDArray[np.int64], penalty: float) -> Floats:
        shrink = (1.0 / (values + penalty * rows / 100)).astype(np.float32)
        leverage = weight[place] * ((turned * turned) @ shrink + np.float32(1.0 / rows))
        fitted = turned @ (shrink[:, None] * product) + label_mean
        left_out = leverage / (1 - np.minimum(leverage, _ALONE))
        found = fitted - left_out[:, None] * (targets[place] - fitted)
        return np.asarray(np.where((leverage < _ALONE)[:, None], found, label_mean), np.float32)

    judged = np.sort(np.random.default_rng(seed).permutation(rows)[:_JUDGED])
    turned = np.asarray((lifted.lift(lifted.vectors[judged]) - mean) @ axes, np.float32)
    loss = [fit_temperature(predict(turned, judged, penalty), targets[judged], shares).loss for penalty in PENALTIES]
    best = int(np.argmin(loss))
    pair = PENALTIES[best : best + 1 + _STRONGER]
    found = np.empty_like(targets)
    for place, block in lifted.blocks():
        turned = np.asarray((block - mean) @ axes, np.float32)
        found[place] = np.mean([predict(turned, place, penalty) for penalty in pair], axis=0)
    return found


def _means(lifted: Lifted, targets: Floats, weight: Floats) -> tuple[Floats, Floats]:
    total = np.zeros(0, np.float64)
    for place, block in lifted.blocks():
        part = (weight[place] @ block).astype(np.float64)
        total = part if total.size == 0 else total + part
    mean: Floats = np.asarray(total / len(targets), dtype=np.float32)
    return mean, np.asarray((weight @ targets) / len(targets), dtype=np.float32)


def _spectrum(
    lifted: Lifted, targets: Floats, weight: Floats, mean: Floats, label_mean: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the (D) eigenvalues and (D, D) axes of the weighted scatter, and (D, k) what the targets are along them."""
    width = len(mean)
    scatter, product = np.zeros((width, width)), np.zeros((width, targets.shape[1]), np.float32)
    for place, block in lifted.blocks():
        centred = block - mean
        heavy = centred * weight[place, None]
        scatter += heavy.T @ centred
        product += heavy.T @ (targets[place] - label_mean)
    values, vectors = np.linalg.eigh(scatter)
    axes = vectors.astype(np.float32)
    return np.maximum(values, 0.0).astype(np.float32), axes, (axes.T @ product).astype(np.float32)
