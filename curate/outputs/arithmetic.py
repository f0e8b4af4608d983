"""Arithmetic that doesn't compute: sums in plain text, calculator notes, and a final answer that nobody worked out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from ..errors import quote
from ..findings import empty, report
from .sums import Unreadable, holds

_SIGNS = str.maketrans(
    {
        "×": "*", "✕": "*", "✖": "*", "⋅": "*", "·": "*", "∙": "*", "÷": "/", "∕": "/", "⁄": "/", "−": "-", "–": "-",
        "＋": "+", "－": "-", "＝": "=", "（": "(", "）": ")", "％": "%", "²": "^2", "³": "^3", "＄": "$", "￥": "¥",
        "\u00a0": " ", "\u202f": " ",
    }
)  # fmt: skip
_LATEX = (
    ("\\times", "*"), ("\\cdot", "*"), ("\\div", "/"), ("\\left(", "("), ("\\right)", ")"), ("\\%", "%"), ("\\$", "$"),
)  # fmt: skip
_FRACTION = re.compile(r"\\d?frac\{([^{}]{1,30})\}\{([^{}]{1,30})\}")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d])")
_TRIPLE = re.compile(r" \d\d\d")
_NOTE = re.compile(r"<<([^<>=]{1,120})=([^<>=]{1,40})>>")
# A sum and what it is said to be, on one line; possessive, so that no text makes it slow.
_CHAIN = re.compile(
    r"[\d(.$€£¥₹₱][\d \t.,()+*/^xX$€£¥₹₱%-]{0,160}+(?:=[ \t]*+[-\d.($€£¥₹₱][\d \t.,()+*/^xX$€£¥₹₱%-]{0,80}+){1,8}+"
)
# Words between a number and the next sign: its unit. It begins with the sign before them and not with a look behind, for which
# every place would be tried.
_UNIT = re.compile(
    r"([\d)%])[ \t]{0,2}(/? ?(?:[A-Za-z]{2,20}\.?)(?:[ /-][A-Za-z]{2,20})?)(?=[ \t]{0,2}(?:[-+*/)=]|[xX][ \t]*[\d($]))"
)
_UNITS_NOT = (
    "squared cubed dozen dozens hundred hundreds thousand thousands million millions billion billions trillion "
    "percent half third thirds quarter quarters fourth fifth more less fewer times plus minus of than and or to by "
    "from factorial mod modulo remainder twice double triple divided multiplied over is are was if then equals choose "
    "log ln sin cos tan sqrt pi degrees"
)
_SAYING = frozenset(_UNITS_NOT.split())
_WORDS_OPEN = (
    "of half twice thrice double triple third quarter times minus plus less than more and percent by over to from log sqrt mod "
    "step day week month year hour question part number no page chapter item exercise problem example method option case "
    "equation room box"
)
# What stands before a sum and belongs to it: then the sum is not the whole of it.
_OPEN = re.compile(
    r"(?i)(?:[\w^_√\\)\]}~'\"|.,]|[)\]}+*/^%=<>~≈√!\\¼½¾⅓⅔⅛-][ \t]*|[+*/^=][ \t]*(?:[A-Za-z']{1,20}[ \t]+){1,3}"
    rf"|\d[ \t]+|\bx[ \t]+|\b(?:{'|'.join(_WORDS_OPEN.split())})s?[ \t]+)$"
)
# Where a sentence ends and the next begins with a sum ("We have boxes. 68 * 47 = 3296."), but for what is shortened ("No. 5").
_SENTENCE = re.compile(r"(?:(?<=[\w%)\"'”’])\.|(?<=[^\W\d_])[!?])[)\"'”’]?[ \t]+(?=[\d($€£¥₹₱])")
_LAST_WORD = re.compile(r"[^\W\d_]{1,12}$")
_SHORT = (
    "no nos nr eq eqs p pp fig figs ch ex vol ed approx ca cf vs al ft lb lbs oz yd mi hr hrs min mins sec sq st ave"
)
_SHORTENED = frozenset(_SHORT.split())
_LETTERS = re.compile(r"[a-z]+")
_GOES_ON, _SIGN_LAST = re.compile(r"[\w\\(]"), re.compile(r"[-+*/^xX(] ?$")
_OPENING = frozenset(["x", *_WORDS_OPEN.split(), *(f"{word}s" for word in _WORDS_OPEN.split())])
_OPERATORS = frozenset("+*/^=")
_GLUED = re.compile(r"[\w^!°√\\{\[:'\"]")
_AFTER = re.compile(
    r"(?i)[ \t]*(?:million|billion|trillion|thousand|hundred|dozen|mod\b|remainder|r ?\d|rem\b|余|万|亿|千|百"
    r"|[¼½¾⅓⅔⅛≈~<>≡±]|or\b|to\b)"
)
_SUM = re.compile(r"[\d)%]\s*(?:\*\*|[-+*/^xX(])\s*[-\d($€£.]")
_TWO = re.compile(r"\s*[$€£]?(\d{1,12}(?:\.\d{1,8})?)\s*([-+*/xX])\s*[$€£]?(\d{1,12}(?:\.\d{1,8})?)\s*")
_ONE = re.compile(r"\s*[$€£]?(\d{1,12}(?:\.\d{1,8})?)\s*")
_FINAL = re.compile(r"(?m)(?:^####|^A:|\\boxed\{)\s*[$€£]?\s*(-?\d[\d,]*(?:\.\d+)?)\s*%?\}?\.?\s*$")
_JOINS_BEFORE, _JOINS_AFTER = re.compile(r"[\d.,]$|\d $"), re.compile(r"[\d.,]| \d")
_NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve"
_SPELT = {word: float(value) for value, word in enumerate(_NUMBER_WORDS.split())}
_SPELT_WORD = re.compile(rf"\b(?:{'|'.join(_SPELT)})\b")
_SUM_LIKE = r"[\d)%] ?[\p{L} ]{0,20}(?:=|＝)"


class Claim(NamedTuple):
    """A sum that does not hold."""

    written: str
    note: bool
    """It stood in a calculator note."""


def find_arithmetic(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Find targets with a sum that no reading makes right, or with a final answer that stands nowhere before it.

    Sums are worked out exactly (``outputs.sums``). A note shows the first that fails, and how many do.

    Args:
        rows: the rows.
        turns: ``text.turns(rows)``.

    Returns:
        Findings of ``outputs.arithmetic``; score 0.9 for a sum, 0.4 for a final answer.
    """
    told = turns.filter(pl.col("is_target") & pl.col("content").str.contains(_SUM_LIKE)).select("row", "content")
    found: list[tuple[int, float, str]] = []
    # Python, one answer at a time, but only for those that hold a sum: 40 microseconds each.
    for row, content in told.iter_rows():
        wrong = list(dict.fromkeys(claim.written for claim in wrong_sums(content)))
        if wrong:
            more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            found.append((row, 0.9, f"{quote(wrong[0])} does not compute{more}."))
        elif (final := unfounded(content)) is not None:
            found.append((row, 0.4, f"The final answer {quote(final, 20)} is not what was worked out before it."))
    if not found:
        return empty()
    table = pl.DataFrame(found, schema={"row": pl.UInt32, "score": pl.Float64, "note": pl.String}, orient="row")
    return report(
        table.select(rows["id"].gather(table["row"]), "score", "note", pl.lit("review").alias("suggest")),
        "outputs.arithmetic",
    )


