"""Rounds: drafts are asked for, read, held against the gates, and what a cell then lacks is asked for anew.

Which drafts a round has hangs on nothing but the recipe, the rows and the answers; so a run that was killed, and begun anew over
its journal, comes to the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..calls import Answer, Ask, Request
from .draft import Draft, Fault, Made, Replies, Step
from .lineage import Verdict
from .outcome import BUDGET, CALL, REVIEW, SURPLUS, Outcome
from .planning import CellPlan

Judge = Callable[[Sequence[Outcome], Sequence[Outcome]], Sequence[Sequence[Verdict]]]
"""Made drafts, and those that were kept before, to the verdicts on each of the former."""

_LEAST_RATE = (
    0.05  # share of drafts that are accepted, as it is taken at least: one bad round must not ask for thousands
)


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    round: int
    accepted: int
    wanted: int
    drafts: int


@dataclass
class Cells:
    """The cells of a run: what each wants, has, and may still try."""

    plans: Sequence[CellPlan]
    accepted: list[int] = field(init=False)
    settled: list[int] = field(init=False)
    """Drafts that came to an end other than a failure: what the rate is of."""
    begun: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.accepted, self.settled, self.begun = ([0] * len(self.plans) for _ in range(3))

    def next(self) -> list[tuple[int, Draft]]:
        """Return the drafts of the next round with the number of their cell, in the order in which earlier wins over later."""
        found: list[tuple[int, int, Draft]] = []
        for number, plan in enumerate(self.plans):
            begun = self.begun[number]
            self.begun[number] = begun + min(self._asks(number), plan.most - begun)
            found += [(place, number, plan.draft(place)) for place in range(begun, self.begun[number])]
        return [(number, draft) for _, number, draft in sorted(found, key=lambda one: one[:2])]

    def _asks(self, number: int) -> int:
        """Return how many drafts a cell asks for: what it lacks; where few are accepted, enough for half of it.

        More would shorten the run by a few rounds, and pay for rows that no cell has room for.
        """
        lacking = self.plans[number].wanted - self.accepted[number]
        if lacking <= 0 or not self.settled[number]:
            return max(lacking, 0)
        rate = max(self.accepted[number] / self.settled[number], _LEAST_RATE)
        return max(lacking, math.ceil(lacking * 0.5 / rate))

    def take(self, number: int, outcome: Outcome) -> Outcome:
        """Take note of an outcome; return it, or what it is in a cell that is full."""
        self.settled[number] += outcome.fate != "failed"
        if outcome.fate != "accepted":
            return outcome
        if self.accepted[number] >= self.plans[number].wanted:
            return replace(
                outcome,
                fate="rejected",
                gate=SURPLUS,
                why="Its cell has its rows; it counts in a run that asks for more.",
            )
        self.accepted[number] += 1
        return outcome


def run_rounds(
    plans: Sequence[CellPlan],
    step: Step,
    ask: Ask,
    judge: Judge,
    *,
    is_refused: Callable[[Answer], bool],
    tell: Callable[[Progress], None] = lambda _: None,
) -> list[Outcome]:
    """Return what became of every draft, in the order in which they were planned.

    Ends when every cell has its rows or has used up its drafts, or when a call was refused by the budget.

    Args:
        plans: the cells.
        step: of the kind.
        ask: the teacher; with a journal, a kill loses nothing.
        judge: the gates.
        is_refused: whether an answer says that the budget kept the call back.
        tell: is told how far it is, after each round.
    """
    cells, outcomes, number = Cells(plans), list[Outcome](), 0
    wanted = sum(plan.wanted for plan in plans)
    while drafts := cells.next():
        number += 1
        ended = _judged(ask_in_waves([draft for _, draft in drafts], step, ask, is_refused), outcomes, judge)
        outcomes += [cells.take(cell, outcome) for (cell, _), outcome in zip(drafts, ended, strict=True)]
        tell(Progress(number, sum(cells.accepted), wanted, len(outcomes)))
        if any(outcome.gate == BUDGET for outcome in ended):
            break
    return outcomes


def ask_in_waves(drafts: Sequence[Draft], step: Step, ask: Ask, is_refused: Callable[[Answer], bool]) -> list[Outcome]:
    """Return each draft as far as the teacher's replies bring it: made (``accepted`` so far), a fault, or failed.

    A wave holds what all drafts ask next, so that a draft of many turns keeps no other waiting.
    """
    replies: list[Replies] = [() for _ in drafts]
    calls: list[list[tuple[Request, Answer]]] = [[] for _ in drafts]
    ended: list[Outcome | None] = [None] * len(drafts)
    open_ = list(range(len(drafts)))
    while open_:
        wave: list[tuple[int, list[Request]]] = []
        for place in open_:
            said = step(drafts[place], replies[place])
            if isinstance(said, list):
                wave.append((place, said))
            else:
                ended[place] = _read(drafts[place], said, tuple(calls[place]))
        answers = iter(ask([request for _, requests in wave for request in requests]) if wave else [])
        open_ = []
        for place, requests in wave:
            came = tuple(next(answers) for _ in requests)
            calls[place] += zip(requests, came, strict=True)
            replies[place] = (*replies[place], came)
            failed = next((answer for answer in came if answer.finish == "error"), None)
            if failed is None:
                open_.append(place)
            else:
                gate = BUDGET if is_refused(failed) else CALL
                ended[place] = Outcome(drafts[place], "failed", gate, failed.error, calls=tuple(calls[place]))
    return [outcome for outcome in ended if outcome is not None]


def _read(draft: Draft, said: Made | Fault, calls: tuple[tuple[Request, Answer], ...]) -> Outcome:
    if isinstance(said, Fault):
        verdict = Verdict(said.gate, "reject", note=said.why)
        return Outcome(draft, "rejected", said.gate, said.why, verdicts=(verdict,), calls=calls)
    return Outcome(draft, "accepted", made=said, calls=calls)


def _judged(ended: list[Outcome], before: Sequence[Outcome], judge: Judge) -> list[Outcome]:
    """Return the outcomes with those that were made held against the gates."""
    made = [outcome for outcome in ended if outcome.fate == "accepted"]
    if not made:
        return ended
    kept = [outcome for outcome in before if outcome.fate in ("accepted", "review") or outcome.gate == SURPLUS]
    found = iter(judge(made, kept))
    return [_settled(outcome, next(found)) if outcome.fate == "accepted" else outcome for outcome in ended]


def _settled(outcome: Outcome, verdicts: Sequence[Verdict]) -> Outcome:
    """Return an outcome with what the gates say of it, and what its kind says that a person should look at."""
    asked = outcome.made.extra.get("review") if outcome.made else None
    if isinstance(asked, str):
        verdicts = [*verdicts, Verdict(REVIEW, "review", note=asked)]
    rejected = next((one for one in verdicts if one.verdict == "reject"), None)
    failed = None if rejected else next((one for one in verdicts if one.gate in (BUDGET, CALL)), None)
    if failed is not None:  # it says nothing of the row: the run that gets the answer judges it
        told = tuple(one for one in verdicts if one.gate not in (BUDGET, CALL))
        return replace(outcome, fate="failed", gate=failed.gate, why=failed.note, verdicts=told)
    worst = rejected
    worst = worst or next((one for one in verdicts if one.verdict == "review"), None)
    if worst is None:
        return replace(outcome, verdicts=tuple(verdicts))
    fate = "rejected" if worst.verdict == "reject" else "review"
    return replace(outcome, fate=fate, gate=worst.gate, why=worst.note, verdicts=tuple(verdicts))
