"""Rows that stay in train though they are like an eval row: where texts are filled-in forms, all of them are like each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import polars as pl

from ...curate.errors import GateError, UsageError, quote
from ...curate.leakage.closeness import ALIKE, How, found_by
from ...curate.wording import counted

ENOUGH = 500
"""Rows to train on: below, a prompt with examples is nearly always the better way."""
NOTHING = "none"
"""What ``keep_close`` takes for: let all of them leave, however many they are."""
_MOST = 0.5  # of the rows that were not chosen: more is a decision of its own, and no side effect of a choice
_SHOWN = 3  # ways out: the fewest rules that free most rows


def kept_rules(given: Sequence[str] | None) -> tuple[str, ...]:
    """Return the rules that were named, in the order of ``ALIKE``.

    Args:
        given: names of rules, with or without ``leakage.``; ``("none",)`` and ``None`` name none.

    Raises:
        UsageError: a name is none of them.

    >>> kept_rules(["masked", "leakage.near"])
    ('leakage.near', 'leakage.masked')
    """
    named = {rule if rule.startswith("leakage.") else f"leakage.{rule}" for rule in given or () if rule != NOTHING}
    for rule in sorted(named):
        if rule in ("leakage.exact", "leakage.group"):
            why = "the same text is learnt by heart" if rule == "leakage.exact" else "a group is not to be broken"
            raise UsageError(f"--keep-close {rule} can't be: {why}; use {', '.join(ALIKE)}, or none.")
        if rule not in ALIKE:
            raise UsageError(f"--keep-close {quote(rule, 40)} is no such rule; use {', '.join(ALIKE)}, or none.")
    return tuple(rule for rule in ALIKE if rule in named)


def refuse_to_empty(rest: pl.DataFrame, chosen: pl.DataFrame, close: pl.DataFrame, how: How) -> None:
    """Raise where a choice would take most of the training rows away, with what each way out would leave.

    Args:
        rest: rows that were not chosen.
        chosen: the eval rows.
        close: those of the rest that would leave.
        how: how they were compared.

    Raises:
        GateError: more than half of the rest would leave.
    """
    gone = close["id"].n_unique()
    if rest.height < ENOUGH or gone <= _MOST * rest.height:
        return
    ways = _ways(found_by(rest, chosen, how), gone)
    said = "; ".join(f"with `--keep-close {_short(rules)}` about {left:,} leave" for rules, left in ways)
    why = f" Where texts are filled-in forms, it is the form that is alike, and rows may stay: {said}." if said else ""
    raise GateError(
        f"{gone:,} of the other {rest.height:,} rows are too close to one of {counted(chosen.height, 'eval row')} and would "
        f"leave, so {rest.height - gone:,} would be left to train on; nothing was decided.{why} Or take them all with "
        "`--keep-close none`, or choose fewer rows with --rows."
    )


def _short(rules: Sequence[str]) -> str:
    return ",".join(rule.removeprefix("leakage.") for rule in rules)


def _ways(found: dict[str, frozenset[str]], gone: int) -> list[tuple[tuple[str, ...], int]]:
    """Return which rules to leave out, the fewest first, and how many rows would leave then; only what frees a tenth more."""
    ways, least = [], gone
    looked = [rule for rule in ALIKE if found.get(rule)]
    for count in range(1, len(looked) + 1):
        options = [(len(frozenset().union(*(ids for rule, ids in found.items() if rule not in rules))), rules)
                   for rules in combinations(looked, count)]  # fmt: skip
        left, rules = min(options, key=lambda one: one[0])
        if left < least - 0.1 * gone:
            ways.append((rules, left))
            least = left
    return ways[-_SHOWN:]
