r"""What a ``vetset.toml`` asks a set to hold: edge cases, the labels that there should be, the label of negatives.

[labels]
expected = ["refund", "cancel", "none"]     # all labels that there should be
negative = "none"                           # the label of rows that are none of the rest
drift = ["product_version"]                # columns along which labels.drift looks, beside time and source

[[coverage.edge_cases]]
name = "refund after 30 days"
any = ["refund", "money back"]              # one of them stands in the input; a word may go on: refunds, refunded
all = ["30 days"]                           # all of them do
none = ["gift card"]                        # and none of these
pattern = '(?i)\border \d{6}\b'             # a regular expression of Rust's kind, which takes linear time
label = "refund"                            # one label, or a list
script = "latin"                            # half of the letters or more
min_length = 20                             # characters of the input
max_length = 2000
at_least = { train = 20, test = 5 }         # rows; a number counts those of all splits
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import UsageError, quote
from ..text import fold
from ..vetset_toml import read_tables
from ..wording import counted

SCRIPTS = (
    "arabic", "armenian", "bengali", "cyrillic", "devanagari", "ethiopic", "georgian", "greek", "gujarati", "gurmukhi", "han",
    "hangul", "hebrew", "hiragana", "kannada", "katakana", "khmer", "lao", "latin", "malayalam", "myanmar", "sinhala", "tamil",
    "telugu", "thai", "tibetan",
)  # fmt: skip
"""Scripts that can be asked for, as Unicode names them, in lower case."""

_CASE = ("name", "any", "all", "none", "pattern", "label", "script", "min_length", "max_length", "at_least")
_LONGEST = 10_000  # characters of a pattern


@dataclass(frozen=True)
class EdgeCase:
    """Rows that a set should hold, and how many of them. What is empty or ``None`` asks for nothing."""

    name: str
    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    pattern: str | None = None
    label: tuple[str, ...] = ()
    script: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    at_least: Mapping[str, int] | int = 1
    """Rows, or rows of each split."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of a set."""

    edge_cases: tuple[EdgeCase, ...] = ()
    expected: tuple[str, ...] = ()
    """All labels that there should be; none are named where it is empty."""
    negative: tuple[str, ...] = ()
    """Labels of rows that are none of the rest."""
    drift: tuple[str, ...] = ()
    """Keys of ``extra`` along which the meaning of labels may move, beside time and source."""
    file: str | None = None
    """Where it was read."""

    def said(self) -> dict[str, Any]:
        """Return it as JSON values, for ``Wanted.given``; nothing where nothing is asked."""
        return asdict(self) if self.edge_cases or self.expected or self.negative or self.drift else {}

    @property
    def sentence(self) -> str:
        """Say what is asked, in counts."""
        cases, labels = counted(len(self.edge_cases), "edge case"), counted(len(self.expected), "label")
        negative = f"negatives called {quote(self.negative[0], 25)}" if self.negative else ""
        drift = f"drift along {counted(len(self.drift), 'column')}" if self.drift else ""
        said = [cases if self.edge_cases else "", labels if self.expected else "", negative, drift]
        return ", ".join(filter(None, said))

    @classmethod
    def given(cls, said: Mapping[str, Any]) -> Wanted:
        """Return what ``said`` wrote down."""
        cases = tuple(EdgeCase(**_tuples(case)) for case in said.get("edge_cases", ()))
        words = _tuples(said)
        return cls(
            cases, words.get("expected", ()), words.get("negative", ()), words.get("drift", ()), words.get("file")
        )


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table with tuples in place of the lists that JSON has."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}


