"""Results as tables and sentences for people. Texts from the data are shown, never obeyed: no markup, no escapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..curate.masking import mask
from ..curate.wording import counted, shell
from .figures import sentences
from .lines import cells, clipped, columns, listed, page_width, say, short_id, show, tell

if TYPE_CHECKING:
    from ..curate.checking import CheckResult
    from ..curate.dataset import Dataset
    from ..curate.decisions.deciding import TakenIn
    from ..curate.decisions.ledger import Outcome
    from ..curate.demo.run import DemoResult
    from ..curate.exports.exporting import ExportResult
    from ..curate.exports.provenance import Verification
    from ..curate.formats.wire import Loss
    from ..curate.reading.reader import ReadResult, SourceRead
    from ..curate.splits.splitting import SetSplit


def print_read(result: ReadResult) -> None:
    """Print what was read and every guess with its reason; files that are read alike are explained once."""
    before = None
    for source in result.sources:
        alike = before is not None and _way(source) == _way(before)
        _print_source(source, alike=alike)
        before = source
    for skipped in result.skipped:
        tell(f"skipped {skipped}")
    for note in result.notes:
        tell(f"note: {note}")
    folder = result.dataset.folder
    rejects = f"{counted(result.rejects, 'reject')} (in {folder}/rejects.jsonl, with the reason of each)"
    say(f"{folder}: {counted(result.rows, 'row')}" + (f" and {rejects}" if result.rejects else ", no rejects"))
    say(f"next: vetset check {shell(folder)}")


def _way(source: SourceRead) -> tuple[object, ...]:
    plan = source.plan
    constants = {name: value for name, value in plan.constants.items() if name != "split"}
    return source.container, plan.shape, plan.columns, constants


def _print_source(source: SourceRead, *, alike: bool) -> None:
    rejects = f", {counted(source.rejects, 'reject')}" if source.rejects else ""
    say(f"{source.name}: {source.container}, {counted(source.rows, 'row')}{rejects}")
    if alike:
        say("  columns as in the file before")
    for reason in source.plan.reasons:
        if not alike or reason.startswith("split"):
            _guess(reason)
    for note in source.notes:
        _guess(f"note {note}")


def _guess(reason: str) -> None:
    part, _, why = reason.partition(" ")
    tell(f"  {part:<10}{why.lstrip()}", indent=" " * 12)


def print_check(dataset: Dataset, result: CheckResult) -> None:
    """Print the counts, worst first, one row of each rule that found something, and what was counted on the way."""
    from ..curate.rules import select_rules

    say(f"{counted(result.rows, 'row')}, {counted(result.rejects, 'reject')}, {counted(len(result.rules), 'rule')}")
    found = {rule: of for rule, of in result.counts().items() if of["rows"]}
    folder, stands = dataset.folder, result.standing.height
    if found:
        say()
        table = columns("rule", "rows", "clusters", "standing", "", right=(1, 2, 3))
        for rule, of in found.items():
            word = "blocks" if rule in result.blocking else "" if of["standing"] else "settled"
            table.add_row(*cells(rule, of["rows"], of["clusters"] or "", of["standing"], word))
        show(table)
        tell(
            f"for example (`vetset findings {shell(folder)}` lists all, `vetset why {shell(folder)} ID` shows a whole row)"
        )
        for rule in found:
            if not _unlicensed(result, rule):
                _example(result, rule, max(map(len, found)))
        say()
    for rule, sentence in sentences(result.figures, decided=_changed(dataset)).items():
        tell(f"{rule}: {sentence}")
    if _unlicensed(result, "licences.unknown"):
        tell(f"licences.unknown: {_UNLICENSED}")
    told = "coverage.edge_case" if "coverage.edge_case" in result.figures else None  # finds cases, and no rows
    _print_clean(dataset, result, [rule for rule in result.rules if rule not in found and rule != told])
    if result.blocking:
        tell(f"blocking: {', '.join(result.blocking)} (`vetset rule {result.blocking[0]}` explains)")
    if found.get("labels.suspect", {}).get("standing"):
        several = f"findings {shell(folder)} --select labels.suspect, which lists doubtful labels, the worst first"
        one = f"queue {shell(folder)}, which puts doubtful labels in the order in which to review them"
        say(f"next: vetset {several if _several(dataset) else one}")
    if stands:
        say(f"next: vetset decide {shell(folder)} --policy, then vetset split {shell(folder)}")
    elif set(select_rules(None)) <= set(result.rules):
        say(f"next: vetset split {shell(folder)}")
    else:  # of the rules that were not asked for nothing is told here
        say(f"next: vetset check {shell(folder)}, which runs all rules")


def _print_clean(dataset: Dataset, result: CheckResult, rules: list[str]) -> None:
    """Print which rules found nothing; that nobody looked is another thing, and a note says why."""
    if "labels.suspect" in rules and "labels.suspect" not in result.figures and dataset.rows["label"].count():
        if not _several(dataset):
            tell("labels.suspect: labels were not judged")
        rules = [rule for rule in rules if rule != "labels.suspect"]
    if rules:
        tell(f"nothing found by {', '.join(rules)}")


def _changed(dataset: Dataset) -> int:
    """Return of how many rows decisions change what a check judges, which is the rows as they were read."""
    from ..curate.decisions.applied import head_for
    from ..curate.decisions.ledger import Ledger

    with Ledger.open(dataset.folder) as ledger:
        heads = head_for(ledger, dataset.rows).heads
    return heads.filter(heads["action"].is_in(["relabel", "edit", "drop"]))["row_id"].n_unique()


def _several(dataset: Dataset) -> bool:
    """Whether rows have several labels each: `vetset queue` wants one a row."""
    from ..curate.labels.targets import kind_of_labels

    return kind_of_labels(dataset.rows["label"]) == "several"


_UNLICENSED = "no row has a known licence; if one holds for all of them, `vetset read ... --license SPDX` says so"


def _unlicensed(result: CheckResult, rule: str) -> bool:
    """Whether the rule says of every row that it has no licence, which is one thing to say and not one a row."""
    return rule == "licences.unknown" and 0 < result.rows == (result.findings["rule"] == rule).sum()


def _example(result: CheckResult, rule: str, width: int) -> None:
    frame = result.standing if (result.standing["rule"] == rule).any() else result.findings
    row = frame.filter(frame["rule"] == rule).sort("score", descending=True, maintain_order=True).row(0, named=True)
    head = f"  {rule:<{width}}  {short_id(row['id'])}  "
    say(head + clipped(mask(row["note"]), page_width() - len(head)))


def print_github(dataset: Dataset, result: CheckResult) -> None:
    """Print standing findings as GitHub annotations, at most ten a rule."""
    rows = dataset.rows.select("id", "file", "line")
    for rule in result.rules:
        found = result.standing.filter(result.standing["rule"] == rule)
        level = "error" if rule in result.blocking else "warning"
        if found.height and _unlicensed(result, rule):
            say(f"::{level} title={rule}::{_github(_UNLICENSED)}")
            continue
        for row in found.head(10).join(rows, on="id", how="left", maintain_order="left").iter_rows(named=True):
            say(
                f"::{level} file={_property(row['file'])},line={row['line']},title={rule}::{_github(mask(row['note']))}"
            )
        if found.height > 10:
            say(f"::{level} title={rule}::{counted(found.height - 10, 'more row')} of {rule}")


def _github(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _github(text).replace(":", "%3A").replace(",", "%2C")


def print_rules(rules: Mapping[str, Mapping[str, Any]]) -> None:
    """Print every rule with what it finds."""
    table = columns("rule", "", "finds")
    for rule, of in rules.items():
        table.add_row(*cells(rule, "blocks" if of["blocks"] else "", of["finds"]))
    show(table)
    say("more: vetset rule NAME")


def print_decided(dataset: Dataset, outcome: Outcome, result: CheckResult, *, undone: bool = False) -> None:
    """Print what was written, or taken back, and what still stands."""
    say(f"{counted(len(outcome.seqs), 'decision')} {'taken back' if undone else 'written'}")
    if outcome.withdrawn:
        say(f"{counted(outcome.withdrawn, 'decision')} that the policy made before and would not make now taken back")
    if outcome.repeated:
        say(f"{counted(len(outcome.repeated), 'decision')} {'taken back' if undone else 'stood'} already")
    _print_conflicts(outcome)
    for note in outcome.notes:
        tell(f"note: {note}")
    _print_standing(result)
    if outcome.batch and outcome.seqs and not undone:  # an undo can't be undone
        say(f"undo: vetset decide {shell(dataset.folder)} --undo {outcome.batch}")
    say(f"next: vetset split {shell(dataset.folder)}")


def print_taken_in(dataset: Dataset, taken: TakenIn, result: CheckResult) -> None:
    """Print what an import of decisions took in, and what still stands."""
    outcome = taken.outcome
    say(f"{counted(len(outcome.seqs), 'decision')} imported, {len(outcome.repeated):,} there already")
    if taken.stale:
        what = "decision is" if taken.stale == 1 else "decisions are"
        tell(f"{taken.stale:,} {what} stale: the row changed or is not in this set; kept, and applied to none")
    _print_conflicts(outcome)
    _print_standing(result)
    say(f"next: vetset split {shell(dataset.folder)}")


def print_given_out(dataset: Dataset, path: object, lines: int) -> None:
    """Print how many decisions were written where."""
    say(f"{path}: {counted(lines, 'line')}, one a decision or an undo")
    say(f"next: vetset decide {shell(dataset.folder)} --import {shell(path)}, in a copy of the set")


def _print_conflicts(outcome: Outcome) -> None:
    for conflict in outcome.conflicts[:5]:
        tell(f"  not {conflict.row_id}: {conflict.reviewer} decided {conflict.action} at {conflict.at}")
    if len(outcome.conflicts) > 5:
        say(f"  and {len(outcome.conflicts) - 5:,} more that others decided first")


def _print_standing(result: CheckResult) -> None:
    stand = {rule: of["standing"] for rule, of in result.counts().items() if of["standing"]}
    if stand:
        table = columns("still stands", "rows", "", right=(1,))
        for rule, rows in stand.items():
            table.add_row(*cells(rule, rows, "blocks" if rule in result.blocking else ""))
        show(table)


def print_split(result: SetSplit, folder: object = None) -> None:
    """Print sizes, label balance and what a random split would have leaked; with the set's folder, the next step."""
    report = result.result.report
    ways = listed(report["by"]) or "nothing (rows at random)"
    dropped = f"; {result.dropped:,} dropped before" if result.dropped else ""
    dropped += f"; {result.aside:,} stay with their eval set" if result.aside else ""
    units = counted(report["units"]["count"], "unit")
    tell(f"{counted(report['rows'], 'row')} in {units} that stay whole, by {ways}{dropped}")
    table = columns("split", "rows", "share", "asked", "units", right=(1, 2, 3, 4))
    for name, of in report["splits"].items():
        asked = f"{of['asked']:.1%}" if "asked" in of else f"{of['asked_rows']:,}"
        table.add_row(*cells(name, of["rows"], f"{of['share']:.1%}", asked, of["units"]))
    show(table)
    if report["held"]["rows"]:
        tell(f"{counted(report['held']['rows'], 'row')} in no split: {report['held']['reason']}")
    if result.followed is not None:
        tell(_followed(result.followed.summary()))
    if result.taught:
        tell(
            f"{counted(result.taught, 'row')} say what people wrote, with the label or rationale of a teacher: in an eval split "
            "these are no gold, and a score is of agreement with the teacher"
        )
    tell(_balance(report["labels"]))
    _print_leaks(report["leaks"])
    if result.inflation is not None:
        tell(result.inflation.sentence)
    if result.official:
        tell(
            f"this split stands in place of the one that the sources gave ({clipped(listed(result.official), 60)}), which "
            "stays in rows.parquet; a set that was never split is exported with theirs"
        )
    if folder is None:
        return
    if result.repeats:
        tell(f"{counted(result.repeats, 'exact repeat')} stand together in a split now, which the policy drops")
        say(f"next: vetset decide {shell(folder)} --policy, then vetset export {shell(folder)} -o DIR")
    else:
        say(f"next: vetset export {shell(folder)} -o DIR")


