"""Scorers and judges asked about rows that a teacher made: what ``distill`` holds them against.

The answer of a row is its last assistant turn, and where it has none its text. What is right is told by the row that it was made
from, where that is a single one: its answer, else its label. A row that was made from several examples has none, and a scorer
that compares says nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from ...curate.calls import Answer, Ask, Request
from ...curate.distill.gates.gate import Check, Checked, Vote
from ...curate.embed.encoder import Encoder
from ...curate.errors import GateError, UsageError, quote
from ...curate.messages import Said
from .case import Case, Scored, Scorer
from .judge import Judge, judge_answers
from .judge_calibration import Calibration, load_calibration, require_calibrated
from .patterns import count_groups
from .registry import calibration_file, parse, scorers

REFERENCED = (
    "exact", "normalised", "contains", "class", "number", "fields", "tool_calls", "token_f1", "chrf", "bleu", "rouge_l",
    "similarity",
)  # fmt: skip
"""Kinds of scorers that compare with what is right; ``regex`` does where its pattern has a group."""
_WARMTH = 0.7
"""Temperature of further votes: at 0 a model says the same again, and agrees with itself about nothing."""


def checks_of(
    specs: Sequence[str], real: pl.DataFrame, *, labels: Sequence[str] | None = None, encoder: Encoder | None = None
) -> dict[str, Check]:
    """Return the scorers of several specs as verifiers of made rows, by name.

    Args:
        specs: as ``vetset eval --scorer`` takes them: ``regex:PATTERN``, ``schema:FILE``, ``verify:FILE.py:NAME``.
        real: the rows that others are made from, ``dataset.ROWS``.
        labels: for ``class``: all that an answer may name.
        encoder: for ``similarity``.

    Raises:
        UsageError: there is no such scorer, it makes no sense, or it is a judge, who has a table of its own.
        MissingExtra: it needs a library that is not installed.
    """
    for spec in specs:
        if parse(spec)[1] == "judge":
            raise UsageError(
                f"verify: {quote(spec, 60)} is a judge; name its model and rubric in the recipe's table [judge]."
            )
    right = _answers(real)
    return {
        one.name: _check(one, right, referenced=_referenced(one.spec))
        for one in scorers(specs, labels=labels, encoder=encoder)
    }


def _check(scorer: Scorer, right: Mapping[str, str], *, referenced: bool) -> Check:
    def check(made: pl.DataFrame) -> list[Checked]:
        cases = cases_of(made, right)
        asked = [at for at, case in enumerate(cases) if not referenced or case.reference is not None]
        found = [Checked(None, asked=False)] * len(cases)
        for at, scored in zip(asked, scorer.score([cases[at] for at in asked]) if asked else [], strict=True):
            found[at] = _checked(scored)
        return found

    return check


def _checked(scored: Scored) -> Checked:
    if scored.score is None:
        return Checked(None, note="" if scored.status == "unparsed" else scored.status)
    return Checked(scored.score, note=scored.prediction or "")


def _referenced(spec: str) -> bool:
    _, kind, option = parse(spec)
    return kind in REFERENCED or (kind == "regex" and count_groups(option) > 0)


def cases_of(made: pl.DataFrame, right: Mapping[str, str]) -> list[Case]:
    """Return made rows (``ROWS`` and ``parents``) as cases, in order.

    Args:
        made: the rows.
        right: the answer or label of each real row that has one, by id.
    """
    columns = made.select("id", "messages", "label", "parents")
    return [
        _case(row_id, messages, label, parents or [], right) for row_id, messages, label, parents in columns.iter_rows()
    ]


def _case(row_id: str, messages: list[dict], label: str | None, parents: list[str], right: Mapping[str, str]) -> Case:
    said = [Said(one["role"], one["content"], one["tool_calls"], one["tool_call_id"]) for one in messages]
    last = said.pop() if said else Said("user", "")
    if last.role != "assistant" and label is not None:
        said.append(
            Said("user", f"Write a text of which the label is: {label}")
        )  # else a judge would not know what was asked
    reference = right.get(parents[0]) if len(parents) == 1 else None
    return Case(
        last.content,
        reference,
        tool_calls=messages[-1]["tool_calls"] if messages else None,
        question=tuple(said),
        id=row_id,
    )


def _answers(real: pl.DataFrame) -> dict[str, str]:
    last = pl.col("messages").list.last().struct
    answer = pl.when(last.field("role") == "assistant").then(
        pl.coalesce(last.field("content"), last.field("tool_calls"))
    )
    told = real.select("id", right=pl.coalesce(answer, "label")).drop_nulls("right")
    return dict(told.iter_rows())


@dataclass(frozen=True)
class Bench:
    """Judges of made rows: ``gates.gate.JudgeRows``."""

    judges: tuple[Judge, ...]
    """The vote of each stands by itself; the same judge may sit several times."""
    calibrated: tuple[bool, ...]
    """Whether its agreement with people was measured and is enough, judge by judge."""
    why: tuple[str, ...] = ()
    """Of each that is not: one sentence."""
    right: Mapping[str, str] = field(default_factory=dict)
    """The answer or label of each real row, by id: shown to judges whose rubric wants a reference."""

    def __call__(self, made: pl.DataFrame) -> list[list[Vote]]:
        """Return the votes on each row.

        Raises:
            GateError: a judge answered none of its calls.
        """
        cases = cases_of(made, self.right)
        votes: list[list[Vote]] = [[] for _ in cases]
        for judge, calibrated in zip(self.judges, self.calibrated, strict=True):
            for some, scored in zip(votes, judge_answers(judge, cases), strict=True):
                some.append(Vote(scored.score, judge.model.name, calibrated, scored.error))
        return votes


def bench_of(
    judges: Sequence[Judge],
    *,
    rubric: str | Path | None = None,
    calibration: Calibration | str | Path | None = None,
    votes: int = 1,
    real: pl.DataFrame | None = None,
) -> Bench:
    """Return judges of made rows; those whose agreement with people was measured may reject, the others send to review.

    The first vote of each judge is as it was calibrated. Further ones are drawn with warmth, so that a judge who is unsure
    contradicts itself; what was measured was not measured of these, and they count for disagreement alone.

    Args:
        judges: models with a rubric for single answers (modes pass and score).
        rubric: its file, beside which a calibration is looked for.
        calibration: one, or its file.
        votes: of each judge.
        real: the rows that others are made from, for the reference.

    Raises:
        UsageError: no judge, no vote, or a rubric for pairs.
        DataError: the calibration can't be read.
    """
    if not judges or votes < 1:
        raise UsageError("a judge takes a model and at least one vote; write votes = 1 or more.")
    if any(judge.rubric.mode == "pair" for judge in judges):
        raise UsageError(
            "the judge's rubric compares two answers, and a made row is one; set its mode to pass or score."
        )
    measured, absent = _measured(rubric, calibration)
    seats, calibrated, why = [], [], []
    for judge in judges:
        fault = absent or _fault(judge, measured)
        why += [fault] if fault else []
        seats += [judge, *(_warm(judge, vote) for vote in range(1, votes))]
        calibrated += [fault is None, *[False] * (votes - 1)]
    return Bench(tuple(seats), tuple(calibrated), tuple(why), {} if real is None else _answers(real))


def _measured(
    rubric: str | Path | None, given: Calibration | str | Path | None
) -> tuple[Calibration | None, str | None]:
    """Return the calibration, and why there is none."""
    if isinstance(given, Calibration):
        return given, None
    place = given if given is not None else None if rubric is None else calibration_file(rubric)
    if place is None:
        return None, None
    try:
        return load_calibration(place), None
    except GateError as error:  # there is none: that is told, and the judge may not reject
        return None, str(error)


def _fault(judge: Judge, measured: Calibration | None) -> str | None:
    try:
        require_calibrated(judge, measured)
    except GateError as error:
        return str(error)
    return None


def _warm(judge: Judge, vote: int) -> Judge:
    import msgspec

    warm = msgspec.structs.replace(judge.parameters, temperature=max(judge.parameters.temperature, _WARMTH))
    return replace(judge, parameters=warm, ask=_drawn(judge, vote), again=None)


def _drawn(judge: Judge, vote: int) -> Ask:
    """Return how a judge is asked for its vote of that number."""
    ask: Callable[[Sequence[Request]], list[Answer]] | None = judge.ask

    def drawn(requests: Sequence[Request]) -> list[Answer]:
        import msgspec

        told = [msgspec.structs.replace(request, sample=vote) for request in requests]
        if ask is not None:
            return ask(told)
        from ..models.calling import answer_all

        return answer_all(judge.model, told)

    return drawn