def wrong_sums(text: str) -> Iterator[Claim]:
    """Yield the sums of a text that no reading makes right.

    >>> [claim.written for claim in wrong_sums("She has 48/2 = <<48/2=24>>24, so 24 + 48 = 71.")]
    ['24 + 48 = 71']
    """
    if "\\" in text:
        text = _FRACTION.sub(r"((\1)/(\2))", text)
        for sign, plain in _LATEX:
            text = text.replace(sign, plain)
    if not text.isascii():
        text = text.translate(_SIGNS)
    if _TRIPLE.search(text):
        text = _THOUSANDS.sub(lambda number: number[0].replace(" ", ""), text)
    noted = set()
    for left, right in _NOTE.findall(text):
        noted.add("".join(f"{left}={right}".split()))
        if _fails(left, right, units=False):
            yield Claim(f"{left}={right}", note=True)
    plain = _NOTE.sub("", text) if "<<" in text else text
    lines = (line for line in plain.splitlines() if "=" in line)
    for line in lines:
        for sentence in _sentences(line):
            yield from _of_sentence(sentence, noted)


def _sentences(line: str) -> Iterator[str]:
    start = 0
    for end in _SENTENCE.finditer(line) if "." in line or "!" in line or "?" in line else ():
        word = _LAST_WORD.search(line[max(start, end.start() - 12) : end.start()])
        if word is None or (len(word[0]) > 1 and word[0].lower() not in _SHORTENED):
            yield line[start : end.end()]
            start = end.end()
    yield line[start:]


