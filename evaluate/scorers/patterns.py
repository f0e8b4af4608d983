"""What a pattern of the user's finds in an answer.

Patterns are those of Rust's regex, which polars runs: they take linear time whatever an answer holds, so that no answer can
make one run for years, as it can with Python's. They know neither look-around nor back references.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from ...curate.errors import UsageError, quote
from .answers import settle, spoken, wanted
from .case import Case, Scored
from .exact_match import plain


def score_pattern(cases: Sequence[Case], *, pattern: str) -> list[Scored]:
    r"""Score what a pattern finds: with a group, whether that is the reference as a text; without one, whether it matches.

    Args:
        cases: the answers; those in which a pattern with a group finds nothing are unparsed.
        pattern: of Rust's regex; its first match counts, of that the first group.

    Raises:
        UsageError: the pattern is none.

    >>> [one.score for one in score_pattern([Case("Order 17", "17"), Case("Order 18", "17")], pattern=r"Order (\d+)")]
    [1.0, 0.0]
    """
    groups = count_groups(pattern)
    texts = pl.Series([spoken(case.output) for case in cases], dtype=pl.String)
    if not groups:
        there = texts.str.contains(pattern).to_list()
        return settle(cases, [Scored(1.0) if one else None for one in there], else_=lambda _: Scored(0.0))
    found = [
        None if text is None else Scored(float(plain(text) == plain(wanted(case, "regex"))), prediction=text)
        for text, case in zip(texts.str.extract(pattern, 1), cases, strict=True)
    ]
    return settle(cases, found)


def count_groups(pattern: str) -> int:
    """Return how many groups a pattern has.

    Raises:
        UsageError: it is no pattern of Rust's regex, or an empty one.
    """
    if not pattern:
        raise UsageError("`regex` needs a pattern; write regex:PATTERN, such as 'regex:Order ([0-9]+)'.")
    try:
        found = pl.select(pl.lit("").str.extract_groups(pattern).alias("groups")).schema["groups"]
    except pl.exceptions.PolarsError as error:
        why = quote(str(error).strip().splitlines()[-1], 80)
        raise UsageError(
            f"regex:{quote(pattern, 60)[1:-1]} is no pattern of Rust's regex ({why}); it knows no look-around and no back "
            "references."
        ) from error
    return len(found.fields) if isinstance(found, pl.Struct) else 0


def pattern_scorer(pattern: str) -> partial[list[Scored]]:
    """Return the scorer of a pattern, which is tried first."""
    count_groups(pattern)
    return partial(score_pattern, pattern=pattern)
