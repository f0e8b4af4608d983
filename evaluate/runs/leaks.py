"""Training rows that the eval set asks: the same question, or nearly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from ...curate import text
from ...curate.dataset import ROWS
from ...curate.leakage.exact import find_leak
from ...curate.leakage.near import find_near
from ...curate.near.shingles import Shingle

NEAR = 0.8
"""Least Jaccard index of word 5-grams of a near copy, as `leakage.near` has it."""
NEAR_SHORT = 0.9
"""The same of character 5-grams, which see the texts too short for word 5-grams, and are alike sooner by chance."""


@dataclass(frozen=True)
class Leaks:
    """What was found."""

    exact: frozenset[str]
    """Ids of training rows whose question the eval set holds but for case, width and white space."""
    near: frozenset[str]
    """Ids of those that are near copies of one, and not among ``exact``."""

    @property
    def ids(self) -> pl.Series:
        """All of them, sorted."""
        return pl.Series("id", sorted(self.exact | self.near), dtype=pl.String)

    @property
    def count(self) -> int:
        """How many."""
        return len(self.exact) + len(self.near)


def leaks(train: pl.DataFrame, eval_rows: pl.DataFrame) -> Leaks:
    """Return the training rows that are too close to an eval row.

    Args:
        train: rows that are trained on; what their ``split`` says does not count.
        eval_rows: rows that are tested on.

    >>> from vetset.curate.dataset import frame
    >>> leaks(frame([{"messages": "HELLO  you"}, {"messages": "bye"}]), frame([{"messages": "hello you"}])).count
    1
    """
    train = train.select(ROWS.names()).with_columns(split=pl.lit("train"))
    asked = eval_rows.select(ROWS.names())
    exact = _ids(find_leak(train, text.keys(train), against=asked)["id"])
    near = _ids(find_near(train, against=asked, threshold=NEAR)["id"])
    short = _ids(find_near(train, against=asked, shingle=Shingle("char", 5), threshold=NEAR_SHORT)["id"])
    return Leaks(exact, (near | short) - exact)


def _ids(column: Iterable[str]) -> frozenset[str]:
    return frozenset(column)
