"""What ``vetset compare`` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lines import cells, clipped, columns, say, show, tell

if TYPE_CHECKING:
    from pathlib import Path

    from ..evaluate.verdicts.verdict import Verdict

_SLICES = 8  # of the slices; verdict.md has more, --json all


def print_verdict(verdict: Verdict, page: Path) -> None:
    """Print a verdict: the word, the gain, the gates, the worst slices, and where the flips are listed."""
    of = verdict.gain
    tell(f"{verdict.word.upper()}: {verdict.reason}")
    say()
    say(f"baseline   {of.baseline:6.1%}  {clipped(verdict.baseline, 60)}")
    say(f"candidate  {of.candidate:6.1%}  {clipped(verdict.candidate, 60)}")
    tell(
        f"gain       {100 * of.gain:+.1f} points, {of.confidence:.4g} interval {100 * of.low:+.1f} to {100 * of.high:+.1f}, by "
        f"{clipped(verdict.scorer, 40)}. {of.method}",
        indent=" " * 11,
    )
    say(f"flips      {len(verdict.won):,} won, {len(verdict.lost):,} lost")
    say()
    table = columns("gate", "holds", "what was found")
    for gate in verdict.gates:
        table.add_row(*cells(gate.name, gate.mark, clipped(gate.told, 150)))
    show(table)
    shown = [one for one in verdict.sliced.slices if one.gain.gain < 0][:_SLICES]
    if shown:
        say()
        table = columns("slice that lost", "rows", "baseline", "candidate", "gain", "p (Holm)", right=(1, 2, 3, 4, 5))
        for one in shown:
            name = clipped(f"{one.column} = {one.value}", 50)
            figures = (f"{one.gain.baseline:.1%}", f"{one.gain.candidate:.1%}", f"{100 * one.gain.gain:+.1f}")
            table.add_row(*cells(name, str(one.gain.rows), *figures, f"{one.p_worse:.2g}"))
        show(table)
    say()
    tell(f"{page} lists the rows that were won and lost")
