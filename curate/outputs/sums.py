"""Written sums, worked out exactly: does ``16 - 3 - 4 = 9`` hold, as a careful reader would take it?

Exact rational numbers, a grammar of four operations, powers and brackets, and no ``eval``. A sum is wrong only if no
reading of it is right: rounded or cut decimals, percent signs as hundredths or as mere units, decimal commas, a running
chain (``5 + 3 = 8 - 2 = 6``), a list number or a dash before it.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple, cast

_TOKEN = re.compile(r"\s*(?:(\d[\d,.]*|\.\d+)(\s?%)?|(\*\*|[-+*/^()]|[xX](?=\s*[\d.(]|\s*[$€£¥₹₱]))|([$€£¥₹₱]))")
_MOST_TOKENS = 40
_OPENING = "("
_MOST_DIGITS = 24
_DEEPEST = 12
_LARGEST_POWER = 12
# What two units of one thing differ by: cents, dozens, minutes, hours, days, weeks, feet, ounces, metres ...
_UNITS = {Fraction(n) for n in (3, 4, 7, 10, 12, 16, 24, 30, 52, 60, 100, 365, 1000, 3600, 5280, 1_000_000)}


class Number(NamedTuple):
    """A number as it is written."""

    written: str
    percent: bool
    money: bool


class Unreadable(ValueError):
    """No sum that this grammar knows."""


class Reading(NamedTuple):
    """How the numbers of a sum are read."""

    percent: bool = True
    """``20%`` is 0.2, else 20."""
    comma: bool = False
    """The comma is the decimal sign, and the full stop stands between thousands."""
    quarters: bool = False
    """``14 / 1/4`` divides by a quarter."""
    slack: int = 0
    """Half units of the last decimal that are added to every number that has decimals."""
    quick: bool = False
    """In floating point, which takes a fifth of the time."""


_QUICK = Reading(quick=True)
Token = Number | str
Value = Fraction | float


def tokens(side: str) -> list[Token]:
    """Return the numbers, operators and brackets of one side.

    Raises:
        Unreadable: it holds something else, or too much.
    """
    found: list[Token] = []
    place, money = 0, False
    side = side.strip()
    while place < len(side):
        match = _TOKEN.match(side, place)
        if match is None or len(found) == _MOST_TOKENS:
            raise Unreadable(side)
        place = match.end()
        if match[4]:
            money = True
        elif match[1]:
            if found and isinstance(found[-1], Number):
                raise Unreadable("two numbers side by side: a mixed fraction, a list, thousands apart")
            found.append(Number(match[1].rstrip(".,"), bool(match[2]), money))
            money = False
        else:
            sign = {"x": "*", "X": "*", "**": "^"}.get(match[3], match[3])
            if sign == "(" and found and (isinstance(found[-1], Number) or found[-1] == ")"):
                found.append("*")  # 2(3 + 4)
            found.append(sign)
    return found


def read(number: Number, how: Reading) -> Value:
    """Return the value of a number.

    Raises:
        Unreadable: too long, or no number in this reading.
    """
    written = number.written.replace(".", "").replace(",", ".") if how.comma else number.written.replace(",", "")
    if len(written) > _MOST_DIGITS or written.count(".") > 1:
        raise Unreadable(written)
    if how.quick:
        value = float(written)
    else:
        value = Fraction(written) + Fraction(how.slack, 2 * 10 ** decimals(written)) * ("." in written)
    return value / 100 if number.percent and how.percent else value


def decimals(written: str) -> int:
    """Return how many digits stand behind the decimal point.

    >>> decimals("3.50"), decimals("3")
    (2, 0)
    """
    return len(written.partition(".")[2])


def work_out(side: list[Token], how: Reading | None = None) -> Fraction:
    """Return the value of a side.

    Raises:
        Unreadable: no sum, a division by zero, a power out of bounds.

    >>> work_out(tokens("2 + 3*(4 - 1)"))
    Fraction(11, 1)
    """
    value, place = _sum(side, 0, how or Reading(), 0)
    if place != len(side):
        raise Unreadable("something is left over")
    return cast("Fraction", value)  # no reading but the quick one has floats


def _sum(side: list[Token], place: int, how: Reading, depth: int) -> tuple[Value, int]:
    value, place = _product(side, place, how, depth)
    while place < len(side) and side[place] in ("+", "-"):
        other, after = _product(side, place + 1, how, depth)
        value, place = (value + other if side[place] == "+" else value - other), after
    return value, place


def _product(side: list[Token], place: int, how: Reading, depth: int) -> tuple[Value, int]:
    value, place = _power(side, place, how, depth)
    while place < len(side) and side[place] in ("*", "/"):
        other, after = _power(side, place + 1, how, depth)
        if how.quarters and side[place : place + 1] == side[after : after + 1] == ["/"]:
            under, after = _power(side, after + 1, how, depth)
            if under == 0:
                raise Unreadable("a division by zero")
            other /= under
        if side[place] == "/" and other == 0:
            raise Unreadable("a division by zero")
        value, place = (value * other if side[place] == "*" else value / other), after
    return value, place


def _power(side: list[Token], place: int, how: Reading, depth: int) -> tuple[Value, int]:
    if place < len(side) and side[place] == "-":
        value, place = _power(side, place + 1, how, depth)
        return -value, place
    value, place = _atom(side, place, how, depth)
    if place < len(side) and side[place] == "^":
        exponent, place = _power(side, place + 1, how, depth)
        if exponent % 1 or abs(exponent) > _LARGEST_POWER or value == 0 or abs(value) > 10**6:
            raise Unreadable("a power out of bounds")
        value **= int(exponent)
    return value, place


def _atom(side: list[Token], place: int, how: Reading, depth: int) -> tuple[Value, int]:
    if place == len(side) or depth > _DEEPEST:
        raise Unreadable("it breaks off, or goes too deep")
    token = side[place]
    if isinstance(token, Number):
        return read(token, how), place + 1
    if token not in _OPENING:
        raise Unreadable(token)
    value, place = _sum(side, place + 1, how, depth + 1)
    if place == len(side) or side[place] != ")":
        raise Unreadable("a bracket is open")
    return value, place + 1


def holds(left: str, right: str, *, units: bool = False) -> bool:
    """Say whether the two sides are equal in some reading.

    Args:
        left: what is worked out, such as ``48/2``.
        right: what it is said to be: a number, or a sum itself.
        units: words stood beside the numbers, so that a factor between units may be meant.

    Raises:
        Unreadable: a side is no sum.

    >>> holds("10/3", "3.33"), holds("7 - 2", "6"), holds("20% x 50", "10")
    (True, False, True)
    """
    one, other = tokens(left), tokens(right)
    stated = next((token for token in other if isinstance(token, Number)), None)
    if stated is None:
        raise Unreadable("no number is stated")
    if _plainly(one, other) or _near(work_out(one), work_out(other), stated):
        return True
    return any(_agrees(_kept(one, skip), other, stated, units=units) for skip in range(len(one)))


def _plainly(one: list[Token], other: list[Token]) -> bool:
    """Whether floating point finds both sides equal, to 13 digits, as it does for most sums: fractions take 5 times as long."""
    try:
        value, end = (_sum(side, 0, _QUICK, 0) for side in (one, other))
    except (Unreadable, ValueError, OverflowError):
        return False
    whole = value[1] == len(one) and end[1] == len(other)
    return whole and abs(value[0] - end[0]) <= 1e-13 * abs(value[0])


def _kept(side: list[Token], skip: int) -> list[Token]:
    """What is left when a list number, a step's name or a dash before the sum is taken off."""
    return side if not skip else side[skip:] if side[skip - 1] in ("-", "+", "*", "/") else []


