"""Which cosine to ask for: what each threshold would take away, and how close texts of this set are by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from .cosine import Hits, Index, Method, Vectors, closest, index, scored

STEPS = np.round(np.arange(0.70, 0.995, 0.01), 2)
"""The thresholds of a curve."""

SIGMAS = 2.5  # 1 of 160 in a normal tail: under 1% of rows that are alike to none would be taken, with room for a longer tail
_SAMPLE = 1_000  # texts whose nearest is looked for: the median of so many errs by 0.003
_LEAST = 100  # under which no distribution is read off
_FLOOR = 0.2  # no text of a hundred has its nearest under this, and half of the products are
UNREAD = 0.85  # proposed where there are too few texts: over all chance neighbours of the GSM8K questions but 1 in 100
_BOUNDS = (0.70, 0.95)  # under 0.7 encoders see a topic, not a meaning; over 0.95 rewordings are lost for sure


@dataclass(frozen=True)
class Proposal:
    """A threshold, and why it."""

    threshold: float
    why: str


@dataclass(frozen=True)
class Curve:
    """What each threshold would take away."""

    frame: pl.DataFrame
    """``threshold`` (f64), ``pairs`` (i64, of distinct texts), ``removed`` (i64, rows, repeats too), ``neighboured``
    (i64, distinct texts that have one so close), ``chance`` (f64, share of texts that would have one so close by chance)."""
    proposed: Proposal


def score_curve(vectors: Vectors, *, rows: int | None = None, method: Method = "auto", seed: int = 0) -> Curve:
    """Return how many pairs and rows each threshold from 0.70 to 0.99 takes, and the threshold that the set itself suggests.

    The stars of all thresholds are made in one pass over the pairs (each row holds one bit a threshold), so the curve costs
    what one threshold costs.

    Args:
        vectors: (n, d) of length 1 of distinct texts, in the order in which they are worth keeping (``cosine.stars``).
        rows: how many rows have these texts; n for ``None``.
        method: how pairs are looked for.
        seed: of the sample for the proposal.
    """
    from .cosine_kernels import gather_curve

    known = index(vectors, method)
    every = np.uint64((1 << STEPS.size) - 1)
    kept = np.full(len(vectors), every, np.uint64)
    counts = np.zeros(STEPS.size + 1, np.int64)
    nearest = np.full(len(vectors), -1.0, np.float32)
    edges = STEPS.astype(np.float32) - np.float32(1e-6)
    for hits in scored(known, float(STEPS[0])):
        gather_curve(*hits[:2], np.searchsorted(edges, hits.scores, "right"), kept, counts, nearest, hits.scores)
    # Passing k thresholds is being a pair at each of the first k.
    pairs = counts[::-1].cumsum()[::-1][1:]
    left = np.array([int(((kept >> np.uint64(step)) & np.uint64(1)).sum()) for step in range(STEPS.size)], np.int64)
    proposed, centre, spread = propose(nearest_scores(known, seed=seed))
    frame = pl.DataFrame(
        {
            "threshold": STEPS,
            "pairs": pairs,
            "removed": (rows if rows is not None else len(vectors)) - left,
            "neighboured": [int((nearest >= edge).sum()) for edge in edges],
            "chance": [_tail(step, centre, spread) for step in STEPS],
        }
    )
    return Curve(frame, proposed)


def nearest_scores(known: Index, *, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return the cosine of up to 1,000 vectors to the nearest other one."""
    count = len(known.known)
    sample = np.sort(np.random.default_rng(seed).choice(count, min(count, _SAMPLE), replace=False))
    best = np.full(len(sample), _FLOOR, np.float32)

    def pick(hits: Hits) -> None:
        other = hits.others != sample[hits.rows]
        np.maximum.at(best, hits.rows[other], hits.scores[other])

    if count:
        closest(known.known[sample], known, _FLOOR, pick)
    return best


def propose(nearest: npt.NDArray[np.float32]) -> tuple[Proposal, float, float]:
    """Return the cosine that only one in 160 texts would have a neighbour at by chance, and the normal curve that says so.

    Most texts of a set have no copy: the lower half of their nearest scores tells how close texts of one topic come by chance,
    and copies all stand in the upper half. So the median and the distance from it to the 16th percentile (one standard deviation
    of a normal curve) are taken, and the threshold is set 2.5 such distances over the median. Random pairs would say less: a
    text has one chance of being near to each other one, so the nearest of many is always nearer, the more so the larger the set.

    Where over half of the texts have a copy the proposal is too high: the curve shows it (``neighboured``).

    Args:
        nearest: (n) the cosine of each text to the nearest other one.

    Returns:
        The proposal, the median and the distance; NaN where there are under 100 texts.
    """
    if nearest.size < _LEAST:
        why = f"{nearest.size} texts are too few to see how close they come by chance; {UNREAD} is a guess."
        return Proposal(UNREAD, why), float("nan"), float("nan")
    low, centre = (float(value) for value in np.quantile(nearest, [0.1587, 0.5]))
    spread = max(centre - low, 0.005)
    threshold = round(min(max(centre + SIGMAS * spread, _BOUNDS[0]), _BOUNDS[1]), 2)
    why = f"the nearest text is at {centre:.2f} by the median, one standard deviation is {spread:.2f}; {SIGMAS} of these over it"
    bounded = "." if threshold not in _BOUNDS else f", held between {_BOUNDS[0]} and {_BOUNDS[1]}."
    return Proposal(threshold, why + bounded), centre, spread


def _tail(step: float, centre: float, spread: float) -> float:
    from math import erfc, sqrt

    return float("nan") if np.isnan(centre) else 0.5 * erfc((step - centre) / spread / sqrt(2))
