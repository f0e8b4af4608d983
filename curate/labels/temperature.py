"""From scores to log-odds: how sharply a view may speak, given how often the labels contradict it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_LEARNT = 20_000  # rows: two numbers are fitted, and more rows turn neither
_CELLS = 1_500_000  # rows times labels: with thousands of labels a few thousand rows do


@dataclass(frozen=True)
class Temperature:
    """How scores become log-odds."""

    slope: float
    """By how much scores are multiplied."""
    noise: float
    """Share of labels that come from nowhere."""
    loss: float
    """Nats a row that the labels cost under this, noise included."""


def fit_temperature(scores: Floats, targets: Floats, shares: Floats) -> Temperature:
    """Fit a slope and a share of noise to labels by maximum likelihood.

    A label is drawn from the softmax of ``slope * scores`` plus the log of the labels' shares, or with probability ``noise``
    from the shares alone. Without the second part a few wrong labels, each of which costs dearly, would make every score speak
    softly (temperature scaling: Guo et al. 2017; label noise as a mixture: Natarajan et al. 2013).

    Args:
        scores: (m, k) out of sample; equal where a view has no opinion.
        targets: (m, k) shares of labels.
        shares: (k) of each label over all rows, over 0.
    """
    from scipy.optimize import minimize

    most = min(_LEARNT, max(_CELLS // scores.shape[1], 1_000))
    if len(scores) > most:
        some = np.random.default_rng(0).permutation(len(scores))[:most]
        scores, targets = scores[some], targets[some]
    values = np.asarray(scores, np.float64)
    spread = float(values.std())
    if not np.isfinite(spread) or spread < 1e-9:
        return Temperature(0.0, 0.0, float(-np.log(targets @ shares).mean()))
    base = np.log(np.asarray(shares, np.float64))
    given = (targets @ shares).astype(np.float64)

    def loss(at: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        slope, noise = np.exp(at[0]), 1 / (1 + np.exp(-at[1]))
        logits = slope * values + base
        logits -= logits.max(axis=1, keepdims=True)
        chance = np.exp(logits)
        chance /= chance.sum(axis=1, keepdims=True)
        own = (chance * targets).sum(axis=1)
        likely = np.maximum((1 - noise) * own + noise * given, 1e-12)
        # d own / d slope for a softmax: own * (score of the label - mean score), label shares folded in
        rise = ((chance * targets) * values).sum(axis=1) - own * (chance * values).sum(axis=1)
        by_slope = -((1 - noise) * rise / likely).mean() * slope
        by_noise = -((given - own) / likely).mean() * noise * (1 - noise)
        return float(-np.log(likely).mean()), np.array([by_slope, by_noise])

    start = np.array([np.log(2.0 / spread), -3.0])
    bounds = [(start[0] - 6, start[0] + 5), (-7.0, 0.5)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return Temperature(float(np.exp(found.x[0])), float(1 / (1 + np.exp(-found.x[1]))), float(found.fun))
