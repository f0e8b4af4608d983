"""Eval rows that are filled-in forms: the same words stand in train, with other numbers and names in the slots.

``leakage.masked`` tells of no form that three or more texts share on both sides, since rows of a template are no copies of each
other. A score on them still says little of other texts: who has seen the form knows all of it but the slots.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ...curate.leakage.closeness import TRAIN, rows_of
from ...curate.leakage.masked import find_masked
from ...curate.rules import out_of_reach

RULE = "leakage.masked"
SOME = 0.05
"""Share of the eval rows from which forms put a score in doubt: fewer can't make a gain of 5 points by themselves."""


def forms_in(evaluated: pl.DataFrame, trained: pl.DataFrame) -> list[str]:
    """Return the ids of the eval rows that train holds with other numbers and names, in the order of the eval rows.

    A form is what ``leakage.masked`` compares: a Jaccard index of 0.8 and more of the word 5-grams once numbers and capitalised
    words are masked, and eight different words besides.

    Args:
        evaluated: the eval rows.
        trained: the rows that are trained on.
    """
    if evaluated.is_empty() or trained.is_empty() or out_of_reach(RULE):
        return []
    both = pl.concat([rows_of(trained, TRAIN), rows_of(evaluated, "eval")])
    found = set(find_masked(both, train=TRAIN, templates=True)["id"])
    return [one for one in evaluated["id"] if one in found]


def said_of_forms(forms: int, rows: int) -> str:
    """Return the sentence on so many forms among so many eval rows.

    >>> said_of_forms(45, 60)
    '45 of 60 rows are forms that train holds with other numbers or names; scores are of forms that a model may have seen'
    """
    be = "is a form" if forms == 1 else "are forms"
    return (
        f"{forms:,} of {rows:,} rows {be} that train holds with other numbers or names; scores are of forms that a model may "
        "have seen"
    )


def doubtful(forms: int, rows: int, kept: Sequence[str] = ()) -> bool:
    """Say whether forms hold a verdict back: so many that they could make a gain, and nobody said that they are the task.

    Args:
        forms: eval rows that are forms.
        rows: eval rows.
        kept: rules that the eval set was built in spite of (``closeness.kept_by``).
    """
    return RULE not in kept and forms > SOME * rows


def forms_note(forms: int, rows: int, kept: Sequence[str] = ()) -> list[str]:
    """Return what a command that looks for them says of forms; nothing where there are none."""
    if not forms:
        return []
    told = said_of_forms(forms, rows)
    if RULE in kept:
        return [f"{told}, as --keep-close masked says"]
    if not doubtful(forms, rows):
        return [f"{told}, and too few to make a gain"]
    return [
        f"{told}, and no verdict ships on them unsaid: choose rows that are no forms, or, where forms are what the task is made "
        "of, build the set with --keep-close masked"
    ]