def _of_sentence(line: str, noted: set[str]) -> Iterator[Claim]:
    bare = _UNIT.sub(_without, line)
    units = bare != line
    for chain in _CHAIN.finditer(bare):
        before, after = bare[max(0, chain.start() - 30) : chain.start()], bare[chain.end() :]
        if before and _is_open(before):
            continue
        sides = [side.strip(" \t") for side in chain[0].split("=")]
        cut = chain[0][-1] not in " \t" and _GLUED.match(after)  # 7x, 5th, 3!, 2:30
        if cut or _AFTER.match(after) or (_SIGN_LAST.search(sides[-1]) and _GOES_ON.match(after)):
            sides = sides[:-1]
        sides[-1:] = [_closed(side) for side in sides[-1:]]
        for left, right in pairwise(sides):
            # The sum around a note says the same again.
            if "".join(f"{left}={right}".split()) not in noted and _fails(left, right, units=units):
                yield Claim(f"{left} = {right}", note=False)


def _is_open(before: str) -> bool:
    """Whether what stands before a sum belongs to it (``_OPEN``); most often a word does, which takes no regular expression."""
    word = before[:-1].rpartition(" ")[2]
    if (
        before[-1] == " "
        and word.isalpha()
        and word.isascii()
        and len(before) > len(word) + 1
        and _OPERATORS.isdisjoint(before)
    ):
        return word.lower() in _OPENING
    return _OPEN.search(before) is not None


def _without(unit: re.Match[str]) -> str:
    words = _LETTERS.findall(unit[2].lower())
    return unit[0] if _SAYING.intersection(words) else f"{unit[1]} "


def _closed(side: str) -> str:
    """The last side without the full stop, comma, dash or bracket that follows it in the sentence."""
    side = side.rstrip(" \t.,-+*/xX($")
    while side.endswith(")") and side.count(")") > side.count("("):
        side = side[:-1].rstrip(" \t.,")
    return side


def _fails(left: str, right: str, *, units: bool) -> bool:
    plain, said = _TWO.fullmatch(left), _ONE.fullmatch(right)
    if plain and said and _quickly(plain[1], plain[2], plain[3], said[1]):
        return False
    if not _SUM.search(left):
        return False  # no sum, but a number or a name's value
    left = left.lstrip(" \t,")
    while left.startswith("(") and left.count("(") > left.count(")"):
        left = left[1:].lstrip()
    try:
        return not holds(left, right, units=units)
    except Unreadable:
        return False


def _quickly(one: str, sign: str, other: str, said: str) -> bool:
    """Whether floating point agrees: nine in ten sums are done by this, in a tenth of the time."""
    a, b = float(one), float(other)
    if sign == "/" and b == 0:
        return False
    value = a + b if sign == "+" else a - b if sign == "-" else a / b if sign == "/" else a * b
    return abs(value - float(said)) <= 1e-9 * abs(value)


def unfounded(text: str) -> str | None:
    """Return the final answer (``#### 72``, ``A: 72``, boxed) if the last sum has another result and no number before is it."""
    signs = [place for sign in ("####", "A:", "\\boxed{") if (place := text.find(sign)) >= 0]
    final = list(_FINAL.finditer(text, min(signs))) if signs else []
    if not final:
        return None
    before = text[: final[-1].start()]
    if "=" not in before:
        return None
    if _stands(final[-1][1].lstrip("-"), before):
        return None
    # A dollar is 100 cents, 3.5 may be four buses, and three is 3.
    said = _value(final[-1][1].lstrip("-"))
    before = before if not _TRIPLE.search(before) else _THOUSANDS.sub(lambda number: number[0].replace(" ", ""), before)
    known = {_value(number) for number in set(re.findall(r"\d[\d,]*(?:\.\d+)?|\.\d+", before))}
    if any(said in (number, 100 * number) or (abs(said - number) < 1 and number != int(number)) for number in known):
        return None
    spelt = {_SPELT[word] for word in _SPELT_WORD.findall(before.lower())}
    return None if any(said in (number, 100 * number) for number in spelt) else final[-1][1]


def _stands(number: str, text: str) -> bool:
    """Whether a number stands in a text as it is written, apart from other digits; it may where this says no."""
    place = text.find(number)
    while place >= 0:
        around = text[max(place - 2, 0) : place], text[place + len(number) : place + len(number) + 2]
        if not _JOINS_BEFORE.search(around[0]) and not _JOINS_AFTER.match(around[1]):
            return True
        place = text.find(number, place + 1)
    return False


def _value(number: str) -> float:
    return float(number.replace(",", "")[:40])
