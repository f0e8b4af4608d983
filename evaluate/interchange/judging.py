"""How another tool is told to judge an answer: the same simple rule in each of them, as none runs vetset's scorers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from ...curate.errors import DataError, UsageError, quote
from ..evalsets.evalset import reference
from ..runs.guessing import guess_scorer
from ..runs.prompts import labels_of

Match = Literal["exact", "label", "number"]
"""``exact``: the answer is the reference, white space around it aside; ``label``: the first label that the answer names is the
reference; ``number``: the last number of the answer is that of the reference."""
_NEAREST: dict[str, Match] = {"class": "label", "number": "number"}
MATCHES: tuple[Match, ...] = ("exact", "label", "number")

NUMBER = r"(-?\d[\d,]*(?:\.\d+)?)"
"""A number in digits, as Python's and JavaScript's patterns both read it; no group but the one that is taken."""


_WORDY = re.compile(r"[0-9A-Za-z_]")  # JavaScript's \w; Chinese or Thai words have no space around them anyway


@dataclass(frozen=True)
class Rule:
    """The rule, and what it looks for."""

    match: Match
    pattern: str | None = None
    """A regular expression with one group, for Python and JavaScript alike; letters' case is ignored."""


def rule_for(rows: pl.DataFrame, match: Match | None = None) -> Rule:
    """Return the rule for a set's rows: labels of classes are looked for in the answer, any other reference is compared whole.

    Args:
        rows: all rows of an eval set.
        match: the rule that was asked for; guessed for ``None``.

    Raises:
        UsageError: there is no such rule, or no label to look for.
    """
    if match is not None and match not in MATCHES:
        raise UsageError(f"--match {quote(match, 20)} is no rule; give {', '.join(MATCHES[:-1])} or {MATCHES[-1]}.")
    labels = labels_of(rows)
    if match is None:
        match = _guessed(rows)
    if match == "label":
        if not labels:
            raise UsageError("--match label needs a label of a class in every row; give --match exact or number.")
        return Rule(match, label_pattern(labels))
    return Rule(match, NUMBER if match == "number" else None)


def _guessed(rows: pl.DataFrame) -> Match:
    """The rule that comes nearest to the scorer that ``vetset eval`` would guess, so that both judge alike."""
    spec = guess_scorer(rows).spec
    if spec == "number" and not all(re.search(NUMBER, reference(row) or "") for row in rows.iter_rows(named=True)):
        return "exact"  # numbers in words
    return _NEAREST.get(spec, "exact")


def label_pattern(labels: Sequence[str]) -> str:
    """Return a pattern that finds the labels as whole words, the longest first: "card lost" before "card".

    >>> re.search(label_pattern(["card", "card lost"]), "My Card lost!", re.IGNORECASE)[1]
    'Card lost'
    """
    parts = []
    for label in sorted({label for label in labels if label.strip()}, key=lambda word: (-len(word), word)):
        before = r"(?<!\w)" if _WORDY.match(label[0]) else ""
        after = r"(?!\w)" if _WORDY.match(label[-1]) else ""
        parts.append(f"{before}{_escaped(label)}{after}")
    return f"({'|'.join(parts)})"


def _escaped(text: str) -> str:
    """The text as a pattern: only what both languages escape alike; Python's own escapes of spaces and "#" JavaScript refuses."""
    return re.sub(r"[\\^$.|?*+()\[\]{}]", lambda found: "\\" + found[0], text)


def number_of(reference: str, row_id: str) -> str:
    """Return the last number of a reference, without commas.

    >>> number_of("so 1,200 + 34 = 1,234", "a-0")
    '1234'

    Raises:
        DataError: there is none.
    """
    found = re.findall(NUMBER, reference)
    if not found:
        raise DataError(f"row {row_id} has no number in its reference {quote(reference, 40)}; give --match exact.")
    return found[-1].replace(",", "")
