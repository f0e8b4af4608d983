"""What tokens cost, from the user's own price file; vetset knows no price by itself, since prices change and memories don't.

One file serves ``vetset eval --prices`` and ``vetset payback`` (``paying.price_file`` has what the latter reads besides).

dated = 2026-05-01              # when the prices were looked up
currency = "USD"                # the default
[models."small-model"]
input_price = 0.15              # for a million tokens
cached_price = 0.03             # of those that come from a cache; may be left out
output_price = 0.60
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from ...curate.errors import UsageError, quote
from ...curate.vetset_toml import read_tables
from ..paying.amounts import Amount, amount

OLD = 90
"""Days after which prices are said to be old: they have moved every few months."""
PRICES = ("input_price", "cached_price", "output_price")
"""Of a million tokens."""
KEYS = ("dated", "currency", "models", "requests_per_day", "baseline", "failure_cost", "options")
"""What may stand at the top of the file."""
_MILLION = 1_000_000


@dataclass(frozen=True)
class PriceList:
    """What every use of a price file needs."""

    path: Path
    tables: Mapping[str, Any]
    """The whole file."""
    dated: date
    currency: str
    models: dict[str, dict[str, Amount]]
    """Prices (``PRICES``) by model."""


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
                f'[models."{quote(model, 60)[1:-1]}"] with input_price and output_price.'
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
    """Return what the models of a price file cost, ranges at their likely values.

    An option of ``vetset payback`` with prices of its own is a model of its name.

    Raises:
        UsageError: it can't be read, lacks its date, or holds no price of tokens, or one that is none.
    """
    file = read_price_list(path)
    found = dict(file.models)
    for number, option in enumerate(given if isinstance(given := file.tables.get("options"), list) else [], 1):
        own = {key: value for key, value in option.items() if key in PRICES} if isinstance(option, dict) else {}
        if "input_price" in own and "output_price" in own:
            found.setdefault(str(option.get("name")), _amounts(f"{path} [[options]] {number}", own))
    if not found:
        raise UsageError(
            f'{path} holds no price of a model; add [models."NAME"] with input_price and output_price, for a million tokens.'
        )
    prices = {name: Price(one["input_price"].likely, one["output_price"].likely) for name, one in found.items()}
    return Prices(file.currency, file.dated, prices, str(path))


def read_price_list(path: str | Path) -> PriceList:
    """Read what every use of a price file needs.

    Raises:
        UsageError: it can't be read, lacks its date, or a key or price is none.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"{path}: no such file; write one with your prices (docs/payback.md says how).")
    tables = read_tables(path)
    if "date" in tables:
        raise UsageError(f"{path} `date` is called `dated`; rename it.")
    check_keys(str(path), tables, KEYS)
    listed = tables.get("models", {})
    if not isinstance(listed, dict):
        raise UsageError(f'{path} models is {quote(listed)}; write [models."NAME"] with input_price and output_price.')
    models = {}
    for name, told in listed.items():
        where = f"{path} [models.{quote(name, 60)}]"
        if not isinstance(told, dict) or not {"input_price", "output_price"} <= told.keys() <= set(PRICES):
            raise UsageError(
                f"{where} needs input_price and output_price, for a million tokens, may have cached_price, no more."
            )
        models[name] = _amounts(where, told)
    return PriceList(path, tables, _date(path, tables), _currency(path, tables), models)


def check_keys(where: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse a key that means nothing.

    Raises:
        UsageError: there is one.
    """
    for key in table:
        if key not in known:
            raise UsageError(f"{where} {quote(key)} is no setting; there is {', '.join(known)}.")


def _amounts(where: str, told: Mapping[str, Any]) -> dict[str, Amount]:
    return {key: amount(f"{where} {key}", value) for key, value in told.items()}


def _date(path: Path, tables: Mapping[str, Any]) -> date:
    given = tables.get("dated")
    if isinstance(given, datetime):
        return given.date()
    if isinstance(given, date):
        return given
    try:
        return date.fromisoformat(given)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError) as error:
        what = "has no date" if given is None else f"dated is {quote(given)}"
        raise UsageError(
            f"{path} {what}; add dated = 2026-01-31, the day on which you looked the prices up."
        ) from error


def _currency(path: Path, tables: Mapping[str, Any]) -> str:
    given = tables.get("currency", "USD")
    if not isinstance(given, str) or not given.strip() or len(given) > 8:
        raise UsageError(f'{path} currency is {quote(given)}; give a short name, such as "EUR".')
    return given
