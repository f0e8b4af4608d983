"""What ``vetset distill`` prints for people: where a run is on stderr, and what it came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..curate.wording import counted, shell
from .lines import columns, progress_line, say, show, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..curate.distill.rounds import Progress
    from ..evaluate.distilling.distilled import Counts, Distilled

_CELLS = 20  # cells that are shown; the report has all


@dataclass
class Shown:
    """What is said while a run works."""

    write: Callable[[str, bool], None]
    _round: str = field(default="")

    def round(self, at: Progress) -> None:
        """Say how far the rows are."""
        self._round = f"round {at.round}: {at.accepted:,} of {at.wanted:,} rows accepted, {counted(at.drafts, 'draft')}"
        self.write(self._round, True)

    def call(self, counts: Counts) -> None:
        """Say how many answers came."""
        failed = f", {counted(counts.failed, 'call')} failed" if counts.failed else ""
        money = "" if counts.money is None else f", {counts.money:,.4g} spent"
        before = f"{self._round}; " if self._round else ""
        self.write(f"{before}{counted(counts.asked, 'answer')} came, {counts.tokens:,} tokens{money}{failed}", False)


@contextmanager
def rate() -> Iterator[Shown]:
    """Give what says on stderr where a run is."""
    with progress_line(keep=True) as write:
        yield Shown(write)


def print_distilled(found: Distilled, recipe: Path, brought: Any) -> None:
    """Print what a run came to, what is worth knowing, and the next step."""
    report = found.report
    unchanged = " (nothing has changed since)" if found.unchanged else ""
    tell(
        f"{found.folder}: {report['accepted']:,} of {report['wanted']:,} rows accepted, of "
        f"{counted(report['planned'], 'draft')}; {report['rejected']:,} rejected, {report['review']:,} to "
        f"review, {report['failed']:,} failed{unchanged}"
    )
    if report["gates"]:
        table = columns("gate", "drafts", right=(1,))
        for gate, count in report["gates"].items():
            table.add_row(gate, f"{count:,}")
        show(table)
    if left := report.get("plan", {}).get("seeds_left_out"):
        tell("real rows that were not shown: " + ", ".join(f"{count:,} {why}" for why, count in left.items()))
    _print_short(report)
    _print_spend(report, found.calls)
    for sentence in [*(report.get("diversity") or {}).get("sentences", []), *report["notes"]]:
        tell(f"note: {sentence}")
    if brought is not None:
        tell(brought.sentence)
        say(f"next: vetset check {shell(brought.folder)}, then vetset review {shell(brought.folder)} (page Synthetic)")
    elif report["short"]:
        tell(f"next: {_next(report, recipe, found.folder)}")
    else:
        say(f"next: vetset distill {shell(recipe)} --bring-in")


def _next(report: Mapping[str, Any], recipe: Path, folder: Path) -> str:
    """Return what brings the rows that are lacking."""
    if report["gates"].get("distill.budget"):
        return f"raise [budget] in {shell(recipe)} (or read a waiting batch back) and run it again; kept answers cost nothing"
    if report["failed"]:
        return f"vetset distill {shell(recipe)} again, which asks for what failed"
    return (
        f"every cell that is short used up its drafts: see in {shell(folder / 'rejected.jsonl')} why they fell, then raise "
        f"plan.attempts in {shell(recipe)} or mend the prompt"
    )


def _print_short(report: Mapping[str, Any]) -> None:
    short = [one for one in report["cells"] if one["accepted"] < one["wanted"]]
    if not short:
        return
    tell(f"{counted(len(short), 'cell')} short of {counted(report['short'], 'row')}:")
    table = columns("cell", "wanted", "accepted", "drafts", right=(1, 2, 3))
    for one in short[:_CELLS]:
        name = ", ".join(f"{axis}={value}" for axis, value in one["cell"].items()) or "all"
        table.add_row(name[:80], f"{one['wanted']:,}", f"{one['accepted']:,}", f"{one['drafts']:,}")
    show(table)
    if len(short) > _CELLS:
        tell(f"and {len(short) - _CELLS:,} more; report.json has all.")


def _print_spend(report: Mapping[str, Any], calls: int) -> None:
    spend = report.get("spend") or {}
    settled, currency = spend.get("settled") or {}, spend.get("currency") or ""
    if not settled:
        return
    money = f", {settled['money']:,.4g} {currency}".rstrip() if settled.get("money") is not None else ""
    tell(
        f"{counted(calls, 'call')} answered now; in all {counted(settled['calls'], 'call')}, {settled['prompt_tokens']:,} "
        f"tokens of prompts and {settled['completion_tokens']:,} of replies{money}"
    )
    if (unknown := spend.get("unknown") or {}).get("calls"):
        most = unknown["prompt_tokens"] + unknown["completion_tokens"]
        tell(
            f"{unknown['calls']:,} calls, or tries of one, may have been paid for without an answer, at most {most:,} tokens "
            "(spend.json lists them)"
        )


def print_plan(planned: Any, recipe: Path) -> None:
    """Print what a run would take."""
    for line in planned.sentences:
        tell(line)
    say(f"next: vetset distill {shell(recipe)}")
