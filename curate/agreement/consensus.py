"""What a way of making one label of several votes gives: the labels, how sure they are, and what it says of each vote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .votes import Floats, Ints


@dataclass(frozen=True)
class Rest:
    """What the others say of each of v votes: the vote itself has no say in it."""

    wrong: Floats
    """(v) probability that the vote's label is not the item's."""
    label: Ints
    """(v) the label that the others make likeliest."""


@dataclass(frozen=True)
class Labels:
    """One label for each of n items."""

    label: Ints
    """(n) position among the labels; -1 for an item without a vote."""
    confidence: Floats
    """(n) probability that it is right, if the way of counting fits."""
    tied: npt.NDArray[np.bool_]
    """(n) another label has as much for it; the one that is more frequent in all votes was taken."""


class Consensus(Protocol):
    """A fitted way of making one label of several votes."""

    def labels(self) -> Labels:
        """Return the label of each item."""
        ...

    def foreseen(self, item: Ints, annotator: Ints, label: Ints) -> Floats:
        """Return the probability of votes that the fit has not seen."""
        ...

    def rest(self, item: Ints, annotator: Ints, label: Ints) -> Rest:
        """Return what the others say of votes that the fit has seen."""
        ...
