"""Results as tables for people. Texts from the data are printed as they are, never as markup."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ..curate.checking import CheckResult
    from ..curate.dataset import Dataset
    from ..curate.demo_run import DemoResult
    from ..curate.exporting import ExportResult
    from ..curate.ledger import Outcome
    from ..curate.life import Life
    from ..curate.provenance import Verification
    from ..curate.reading import ReadResult
    from ..curate.splitting import SetSplit


def _console(*, err: bool = False) -> Console:
    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else 120  # a log or a README keeps its columns
    return Console(file=stream, markup=False, highlight=False, soft_wrap=True, width=width, emoji=False)


def _say(line: str = "") -> None:
    _console().print(line)


def _table(*heads: str, right: tuple[int, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number in right else "left", no_wrap=number in right)
    return table


def _show(table: Table) -> None:
    _console().print(table)


def _cells(*cells: object) -> list[Text]:
    return [Text(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in cells]


@contextmanager
def progress_bytes(verb: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr for anything that takes more than a second."""
    started, shown = time.monotonic(), False

    def tell(done: int, total: int) -> None:
        nonlocal shown
        seconds = time.monotonic() - started
        if seconds > 1 and total and sys.stderr.isatty():
            filled = int(30 * done / total)
            rate = done / seconds / 1e6
            sys.stderr.write(
                f"\r{verb} [{'#' * filled:<30}] {done / 1e6:,.0f} of {total / 1e6:,.0f} MB, {rate:,.0f} MB/s "
            )
            sys.stderr.flush()
            shown = True

    try:
        yield tell
    finally:
        _wipe(shown)


@contextmanager
def progress_steps() -> Iterator[Callable[[str, int, int], None]]:
    """Name the step at work on stderr once the whole takes more than a second."""
    started, shown = time.monotonic(), False

    def tell(step: str, number: int, steps: int) -> None:
        nonlocal shown
        if time.monotonic() - started > 1 and sys.stderr.isatty():
            sys.stderr.write(f"\rchecking {number + 1} of {steps}: {step:<30}")
            sys.stderr.flush()
            shown = True

    try:
        yield tell
    finally:
        _wipe(shown)


def _wipe(shown: bool) -> None:
    if shown:
        sys.stderr.write("\r" + " " * 90 + "\r")
        sys.stderr.flush()


def print_read(result: ReadResult) -> None:
    """Print what was read and every guess with its reason."""
    before = None
    for source in result.sources:
        _say(
            f"{source.name}: {source.container}, {source.rows:,} rows"
            + (f", {source.rejects:,} rejects" if source.rejects else "")
        )
        reasons = [reason for reason in source.plan.reasons if not reason.startswith("split")]
        if reasons != before:
            for reason in reasons:
                _say(f"  {reason}")
        elif reasons:
            _say("  same columns, read the same way")
        for reason in source.plan.reasons:
            if reason.startswith("split"):
                _say(f"  {reason}")
        for note in source.notes:
            _say(f"  note    {note}")
        before = reasons
    for skipped in result.skipped:
        _say(f"skipped {skipped}")
    folder = result.dataset.folder
    rejects = (
        f" and {result.rejects:,} rejects (in {folder}/rejects.jsonl, with the reason of each)"
        if result.rejects
        else ", no rejects"
    )
    _say(f"{folder}: {result.rows:,} rows{rejects}")
    _say(f"next: vetset check {folder}")


def print_check(dataset: Dataset, result: CheckResult) -> None:
    """Print the counts, worst first."""
    _say(f"{result.rows:,} rows, {result.rejects:,} rejects, {len(result.rules)} rules")
    found = {rule: of for rule, of in result.counts().items() if of["rows"]}
    if found:
        table = _table("rule", "rows", "clusters", "standing", "", "for example", right=(1, 2, 3))
        for rule, of in found.items():
            word = "blocks" if rule in result.blocking else "" if of["standing"] else "settled"
            table.add_row(*_cells(rule, of["rows"], of["clusters"] or "", of["standing"], word, _example(result, rule)))
        _show(table)
    clean = [rule for rule in result.rules if rule not in found]
    if clean:
        _say(f"nothing found by {', '.join(clean)}")
    folder = dataset.folder
    if result.blocking:
        _say(f"blocking: {', '.join(result.blocking)} (`vetset rule {result.blocking[0]}` explains)")
    _say(
        f"next: vetset decide {folder} --policy"
        if (result.standing.height and not result.findings.is_empty())
        else f"next: vetset split {folder}"
    )


