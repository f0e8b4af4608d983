"""The verb ``decide``: by policy, by rule, or row by row; every way ends as lines in the ledger."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from .. import disk, parts
from ..dataset import Dataset
from ..errors import StaleError, UsageError, quote
from ..rules import RULES, named_rules
from ..version import version
from ..wording import counted, shell
from .applied import head_for
from .decision import Decision, Outcome
from .ledger import Ledger
from .ledger_jsonl import export_jsonl, import_jsonl
from .policy import REVIEWER, Policy, policy_decisions, standing, withdrawn
from .remarks import on_left, on_new_labels, on_nothing, on_others


def find_row(dataset: Dataset, wanted: str) -> str:
    """Return the id of the one row whose id is, or begins with, ``wanted`` (``1a88687a-1``: the second such row).

    Raises:
        UsageError: no row, or several.
    """
    ids = dataset.rows["id"]
    hits = ids.filter(ids == wanted)
    if hits.is_empty():
        start, dash, ordinal = wanted.partition("-")
        hits = ids.filter(ids.str.starts_with(start)) if start else ids.head(0)
        hits = hits.filter(hits.str.ends_with(f"-{ordinal}")) if dash else hits
    if hits.is_empty():
        raise UsageError(f"{dataset.folder} has no row {quote(wanted)}; ids stand in `vetset findings` and in exports.")
    if hits.len() > 1:
        raise UsageError(
            f"{quote(wanted)} is the beginning of {hits.len():,} ids ({hits[0]}, {hits[1]}, ...); give more of it."
        )
    return hits[0]


def decide_by_policy(dataset: Dataset, policy: Policy | None = None) -> Outcome:
    """Write what the policy decides of the last check's findings; a person's standing decision is never touched."""
    findings, policy = _findings(dataset), policy or Policy()
    with Ledger.open(dataset.folder) as ledger:
        seen, heads = ledger.last(), head_for(ledger, dataset.rows).heads
        gone = withdrawn(findings, policy, heads, checked=dataset.manifest["checked"])
        if gone:  # an earlier policy decided what this one would not
            ledger.undo(gone, reviewer=REVIEWER)
            seen, heads = ledger.last(), head_for(ledger, dataset.rows).heads
        outcome = ledger.decide(policy_decisions(findings, policy, heads), reviewer=REVIEWER, expect=seen)
    return replace(outcome, withdrawn=len(gone))


def decide_by_rule(
    dataset: Dataset, rule: str, action: str, *, reviewer: str, value: str | None = None, reason: str | None = None
) -> Outcome:
    """Decide every row on which findings of a rule (or family) stand.

    Args:
        dataset: the set, checked.
        rule: name or family.
        action: keep, drop, relabel, edit or skip.
        reviewer: who decides.
        value: of relabel and edit; where it is ``None`` each finding's own value, on rows alone whose finding suggests the
            action; those with no value, or only for review, are left alone, and ``notes`` say so.
        reason: for the log; the rule's name by default.
    """
    findings, checked = _findings(dataset), dataset.manifest.get("checked", [])
    rules = [name for name in named_rules([rule]) if name == rule or name in checked or RULES[name].default]
    with Ledger.open(dataset.folder) as ledger:
        seen, heads = ledger.last(), head_for(ledger, dataset.rows).heads
        stands = standing(findings, heads, dataset.rows).filter(pl.col("rule").is_in(rules))
        if stands.is_empty():
            why = on_nothing(dataset.folder, rule, rules, checked=checked, findings=findings, heads=heads)
            return Outcome(notes=(why,))
        own = action in ("relabel", "edit") and value is None
        # a value that stands for review is a guess for a person to weigh, and many of these are wrong
        rows = stands.filter(pl.col("value").is_not_null() & (pl.col("suggest") == action)) if own else stands
        if rows.is_empty():
            raise UsageError(_nothing_sure(rule, action, stands))
        decisions = [
            Decision(row_id, action, value=found if own else value, reason=reason or name, rule=name)  # pyright: ignore[reportArgumentType]
            for row_id, name, found in rows.unique("id", keep="first", maintain_order=True)
            .select("id", "rule", "value")
            .iter_rows()
        ]
        outcome = _decided(dataset, ledger, decisions, reviewer=reviewer, seen=seen, heads=heads)
    left = on_left(dataset.folder, action, stands.join(rows, on="id", how="anti"))
    return replace(outcome, notes=(*outcome.notes, *left))


def _nothing_sure(rule: str, action: str, stands: pl.DataFrame) -> str:
    """Return why none of the findings that stand is carried out."""
    guesses = stands.filter(pl.col("value").is_not_null())["id"].n_unique()
    if not guesses:
        return f"the findings of {rule} suggest no value to {action} to; give one with --value."
    return (
        f"{rule} names a value for {counted(guesses, 'row')}, each for review and none to {action} unseen; decide those you "
        "have seen with --id and --value, or give one value for all with --value."
    )


def decide_rows(
    dataset: Dataset,
    wanted: Sequence[str],
    action: str,
    *,
    reviewer: str,
    value: str | None = None,
    reason: str | None = None,
) -> Outcome:
    """Decide rows named by their ids, or by beginnings of ids that name one row.

    What another reviewer decided before is replaced, and ``notes`` say so; what one decides at the same moment is a conflict.
    """
    ids = dict.fromkeys(find_row(dataset, one) for one in wanted)
    decisions = [Decision(i, action, value=value, reason=reason) for i in ids]  # pyright: ignore[reportArgumentType]
    with Ledger.open(dataset.folder) as ledger:
        seen, heads = ledger.last(), ledger.head()
        return _decided(dataset, ledger, decisions, reviewer=reviewer, seen=seen, heads=heads)


def _decided(
    dataset: Dataset, ledger: Ledger, decisions: Sequence[Decision], *, reviewer: str, seen: int, heads: pl.DataFrame
) -> Outcome:
    """Write decisions that were made in sight of ``heads``, and tell what may surprise."""
    outcome = ledger.decide(decisions, reviewer=reviewer, expect=seen)
    late = {conflict.uid for conflict in outcome.conflicts}
    written = [decision for decision in decisions if decision.uid not in late]
    notes = [*on_new_labels(dataset.rows, heads, written), *on_others(heads, written, reviewer)]
    back = f" (to take it back: vetset decide {shell(dataset.folder)} --undo {outcome.batch})"
    return replace(outcome, notes=tuple(f"{note}{back}" for note in notes))


def undo(dataset: Dataset, what: str, *, reviewer: str, reason: str | None = None) -> Outcome:
    """Take back a batch by its name, or one decision by its number; ``reason`` is for the log."""
    number = int(what) if what.isascii() and what.isdigit() and len(what) < 19 else None
    with Ledger.open(dataset.folder) as ledger:
        if not ledger.last():
            raise UsageError(f"{dataset.folder} has no decisions, so {quote(what)} can't be taken back.")
        return ledger.undo(what if number is None else [number], reviewer=reviewer, reason=reason)


@dataclass(frozen=True)
class TakenIn:
    """What an import did."""

    outcome: Outcome
    stale: int
    """Standing decisions of the file whose row is not in this set: kept, and applied to none."""

    def summary(self) -> dict[str, Any]:
        """Return the counts and the conflicts as JSON values."""
        return {**self.outcome.summary(), "stale": self.stale}


def take_in(dataset: Dataset, path: str | Path) -> TakenIn:
    """Take the decisions of a ``decisions.jsonl`` into the set; those that it has already are left out.

    In a set that has lost its decisions, those of the file take their place, also where it holds none.

    Raises:
        UsageError: the file can't be read, or the ledger not written.
        DataError: a line is no decision; nothing was taken in.
    """
    rows = dataset.as_read().rows  # a lost split waits for these decisions
    if parts.is_lost(dataset.folder, parts.DECISIONS):
        outcome = _restore(dataset, path)
    else:
        with Ledger.open(dataset.folder) as ledger:
            outcome = import_jsonl(ledger, path)
    with Ledger.open(dataset.folder) as ledger:
        log = ledger.log()
        of_file = pl.col("seq").is_in(list(outcome.seqs)) | pl.col("uid").is_in(list(outcome.repeated))
        named = log.filter(of_file).select("row_id").unique()
        stale = head_for(ledger, rows).stale.join(named, on="row_id", how="semi")
    return TakenIn(outcome, stale.height)


def _restore(dataset: Dataset, path: str | Path) -> Outcome:
    """Make lost decisions anew from a file, all or nothing: half of them would be taken for all."""
    with TemporaryDirectory(prefix="vetset-") as scratch:
        with Ledger.open(scratch) as ledger:
            with ledger.writing():
                pass  # a file without a line makes a ledger without one
            outcome = import_jsonl(ledger, path)

        def put(beside: Path) -> None:
            if not parts.is_lost(dataset.folder, parts.DECISIONS):  # nobody else can write at this moment
                raise StaleError(
                    f"{dataset.folder / parts.DECISIONS} came back in the meantime; run the command again."
                )
            shutil.copyfile(Path(scratch, parts.DECISIONS), beside)

        # What the lost file left beside it goes first: SQLite would take it for a part of the new one.
        left: dict[str, disk.Writer | None] = {f"{parts.DECISIONS}-wal": None, f"{parts.DECISIONS}-shm": None}
        step = {
            "verb": "decide", "version": version(), "options": {"import": str(path)},
            "counts": {"decisions": len(outcome.seqs)},
        }  # fmt: skip
        dataset.save({**left, parts.DECISIONS: put}, step=step)
    return outcome


def give_out(dataset: Dataset, path: str | Path) -> int:
    """Write the set's decisions as ``decisions.jsonl`` to ``path``; returns the number of lines.

    Raises:
        UsageError: ``path`` can't be written, or a file of the set stands there.
    """
    place = Path(path).resolve()
    if place.parent == dataset.folder.resolve() and place.name != "decisions.jsonl":
        raise UsageError(f"{path} is inside of the set, whose files it might replace; give another path.")
    with Ledger.open(dataset.folder) as ledger:
        return export_jsonl(ledger, path)


def warning(dataset: Dataset) -> str | None:
    """Return what can't be done with the set's decisions here, or what it costs, in a sentence; mostly ``None``."""
    with Ledger.open(dataset.folder) as ledger:
        return ledger.warning


def _findings(dataset: Dataset) -> pl.DataFrame:
    if dataset.findings is None:
        raise UsageError(f"{dataset.folder} has no findings yet; run `vetset check {shell(dataset.folder)}` first.")
    return dataset.findings.filter(pl.col("rule").is_in(list(RULES)))