def load(path: str | Path | None) -> Wanted:
    """Read what a file asks a set to hold; ``None`` asks for nothing. Tables for others are left alone.

    Raises:
        UsageError: no such file, no TOML, or a key or value that is none; the sentence names file, table and key.
    """
    if path is None:
        return Wanted()
    path = Path(path)
    tables = read_tables(path)
    labels = _table(f"{path} [labels]", tables.get("labels", {}), ("expected", "negative", "drift"))
    coverage = _table(f"{path} [coverage]", tables.get("coverage", {}), ("edge_cases",))
    cases = coverage.get("edge_cases", [])
    if not isinstance(cases, list):
        raise UsageError(f"{path} coverage.edge_cases is one table; begin each case with [[coverage.edge_cases]].")
    found = tuple(_case(f"{path} [[coverage.edge_cases]] {number}", case) for number, case in enumerate(cases, 1))
    names = [case.name for case in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{path} [[coverage.edge_cases]]: two cases are called {quote(twice[0])}; rename one.")
    words = {key: _words(f"{path} [labels] {key}", labels.get(key, [])) for key in ("expected", "negative", "drift")}
    return Wanted(found, words["expected"], words["negative"], words["drift"], str(path))


def _case(where: str, given: Any) -> EdgeCase:
    table = _table(where, given, _CASE)
    if not isinstance(table.get("name"), str) or not table["name"].strip():
        raise UsageError(f'{where} has no name; add name = "what it is".')
    where = f"{where} ({quote(table['name'], 30)})"
    words = {key: _words(f"{where} {key}", table.get(key, [])) for key in ("any", "all", "none", "label")}
    for key in ("any", "all", "none"):
        if blank := [word for word in words[key] if not fold(word)]:
            raise UsageError(f"{where} {key}: {quote(blank[0])} has no visible character; take it out.")
    short, long = (_size(f"{where} {key}", table.get(key)) for key in ("min_length", "max_length"))
    if short is not None and long is not None and short > long:
        raise UsageError(f"{where}: min_length is over max_length, which no row can meet; swap them.")
    if set(table) <= {"name", "at_least"}:
        raise UsageError(f"{where} asks for nothing, so every row would meet it; add one of {', '.join(_CASE[1:-1])}.")
    return EdgeCase(
        table["name"], words["any"], words["all"], words["none"], _pattern(f"{where} pattern", table.get("pattern")),
        words["label"], _script(f"{where} script", table.get("script")), short, long,
        _at_least(where, table.get("at_least", 1)),
    )  # fmt: skip


def _table(where: str, given: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise UsageError(f"{where} is {quote(given)}; make it a table of {', '.join(keys)}.")
    for key in given:
        if key not in keys:
            raise UsageError(f"{where} {quote(key)} is no setting; there is {', '.join(keys)}.")
    return given


def _words(where: str, given: Any) -> tuple[str, ...]:
    words = [given] if isinstance(given, str) else given
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UsageError(f'{where} is {quote(given)}; give a text or a list of texts, such as ["refund"].')
    return tuple(dict.fromkeys(words))


def _size(where: str, given: Any, least: int = 0) -> int | None:
    if given is not None and (type(given) is not int or not least <= given < 2**53):
        raise UsageError(f"{where} is {quote(given)}; give a whole number, {least} or more.")
    return given


def _at_least(where: str, given: Any) -> Mapping[str, int] | int:
    if isinstance(given, dict) and given:
        return {split: _size(f"{where} at_least.{split}", rows) or 0 for split, rows in given.items()}
    return _size(f"{where} at_least", given) or 0


def _script(where: str, given: Any) -> str | None:
    name = given.lower() if isinstance(given, str) else given
    if name is not None and name not in SCRIPTS:
        raise UsageError(f"{where}: {quote(given)} is no script that is known; there is {', '.join(SCRIPTS)}.")
    return name


def _pattern(where: str, given: Any) -> str | None:
    """Refuse what Rust's regular expressions, which never look back and take linear time, can't be."""
    if given is None:
        return None
    if not isinstance(given, str) or not 0 < len(given) <= _LONGEST:
        raise UsageError(f"{where} is {quote(given)}; give a regular expression of 1 to {_LONGEST:,} characters.")
    try:
        pl.Series(["x"]).str.contains(given)
    except pl.exceptions.ComputeError as error:
        why = re.search(r"^(?:regex )?error: (?!regex parse error)(.*)$", str(error), re.MULTILINE)
        fault = quote(why[1] if why else error, 80)[1:-1]
        raise UsageError(
            f"{where} {quote(given, 40)} is no regular expression of Rust's kind ({fault}), which has no look-around and no "
            "back-references; mend it."
        ) from error
    return given
