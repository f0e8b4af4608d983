"""A model as a judge: of one answer by a rubric, or of which of two is better, asked in both orders.

Judges favour what stands first, what is long, and what they wrote themselves (Zheng et al. 2023, MT-Bench). Both orders are
asked always: a judge that contradicts itself has not decided, and the pair is a tie. Against length and kin no prompt helps;
so a judge counts only once its agreement with people was measured (``judge_calibration``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Literal

from ...curate.calls import Ask
from ...curate.distill.budget import unasked
from ...curate.errors import GateError, UsageError, quote
from ...curate.messages import Said
from ...curate.wording import counted
from ..models.protocol import Answer, Model, Parameters, Request
from .answers import statuses
from .case import Case, Scored
from .judge_prompts import Rubric, one_answer, prompts_digest, read_verdict, two_answers

Again = Callable[[Sequence[Request], Callable[[int, Answer], bool]], list[Answer]]
"""As ``Ask``; is told of each place and its kept reply whether that can't be read."""

_PARAMETERS = Parameters(
    temperature=0.0, max_tokens=512
)  # room for three sentences, and the thought that precedes them


@dataclass(frozen=True)
class Judge:
    """A model with a rubric."""

    model: Model
    rubric: Rubric
    ask: Ask | None = None
    """How its calls are made; straight, without a journal, for ``None``."""
    parameters: Parameters = _PARAMETERS
    again: Again | None = None
    """How its calls are made where replies that are kept and can't be read are asked for anew; in place of ``ask``."""

    @property
    def digest(self) -> str:
        """The SHA-256 of what decides a verdict besides the answers: model, parameters, rubric and prompt."""
        import msgspec

        told = [dict(self.model.identity()), msgspec.to_builtins(self.parameters), prompts_digest(self.rubric)]
        return sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Preference:
    """Which of two answers a judge prefers."""

    winner: Literal["first", "second", "tie"] | None
    """``None`` where one of the two verdicts can't be read (``unparsed``), or was never given (``error``)."""
    contradicts: bool = False
    """The judge said one thing in one order and another in the other: a tie for that reason."""
    status: Literal["ok", "unparsed", "error"] = "ok"
    forwards: str | None = None
    """What it said with the first answer as A: A, B or TIE."""
    backwards: str | None = None
    """What it said with the second answer as A."""


def judge_answers(judge: Judge, cases: Sequence[Case]) -> list[Scored]:
    """Return the judge's verdict on each answer: 1 or 0 of ``pass``, 0 to 1 of ``score`` (1 to 5 of the judge's).

    Answers that are missing, refuse or were cut off are not shown to the judge. A verdict that can't be read leaves the
    answer ``unparsed``; where the judge's own call failed, there is no verdict (``error``), and the answer isn't wrong for it.

    Raises:
        UsageError: the rubric compares pairs.
    """
    if judge.rubric.mode == "pair":
        raise UsageError(
            "this rubric compares two answers; judge runs with it by pairs, or set its mode to pass or score."
        )
    told = statuses(cases)
    shown = [place for place, status in enumerate(told) if status == "ok"]
    prompts = [one_answer(judge.rubric, cases[place]) for place in shown]
    replies = _asked(judge, prompts)
    scored = [Scored(None, status) for status in told]
    for place, (_, code), reply in zip(shown, prompts, replies, strict=True):
        verdict = _verdict(judge, reply, code)
        gone = reply.finish == "error"
        broken = Scored(None, "error", error=reply.error or "The call failed.") if gone else Scored(None, "unparsed")
        scored[place] = broken if verdict is None else Scored(_score(verdict), prediction=verdict)
    return scored


