r"""The number that an answer gives, and whether two numbers are equal: exactly, as fractions, never as floats.

Where it is looked for, in this order: the last ``\boxed{}``; after the last ``####``; after the last "the answer is",
"Answer:" or, at the beginning of a line, "A:"; else the last number of the text. After a mark the first number counts, or
the one behind the last "=" where a sum stands before it: it is 8 in "the answer is 5 + 3 = 8", and in "8, since x = 3". An
answer that was cut off counts by its mark alone, since the last number before the cut is a step on the way.

How it is read: "1,234" and "1.234.567" hold thousands; "1,5" and "1.234,56" a decimal comma. "1,234" could be either and is
read as thousands, as English has it: where models write 1,234 for 1.234, ask them for a decimal point. Signs, currencies,
"3/4", "1 1/2", "\frac{3}{4}", "½", "1.5e3", digits of all scripts; "50%" is 50 and not 0.5. "1,2,3" is a list and no number,
"12,34,567" is grouped as in India. Units and words ("5k", "two
million") are not read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from ...curate.errors import DataError, UsageError, quote
from ...curate.masking import mask
from .answers import settle, spoken, wanted
from .case import Case, Scored

_LONGEST = 400  # digits, and the largest exponent: 1e999999999 would be a gigabyte of digits
_TAIL = 4_000  # characters at the end of a text, which are looked through first for its last number

# A sign stands before a number and not between two; `12.5.3` is a version, `1.5.` ends a sentence.
_NUMBER = re.compile(
    r"(?<![\w./])(?P<sign>(?<![)\]}%])[-+](?: ?[$€£¥₹] ?)?|[$€£¥₹] ?(?:-(?=[\d.]))?)?"
    r"(?:(?P<whole>\d{1,9}) (?=\d{1,9}/))?"
    r"(?P<digits>\d+(?:[.,'’\u00a0\u202f]\d+)*|\.\d+)"
    r"(?:[eE](?P<power>[+-]?\d{1,9})(?!\w))?(?:/(?P<under>\d{1,9}(?![\d/])))?"
)
_FRACTION = re.compile(r"(-?)\\[dt]?frac ?\{ ?(\d{1,30}) ?\} ?\{ ?(\d{1,30}) ?\}")
_TYPESET = re.compile(r"\\[!,;: ]|\{,\}|\\text ?\{[^{}]{0,40}\}|\\(?=[$%])")
# Of text in lower case, with a line feed before it: a pattern that is blind to case takes Python five times as long.
_ANSWER_IS = re.compile(
    r"(?:answer|答案)[*_]{0,3}(?:(?:,? [a-z]{1,20}){0,6}?,? (?:is|are|equals|be)\b| ?[:：=是为為])[*_:： ]{0,4}"
)
_A = re.compile(r"\n[ *_]{0,4}a ?:")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}")  # by thousands, or as in India: 12,34,567
# What an "=" may follow: a sum, in which a unit may stand behind a number ("5 eggs + 3 eggs"), or one variable ("x", "y^2").
_SUM = re.compile(
    r"(?:\d++(?:[.,'’]\d++)*+(?:\s?[a-zA-Z]{1,20}(?=\s*(?:[-+*/^×÷·=)]|\Z)))?"
    r"|[-+*/^×÷·−=()\[\]{}$€£¥₹%_\s]|\.(?=\d)|x(?=\s*[\d$(])|\\(?:times|cdot|div|[dt]?frac|[$%,;:! ]))*+\Z"
    r"|[\s*_$(\\]*+[a-zA-Z](?:\^\{?\d\}?)?\s*+\Z"
)
_SIGNS = {"\u2212": "-", "\ufe63": "-", "\uff0d": "-", "\u066b": ".", "\uff0e": ".", "\u066c": ",", "\uff0c": ","}
_SIMPLE = re.compile(r"-?\d{1,15}\Z", re.ASCII)


@dataclass(frozen=True)
class Tolerance:
    """How far a number may be from the reference."""

    size: Fraction = Fraction(0)
    relative: bool = False

    def allows(self, number: Fraction, reference: Fraction) -> bool:
        """Say whether the number counts as the reference."""
        if not self.size:
            return number == reference
        return abs(number - reference) <= self.size * (abs(reference) if self.relative else 1)


def tolerance(option: str) -> Tolerance:
    """Return what ``number:OPTION`` allows: nothing, an absolute difference (``0.01``) or a share of the reference (``1%``).

    Raises:
        UsageError: it is neither.
    """
    if not option:
        return Tolerance()
    size = read_number(option.removesuffix("%"))
    if size is None or size < 0 or not re.fullmatch(r"[\d.]+%?", option):
        raise UsageError(f"`number:{quote(option, 20)[1:-1]}` gives no tolerance; write number:0.01 or number:1%.")
    return Tolerance(size / 100, relative=True) if option.endswith("%") else Tolerance(size)


def score_number(cases: Sequence[Case], *, allowed: Tolerance = Tolerance()) -> list[Scored]:
    """Score 1 where the number that the answer gives is that of the reference.

    Raises:
        DataError: a reference holds no number.

    >>> [one.score for one in score_number([Case("So 6 * 7 = 42.0 apples", "42"), Case("#### 1,000", "100")])]
    [1.0, 0.0]
    """
    found: list[Scored | None] = []
    passing = []
    for place, case in enumerate(cases):
        reference = find_number(wanted(case, "number"))
        if reference is None:
            raise DataError(
                f"row {quote(case.id)}: its reference {quote(mask((case.reference or '')[:200]), 40)} holds no number; give it "
                "one, or take another scorer."
            )
        number, marked = _found(spoken(case.output), whole=case.finish != "length")
        if not marked:
            passing.append(place)
        found.append(
            None
            if number is None
            else Scored(1.0 if allowed.allows(number, reference) else 0.0, prediction=written(number))
        )
    return settle(cases, found, passing=passing)


def find_number(text: str, *, whole: bool = True) -> Fraction | None:
    r"""Return the number that a text gives as its answer.

    Args:
        text: of an answer or a reference.
        whole: the text was not cut off: its last number counts where none is marked.

    >>> find_number("First 3, then 4.\nThe answer is $1,250.50."), find_number(r"so \boxed{\frac{3}{4}}")
    (Fraction(2501, 2), Fraction(3, 4))
    """
    return _found(text, whole=whole)[0]


def _found(text: str, *, whole: bool) -> tuple[Fraction | None, bool]:
    """Return the number, and whether it is the whole text or stands behind a mark."""
    if _SIMPLE.match(text):
        return (Fraction(int(text)) if whole else None), True
    if not text.isascii():
        text = _plain_signs(text)
    for rest in _marked(text):
        number = _after(rest)
        if number is not None:
            return number, True
    return (_last(text) if whole else None), False


def _marked(text: str) -> list[str]:
    """Return what stands behind each mark that the text has, the surest mark first."""
    found = []
    boxed = text.rfind("\\boxed")
    if boxed >= 0:
        found.append(_inside(text, boxed + len("\\boxed")))
    hashes = text.rfind("####")
    if hashes >= 0:
        found.append(text[hashes + 4 :])
    lowered = "\n" + text.lower()
    ends = [
        one.end()
        for word, pattern in (("answer", _ANSWER_IS), ("答案", _ANSWER_IS), ("a:", _A), ("a :", _A))
        if word in lowered
        for one in pattern.finditer(lowered)
    ]
    if ends:
        found.append(lowered[max(ends) :])
    return found


def _inside(text: str, start: int) -> str:
    """Return what the braces at ``start`` hold; to the end where they stay open."""
    depth = 0
    for place in range(start, min(len(text), start + 400)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0 and text[place] == "}":
            return text[start + 1 : place]
    return text[start : start + 400].lstrip("{ ")


def _after(rest: str) -> Fraction | None:
    """Return the number in the first line of ``rest`` that says something."""
    line = next((line for line in rest.lstrip("*_ \t").split("\n", 3)[:3] if line.strip("*_ \t\r")), "")[:_TAIL]
    if "=" in line:
        before, _, rest = line.rpartition("=")
        behind = _first(rest) if _SUM.match(before) else None
        if behind is not None:
            return behind
    return _first(line)


def _first(text: str) -> Fraction | None:
    return next((number for one in _NUMBER.finditer(_untypeset(text)) if (number := _value(one)) is not None), None)


def _last(text: str) -> Fraction | None:
    for piece in dict.fromkeys((text[-_TAIL:].partition(" ")[2] if len(text) > _TAIL else text, text)):
        for one in reversed(list(_NUMBER.finditer(_untypeset(piece)))):
            number = _value(one)
            if number is not None:
                return number
    return None


def _untypeset(text: str) -> str:
    if "\\" not in text and "{,}" not in text:
        return text
    return _TYPESET.sub("", _FRACTION.sub(r" \1\2/\3 ", text))


def _plain_signs(text: str) -> str:
    """Return the text with ASCII digits, minus and fractions."""
    text = "".join(_ascii(char) for char in text)
    return re.sub(r"(?<=\d)\u2044(?=\d)", "/", text)


def _ascii(char: str) -> str:
    if char.isascii():
        return char
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if unicodedata.decomposition(char).startswith("<fraction>"):
        return " " + unicodedata.normalize("NFKC", char)
    return _SIGNS.get(char, char)


def read_number(text: str) -> Fraction | None:
    """Return the number that a text is, and no more than that.

    >>> read_number("-1,234.5"), read_number("twelve")
    (Fraction(-2469, 2), None)
    """
    one = _NUMBER.fullmatch(text.strip())
    return None if one is None else _value(one)


def _value(one: re.Match[str]) -> Fraction | None:
    sign, whole, digits, power, under = one.group("sign", "whole", "digits", "power", "under")
    if len(digits) > _LONGEST:
        return None
    number = Fraction(int(digits)) if digits.isdigit() else _grouped(digits)
    if number is None:
        return None
    if power is not None:
        if abs(int(power)) > _LONGEST:
            return None
        number *= Fraction(10) ** int(power)
    if under is not None:
        if int(under) == 0:
            return None
        number /= int(under)
    if whole is not None:
        number += int(whole)
    return -number if sign and "-" in sign else number


def _grouped(digits: str) -> Fraction | None:
    """Read digits with points and commas in between; ``None`` for what is no number, such as a version, a date or a list."""
    digits = re.sub(r"['’\u00a0\u202f]", ",", digits)
    points, commas = digits.count("."), digits.count(",")
    if points and commas:  # the last sign is the decimal one: 1,234.5 and 1.234,5
        mark = max(".,", key=digits.rfind)
        whole, _, fraction = digits.rpartition(mark)
        whole = whole if mark == "." else whole.replace(",", "!").replace(".", ",")
        return _decimal(f"{whole.replace(',', '')}.{fraction}") if _GROUPED.fullmatch(whole) else None
    if points > 1:  # 1.234.567
        digits, commas = digits.replace(".", ","), points
    if commas and _GROUPED.fullmatch(digits):
        return _decimal(digits.replace(",", ""))
    return None if commas > 1 else _decimal(digits.replace(",", "."))


def _decimal(digits: str) -> Fraction | None:
    try:
        return Fraction(Decimal(digits))
    except InvalidOperation:
        return None


def written(number: Fraction) -> str:
    """Return a number as text: as a decimal where it has one, else as a fraction.

    >>> written(Fraction(5, 2)), written(Fraction(1, 3))
    ('2.5', '1/3')
    """
    if number.denominator == 1:
        return str(number.numerator)
    places, left = 0, number.denominator
    while left % 10 == 0 or left % 2 == 0 or left % 5 == 0:
        left //= 10 if left % 10 == 0 else 2 if left % 2 == 0 else 5
        places += 1
    if left != 1:
        return f"{number.numerator}/{number.denominator}"
    scaled = number * 10**places
    text = f"{abs(scaled.numerator):0{places + 1}d}"
    return f"{'-' if number < 0 else ''}{text[:-places]}.{text[-places:]}"