def _followed(of: Mapping[str, Any]) -> str:
    why = listed([f"{rows:,} as {reason}" for reason, rows in of["reasons"].items()])
    left = f"; {of['unsplit']:,} in no split ({why})" if of["unsplit"] else ""
    return (
        f"{counted(of['rows'], 'synthetic row')} beside these, which stand in no eval split: {of['train']:,} in train with the "
        f"rows that they were made from{left}"
    )


def _balance(labels: Mapping[str, Any]) -> str:
    if labels["gap"] is None:
        return f"labels: not balanced ({labels['note']})"
    gap, note = labels["gap"], f" ({labels['note']})" if labels["note"] else ""
    return (
        f"labels: every share within {gap['points']:.1f} points of the whole{note}; furthest is "
        f"'{clipped(mask(gap['label']), 30)}', {gap['share']:.1%} of {gap['split']} and {gap['overall']:.1%} of all"
    )


_LEAKS = {
    "group": "whose group stands in train",
    "duplicate": "whose text stands in train",
    "conflict": "whose text stands in train with another answer",
    "time": "older than the newest train row",
    "near": "whose near copy stands in train",
    "source": "whose source stands in train",
}


def _print_leaks(leaks: Mapping[str, Mapping[str, float]]) -> None:
    if leaks:
        table = columns("eval rows", "in this split", "in a random split", right=(1, 2))
        for way, of in leaks.items():
            table.add_row(*cells(_LEAKS.get(way, way), f"{of['made']:.1%}", f"{of['random']:.1%}"))
        show(table)