def _agrees(one: list[Token], other: list[Token], stated: Number, *, units: bool) -> bool:
    if len(one) < 3:
        return False
    marked = any(isinstance(token, Number) and token.percent for token in [*one, *other])
    commas = any(
        isinstance(token, Number) and ("," in token.written or "." in token.written) for token in [*one, *other]
    )
    readings = [
        Reading(percent, comma, quarters)
        for percent in ((True, False) if marked else (True,))
        for comma in ((False, True) if commas else (False,))
        for quarters in ((False, True) if one.count("/") > 1 else (False,))
    ]
    money = units or any(isinstance(token, Number) and token.money for token in [*one, *other])
    for how in readings:
        try:
            value = work_out(one, how)
        except Unreadable:
            continue
        running: list[Token] = [stated]
        for ends in (other, running):  # a running chain goes on from what was just worked out
            for also in {how, how._replace(percent=not how.percent)} if marked else {how}:
                try:
                    end = work_out(ends, also)
                except Unreadable:
                    continue
                if _near(value, end, stated) or (
                    money and end and abs(value / end) in _UNITS | {1 / u for u in _UNITS}
                ):
                    return True
        if _within_rounding(one, other, stated, how):
            return True
    return marked and _added_share(one, other, stated)


def _near(value: Fraction, end: Fraction, stated: Number) -> bool:
    """Equal, or rounded or cut at the last digit that is stated."""
    digits = decimals(stated.written.replace(",", "")) + (2 if stated.percent else 0)
    unit = Fraction(1, 10**digits)
    if digits > 8 and abs(value - end) <= abs(value) / 10**9:  # as floating point has it: 4.800000000000001
        return True
    return value == end or ((value / unit).denominator != 1 and abs(value - end) < unit)


def _within_rounding(one: list[Token], other: list[Token], stated: Number, how: Reading) -> bool:
    """Whether numbers that were rounded before (0.33 for a third) explain it; money is not rounded."""
    rounded = [t for t in one if isinstance(t, Number) and "." in t.written and not t.money]
    if not rounded:
        return False
    try:
        low, high = work_out(one, how._replace(slack=-1)), work_out(one, how._replace(slack=1))
        end = work_out(other, how)
    except Unreadable:
        return False
    unit = Fraction(1, 10 ** decimals(stated.written.replace(",", "")))
    return min(low, high) - unit <= end <= max(low, high) + unit


def _added_share(one: list[Token], other: list[Token], stated: Number) -> bool:
    """``200 + 10% = 220``: the share is one of what stands before it."""
    if len(one) != 3 or one[1] not in ("+", "-"):
        return False
    first, sign, second = one
    if not (isinstance(first, Number) and isinstance(second, Number) and second.percent):
        return False
    share = read(second, Reading())
    whole = read(first, Reading()) * (1 + share if sign == "+" else 1 - share)
    return _near(cast("Fraction", whole), work_out(other), stated)
