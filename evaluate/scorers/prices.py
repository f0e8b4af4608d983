"""What tokens cost, from the user's own price file; vetset knows no price by itself, since prices change and memories don't.

currency = "USD"
date = 2026-05-01
[models."small-model"]
input = 0.15      # for a million tokens
output = 0.60
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from ...curate.errors import UsageError, quote

OLD = 180
"""Days after which prices are said to be old: hosted models change theirs about twice a year."""
_MILLION = 1_000_000
_KEYS = {"currency", "date", "dated", "models"}


@dataclass(frozen=True)
class Price:
    """What a million tokens cost."""

    input: float
    output: float


@dataclass(frozen=True)
class Prices:
    """A price file."""

    currency: str
    date: date
    models: dict[str, Price]
    path: str = ""

    def of(self, model: str) -> Price:
        """Return the price of a model.

        Raises:
            UsageError: the file has none.
        """
        price = self.models.get(model)
        if price is None:
            near = get_close_matches(model, list(self.models), n=1) or sorted(self.models)[:3]
            raise UsageError(
                f"{self.path} has no price of {quote(model, 60)}; it has {quote(', '.join(near), 80)}: add "
                f'[models."{quote(model, 60)[1:-1]}"] with input and output.'
            )
        return price

    def costs(self, results: pl.DataFrame, model: str) -> pl.Series:
        """Return the cost of each line of results; null where a server told no tokens.

        Args:
            results: with ``prompt_tokens`` and ``completion_tokens``.
            model: by the name it has in the file.

        >>> table = pl.DataFrame({"prompt_tokens": [1000], "completion_tokens": [500]})
        >>> Prices("USD", date(2026, 5, 1), {"m": Price(2.0, 4.0)}).costs(table, "m").to_list()
        [0.004]
        """
        price = self.of(model)
        cost = (pl.col("prompt_tokens") * price.input + pl.col("completion_tokens") * price.output) / _MILLION
        return results.select(cost.cast(pl.Float64).alias("cost"))["cost"]

    def age(self, today: date | None = None) -> int:
        """Return how many days old the prices are."""
        return ((today or datetime.now(UTC).date()) - self.date).days

    def said(self) -> dict[str, Any]:
        """Return what a manifest says of them."""
        return {"file": self.path, "currency": self.currency, "date": self.date.isoformat()}


def read_prices(path: str | Path) -> Prices:
    """Return the prices of a TOML file.

    Raises:
        UsageError: it can't be read, lacks the currency or the date, or holds a price that is none.
    """
    try:
        told = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path} can't be read ({error.strerror}); give a TOML file of prices (docs/scorers.md)."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML ({quote(error, 80)}); mend that line.") from error
    if "options" in told:
        told = {"models": _of_options(told["options"])} | {key: told[key] for key in told.keys() & _KEYS}
    if unknown := sorted(told.keys() - _KEYS):
        raise UsageError(
            f"{path} has the key {quote(unknown[0], 40)}, which prices don't have; use currency, date, models."
        )
    currency, day, models = told.get("currency"), told.get("date", told.get("dated")), told.get("models")
    if not isinstance(currency, str) or not currency:
        raise UsageError(f'{path} names no currency; add `currency = "USD"` at its top.')
    day = day.date() if isinstance(day, datetime) else _day(day) if isinstance(day, str) else day
    if not isinstance(day, date):
        raise UsageError(f"{path} doesn't say of which day its prices are; add `date = 2026-05-01` at its top.")
    if not isinstance(models, dict) or not models:
        raise UsageError(f'{path} holds no model; add [models."NAME"] with input and output, for a million tokens.')
    return Prices(currency, day, {name: _price(path, name, one) for name, one in models.items()}, str(path))


def _of_options(options: object) -> dict[str, dict[str, Any]]:
    """Return the models of a file of ``vetset payback``; ways that are not paid by the token have no place here."""
    found = {}
    for one in options if isinstance(options, list) else []:
        price = {key: one.get(f"{key}_price") for key in ("input", "output")} if isinstance(one, dict) else {}
        if price and None not in price.values():
            found[str(one.get("name"))] = price
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _price(path: str | Path, name: str, told: object) -> Price:
    values: dict[str, Any] = told if isinstance(told, dict) else {}
    if values.keys() != {"input", "output"}:
        raise UsageError(
            f"{path}: the model {quote(name, 60)} needs input and output, and nothing else, for a million tokens."
        )
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise UsageError(f"{path}: {key} of {quote(name, 60)} is {quote(value, 20)}; give a number of 0 or more.")
    return Price(float(values["input"]), float(values["output"]))
