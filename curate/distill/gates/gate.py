"""What gates look at and what they say: a batch of made rows, and a verdict a row and gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import polars as pl

from ...calls import Answer, Ask
from ...dataset import ROWS
from ...embed.encoder import Encoder
from ...masking import mask
from ..budget import unasked
from ..outcome import BUDGET, CALL
from ..task import Task

VERDICTS = pl.Schema(
    {
        "id": pl.String,  # of the draft
        "gate": pl.String,  # the rule that found something, the gate itself where nothing did
        "verdict": pl.String,  # pass, review, reject, or failed where a call of the gate's own brought no answer
        "score": pl.Float64,  # what the gate measured, in its own unit; null where it measures nothing
        "note": pl.String,  # one sentence, masked; empty for a pass without anything to say
        "peer": pl.String,  # the row that this one is like, or at odds with
    }
)

Severity = Literal["failed", "reject", "review", "pass"]
Action = Literal["reject", "review", "off"]
"""What becomes of a row that a gate finds fault with; ``off``: the gate does not look."""

_NOTE = 400  # characters


@dataclass(frozen=True, slots=True)
class Checked:
    """What a verifier says of one made row."""

    score: float | None
    """From 0 to 1; ``None`` where nothing could be scored."""
    note: str = ""
    """What it took from the row, or why there is no score; shown masked."""
    asked: bool = True
    """Whether the verifier has anything to hold this row against: where it needs a reference and there is none, it has not."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One judge's verdict on one made row."""

    score: float | None
    """From 0 to 1; ``None`` where the verdict could not be read, or its call failed (``error``)."""
    judge: str = ""
    """Whose it is."""
    calibrated: bool = False
    """Whether its agreement with people was measured and is enough. One that was not may send a row to review, and no more."""
    error: str | None = None
    """Why its call brought no answer; ``None`` where there is one, readable or not."""


Check = Callable[[pl.DataFrame], Sequence[Checked]]
"""Made rows (``ROWS`` and ``parents``) to what a verifier says of each, in order."""

JudgeRows = Callable[[pl.DataFrame], "list[list[Vote]]"]
"""Made rows to the votes on each, in order."""


@dataclass(frozen=True)
class Batch:
    """Made rows of one round and what they are held against."""

    made: pl.DataFrame
    """``ROWS`` and ``parents`` (List[str]); ``id`` is the draft's, ``label`` the intended one; of two alike the earlier stays.
    Where it has ``beside`` (List[str]), that is what a row was made with and has no column for."""
    real: pl.DataFrame
    """Every row of the set that no teacher wrote, ``ROWS``."""
    task: Task
    kept: pl.DataFrame = field(default_factory=ROWS.to_frame)
    """Made rows of rounds before that were accepted or wait for review."""
    held: pl.DataFrame | None = None
    """Rows of eval sets, ``ROWS``."""
    same_text: bool = False
    """Rows repeat their parents' text on purpose (labels, rationales)."""
    encoder: Encoder | None = None
    cache: Path | None = None
    notes: list[str] = field(default_factory=list)
    """Takes what there is to say beside the verdicts, once."""
    ask: Ask | None = None
    """The teacher."""
    checks: Mapping[str, Check] = field(default_factory=dict)
    """Verifiers by name."""
    judge: JudgeRows | None = None

    @cached_property
    def known(self) -> pl.DataFrame:
        """The rows that no made row may repeat: real ones and those made before, ``ROWS``."""
        return pl.concat([plain(self.real), plain(self.kept)])

    @cached_property
    def shown(self) -> pl.DataFrame:
        """The real rows that a teacher may be shown: trained on, and not close to an eval row."""
        return self.real.filter(pl.col("id").is_in(pl.Series("id", list(self.task.rows), pl.String).implode()))

    @cached_property
    def beside(self) -> pl.Series:
        """What each made row was made with and has no column for, List[String]; empty where nothing is told."""
        if "beside" in self.made.columns:
            return self.made["beside"]
        return pl.Series("beside", [[]] * self.made.height, dtype=pl.List(pl.String))

    def say(self, note: str) -> None:
        """Add a note, once."""
        if note not in self.notes:
            self.notes.append(note)


def plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of a set's rows."""
    return rows.select(pl.col(name).cast(kind) for name, kind in ROWS.items())


def verdicts(found: pl.DataFrame, gate: str | None = None, *, severity: Severity | None = None) -> pl.DataFrame:
    """Return verdicts in their columns: what is missing is null, notes are masked and cut.

    Args:
        found: at least ``id``; findings of a rule have ``rule`` in place of ``gate``.
        gate: its name, where the frame has none.
        severity: the verdict, where the frame has none.
    """
    if "rule" in found.columns:
        found = found.with_columns(gate="rule")
    given = {"gate": gate, "verdict": severity, "note": ""}
    columns = [
        pl.coalesce(
            pl.col(name).cast(kind) if name in found.columns else pl.lit(None, kind), pl.lit(given.get(name), kind)
        ).alias(name)
        for name, kind in VERDICTS.items()
    ]
    lines = found.select(columns)
    notes = [mask(note)[:_NOTE] for note in lines["note"]]
    return lines.with_columns(note=pl.Series(notes, dtype=pl.String))


def of_lines(lines: list[dict[str, Any]], gate: str | None = None, *, severity: Severity | None = None) -> pl.DataFrame:
    """Return verdicts of lines with some of their columns; none for no line."""
    return verdicts(pl.DataFrame(lines, schema=VERDICTS), gate, severity=severity)


def without_answer(row_id: str, answers: Sequence[Answer]) -> dict[str, Any] | None:
    """Return the verdict on a row for which a call of a gate's own brought no answer; ``None`` where all did.

    It says nothing of the row, which is judged by the run that gets the answer.
    """
    missing = [answer for answer in answers if answer.finish == "error"]
    if not missing:
        return None
    first = next((answer for answer in missing if unasked(answer)), missing[0])
    gate = BUDGET if unasked(first) else CALL
    return {"id": row_id, "gate": gate, "verdict": "failed", "note": first.error or "The call failed."}


def limited(found: pl.DataFrame, action: Action) -> pl.DataFrame:
    """Return verdicts no harder than a gate may be: with ``review`` it rejects nothing."""
    if action == "reject":
        return found
    return found.with_columns(verdict=pl.col("verdict").replace("reject", "review"))
