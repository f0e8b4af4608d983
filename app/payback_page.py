"""What ``vetset payback`` prints for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..evaluate.paying.sentences import money
from .lines import cells, clipped, columns, say, show, tell

if TYPE_CHECKING:
    from ..evaluate.paying.working_out import Figure, Payback

_NAME = 32  # columns


def print_payback(result: Payback) -> None:
    """Print a line an option, what it comes to in words, and what is to say of the prices."""
    file = result.file
    volume = file.requests_per_day
    often = f"{volume.likely:,.0f}" if volume.known else f"{volume.low:,.0f} to {volume.high:,.0f}"
    tell(f"{often} requests a day; prices of {file.dated}, in {file.currency}; against {clipped(file.baseline, _NAME)}")
    table = columns(
        "option", "a request", "a year", "upkeep in it", "once", "saves a year", "pays back", right=(1, 2, 3, 4, 5, 6)
    )
    for of in result.outcomes:
        base = of.name == file.baseline
        amounts = (of.request, of.yearly, of.upkeep, of.one_off)
        table.add_row(
            *cells(
                clipped(of.name, _NAME), *(_range(each, file.currency) for each in amounts),
                "" if base else _range(of.saving, file.currency), "" if base else _days(of.days),
            )
        )  # fmt: skip
    show(table)
    for of in result.outcomes:
        if of.name != file.baseline:
            tell(of.sentence)
    say(result.sentence)
    if result.ranged:
        tell(
            f"ranges hold nine of ten of 20,000 draws (seed {result.seed}); figures in words are at the likely values, the "
            "middle where only two were given"
        )
    for note in result.notes:
        tell(f"note: {note}")


def _range(of: Figure, currency: str) -> str:
    if math.isclose(of.low, of.high, rel_tol=1e-9, abs_tol=1e-12):
        return money(of.likely, currency)
    return f"{money(of.low, currency)} to {money(of.high, currency)}"


def _days(of: Figure) -> str:
    if of.low == of.high:
        return _after(of.likely)
    low = f"{of.low:,.0f}" if of.low and math.isfinite(of.high) else _after(of.low)
    return f"{low} to {_after(of.high)}"


def _after(days: float) -> str:
    if math.isinf(days):
        return "never"
    return "at once" if days == 0 else f"{days:,.0f} day{'' if days == 1 else 's'}"
