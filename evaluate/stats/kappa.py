"""How far two raters agree beyond chance, with its interval: the judge against people.

Cohen's kappa and its bootstrap interval are ``curate.agreement``'s; here they take labels as they stand in a file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...curate.agreement.pairs import Kappa, cohen
from ...curate.errors import DataError

DRAWS = 10_000


def kappa(one: Sequence[str], other: Sequence[str], *, draws: int = DRAWS, seed: int = 0) -> Kappa:
    """Return Cohen's kappa of two raters with its 95% interval; ``None`` where it isn't defined, and why.

    Args:
        one: (n) labels.
        other: (n) labels of the same items, in the same order.
        draws: of items, for the interval.
        seed: of the draws.

    Raises:
        DataError: the lists differ in length or are empty.

    >>> round(kappa(["yes", "yes", "no", "no"], ["yes", "no", "no", "no"]).value, 3)
    0.5
    """
    if len(one) != len(other) or not len(one):
        raise DataError(
            f"{len(one)} labels and {len(other)} can't be held against each other; give both raters' labels of the same items."
        )
    code = np.unique([str(label) for label in (*one, *other)], return_inverse=True)[1]
    return cohen(code[: len(one)], code[len(one) :], draws=draws, seed=seed)
