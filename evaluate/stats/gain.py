"""What a candidate gains over a baseline on the same rows: all that a verdict asks, from one call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...curate.errors import DataError
from ...curate.wording import counted
from .clustered import Design, design
from .difference import FEW, Difference, mean_difference, mirrored, p_not_above
from .paired import mcnemar
from .power import minimum_gain
from .weighted import checked_scores


@dataclass(frozen=True)
class Gain:
    """A candidate against a baseline, in shares of the score's range (0.05 is five points)."""

    rows: int
    clusters: int
    baseline: float
    """Weighted mean score."""
    candidate: float
    gain: float
    error: float
    """Standard error of the gain; NaN for one cluster, which says nothing of another."""
    degrees: float
    """Of freedom."""
    low: float
    """Of the two-sided interval."""
    high: float
    confidence: float
    p_two_sided: float
    p_no_gain: float
    """One-sided, of "no gain, or a loss": small where the candidate is better."""
    p_no_loss: float
    """One-sided, of "no loss, or a gain": small where the candidate is worse."""
    won: int | None
    """Rows that only the candidate has right; of 0/1 scores, as are the next three."""
    lost: int | None
    both: int | None
    neither: int | None
    mcnemar_p: float | None
    """Exact, two-sided; takes rows for independent and alike in weight."""
    disagreement: float
    """Weighted mean of squared differences; of 0/1 scores the share of rows that differ."""
    effective_rows: float
    """Independent rows of equal weight that would have this error."""
    minimum_gain: float
    """Least true gain that such rows see with 80% power."""
    method: str
    """How the interval was computed, for reports."""


def gain(
    baseline: npt.ArrayLike,
    candidate: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    clusters: Iterable[Any] | None = None,
    confidence: float = 0.95,
) -> Gain:
    """Return what the candidate gains over the baseline, with the interval of the paired, weighted, clustered difference.

    Where nothing differs the interval is not empty but holds what unseen rows could bring; one cluster alone is held to say
    nothing, from -1 to 1.

    Args:
        baseline: (n) scores from 0 to 1.
        candidate: (n) scores of the same rows, in the same order.
        weights: (n) rows of the population that each stands for.
        clusters: (n) names of what hangs together.
        confidence: two-sided; 0.95 is 2.5% for a false gain.

    Raises:
        DataError: the columns don't match, hold no rows, or a score is missing or not from 0 to 1.
        UsageError: a confidence that is none.

    >>> found = gain([0.0] * 10 + [1.0] * 10, [1.0] * 6 + [0.0] * 4 + [1.0] * 10)
    >>> found.gain, found.won, found.lost, round(found.low, 3)
    (0.3, 6, 0, 0.066)
    """
    first, second = checked_scores(baseline, "the baseline"), checked_scores(candidate, "the candidate")
    if first.shape != second.shape:
        raise DataError(
            f"the baseline has {counted(len(first), 'score')}, the candidate {len(second):,}; give the scores of the same rows, "
            "in the same order."
        )
    form = design(len(first), weights=weights, clusters=clusters)
    found = mean_difference(second - first, form, confidence=confidence)
    p_no_gain, p_no_loss = float(p_not_above(found)), float(p_not_above(mirrored(found)))
    share = form.weights / form.weights.sum()
    disagreement = min(1.0, float((second - first) ** 2 @ share))
    cells = _cells(first, second)
    return Gain(
        rows=form.rows,
        clusters=form.clusters,
        baseline=float(first @ share),
        candidate=float(second @ share),
        gain=float(found.mean),
        error=float(found.error),
        degrees=float(found.degrees),
        low=float(found.low),
        high=float(found.high),
        confidence=confidence,
        p_two_sided=min(1.0, 2 * min(p_no_gain, p_no_loss)),
        p_no_gain=p_no_gain,
        p_no_loss=p_no_loss,
        **cells,
        mcnemar_p=None if cells["won"] is None or cells["lost"] is None else mcnemar(cells["won"], cells["lost"]).p,
        disagreement=disagreement,
        effective_rows=float(found.effective_rows),
        minimum_gain=minimum_gain(
            float(found.effective_rows),
            disagreement=disagreement,
            degrees=float(found.degrees),
            confidence=confidence,
        ),
        method=_method(found, form, weighted=weights is not None),
    )


def _cells(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> dict[str, int | None]:
    """Return the counts of the table of two columns of 0 and 1; none where a score lies between."""
    names = ("neither", "won", "lost", "both")
    if not (np.isin(first, (0.0, 1.0)).all() and np.isin(second, (0.0, 1.0)).all()):
        return dict.fromkeys(names)
    counts = np.bincount((2 * first + second).astype(np.intp), minlength=4)
    return {name: int(count) for name, count in zip(names, counts, strict=True)}


def _method(found: Difference, form: Design, *, weighted: bool) -> str:
    rows = f"{counted(form.rows, 'weighted row' if weighted else 'row')}"
    if form.clusters == 1:
        return f"{rows} in one cluster are one observation: nothing is known of the spread."
    place = f" in {form.clusters:,} clusters" if form.order is not None else ""
    error = (
        "the jackknife's error" if form.order is not None or weighted else "the standard error of the mean difference"
    )
    told = f"Paired difference of {rows}{place}: t on {float(found.degrees):.4g} degrees of freedom with {error}"
    if found.few:
        told += f"; fewer than {FEW} effective rows differ ({float(found.differing):.3g}), so widened to Tango's score interval"
    return told + "."