def judge_pairs(judge: Judge, first: Sequence[Case], second: Sequence[Case]) -> list[Preference]:
    """Return which of two answers to the same question the judge prefers, each pair asked in both orders.

    An answer that is missing, refuses or is cut off is shown as it is, since that may be what decides; where one of the two
    does not exist, or one of the two calls to the judge failed (``error``), there is no preference.

    Raises:
        UsageError: the rubric is for single answers, or the cases don't pair.
    """
    if judge.rubric.mode != "pair":
        raise UsageError('this rubric is for single answers; set its mode to "pair" to compare two.')
    if [case.id for case in first] != [case.id for case in second]:
        raise UsageError(
            "the answers to be compared are not to the same rows in the same order; join them by id first."
        )
    shown = [place for place in range(len(first)) if "error" not in (first[place].finish, second[place].finish)]
    texts = [(first[place].output or "", second[place].output or "") for place in shown]
    prompts = [
        two_answers(judge.rubric, first[place], *order)
        for place, (one, other) in zip(shown, texts, strict=True)
        for order in ((one, other), (other, one))
    ]
    replies = _asked(judge, prompts)
    said = [_verdict(judge, reply, code) for reply, (_, code) in zip(replies, prompts, strict=True)]
    found = [Preference(None, status="error")] * len(first)
    for number, place in enumerate(shown):
        if "error" not in (replies[2 * number].finish, replies[2 * number + 1].finish):
            found[place] = preferred(said[2 * number], said[2 * number + 1])
    return found


def preferred(forwards: str | None, backwards: str | None) -> Preference:
    """Return the preference that two verdicts make, of which the second saw the answers the other way round.

    >>> preferred("A", "B").winner, preferred("A", "A").winner, preferred("A", None).winner
    ('first', 'tie', None)
    """
    if forwards is None or backwards is None:
        return Preference(None, status="unparsed", forwards=forwards, backwards=backwards)
    turned = {"A": "B", "B": "A", "TIE": "TIE"}[backwards]
    if forwards != turned:
        return Preference("tie", contradicts=True, forwards=forwards, backwards=backwards)
    winner: Literal["first", "second", "tie"] = "first" if turned == "A" else "second" if turned == "B" else "tie"
    return Preference(winner, forwards=forwards, backwards=backwards)


@dataclass(frozen=True)
class PairFigures:
    """What many preferences come to."""

    pairs: int
    first: int
    second: int
    ties: int
    contradictions: int
    """Ties because the judge contradicted itself."""
    unparsed: int
    errors: int
    front: float | None
    """Share of decided verdicts that went to the answer shown first: 0.5 without a bias for a place."""


def pair_figures(preferences: Sequence[Preference]) -> PairFigures:
    """Return how often each side won, and how far the place of an answer decided.

    >>> pair_figures([preferred("A", "A"), preferred("A", "B")]).front
    0.75
    """
    said = [
        verdict for one in preferences if one.winner for verdict in (one.forwards, one.backwards) if verdict != "TIE"
    ]
    return PairFigures(
        pairs=len(preferences),
        first=sum(one.winner == "first" for one in preferences),
        second=sum(one.winner == "second" for one in preferences),
        ties=sum(one.winner == "tie" for one in preferences),
        contradictions=sum(one.contradicts for one in preferences),
        unparsed=sum(one.status == "unparsed" for one in preferences),
        errors=sum(one.status == "error" for one in preferences),
        front=said.count("A") / len(said) if said else None,
    )


def _asked(judge: Judge, prompts: Sequence[tuple[tuple[Said, ...], str]]) -> list[Answer]:
    """Return the reply to each prompt, which comes with the code that its verdict has to name."""
    requests = [Request(said, parameters=judge.parameters) for said, _ in prompts]
    if not requests:
        return []
    if judge.again is not None:
        answers = judge.again(requests, lambda place, reply: _verdict(judge, reply, prompts[place][1]) is None)
    else:
        answers = (judge.ask or partial(_straight, judge.model))(requests)
    if len(answers) != len(requests):
        raise UsageError(
            f"the judge was asked {len(requests):,} times and gave {len(answers):,} answers; one each is needed."
        )
    if all(answer.finish == "error" and not unasked(answer) for answer in answers):
        raise GateError(
            f"{judge.model.name} answered none of {counted(len(answers), 'call')} to judge ({quote(answers[0].error, 120)}); see "
            "that it can be reached, and run again."
        )
    return answers


def _straight(model: Model, requests: Sequence[Request]) -> list[Answer]:
    from ..models.calling import answer_all

    return answer_all(model, requests)


def _verdict(judge: Judge, reply: Answer, code: str) -> str | None:
    return None if reply.finish != "stop" or not reply.text else read_verdict(reply.text, judge.rubric.mode, code)


def _score(verdict: str) -> float:
    return float(verdict == "PASS") if verdict in ("PASS", "FAIL") else (int(verdict) - 1) / 4