def print_export(result: ExportResult) -> None:
    """Print the files, and the account of every row."""
    table = columns("file", "rows", "sha256", right=(1,))
    for file in result.files:
        table.add_row(*cells(result.folder / file.name, file.rows, f"{file.sha256[:16]}..."))
    show(table)
    tell(_account(result.counts))
    if result.counts.get("kept_blocking"):
        kept = result.counts["kept_blocking"]
        tell(
            f"{kept:,} of the written rows {'has' if kept == 1 else 'have'} a blocking finding that stands (--held keep)"
        )
    if left := _left_behind(result.format, [loss for loss in result.losses if loss.kind == "field"]):
        tell(left)
    for loss in result.losses:
        if loss.kind != "field":
            tell(loss.sentence)
    if result.synthetic is not None:
        tell(_synthetic(result.synthetic))
    for note in result.notes:
        tell(f"note: {note}")
    say(f"next: vetset verify {shell(result.folder)}")


def _synthetic(account: Mapping[str, Any]) -> str:
    from ..curate.distill.teachers import WORDS

    told = [
        f"{one['rows']:,} by {clipped(mask(one['teacher']), 60)} (terms: {WORDS[one['training']]})"
        for one in account["teachers"]
    ]
    waived = f"; waived by {clipped(account['waiver']['by'], 60)}" if account["waiver"] else ""
    return f"{account['rows']:,} of the written rows {'is' if account['rows'] == 1 else 'are'} synthetic: {listed(told)}{waived}"


