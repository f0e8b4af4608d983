"""Payback: what every option costs a year, what it saves, and when it has paid for itself."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..scorers.prices import OLD
from .amounts import Amount, Doubles
from .costs import Costs, break_even_volume, costs, payback_days
from .price_file import Option, PriceFile, read_options
from .sentences import option_sentence, ranking_sentence

_DRAWS = 20_000  # the 5th percentile of so many moves by 1% of the spread
_LOW, _HIGH = 5, 95  # percentiles that are shown


@dataclass(frozen=True)
class Figure:
    """A figure, and between what it lies in nine of ten draws."""

    likely: float
    """With every number at its likely value (the middle of two)."""
    low: float
    high: float

    def summary(self) -> dict[str, float | None]:
        """Return it as JSON values; ``None`` is never."""
        return {name: _json(getattr(self, name)) for name in ("likely", "low", "high")}


@dataclass(frozen=True)
class Outcome:
    """One option."""

    name: str
    request: Figure
    yearly: Figure
    """Requests, server, failures and upkeep."""
    upkeep: Figure
    one_off: Figure
    things: tuple[tuple[str, float], ...]
    """What the outlay is made of, at its likely values."""
    saving: Figure
    """A year, against the baseline; negative where it costs more."""
    days: Figure
    """Until it has paid for itself, rounded up; infinite for never."""
    chance: float
    """Share of the draws in which it ever pays for itself."""
    break_even: float
    """Requests a day from which on it pays for itself within a year; infinite where no number does."""
    sentence: str

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.name, "price_per_request": self.request.summary(), "yearly_cost": self.yearly.summary(),
            "upkeep": self.upkeep.summary(), "one_off": self.one_off.summary(), "one_off_of": dict(self.things),
            "saving": self.saving.summary(), "payback_days": self.days.summary(), "pays_back": round(self.chance, 4),
            "break_even_requests_per_day": _json(self.break_even), "sentence": self.sentence,
        }  # fmt: skip


@dataclass(frozen=True)
class Payback:
    """All options, and what is to be said of the prices."""

    file: PriceFile
    age: int
    """Days since the prices were looked up; negative for a date to come."""
    outcomes: tuple[Outcome, ...]
    """In the order of the file, the baseline among them."""
    ranged: bool
    """Whether any number has a range."""
    sentence: str
    notes: tuple[str, ...]
    seed: int

    @property
    def stale(self) -> bool:
        """Whether the prices are too old to trust."""
        return self.age > OLD

    def within(self, days: float) -> bool:
        """Say whether any option has paid for itself within so many days, at likely values."""
        return any(outcome.days.likely <= days for outcome in self.outcomes if outcome.name != self.file.baseline)

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        file = self.file
        return {
            "file": str(file.path), "dated": file.dated.isoformat(), "age_days": self.age, "stale": self.stale,
            "currency": file.currency, "requests_per_day": file.requests_per_day.likely, "baseline": file.baseline,
            "sentence": self.sentence, "options": [outcome.summary() for outcome in self.outcomes],
            "ranges": {"method": "Monte Carlo", "draws": _DRAWS, "percentiles": [_LOW, _HIGH], "seed": self.seed}
            if self.ranged
            else None,
            "notes": list(self.notes),
        }  # fmt: skip


def work_out(prices: str | Path | PriceFile, *, today: datetime.date | None = None, seed: int = 0) -> Payback:
    """Return what every option of a price file costs a year, what it saves, and when it has paid for itself.

    Ranges are drawn and not computed by intervals: intervals put every number at its worst at once, which nobody's year does,
    count a volume that stands on both sides twice, and can't say how likely it is that a plan pays.

    Args:
        prices: the file, or what was read of it.
        today: the day to judge the age of the prices by; the system's for ``None``.
        seed: of the draws.

    Raises:
        UsageError: the file can't be used; the sentence names option and key.
        DataError: a run that it names counted no tokens.
    """
    file = prices if isinstance(prices, PriceFile) else read_options(prices)
    ranged = any(not one.known for one in _numbers(file))
    likely, drawn = _costs(file, None), _costs(file, np.random.default_rng(seed)) if ranged else None
    outcomes = tuple(_outcome(file, option, likely, drawn if drawn is not None else likely) for option in file.options)
    age = ((today or datetime.date.today()) - file.dated).days
    return Payback(file, age, outcomes, ranged, ranking_sentence(file, outcomes), tuple(_notes(file, age)), seed)


def _numbers(file: PriceFile) -> list[Amount]:
    own = [one for option in file.options for one in (*option.given.values(), *(cost for _, cost in option.one_off))]
    return [file.requests_per_day, file.failure_cost, *own]


def _costs(file: PriceFile, random: np.random.Generator | None) -> dict[str, Costs]:
    """Return the costs of each option: of one draw at likely values, or of many."""

    def value(of: Amount) -> Doubles:
        return np.array([of.likely]) if random is None else of.draw(_DRAWS, random)

    volume, failure_cost = value(file.requests_per_day), value(file.failure_cost)  # once: they are the same for all
    found = {}
    for option in file.options:
        given = {key: value(of) for key, of in option.given.items()}
        one_off = sum((value(cost) for _, cost in option.one_off), np.zeros_like(volume))
        found[option.name] = costs(given, one_off=one_off, volume=volume, failure_cost=failure_cost)
    return found


def _outcome(file: PriceFile, option: Option, likely: dict[str, Costs], drawn: dict[str, Costs]) -> Outcome:
    def figure(of: str) -> Figure:
        return _figure(getattr(likely[option.name], of), getattr(drawn[option.name], of))

    one, many = ((each[option.name], each[file.baseline]) for each in (likely, drawn))
    days = _figure(payback_days(*one), payback_days(*many))
    chance = float(np.isfinite(payback_days(*many)).mean())
    break_even = float(break_even_volume(*one)[0])
    things = tuple((thing, cost.likely) for thing, cost in option.one_off) if len(option.one_off) > 1 else ()
    saving = _figure(one[1].yearly - one[0].yearly, many[1].yearly - many[0].yearly)
    found = Outcome(
        option.name, figure("request"), figure("yearly"), figure("upkeep"), figure("one_off"), things, saving, days, chance,
        break_even, "",
    )  # fmt: skip
    return Outcome(**{**found.__dict__, "sentence": option_sentence(file, found)})


def _figure(likely: Doubles, drawn: Doubles) -> Figure:
    # "lower" and "higher" pick draws: between a number and never there is no number.
    low = float(np.percentile(drawn, _LOW, method="lower"))
    high = float(np.percentile(drawn, _HIGH, method="higher"))
    return Figure(float(likely[0]), low, high)


def _notes(file: PriceFile, age: int) -> list[str]:
    notes = []
    if age > OLD:
        notes.append(
            f"the prices are {age:,} days old ({file.dated}); look them up again and set `dated` in {file.path}."
        )
    if age < 0:
        notes.append(f"the prices are dated {file.dated}, which is to come; mend `dated` in {file.path}.")
    base = next(option for option in file.options if option.name == file.baseline)
    if any(cost.high > 0 for _, cost in base.one_off):
        notes.append(f"what {base.name} cost once is spent and counts on neither side; its upkeep goes on.")
    failing = [option.name for option in file.options if "failure_rate" in option.given]
    if failing and file.failure_cost.high == 0:
        notes.append("failure_rate counts for nothing without failure_cost, what a failed request costs; add it.")
    if failing and len(failing) < len(file.options):
        bare = next(option.name for option in file.options if option.name not in failing)
        notes.append(f"{bare} has no failure_rate and is taken never to fail, as others do; add it.")
    if file.requests_per_day.high == 0:
        notes.append("at no requests a day only servers and upkeep cost anything.")
    return notes


def _json(value: float) -> float | None:
    return round(value, 8) if math.isfinite(value) else None
