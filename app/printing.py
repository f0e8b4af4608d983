"""Results as tables and sentences for people. Texts from the data are shown, never obeyed: no markup, no escapes."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .terminal import tame

if TYPE_CHECKING:
    from ..curate.checking import CheckResult
    from ..curate.dataset import Dataset
    from ..curate.decisions.ledger import Outcome
    from ..curate.demo.run import DemoResult
    from ..curate.exports.exporting import ExportResult
    from ..curate.exports.life import Life
    from ..curate.exports.provenance import Verification
    from ..curate.formats.wire import Loss
    from ..curate.reading.reader import ReadResult, SourceRead
    from ..curate.splits.splitting import SetSplit

_PAGE = 100  # columns where nobody looks at a terminal: a log or a README keeps its lines


def _width() -> int:
    return shutil.get_terminal_size((_PAGE, 24)).columns if sys.stdout.isatty() else _PAGE


def _say(line: str = "") -> None:
    sys.stdout.write(tame(line) + "\n")


def _tell(sentence: str, *, indent: str = "  ") -> None:
    """Print a sentence, folded at the page's width; words are never broken, as some are paths and commands."""
    lines = textwrap.wrap(
        tame(sentence), _width(), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    sys.stdout.write("\n".join(lines) + "\n")


def _table(*heads: str, right: tuple[int, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number in right else "left", no_wrap=True)
    return table


def _show(table: Table) -> None:
    # As wide as it needs to be: a folded number or path is harder to read than a long line.
    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False, width=1000, legacy_windows=False)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def _cells(*cells: object) -> list[Text]:
    return [Text(f"{cell:,}" if isinstance(cell, int) else tame(str(cell))) for cell in cells]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _clipped(text: str, width: int) -> str:
    """Return the text on one line of at most ``width`` columns (a Chinese character takes two)."""
    line = tame(" ".join(text.split()))
    return line if cell_len(line) <= width else set_cell_size(line, max(width - 1, 1)).rstrip() + "…"


@contextmanager
def progress_bytes(verb: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr for anything that takes more than a second."""
    with _progress() as show:

        def tell(done: int, total: int) -> None:
            bar = "#" * int(30 * done / max(total, 1))
            show(
                lambda s: f"{verb} [{bar:<30}] {done / 1e6:,.0f} of {total / 1e6:,.0f} MB, {done / s / 1e6:,.0f} MB/s "
            )

        yield tell


@contextmanager
def progress_steps() -> Iterator[Callable[[str, int, int], None]]:
    """Name the step at work on stderr once the whole takes more than a second."""
    with _progress() as show:
        yield lambda step, number, steps: show(lambda _: f"checking {number + 1} of {steps}: {step:<30}")


@contextmanager
def _progress() -> Iterator[Callable[[Callable[[float], str]], None]]:
    """Give what writes one line over and over, told the seconds gone by; nothing before a second, or to a file."""
    started, shown = time.monotonic(), False

    def show(line: Callable[[float], str]) -> None:
        nonlocal shown
        seconds = time.monotonic() - started
        if seconds > 1 and sys.stderr.isatty():
            sys.stderr.write("\r" + line(seconds))
            sys.stderr.flush()
            shown = True

    try:
        yield show
    finally:
        if shown:
            sys.stderr.write("\r" + " " * 90 + "\r")
            sys.stderr.flush()


def print_read(result: ReadResult) -> None:
    """Print what was read and every guess with its reason; files that are read alike are explained once."""
    before = None
    for source in result.sources:
        alike = before is not None and _way(source) == _way(before)
        _print_source(source, alike=alike)
        before = source
    for skipped in result.skipped:
        _tell(f"skipped {skipped}")
    for note in result.notes:
        _tell(f"note: {note}")
    folder = result.dataset.folder
    rejects = f"{_count(result.rejects, 'reject')} (in {folder}/rejects.jsonl, with the reason of each)"
    _say(f"{folder}: {_count(result.rows, 'row')}" + (f" and {rejects}" if result.rejects else ", no rejects"))
    _say(f"next: vetset check {folder}")


def _way(source: SourceRead) -> tuple[object, ...]:
    plan = source.plan
    constants = {name: value for name, value in plan.constants.items() if name != "split"}
    return source.container, plan.shape, plan.columns, constants


def _print_source(source: SourceRead, *, alike: bool) -> None:
    rejects = f", {_count(source.rejects, 'reject')}" if source.rejects else ""
    _say(f"{source.name}: {source.container}, {_count(source.rows, 'row')}{rejects}")
    if alike:
        _say("  columns as in the file before")
    for reason in source.plan.reasons:
        if not alike or reason.startswith("split"):
            _guess(reason)
    for note in source.notes:
        _guess(f"note {note}")


def _guess(reason: str) -> None:
    part, _, why = reason.partition(" ")
    _tell(f"  {part:<10}{why.lstrip()}", indent=" " * 12)


def print_check(dataset: Dataset, result: CheckResult) -> None:
    """Print the counts, worst first, and one row of each rule that found something."""
    _say(f"{_count(result.rows, 'row')}, {_count(result.rejects, 'reject')}, {_count(len(result.rules), 'rule')}")
    found = {rule: of for rule, of in result.counts().items() if of["rows"]}
    folder, stands = dataset.folder, result.standing.height
    if found:
        _say()
        table = _table("rule", "rows", "clusters", "standing", "", right=(1, 2, 3))
        for rule, of in found.items():
            word = "blocks" if rule in result.blocking else "" if of["standing"] else "settled"
            table.add_row(*_cells(rule, of["rows"], of["clusters"] or "", of["standing"], word))
        _show(table)
        _say(f"for example (`vetset why {folder} ID` shows the whole row)")
        for rule in found:
            _example(result, rule, max(map(len, found)))
        _say()
    clean = [rule for rule in result.rules if rule not in found]
    if clean:
        _tell(f"nothing found by {', '.join(clean)}")
    if result.blocking:
        _tell(f"blocking: {', '.join(result.blocking)} (`vetset rule {result.blocking[0]}` explains)")
    _say(
        f"next: vetset decide {folder} --policy, then vetset split {folder}"
        if stands
        else f"next: vetset split {folder}"
    )


def _example(result: CheckResult, rule: str, width: int) -> None:
    frame = result.standing if (result.standing["rule"] == rule).any() else result.findings
    row = frame.filter(frame["rule"] == rule).sort("score", descending=True, maintain_order=True).row(0, named=True)
    head = f"  {rule:<{width}}  {_short_id(row['id'])}  "
    _say(head + _clipped(row["note"], _width() - len(head)))


def print_github(dataset: Dataset, result: CheckResult) -> None:
    """Print standing findings as GitHub annotations, at most ten a rule."""
    rows = dataset.rows.select("id", "file", "line")
    for rule in result.rules:
        found = result.standing.filter(result.standing["rule"] == rule)
        level = "error" if rule in result.blocking else "warning"
        for row in found.head(10).join(rows, on="id", how="left", maintain_order="left").iter_rows(named=True):
            _say(f"::{level} file={_property(row['file'])},line={row['line']},title={rule}::{_github(row['note'])}")
        if found.height > 10:
            _say(f"::{level} title={rule}::{found.height - 10:,} more rows of {rule}")


def _github(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _github(text).replace(":", "%3A").replace(",", "%2C")


def print_rules(rules: Mapping[str, Mapping[str, Any]]) -> None:
    """Print every rule with what it finds."""
    table = _table("rule", "", "finds")
    for rule, of in rules.items():
        table.add_row(*_cells(rule, "blocks" if of["blocks"] else "", of["finds"]))
    _show(table)
    _say("more: vetset rule NAME")


def print_decided(dataset: Dataset, outcome: Outcome, result: CheckResult) -> None:
    """Print what was written and what still stands."""
    folder = dataset.folder
    _say(f"{_count(len(outcome.seqs), 'decision')} written")
    if outcome.repeated:
        _say(f"{_count(len(outcome.repeated), 'decision')} stood already")
    for conflict in outcome.conflicts[:5]:
        _tell(f"  not {conflict.row_id}: {conflict.reviewer} decided {conflict.action} at {conflict.at}")
    if len(outcome.conflicts) > 5:
        _say(f"  and {len(outcome.conflicts) - 5:,} more that others decided first")
    stand = {rule: of["standing"] for rule, of in result.counts().items() if of["standing"]}
    if stand:
        table = _table("still stands", "rows", "", right=(1,))
        for rule, rows in stand.items():
            table.add_row(*_cells(rule, rows, "blocks" if rule in result.blocking else ""))
        _show(table)
    if outcome.batch and outcome.seqs:
        _say(f"undo: vetset decide {folder} --undo {outcome.batch}")
    _say(f"next: vetset split {folder}")


def print_split(result: SetSplit) -> None:
    """Print sizes, label balance and what a random split would have leaked."""
    report = result.result.report
    ways = _list(report["by"]) or "nothing (rows at random)"
    dropped = f"; {result.dropped:,} dropped before" if result.dropped else ""
    units = _count(report["units"]["count"], "unit")
    _tell(f"{_count(report['rows'], 'row')} in {units} that stay whole, by {ways}{dropped}")
    table = _table("split", "rows", "share", "asked", "units", right=(1, 2, 3, 4))
    for name, of in report["splits"].items():
        asked = f"{of['asked']:.1%}" if "asked" in of else f"{of['asked_rows']:,}"
        table.add_row(*_cells(name, of["rows"], f"{of['share']:.1%}", asked, of["units"]))
    _show(table)
    if report["held"]["rows"]:
        _tell(f"{_count(report['held']['rows'], 'row')} in no split: {report['held']['reason']}")
    _tell(_balance(report["labels"]))
    _print_leaks(report["leaks"])
    if result.inflation is not None:
        _tell(result.inflation.sentence)


def _balance(labels: Mapping[str, Any]) -> str:
    if labels["gap"] is None:
        return f"labels: not balanced ({labels['note']})"
    gap, note = labels["gap"], f" ({labels['note']})" if labels["note"] else ""
    return (
        f"labels: every share within {gap['points']:.1f} points of the whole{note}; furthest is "
        f"'{_clipped(gap['label'], 30)}', {gap['share']:.1%} of {gap['split']} and {gap['overall']:.1%} of all"
    )


_LEAKS = {
    "group": "whose group stands in train",
    "duplicate": "whose text stands in train",
    "conflict": "whose text stands in train with another answer",
    "time": "older than the newest train row",
}


def _print_leaks(leaks: Mapping[str, Mapping[str, float]]) -> None:
    if leaks:
        table = _table("eval rows", "in this split", "in a random split", right=(1, 2))
        for way, of in leaks.items():
            table.add_row(*_cells(_LEAKS.get(way, way), f"{of['made']:.1%}", f"{of['random']:.1%}"))
        _show(table)


def print_export(result: ExportResult) -> None:
    """Print the files, and the account of every row."""
    table = _table("file", "rows", "sha256", right=(1,))
    for file in result.files:
        table.add_row(*_cells(result.folder / file.name, file.rows, f"{file.sha256[:16]}..."))
    _show(table)
    _tell(_account(result.counts))
    if result.counts.get("kept_blocking"):
        _tell(
            f"{result.counts['kept_blocking']:,} of the written rows have a blocking finding that stands (--held keep)"
        )
    if left := _left_behind(result.format, [loss for loss in result.losses if loss.kind == "field"]):
        _tell(left)
    for loss in result.losses:
        if loss.kind != "field":
            _tell(loss.sentence)
    for note in result.notes:
        _tell(f"note: {note}")
    _say(f"next: vetset verify {result.folder}")


def _account(counts: Mapping[str, int]) -> str:
    out = {
        "dropped": "by decisions",
        "held": "until a person decides",
        "unsplit": "in no split",
        "left_out": "the format can't carry them",
    }
    parts = [f"{counts[fate]:,} {fate.replace('_', ' ')} ({why})" for fate, why in out.items() if counts[fate]]
    rejects = f"; {_count(counts['rejects'], 'line')} rejected at the read" if counts["rejects"] else ""
    total = " + ".join([f"{counts['written']:,} written", *parts])
    return f"{_count(counts['read'], 'row')} read = {total}{rejects}"


def _left_behind(format: str, losses: list[Loss]) -> str:
    """Fold the fields that a format has no place for into one sentence, fields of the same rows together."""
    by_rows: dict[int, list[str]] = {}
    for loss in losses:
        by_rows.setdefault(loss.rows, []).append(loss.what)
    fields = _list([f"{', '.join(names)} ({_count(rows, 'row')})" for rows, names in by_rows.items()])
    if not fields:
        return ""
    return f"{format} has no place for {fields}: they stay in the set, and lineage.parquet ties each record to its row"


def print_verify(result: Verification) -> None:
    """Print what differs, or that nothing does."""
    for check in result.checks:
        if not check.ok:
            _tell(f"not ok  {check.sentence}", indent=" " * 8)
    good = sum(check.ok for check in result.checks)
    _say(f"{result.folder}: {good} of {_count(len(result.checks), 'check')} ok")


def print_life(life: Life) -> None:
    """Print the life of a row on one screen."""
    row, sha256 = life.row, life.origin["sha256"]
    _line("row", row["id"])
    _line("read", f"{life.origin['path']} line {row['line']}" + (f" (sha256 {sha256[:16]}...)" if sha256 else ""))
    if len(row["messages"]) > 6:
        _line("", f"({_count(len(row['messages']) - 6, 'earlier message')})")
    for message in row["messages"][-6:]:
        _line(message["role"], _clipped(message.get("content") or message.get("tool_calls") or "", 400))
    for name in ("label", "rejected", "group", "time", "annotator", "source", "license", "origin"):
        if row[name] is not None:
            _line(name, _clipped(str(row[name]), 400))
    differs = life.official_split and life.official_split != row["split"]
    _line("split", (row["split"] or "none") + (f" (the source says {life.official_split})" if differs else ""))
    for finding in life.findings:
        _line("found", f"{finding['rule']}: {_clipped(finding['note'], 300)}")
    if not life.findings:
        _line("found", "nothing")
    for decision in life.decisions:
        _line("decided", _decision(decision))
    _line("stands", life.standing["action"] if life.standing else "undecided")
    for export in life.exports:
        place = f"{export['file']} record {export['record']}" if export.get("file") else export.get("why") or ""
        _line("export", f"{export['export']}: {export['fate'].replace('_', ' ')} {place}".rstrip())


def _line(head: str, text: str) -> None:
    _tell(f"{_clipped(head, 9):<10}{text}", indent=" " * 10)


def _decision(line: Mapping[str, Any]) -> str:
    what = f"{line['action']} {_clipped(line['value'], 60)}" if line["value"] else line["action"]
    undoes = f" of decision {line['undoes']}" if line["undoes"] else ""
    reason = f", {_clipped(line['reason'], 80)}" if line["reason"] else ""
    return f"{line['seq']}: {what}{undoes} by {line['reviewer']}, {line['at'][:19]}{reason}"


def print_demo(result: DemoResult) -> None:
    """Print found of planted, the split and the export."""
    table = _table("file", "rule", "planted", "found", "", right=(2, 3))
    for line in result.found:
        word = "" if line.planted == line.found else "differs"
        table.add_row(*_cells(line.file, line.rule, line.planted, line.found, word))
    _show(table)
    _say()
    _say(f"the policy settled {_count(result.settled, 'row')} of tickets.csv; the rest waits for a person")
    print_split(result.split)
    _say()
    print_export(result.export)
    _say()
    _say("try next:")
    for command in result.next_commands():
        _say(f"  {command}")


def _short_id(row_id: str) -> str:
    """The beginning of an id that `vetset why` takes; repeats differ in the number at the end only."""
    start, _, ordinal = row_id.partition("-")
    return f"{start[:8]}-{ordinal}"