def _account(counts: Mapping[str, int]) -> str:
    out = {
        "dropped": "by decisions",
        "held": "until a person decides",
        "unsplit": "in no split",
        "left_out": "the format can't carry them",
    }
    parts = [f"{counts[fate]:,} {fate.replace('_', ' ')} ({why})" for fate, why in out.items() if counts[fate]]
    rejects = f"; {counted(counts['rejects'], 'line')} rejected at the read" if counts["rejects"] else ""
    total = " + ".join([f"{counts['written']:,} written", *parts])
    return f"{counted(counts['read'], 'row')} read = {total}{rejects}"


def _left_behind(format: str, losses: list[Loss]) -> str:
    """Fold the fields that a format has no place for into one sentence, fields of the same rows together."""
    by_rows: dict[int, list[str]] = {}
    for loss in losses:
        by_rows.setdefault(loss.rows, []).append(loss.what)
    fields = listed([f"{', '.join(names)} ({counted(rows, 'row')})" for rows, names in by_rows.items()])
    if not fields:
        return ""
    return f"{format} has no place for {fields}: they stay in the set, and lineage.parquet ties each record to its row"


def print_verify(result: Verification) -> None:
    """Print what differs, or that nothing does."""
    for check in result.checks:
        if not check.ok:
            tell(f"not ok  {check.sentence}", indent=" " * 8)
    good = sum(check.ok for check in result.checks)
    say(f"{result.folder}: {good} of {counted(len(result.checks), 'check')} ok")
    if result.ok:
        say(f"next: train on the files; {result.folder}/README.md says what is in them")


def print_demo(result: DemoResult) -> None:
    """Print found of planted, the split and the export."""
    from ..curate.demo.run import SENTENCES

    table = columns("file", "rule", "planted", "found", "", right=(2, 3))
    for line in result.found:
        word = "" if line.planted == line.found else "differs"
        table.add_row(*cells(line.file, line.rule, line.planted, line.found, word))
    show(table)
    tell(
        f"not counted: {', '.join(SENTENCES)}, which find what the tickets were drawn with and nobody counted (`vetset check "
        f"{shell(result.folder / 'tickets.vet')}` shows them)"
    )
    say()
    say(f"the policy settled {counted(result.settled, 'row')} of tickets.csv; the rest waits for a person")
    print_split(result.split)
    say()
    print_export(result.export)
    say()
    say("try next:")
    for command in result.next_commands():
        say(f"  {command}")
