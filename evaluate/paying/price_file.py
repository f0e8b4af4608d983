r"""What ``vetset payback`` reads of the user's price file: each way to answer requests, with all that it costs.

dated = 2026-01-15                  # this, currency and [models] are those of ``scorers.prices``
currency = "USD"
requests_per_day = 10_000           # any number may be [low, high] or {low = 8000, likely = 10000, high = 15000}
baseline = "the API"                # what runs now (default: the first option)
failure_cost = 4.0                  # what a failed request costs elsewhere: an agent's minutes (default: nothing)

[[options]]
name = "the API"
input_price = 2.5                   # per million tokens
cached_price = 0.25
output_price = 10.0
input_tokens = 1200                 # a request, those of the cache among them
cached_tokens = 800
output_tokens = 150
failure_rate = 0.05

[[options]]
name = "tuned small model"
price_per_request = 0.0003          # in place of tokens
fixed_per_month = 0                 # a server that runs anyway
one_off = { labels = 120, training = 80 }   # one number, or one a thing
upkeep = 0.2                        # share of the build a year: new labels, new training (the default)

[[options]]
name = "measured"
run = "tuned.run"                   # tokens as that run counted them
model = "small-model"               # prices of [models."small-model"]

[models."small-model"]
input_price = 0.1
output_price = 0.4
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...curate.errors import UsageError, quote
from ..scorers.prices import PRICES, PriceList, check_keys, read_price_list
from .amounts import Amount, amount, known
from .measured import measured_tokens

UPKEEP = 0.2
"""Share of the build that a year costs: data drifts, base models are withdrawn; a fifth is what maintained software costs."""

_TOKENS = ("input_tokens", "cached_tokens", "output_tokens")
_OPTION = (
    "name", "model", "price_per_request", *PRICES, *_TOKENS, "run", "fixed_per_month", "one_off", "upkeep", "failure_rate",
)  # fmt: skip
_SHARES = ("upkeep", "failure_rate")


@dataclass(frozen=True)
class Option:
    """One way to answer requests."""

    name: str
    given: dict[str, Amount]
    """What is known of it, by the key of the file; ``price_per_request`` or prices and tokens."""
    one_off: tuple[tuple[str, Amount], ...]
    """What it costs once, thing by thing."""

    @property
    def by_tokens(self) -> bool:
        """Whether its price hangs on tokens."""
        return "price_per_request" not in self.given


@dataclass(frozen=True)
class PriceFile:
    """A read file."""

    path: Path
    dated: datetime.date
    currency: str
    requests_per_day: Amount
    failure_cost: Amount
    baseline: str
    options: tuple[Option, ...]


def read_options(path: str | Path) -> PriceFile:
    """Read a price file with the options in it.

    Raises:
        UsageError: no such file, no TOML, or a key or value that is none; the sentence names file, option and key.
    """
    listed = read_price_list(path)
    path, tables = listed.path, listed.tables
    given = tables.get("options")
    if not isinstance(given, list) or len(given) < 2:
        raise UsageError(f"{path} has fewer than two options; begin each with [[options]], first what runs now.")
    options = tuple(_option(listed, number, table) for number, table in enumerate(given, 1))
    names = [option.name for option in options]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{path}: two options are called {quote(twice[0])}; rename one.")
    baseline = tables.get("baseline", names[0])
    if baseline not in names:
        raise UsageError(
            f"{path} baseline is {quote(baseline)}, which is no option; give one of {', '.join(map(quote, names))}."
        )
    if "requests_per_day" not in tables:
        raise UsageError(f"{path} has no requests_per_day; add how many requests a day there are.")
    volume = amount(f"{path} requests_per_day", tables["requests_per_day"])
    failure_cost = amount(f"{path} failure_cost", tables.get("failure_cost", 0))
    return PriceFile(path, listed.dated, listed.currency, volume, failure_cost, baseline, options)


def _option(listed: PriceList, number: int, table: Any) -> Option:
    where = f"{listed.path} [[options]] {number}"
    if not isinstance(table, dict):
        raise UsageError(f"{where} is {quote(table)}; make it a table.")
    check_keys(where, table, _OPTION)
    name = table.get("name")
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f'{where} has no name; add name = "what it is".')
    where = f"{where} ({quote(name, 30)})"
    numbers = {key: table[key] for key in table if key not in ("name", "model", "run", "one_off")}
    given = {
        key: amount(f"{where} {key}", value, most=1 if key in _SHARES else float("inf"))
        for key, value in numbers.items()
    }
    if "run" in table:
        given = {**_measured(where, listed.path, table), **given}
    if "model" in table:
        given = {**_listed(where, listed, table, given), **given}
    _priced(where, given)
    given.setdefault("upkeep", known(UPKEEP))
    return Option(name, given, _one_off(where, table.get("one_off", 0)))


def _listed(where: str, listed: PriceList, table: dict[str, Any], given: dict[str, Amount]) -> dict[str, Amount]:
    """Return the prices of the model that an option names; that of a cache only where its tokens are told."""
    name = table["model"]
    if not isinstance(name, str) or name not in listed.models:
        known = ", ".join(map(quote, listed.models)) or "none"
        raise UsageError(f"{where} model is {quote(name)}, which [models] has no prices of (it has {known}); add them.")
    if own := [key for key in ("price_per_request", *PRICES) if key in given]:
        raise UsageError(f"{where} has both model and {own[0]}; give one of them.")
    return {
        key: price for key, price in listed.models[name].items() if key != "cached_price" or "cached_tokens" in given
    }


def _measured(where: str, path: Path, table: dict[str, Any]) -> dict[str, Amount]:
    if not isinstance(table["run"], str):
        raise UsageError(f"{where} run is {quote(table['run'])}; give the folder of a run.")
    return measured_tokens(path.parent / table["run"])


def _priced(where: str, given: dict[str, Amount]) -> None:
    """Refuse an option that names no price, or two."""
    by_tokens = [key for key in (*PRICES, *_TOKENS) if key in given]
    if "price_per_request" in given:
        if by_tokens:
            raise UsageError(f"{where} has both price_per_request and {by_tokens[0]}; give one of them.")
        return
    if not by_tokens and "fixed_per_month" in given:  # a server of one's own: a request costs nothing more
        given["price_per_request"] = known(0.0)
        return
    for kind in ("input", "output"):
        for key in (f"{kind}_price", f"{kind}_tokens"):
            if key not in given:
                raise UsageError(
                    f"{where} has no {key}; give price_per_request, or prices and tokens of input and output."
                )
    if ("cached_price" in given) != ("cached_tokens" in given):
        raise UsageError(f"{where} has only one of cached_price and cached_tokens; give both.")
    if "cached_tokens" in given and given["cached_tokens"].high > given["input_tokens"].high:
        raise UsageError(f"{where} cached_tokens are more than input_tokens, which count them, too; mend one.")


def _one_off(where: str, given: Any) -> tuple[tuple[str, Amount], ...]:
    if isinstance(given, dict) and set(given) != {"low", "likely", "high"}:
        return tuple((str(thing), amount(f"{where} one_off.{thing}", value)) for thing, value in given.items())
    return (("one-off", amount(f"{where} one_off", given)),)
