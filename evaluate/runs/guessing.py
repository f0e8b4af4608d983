"""Which scorer fits an eval set whose user named none, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass

import polars as pl

from ...curate.wording import counted
from ..evalsets.evalset import reference
from ..scorers.numbers import read_number
from .prompts import labels_of

_FEW = 20  # stars and yes or no are classes though they may be written as numbers; sums have more values than that
_GSM8K = "####"  # stands before the final number of a worked solution


@dataclass(frozen=True)
class Guess:
    """A scorer and the reason for it."""

    spec: str
    reason: str


def guess_scorer(rows: pl.DataFrame) -> Guess:
    """Return the scorer that the references of an eval set ask for.

    Args:
        rows: all rows of the eval set.

    >>> from vetset.curate.dataset import frame
    >>> guess_scorer(frame([{"messages": "6 * 7", "label": "42"}])).spec
    'number'
    """
    labels = labels_of(rows)
    if labels and (len(labels) <= _FEW or not all(read_number(label) is not None for label in labels)):
        return Guess("class", f"every row has one of {counted(len(labels), 'label')}")
    references = [reference(row) for row in rows.iter_rows(named=True)]
    known = [one for one in references if one is not None]
    if not known:
        return Guess("normalised", "no row says what is right; name a scorer that needs no reference, such as json")
    if all(one.rpartition(_GSM8K)[1] or read_number(one) is not None for one in known):
        return Guess("number", "every reference is a number, or ends in one")
    if all(_is_object(one) for one in known):
        return Guess("fields", "every reference is a JSON object")
    return Guess("normalised", "references are texts; answers have to be the same but for case, width and white space")


def _is_object(text: str) -> bool:
    try:
        return text.lstrip().startswith("{") and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
