"""Lengths: whether texts became longer or shorter."""

from __future__ import annotations

import numpy as np

from .permuting import Doubles, Statistic
from .pooling import Flags, Pool


def lengths(pool: Pool) -> Doubles:
    """Return the characters of each text."""
    return np.array([len(text) for text in pool.texts], np.float64)


def length_statistic(pool: Pool) -> Statistic:
    """Return the distance of Kolmogorov and Smirnov: the largest difference of the two shares of texts up to some length."""
    values = lengths(pool)
    order = np.argsort(values, kind="stable")
    ends = np.flatnonzero(
        np.append(np.diff(values[order]) > 0, True)
    )  # among equals only the last one is a place to look
    unit = pool.unit[order]

    def statistic(sides: Flags) -> Doubles:
        new = np.cumsum(sides[:, unit], axis=1, dtype=np.float64)
        known = np.arange(1, unit.size + 1) - new
        apart = np.abs(new[:, ends] / np.maximum(new[:, -1:], 1) - known[:, ends] / np.maximum(known[:, -1:], 1)).max(
            axis=1
        )
        return np.stack([apart, apart], axis=1)

    return statistic


def length_evidence(pool: Pool) -> list[str]:
    """Return the medians and long ends of both samples, as a phrase."""
    values = lengths(pool)
    known, new = (np.percentile(values[side], [50, 90]) for side in (~pool.new, pool.new))
    return [f"median {known[0]:,.0f} -> {new[0]:,.0f} characters, longest tenth from {known[1]:,.0f} -> {new[1]:,.0f}"]
