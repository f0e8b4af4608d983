"""What ``vetset plan`` prints for people."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from ..curate.errors import quote
from ..curate.wording import counted, shell
from .lines import cells, columns, say, show, tell

if TYPE_CHECKING:
    from pathlib import Path

    from ..train.planning.preflight import Plan
    from ..train.planning.problem import Problem

_BAR = 40
_INDENT = " " * 11


def print_plan(plan: Plan, path: Path | None, *, limit: int) -> None:
    """Print the figures, the first rows as they are trained, and what speaks against the run, the worst last.

    Args:
        plan: what the run would be.
        path: of the recipe.
        limit: most rows that are listed of a problem; 0 lists all.
    """
    recipe = plan.recipe
    what = "all weights" if recipe.full else f"rank {recipe.rank}"
    _line(
        "run",
        f"{recipe.method} of {recipe.base} ({plan.shape.parameters / 1e6:,.1f} M weights), {what}, into {recipe.out}",
    )
    _line("rows", _rows(plan))
    _tokens(plan)
    _template(plan)
    _budget(plan)
    data = ", ".join(f"{name} {rows:,}" for name, rows in plan.licences.items())
    _line("licences", f"data: {data}; base: {plan.base_licence or 'not named'}")
    _shown(plan)
    for note in plan.notes:
        tell(f"note: {note}")
    for problem in reversed(plan.problems):
        _problem(problem, limit)
    _end(plan, path)


def _line(head: str, text: str) -> None:
    tell(f"{head:<11}{text}", indent=_INDENT)


def _rows(plan: Plan) -> str:
    general = int(plan.rows["general"].sum())
    mixed = f" ({general:,} of them general)" if general else ""
    valid = (
        "none picks the checkpoint"
        if plan.valid is None
        else f"{counted(plan.valid.height, 'row')} pick the checkpoint"
    )
    held = f"held against {', '.join(plan.evalsets)}" if plan.evalsets else "held against no eval set (--evalset)"
    kept = int(plan.kept.sum())
    left = f", {plan.rows.height - kept:,} left out" if kept < plan.rows.height else ""
    return f"{kept:,} to train on{mixed}{left}, {valid}; {held}"


def _tokens(plan: Plan) -> None:
    from ..train.planning.budget import BOTH_SIDES

    lengths = plan.lengths
    if lengths is None:
        return
    share = f" ({plan.trained / max(lengths.total, 1):.0%})"
    if plan.recipe.method in BOTH_SIDES and plan.recipe.method != "kto":
        share = " of both answers (a row counts with the longer one)"
    ends = f"the end of the answer is trained in {plan.ends:,} of {counted(plan.rows.height, 'row')}"
    said = f", of which {plan.trained:,} are trained{share}; {ends}"
    said = " of questions; the model writes the answers while it trains" if _asks(plan) else said
    _line("tokens", f"{lengths.total:,}{said}")
    of = lengths.percentiles
    _line("length", f"{of['p50']:,} at the median, {of['p95']:,} at 95%, {of['p99']:,} at 99%, {of['p100']:,} at most")
    most = max(rows for _, _, rows in lengths.bins)
    for low, high, rows in lengths.bins:
        bar = "#" * -(-_BAR * rows // most)
        say(f"{_INDENT}{f'{low:,}-{high - 1:,}':>13} {rows:>8,} {bar}".rstrip())


def _asks(plan: Plan) -> bool:
    from ..train.trl_face import GENERATING

    return plan.recipe.method in GENERATING


def _template(plan: Plan) -> None:
    digest = plan.renderer.digest
    if digest is None:
        return
    unalike = int((~plan.rows["alike"]).sum())
    alike = "training and use render alike" if not unalike else f"in {counted(unalike, 'row')} use renders otherwise"
    opening = f"; a question begins with {quote(plan.opening, 200)}" if plan.opening else ""
    _line("template", f"{digest[:12]} of {plan.recipe.template or plan.recipe.base}: {alike}{opening}")


def _budget(plan: Plan) -> None:
    of, gigabytes = plan.budget, 1e9
    parts = ", ".join(f"{name} {size / gigabytes:.2f}" for name, size in of.memory.items())
    _line("device", f"{of.device.name}, {of.device.said}")
    _line("memory", f"about {of.bytes / gigabytes:.1f} GB at the peak ({parts})")
    fits = f"{of.largest:,} would fit" if of.largest else "not one would fit"
    layers = ", with checkpointing" if of.checkpointing else ""
    layers += f"; learning rate {plan.recipe.rate:g}"
    _line("batch", f"{counted(plan.recipe.batch, 'row')} a step, {of.at_once:,} in memory at once ({fits}){layers}")
    time = "nobody can tell" if of.seconds is None else f"about {_span(of.seconds)}, within a factor of two"
    cost = "" if of.cost is None else f", {of.cost:,.2f} at {plan.recipe.price_per_hour:g} an hour"
    _line("time", f"{time}, for {counted(of.steps, 'step')} that train {of.trained / 1e6:,.2f} M weights{cost}")


def _span(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} seconds"


def _shown(plan: Plan) -> None:
    if not plan.shown:
        return
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    say()
    marked = "what is trained stands between ⟦ and ⟧" + (", in green" if colour else "")
    say(f"examples   {'what is asked' if _asks(plan) else marked}")
    for one in plan.shown:
        trained = "" if _asks(plan) else f", {sum(one.tokens.trained[1:]):,} trained"
        say(f"{one.file} line {one.line}: {counted(len(one.tokens.ids), 'token')}{trained}")
        sys.stdout.write(plan.renderer.page(one.tokens, colour=colour).rstrip("\n") + "\n\n")  # it tames by itself


def _problem(problem: Problem, limit: int) -> None:
    tell(f"{'REFUSED' if problem.level == 'refuse' else 'warning'}  {problem.kind}: {problem.said}", indent=" " * 9)
    listed = problem.rows[: limit or None]
    if listed:
        more = [name for name in listed[0] if name not in ("id", "file", "line")]
        table = columns("", "file", "line", *more)
        for row in listed:
            table.add_row(*cells("       ", row["file"] or "", row["line"] or "", *(_cell(row[name]) for name in more)))
        show(table)
        if left := len(problem.rows) - len(listed):
            say(f"         and {counted(left, 'row')} more (--limit 0 lists all)")


def _cell(value: Any) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0%}"
    return value if isinstance(value, int) else quote(value, 60)


def _end(plan: Plan, path: Path | None) -> None:
    refused, warned = len(plan.refused), len(plan.problems) - len(plan.refused)
    say(f"{counted(refused, 'problem')} that would be refused, {counted(warned, 'warning')}")
    if not refused:
        say(f"next: vetset train {shell(path) if path else '(with the same options)'}")