def _example(result: CheckResult, rule: str) -> str:
    frame = result.standing if (result.standing["rule"] == rule).any() else result.findings
    row = frame.filter(frame["rule"] == rule).sort("score", descending=True, maintain_order=True).row(0, named=True)
    return f"{row['id'][:8]}: {row['note']}"


def print_github(dataset: Dataset, result: CheckResult) -> None:
    """Print standing findings as GitHub annotations, at most ten a rule."""
    rows = dataset.rows.select("id", "file", "line")
    for rule in result.rules:
        found = result.standing.filter(result.standing["rule"] == rule)
        level = "error" if rule in result.blocking else "warning"
        for row in found.head(10).join(rows, on="id", how="left", maintain_order="left").iter_rows(named=True):
            _say(f"::{level} file={_github(row['file'], True)},line={row['line']},title={rule}::{_github(row['note'])}")
        if found.height > 10:
            _say(f"::{level} title={rule}::{found.height - 10:,} more rows of {rule}")


def _github(text: str, is_property: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text


def print_decided(dataset: Dataset, outcome: Outcome, result: CheckResult) -> None:
    """Print what was written and what still stands."""
    _say(f"{len(outcome.seqs):,} decisions written" + (f" as batch {outcome.batch}" if outcome.seqs else ""))
    for conflict in outcome.conflicts[:5]:
        _say(f"  not {conflict.row_id}: {conflict.reviewer} decided {conflict.action} at {conflict.at}")
    stand = {rule: of["standing"] for rule, of in result.counts().items() if of["standing"]}
    for rule, rows in stand.items():
        _say(f"  {rule:<22} {rows:>8,} rows stand" + ("  blocks" if rule in result.blocking else ""))
    if outcome.batch and outcome.seqs:
        _say(f"undo: vetset decide {dataset.folder} --undo {outcome.batch}")
    _say(f"next: vetset split {dataset.folder}")


def print_split(result: SetSplit) -> None:
    """Print sizes, label balance and what a random split would have leaked."""
    report = result.result.report
    ways = ", ".join(report["by"]) or "nothing (rows at random)"
    _say(
        f"{report['rows']:,} rows in {report['units']['count']:,} units that stay whole, by {ways}"
        + (f"; {result.dropped:,} dropped before" if result.dropped else "")
    )
    table = _table("split", "rows", "share", "asked", "units", right=(1, 2, 3, 4))
    for name, of in report["splits"].items():
        asked = f"{of['asked']:.1%}" if "asked" in of else f"{of['asked_rows']:,}"
        table.add_row(*_cells(name, of["rows"], f"{of['share']:.1%}", asked, of["units"]))
    _show(table)
    if report["held"]["rows"]:
        _say(f"{report['held']['rows']:,} rows are in no split: {report['held']['reason']}")
    _print_leaks(report["leaks"])
    if result.inflation is not None:
        _say(result.inflation.sentence)


def _print_leaks(leaks: dict[str, Any]) -> None:
    words = {
        "group": "whose group stands in train",
        "duplicates": "whose text stands in train",
        "conflicts": "whose text stands in train with another label",
        "time": "older than the newest train row",
    }
    table = _table("eval rows", "in this split", "in a random split", right=(1, 2))
    for way, of in leaks.items():
        random = of.get("random", of.get("expected"))
        if isinstance(random, int | float):
            table.add_row(*_cells(words.get(way, way), f"{of.get('here', of.get('this', 0)):.1%}", f"{random:.1%}"))
    _show(table)


def print_export(result: ExportResult) -> None:
    """Print the files, and the account of every row."""
    for file in result.files:
        _say(f"{result.folder / file.name}: {file.rows:,} rows, sha256 {file.sha256[:16]}...")
    counts = result.counts
    out = {
        "dropped": "by decisions",
        "held": "until a person decides",
        "unsplit": "in no split",
        "left_out": "the format can't carry them",
    }
    parts = [f"{counts[fate]:,} {fate.replace('_', ' ')} ({why})" for fate, why in out.items() if counts[fate]]
    total = " + ".join([f"{counts['written']:,} written", *parts])
    _say(
        f"{counts['read']:,} rows read = {total}"
        + (f"; {counts['rejects']:,} lines were rejects" if counts["rejects"] else "")
    )
    if counts.get("kept_blocking"):
        _say(f"{counts['kept_blocking']:,} of the written rows have a blocking finding that stands (--held keep)")
    for loss in result.losses:
        _say(f"  {loss.sentence}")
    for note in result.notes:
        _say(f"note: {note}")
    _say(f"next: vetset verify {result.folder}")


def print_verify(result: Verification) -> None:
    """Print what differs, or that nothing does."""
    for check in result.checks:
        if not check.ok:
            _say(f"not ok  {check.sentence}")
    good = sum(check.ok for check in result.checks)
    _say(f"{result.folder}: {good} of {len(result.checks)} checks ok")


def print_life(life: Life) -> None:
    """Print the life of a row on one screen."""
    row = life.row
    _say(f"row       {row['id']}")
    _say(
        f"read      {life.origin['path']} line {row['line']}"
        + (f" (sha256 {life.origin['sha256'][:16]}...)" if life.origin["sha256"] else "")
    )
    for message in row["messages"][-6:]:
        said = message.get("content") or message.get("tool_calls") or ""
        _say(f"{message['role']:<9} {_short(said)}")
    for name in ("label", "rejected", "group", "time", "annotator", "source", "license", "origin"):
        if row[name] is not None:
            _say(f"{name:<9} {_short(str(row[name]))}")
    official = (
        f" (the source says {life.official_split})"
        if life.official_split and life.official_split != row["split"]
        else ""
    )
    _say(f"split     {row['split'] or 'none'}{official}")
    for finding in life.findings:
        _say(f"found     {finding['rule']}: {_short(finding['note'], 200)}")
    if not life.findings:
        _say("found     nothing")
    for line in life.decisions:
        what = f"{line['action']} {_short(line['value'], 60)}" if line["value"] else line["action"]
        undoes = f" of decision {line['undoes']}" if line["undoes"] else ""
        _say(
            f"decided   {line['seq']}: {what}{undoes} by {line['reviewer']}, {line['at'][:19]}"
            + (f", {_short(line['reason'], 80)}" if line["reason"] else "")
        )
    _say(f"stands    {life.standing['action'] if life.standing else 'undecided'}")
    for export in life.exports:
        place = f"{export['file']} record {export['record']}" if export.get("file") else export.get("why") or ""
        _say(f"export    {export['export']}: {export['fate'].replace('_', ' ')} {place}".rstrip())


def _short(text: str, limit: int = 400) -> str:
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else "?" for c in (line if len(line) <= limit else line[: limit - 1] + "…"))


def print_demo(result: DemoResult) -> None:
    """Print found of planted, the split and the export."""
    table = _table("file", "rule", "planted", "found", "", right=(2, 3))
    for line in result.found:
        table.add_row(
            *_cells(line.file, line.rule, line.planted, line.found, "" if line.planted == line.found else "differs")
        )
    _show(table)
    _say()
    _say(f"the policy settled {result.settled:,} rows of tickets.csv; the rest waits for a person")
    print_split(result.split)
    _say()
    print_export(result.export)
    _say()
    _say("try next:")
    for command in result.next_commands():
        _say(f"  {command}")
