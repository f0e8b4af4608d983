"""Many looks: p-values that count how many there were.

Holm (1979), A simple sequentially rejective multiple test procedure: the chance of any false finding stays at its level,
however the tests depend on each other. The best of k candidates is the first of Holm's steps, so it has to reach alpha / k.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...curate.errors import DataError, UsageError
from .intervals import check_confidence


def adjusted(p: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return Holm's adjusted p-values, in the order given; those at or under alpha are findings.

    Raises:
        DataError: a p is missing or not from 0 to 1.

    >>> adjusted([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, np.float64)
    wrong = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if values.ndim != 1 or len(wrong):
        raise DataError(
            f"p {values.ravel()[wrong[:1]].tolist() or values.shape} is none; give a list of numbers from 0 to 1."
        )
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    found = np.empty_like(values)
    found[order] = np.minimum(steps, 1.0)
    return found


def decided(p: npt.ArrayLike, *, alpha: float = 0.025) -> npt.NDArray[np.bool_]:
    """Return which of one-sided tests are findings, all of them together false with a chance of at most ``alpha``.

    >>> decided([0.001, 0.02, 0.3]).tolist()
    [True, False, False]
    """
    check_confidence(alpha)
    return adjusted(p) <= alpha


def after_looks(p: float, looks: int) -> float:
    """Return the p of the best of ``looks`` candidates on one eval set.

    Raises:
        UsageError: fewer than one look.

    >>> after_looks(0.004, 10)
    0.04
    """
    return min(1.0, p * _counted(looks))


def alpha_after(looks: int, *, alpha: float = 0.05) -> float:
    """Return at which level each of ``looks`` candidates is tested, so that all together err with ``alpha`` at most.

    The first of Holm's steps, and all of Bonferroni's.

    >>> alpha_after(10)
    0.005
    """
    return alpha / _counted(looks)


def confidence_after(looks: int, *, confidence: float = 0.95) -> float:
    """Return the confidence at which each of ``looks`` intervals has to be read for all to hold together.

    >>> round(confidence_after(10), 4)
    0.995
    """
    check_confidence(confidence)
    return 1 - alpha_after(looks, alpha=1 - confidence)


def _counted(looks: int) -> int:
    if looks < 1:
        raise UsageError(f"{looks!r} looks can't be counted; the comparison itself is one.")
    return looks
