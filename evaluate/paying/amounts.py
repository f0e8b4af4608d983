"""A number that is known, or known to lie between two."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...curate.errors import UsageError, quote

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Amount:
    """A number with its range; all three are equal where it is known."""

    low: float
    likely: float
    high: float
    even: bool = False
    """Every value between is as likely: ``[low, high]`` names no likely one."""

    @property
    def known(self) -> bool:
        """Whether it has no range."""
        return self.low == self.high

    def draw(self, count: int, random: np.random.Generator) -> Doubles:
        """Return ``count`` values: uniform where no likely one was named, else of the triangular distribution.

        >>> Amount(2, 2, 2).draw(3, np.random.default_rng(0)).tolist()
        [2.0, 2.0, 2.0]
        """
        if self.known:
            return np.full(count, self.likely, np.float64)
        if self.even:
            return random.uniform(self.low, self.high, count)
        return random.triangular(self.low, self.likely, self.high, count)


def known(value: float) -> Amount:
    """Return a number without a range."""
    return Amount(value, value, value)


def amount(where: str, given: Any, *, most: float = math.inf) -> Amount:
    """Return a number of the price file: ``5``, ``[4, 6]`` or ``{low = 4, likely = 5, high = 7}``.

    Args:
        where: file, option and key, for the sentence.
        given: what stands there.
        most: it may not be above.

    Raises:
        UsageError: it is none of the three, negative, no finite number, or out of order.

    >>> amount("prices.toml volume", [4, 6])
    Amount(low=4.0, likely=5.0, high=6.0, even=True)
    """
    if isinstance(given, list) and len(given) == 2:
        low, high = (_number(where, value, most) for value in given)
        found = Amount(low, (low + high) / 2, high, even=True)
    elif isinstance(given, dict) and set(given) == {"low", "likely", "high"}:
        low, likely, high = (_number(where, given[key], most) for key in ("low", "likely", "high"))
        found = Amount(low, likely, high)
    elif isinstance(given, list | dict):
        raise UsageError(f"{where} is {quote(given)}; give a number, [low, high] or {{low = , likely = , high = }}.")
    else:
        return known(_number(where, given, most))
    if not found.low <= found.likely <= found.high:
        raise UsageError(f"{where} is {quote(given)}, which is out of order; give low <= likely <= high.")
    return found


def _number(where: str, given: Any, most: float) -> float:
    if (
        isinstance(given, bool)
        or not isinstance(given, int | float)
        or not math.isfinite(given)
        or not 0 <= given <= most
    ):
        wanted = "0 or more" if most == math.inf else f"from 0 to {most:g}"
        raise UsageError(f"{where} is {quote(given)}; give a number {wanted}.")
    return float(given)
