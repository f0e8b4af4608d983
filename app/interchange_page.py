"""What the commands that speak with other tools print for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..curate.wording import counted, shell
from .lines import cells, clipped, columns, say, show, tell

if TYPE_CHECKING:
    from ..evaluate.interchange.exporting import ExportResult
    from ..evaluate.interchange.importing import ImportResult


def print_exported(result: ExportResult) -> None:
    """Print what was written and how it is run."""
    tell(
        f"{counted(len(result.out.rows), 'row')} of {result.out.name}, part {result.out.part}, digest {result.out.digest[:12]}, "
        f"as the {result.to} task {result.out.task}, judged by the rule `{result.out.rule.match}`"
    )
    for name in result.files:
        say(f"  {result.folder / name}")
    say(f"run it: {result.run}")
    say(f"then:   vetset runs import RESULTS --on EVALSET -o NAME.run  (RESULTS: what {result.to} wrote)")


def print_imported(result: ImportResult) -> None:
    """Print what was taken over, and the scores."""
    told = result.summary()
    tell(
        f"{result.run.folder}: {counted(told['answers'], 'answer')} of {clipped(told['model'], 60)} to "
        f"{counted(told['rows'], 'row')}, made by {told['from']}"
    )
    table = columns("score", "mean", right=(1,))
    for name, mean in told["scores"].items():
        table.add_row(
            *cells(name + (" (primary)" if name == told["primary"] else ""), "-" if mean is None else f"{mean:.4f}")
        )
    show(table)
    say("statuses: " + ", ".join(f"{status} {count:,}" for status, count in told["statuses"].items() if count))
    joined = result.counts
    if told["evalset"]["folder"]:
        by = f"{joined['by_id']:,} by id, {joined['by_content']:,} by content"
        say(f"joined to {told['evalset']['name']} ({told['evalset']['part']}): {by}")
    say(f"next: vetset compare BASELINE.run {shell(result.run.folder)}")


def print_benchmarks(results: list[ImportResult]) -> None:
    """Print a line a task."""
    table = columns("task", "rows", "score", "mean", "run", right=(1, 3))
    for result in results:
        told = result.summary()
        mean = told["scores"].get(told["primary"])
        value = "-" if mean is None else f"{mean:.4f}"
        table.add_row(*cells(clipped(told["evalset"]["name"], 40), told["rows"], told["primary"], value, told["run"]))
    show(table)
