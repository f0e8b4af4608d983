"""What an option costs a year, and after how many days it has paid for itself; for numbers and for arrays of draws alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .amounts import Doubles

DAYS = 365
"""Days of a year."""
_MILLION = 1e6  # tokens that a price is for


@dataclass(frozen=True)
class Costs:
    """(c) draws of one option, in the currency of the file."""

    request: Doubles
    """A request, without what failures cost."""
    each: Doubles
    """A request with what failures cost."""
    volume: Doubles
    """Requests a day."""
    server: Doubles
    """A year, whatever the volume."""
    upkeep: Doubles
    """A year."""
    one_off: Doubles

    @property
    def yearly(self) -> Doubles:
        """A year, after the first outlay."""
        return self.volume * DAYS * self.each + self.server + self.upkeep


def costs(of: Mapping[str, Doubles], *, one_off: Doubles, volume: Doubles, failure_cost: Doubles) -> Costs:
    """Return what an option costs.

    Args:
        of: its values by the key of the price file.
        one_off: what it costs once.
        volume: requests a day.
        failure_cost: of a failed request.
    """
    nothing = np.zeros_like(volume)
    request = of["price_per_request"] if "price_per_request" in of else _by_tokens(of)
    each = request + of.get("failure_rate", nothing) * failure_cost
    return Costs(request, each, volume, 12 * of.get("fixed_per_month", nothing), of["upkeep"] * one_off, one_off)


def payback_days(option: Costs, baseline: Costs) -> Doubles:
    """Return the first day at whose end the savings have paid for the outlay; infinite where there are none.

    The baseline's own outlay is spent whatever one does now and counts on neither side; its upkeep goes on.
    """
    saving = (baseline.yearly - option.yearly) / DAYS
    with np.errstate(divide="ignore", invalid="ignore"):
        days = np.ceil(np.round(option.one_off / saving, 9))  # rounded, that 4.0000000001 days are no fifth
    return np.where(saving > 0, days, np.inf)


def break_even_volume(option: Costs, baseline: Costs) -> Doubles:
    """Return the requests a day from which on it has paid for itself within a year; infinite where no number does."""
    saved = (baseline.each - option.each) * DAYS
    needed = option.one_off + option.upkeep + option.server - baseline.upkeep - baseline.server
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(needed > 0, needed / saved, 0.0)
    return np.where(saved > 0, found, np.where(needed > 0, np.inf, 0.0))


def _by_tokens(of: Mapping[str, Doubles]) -> Doubles:
    nothing = np.zeros_like(of["input_tokens"])
    cached = of.get("cached_tokens", nothing)
    fresh = np.maximum(of["input_tokens"] - cached, 0.0)
    told = cached * of.get("cached_price", nothing)
    return (fresh * of["input_price"] + told + of["output_tokens"] * of["output_price"]) / _MILLION
