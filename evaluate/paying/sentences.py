"""What a payback comes to, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...curate.errors import quote

if TYPE_CHECKING:
    from .price_file import PriceFile

_LONG = 730  # days: prices and models have changed several times by then
_NOTHING = 1e-9  # a billionth of a dollar a request: a server of one's own that is paid by the month
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}


def money(value: float, currency: str) -> str:
    """Return an amount for people: whole from a hundred on, two digits that tell below a cent.

    >>> money(18250.4, "USD"), money(0.0003, "USD"), money(-12.5, "CHF")
    ('$18,250', '$0.0003', '-12.50 CHF')
    """
    size = abs(value)
    if not math.isfinite(value):
        return "-"
    if size >= 100 or size < _NOTHING:
        text = f"{size:,.0f}"
    elif size >= 0.1:
        text = f"{size:,.2f}"
    else:
        text = f"{size:.{1 - math.floor(math.log10(size))}f}".rstrip("0")
    sign = "-" if value < 0 and float(text.replace(",", "")) else ""
    return f"{sign}{_SIGNS[currency]}{text}" if currency in _SIGNS else f"{sign}{text} {currency}"


def option_sentence(file: PriceFile, of: Any) -> str:
    """Say of one option what it saves and when it has paid for itself."""
    name, currency, base = quote(of.name, 40)[1:-1], file.currency, quote(file.baseline, 40)[1:-1]
    yearly = f"{name} costs {money(of.yearly.likely, currency)} a year"
    if of.name == file.baseline:
        return f"{yearly}: what runs now."
    outlay = money(of.one_off.likely, currency)
    if file.requests_per_day.high == 0:
        more = f" and {money(-of.saving.likely, currency)} a year more than {base}" if of.saving.likely < 0 else ""
        saves = of.saving.likely > 0
        if not saves:
            return f"{name} never pays back: at no requests a day there is nothing to save, and it costs {outlay} once{more}."
    if of.saving.likely <= 0:
        cheaper = f"{base} is cheaper already" if of.saving.likely < 0 else f"it costs what {base} costs"
        more = f" by {money(-of.saving.likely, currency)} a year" if of.saving.likely < 0 else ""
        return f"{name} never pays back: {cheaper}{more}.{_at(of)}{_chance(of)}"
    saved = f"{yearly}, {money(of.saving.likely, currency)} less than {base}"
    if of.one_off.likely == 0:
        return f"{saved}, from the first day.{_chance(of)}"
    days = f"{of.days.likely:,.0f} day{'' if of.days.likely == 1 else 's'}"
    long = " Prices and models will have changed by then." if of.days.likely > _LONG else ""
    return f"{saved}, and has paid for its {outlay} after {days}.{long}{_chance(of)}"


def ranking_sentence(file: PriceFile, outcomes: tuple[Any, ...]) -> str:
    """Say which option is the cheapest over the first year, outlay included."""

    def first_year(of: Any) -> float:
        return of.yearly.likely + (0.0 if of.name == file.baseline else of.one_off.likely)

    best = min(outcomes, key=lambda of: (first_year(of), of.name != file.baseline))
    cost = money(first_year(best), file.currency)
    if best.name == file.baseline:
        return f"Over the first year {quote(best.name, 40)[1:-1]}, which runs now, is the cheapest: {cost}."
    return f"Over the first year {quote(best.name, 40)[1:-1]} is the cheapest: {cost}, all that it costs once included."


def _at(of: Any) -> str:
    if not math.isfinite(of.break_even) or of.break_even <= 0:
        return ""
    return f" It would within a year from {math.ceil(of.break_even):,} requests a day on."


def _chance(of: Any) -> str:
    if of.days.low == of.days.high:
        return ""
    if of.chance == 1:
        return f" In nine of ten draws it takes {of.days.low:,.0f} to {of.days.high:,.0f} days."
    if of.chance == 0:
        return ""
    return f" It pays back in {of.chance:.0%} of the draws."
