"""What ``vetset judge`` prints for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..curate.wording import counted, shell
from .lines import cells, columns, say, show, tell

if TYPE_CHECKING:
    from ..evaluate.scorers.judge_calibration import Calibration


def print_calibration(found: Calibration, path: Path, refused: str | None, *, rubric: Path, model: str) -> None:
    """Print how far the judge agrees, who said what, and whether it counts."""
    tell(found.sentence())
    table = columns("people", "judge", "answers", right=(2,))
    for pair, count in sorted(found.cells.items(), key=lambda of: -of[1]):
        table.add_row(*cells(*pair.split(">"), count))
    show(table)
    for count, said in (
        (found.left_out, "answers were not shown, as they refuse or don't exist"),
        (found.contradictions, "pairs were decided otherwise in the other order, and are ties"),
    ):
        if count:
            tell(f"{count:,} {said}.")
    if found.unparsed:
        tell(
            f"{counted(found.unparsed, 'verdict')} could not be read; the same command again asks for "
            f"{'it' if found.unparsed == 1 else 'them'} anew, and for nothing else. Where that does not help, the rubric asks "
            "for too much beside the verdict, or the model is too small."
        )
    tell(f"written: {path}")
    tell(refused or "It counts: `vetset eval` takes it as a scorer.")
    if refused is None:
        say(f"next: vetset eval MODEL --on EVALSET --scorer {shell(f'judge:{rubric}')} --judge {shell(model)}")
