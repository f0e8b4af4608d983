"""What to tell of decisions that were written as asked and may not be what was meant: each remark is one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import quote
from ..masking import mask
from ..wording import counted, shell
from .decision import Decision
from .policy import REVIEWER, SETTLING

_NAMED = 8  # labels or rows that a sentence names; more are a list and no sentence


def on_new_labels(rows: pl.DataFrame, heads: pl.DataFrame, decisions: Sequence[Decision]) -> list[str]:
    """Return a remark for each label that no row has: a slip of the pen makes a class of its own.

    A relabel that writes the target of a conversation is no label, and where most labels stand once (reference answers)
    a new one is no surprise.

    Args:
        rows: the set's rows.
        heads: what stood before the decisions.
        decisions: those written.
    """
    given = {one.row_id: one.value for one in decisions if one.action == "relabel"}
    labelled = rows["label"].drop_nulls()
    if not given or labelled.is_empty() or 2 * labelled.n_unique() > labelled.len():
        return []
    last = pl.col("messages").list.last().struct.field("role")
    target = pl.col("label").is_null() & (last == "assistant").fill_null(value=False)
    asked = rows.select("id", target=target).filter(~pl.col("target") & pl.col("id").is_in(list(given)))["id"]
    known = labelled.value_counts(sort=True).sort("count", "label", descending=[True, False])["label"].to_list()
    stand = {*known, *heads.filter(action="relabel")["value"]}
    new = dict.fromkeys(label for row in asked if (label := given[row]) is not None and label not in stand)
    more = f" and {len(known) - _NAMED:,} more" if len(known) > _NAMED else ""
    named = ", ".join(quote(mask(label), 40) for label in known[:_NAMED]) + more
    return [f"no row had the label {quote(mask(label), 40)} so far; labels of this set are {named}" for label in new]


def on_others(heads: pl.DataFrame, decisions: Sequence[Decision], reviewer: str) -> list[str]:
    """Return a remark where another person's decision stood that these put an end to.

    Args:
        heads: what stood before.
        decisions: those written, by ``reviewer``.
        reviewer: who wrote them.
    """
    mine = {one.row_id: one for one in decisions}
    others = heads.filter(~pl.col("reviewer").is_in([reviewer, REVIEWER]) & pl.col("row_id").is_in(list(mine)))
    ended = [head for head in others.iter_rows(named=True) if _ends(mine[head["row_id"]], head)]
    if not ended:
        return []
    shown = [f"{head['row_id']} {head['action']} by {head['reviewer']} at {head['at'][:16]}" for head in ended[:3]]
    more = f" and {len(ended) - 3:,} more" if len(ended) > 3 else ""
    rows = counted(len({head["row_id"] for head in ended}), "row")
    return [f"on {rows} a decision of somebody else stood, and the later one counts: {', '.join(shown)}{more}"]


def _ends(mine: Decision, head: dict[str, Any]) -> bool:
    if (mine.action, mine.value) == (head["action"], head["value"]):
        return False  # they agree
    whole = {"keep", "drop", "skip"}
    return mine.action in whole or head["action"] in whole or mine.action == head["action"]


def on_nothing(
    folder: Path,
    name: str,
    rules: Sequence[str],
    *,
    checked: Sequence[str],
    findings: pl.DataFrame,
    heads: pl.DataFrame,
) -> str:
    """Return why a rule (or family) has nothing left to decide.

    Args:
        folder: the set.
        name: rule or family as it was given.
        rules: the rules that it stands for.
        checked: rules that have run on these rows.
        findings: of the last check.
        heads: decisions that stand.
    """
    found = findings.filter(pl.col("rule").is_in(rules))["id"].unique()
    if found.is_empty():
        unseen = [rule for rule in rules if rule not in checked]
        if len(unseen) == len(rules):
            return f"{name} has not run on these rows; run `vetset check {shell(folder)} --select {name}`"
        beside = f" ({', '.join(unseen)} did not run)" if unseen else ""
        return f"no row has a finding of {name}{beside}, so there is nothing to decide"
    settled = heads.filter(pl.col("action").is_in(SETTLING) & pl.col("row_id").is_in(found.implode()))
    by = settled.unique("row_id", keep="last", maintain_order=True).group_by("reviewer", maintain_order=True).len()
    who = [f"{rows:,} by {'the policy' if one == REVIEWER else one}" for one, rows in by.iter_rows()]
    rest = found.len() - settled["row_id"].n_unique()
    if rest:
        who.append(f"{rest:,} as the others of their conflict now agree")
    return f"{counted(found.len(), 'row')} with findings of {name}, all settled already: {', '.join(who)}"


def on_left(folder: Path, action: str, left: pl.DataFrame) -> list[str]:
    """Return what a decision by rule left alone, and how to decide it.

    Args:
        folder: the set.
        action: relabel or edit.
        left: findings that stand on the rows that were left.
    """
    seen = left.filter(pl.col("value").is_not_null())["id"].n_unique()
    bare = left["id"].n_unique() - seen
    notes = []
    if seen:
        notes.append(
            f"{counted(seen, 'row')} left for review, as what is suggested there is not sure: look (vetset findings "
            f"{shell(folder)}), then vetset decide {shell(folder)} --id ID --action {action} --value VALUE, or one --value for "
            "all with --rule"
        )
    if bare:
        notes.append(f"{counted(bare, 'row')} of which no finding suggests a value left alone; give one with --value")
    return notes
