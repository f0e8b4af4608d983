"""Answers of another tool scored anew by vetset's own scorers, so that runs of several tools are judged alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...curate.errors import DataError
from ...curate.messages import Said
from ..evalsets.evalset import EvalSet, question, reference
from ..models.calling import answer_all
from ..models.journal import Journal
from ..models.protocol import Model
from ..runs.prompts import labels_of
from ..scorers.case import Case, Scored, Scorer
from ..scorers.registry import scorers
from .joining import Joined


@dataclass(frozen=True)
class Rescored:
    """What one scorer says of the answers."""

    scorer: Scorer
    found: list[Scored]
    """(n) one an answer, in the order of what was joined."""


def open_scorers(
    specs: Sequence[str], on: EvalSet | None, *, judge: Model | None = None, journal: Journal | str | Path | None = None
) -> list[Scorer]:
    """Return the scorers of some specs, as ``vetset eval`` has them.

    Args:
        specs: ``KIND`` or ``KIND:OPTION``.
        on: whose labels a scorer of classes knows; those of the answers' references for ``None``.
        judge: for ``judge:RUBRIC``.
        journal: keeps the judge's answers.

    Raises:
        UsageError: there is no such scorer, or two have one name.
        GateError: the judge is not calibrated.
    """
    return scorers(
        specs, labels=(labels_of(on.rows) or None) if on is not None else None, judge=judge,
        ask=None if judge is None else lambda requests: answer_all(judge, requests, journal=journal),
    )  # fmt: skip


def rescore(joined: Joined, of: Sequence[Scorer]) -> list[Rescored]:
    """Score what was joined against the rows' own references.

    Raises:
        DataError: a scorer gives another number of scores than it was given answers.
    """
    cases = [
        Case(
            record.output,
            row["reference"] if "reference" in row else reference(row),
            finish=record.finish,
            question=tuple(question(row)) if "messages" in row else (Said("user", record.question),),
            id=row["id"],
        )
        for row, record in zip(joined.rows, joined.records, strict=True)
    ]
    return [Rescored(one, _scored(one, cases)) for one in of]


def _scored(scorer: Scorer, cases: Sequence[Case]) -> list[Scored]:
    found = scorer.score(cases)
    if len(found) != len(cases):
        raise DataError(
            f"the scorer {scorer.name} gave {len(found):,} scores for {len(cases):,} answers; it takes one an answer, in order."
        )
    return [Scored(None, "error") if case.finish == "error" else one for case, one in zip(cases, found, strict=True)]
