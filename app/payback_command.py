"""The command ``payback``: what each way costs a year, and when it has paid for itself."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from .answering import Json, announce, answer


def payback(
    prices: Annotated[Path, typer.Argument(metavar="FILE.toml", help="Your prices, with the day you looked them up.")],
    within: Annotated[
        float | None, typer.Option(min=0, help="Exit code 1 unless an option has paid for itself in so many days.")
    ] = None,
    today: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="The day to judge the age of the prices by (default: today)."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draws, where numbers have ranges.")] = 0,
    as_json: Json = False,
) -> None:
    """Work out what each option costs a year, what it saves, and after how many days it has paid for itself.

    The file holds `dated`, `requests_per_day` and an [[options]] table for each way, first what runs now: `name` and either
    `price_per_request` or `input_price`, `output_price` (per million tokens), `input_tokens`, `output_tokens` (or `run`; and
    `model` for the prices of [models."NAME"], which `vetset eval --prices` reads, too); further `one_off`, `upkeep`,
    `fixed_per_month`, `failure_rate`. Any number may be [low, high] or {low = , likely = , high = }.
    """
    from ..evaluate.paying.working_out import work_out
    from .payback_page import print_payback

    result = work_out(prices, today=_day(today), seed=seed)
    answer(result.summary(), as_json, lambda: print_payback(result))
    if as_json:
        for note in result.notes:
            announce(f"note: {note}")
    if within is not None and not result.within(within):
        announce(f"no option has paid for itself within {within:g} days.")
        raise typer.Exit(1)


def _day(text: str | None) -> datetime.date | None:
    from ..curate.errors import UsageError, quote

    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--today {quote(text)} is no day; give one such as 2026-01-31.") from error
