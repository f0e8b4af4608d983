"""``vetset distill --plan``: what a run will take, before anything is paid for; with a probe, measured on its first drafts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...curate.calls import Answer, Request
from ...curate.distill.budget import Account, Budget, unasked
from ...curate.distill.draft import Draft
from ...curate.distill.estimate import Estimate, estimate_calls, probe_places
from ...curate.distill.outcome import SURPLUS
from ...curate.distill.prepared import gates_of, summary_of
from ...curate.distill.rounds import ask_in_waves
from ...curate.wording import counted
from ..models.journal import Journal
from ..models.keys import keys
from .alone import alone
from .helping import helpers_of, known_of
from .offline import Ahead, look_ahead
from .opened import Opened
from .running import Asking

_FEW = 8  # settled drafts from which the share that is accepted counts as measured


@dataclass(frozen=True)
class Planned:
    """What a run will take."""

    plan: dict[str, Any]
    estimate: Estimate
    accepted: int
    """Rows that what is known makes already."""
    drafts: float
    """That are still to be asked for, as expected."""
    rate: float | None
    """Share of the known drafts that were accepted; ``None`` where too few are known."""
    known_calls: int
    currency: str
    notes: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            **self.plan, "accepted": self.accepted, "drafts_expected": round(self.drafts, 1), "acceptance": self.rate,
            "known_calls": self.known_calls, "currency": self.currency or None, "notes": list(self.notes),
            "estimate": self.estimate.summary(),
        }  # fmt: skip

    @property
    def sentences(self) -> list[str]:
        """What there is to say."""
        plan, found = self.plan, self.estimate
        told = [
            f"{plan['kind']}: {counted(plan['wanted'], 'row')} in {counted(plan['cells'], 'cell')}, from "
            f"{counted(plan['seeds'], 'real row')}; held against {counted(plan['held'], 'eval row')}",
            f"calls: {_told(found.calls)}; {counted(self.known_calls, 'answer')} kept already",
            f"tokens: {_told(found.tokens)} ({_told(found.prompt)} of prompts, {_told(found.completion)} of replies)",
        ]
        if found.money is not None:
            told.append(f"money: {_told(found.money, digits=4)} {self.currency}".rstrip())
        told.append(f"time: {_told(found.seconds)} seconds")
        if self.rate is not None:
            told.append(f"{self.rate:.0%} of the known drafts were accepted; {self.drafts:,.0f} more are expected")
        return [*told, *(f"note: {note}" for note in self.notes)]


def _told(figure: Any, digits: int = 3) -> str:
    def number(value: float) -> str:
        return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.{digits}g}"

    bounds = "" if figure.low == figure.high else f" ({number(figure.low)} to {number(figure.high)})"
    return f"{number(figure.value)}{bounds}, {figure.basis}"


def estimate(opened: Opened, *, probe: int = 0, say: Callable[[str], None] = lambda _: None) -> Planned:
    """Return what a run will take.

    Args:
        opened: the recipe.
        probe: drafts that are asked for now, so that tokens and the share that passes are measured; their answers are kept.
        say: is told sentences.
    """
    notes: list[str] = []
    helpers = helpers_of(opened, notes)
    if probe:
        _probe(opened, probe, helpers, say)
    known = known_of(opened)
    if opened.journal.exists():
        with Journal(opened.journal) as journal:
            ahead = look_ahead(opened, journal, helpers=helpers, known=known)
    else:
        ahead = look_ahead(opened, None, helpers=helpers, known=known)
    prepared, settled = opened.prepared, ahead.settled
    good = sum(outcome.fate == "accepted" or outcome.gate == SURPLUS for outcome in settled)
    rate = good / len(settled) if len(settled) >= _FEW else None
    accepted = sum(outcome.fate == "accepted" for outcome in settled)
    lacking = max(0, sum(cell.wanted for cell in prepared.cells) - accepted)
    most = max(0, sum(cell.most for cell in prepared.cells) - len(settled))
    drafts = min(float(most), lacking / max(rate, 0.01)) if rate is not None else float(lacking)
    if rate is None and lacking:
        notes.append(
            f"how many drafts pass the gates is not known, so each is taken to: up to {most / lacking:.1f} times as many calls "
            f"may come; --probe {max(16, _FEW)} measures it, and its answers are kept"
        )
    if opened.recipe.judge is not None:
        notes.append("the judge's own calls are not in it")
    left = prepared.seeds.left
    if left:
        notes.append("real rows that are not shown: " + ", ".join(f"{count:,} {why}" for why, count in left.items()))
    requests, calls = _sample(opened, ahead, drafts)
    limits, budget = opened.recipe.teacher, opened.budget
    found = estimate_calls(
        requests, known=list(ahead.pairs.values()), calls=calls, input_price=budget.input_price,
        output_price=budget.output_price, concurrency=limits.concurrency if limits.model.startswith("openai:") else 1,
        requests_per_minute=limits.requests_per_minute, tokens_per_minute=limits.tokens_per_minute,
    )  # fmt: skip
    notes += _over(budget, found)
    return Planned(
        summary_of(prepared),
        found,
        accepted,
        drafts,
        rate,
        len(ahead.pairs),
        budget.currency,
        tuple(dict.fromkeys(notes)),
    )


def _over(budget: Budget, found: Estimate) -> list[str]:
    """Return a sentence on each cap that the run is expected to meet."""
    money = None if found.money is None else found.money.value
    told = (
        ("tokens", budget.tokens, found.tokens.value),
        ("calls", budget.calls, found.calls.value),
        ("money", budget.money, money),
    )
    return [
        f"[budget] {name} = {cap:,} is less than what the run is expected to take: it will stop there, short of rows"
        for name, cap, needed in told
        if cap is not None and needed is not None and needed > cap
    ]


def _sample(opened: Opened, ahead: Ahead, drafts: float) -> tuple[list[Request], float]:
    """Return calls that stand for those to come, and how many will come.

    Where whole drafts are known they stand for the others, with all that the gates asked about them; else the first calls of the
    drafts to come do.
    """
    kind, task = opened.prepared.kind, opened.prepared.task
    settled, first = ahead.settled, list(ahead.missing.values())
    if not drafts:
        return [], 0.0
    whole = [request for outcome in settled for request, _ in outcome.calls]
    votes = opened.recipe.gates.label_votes
    if not whole:
        each = float((kind.usual or kind.calls)(task))
        return first, drafts * (each + (votes.votes if votes.action != "off" else 0))
    drafted = set(keys(opened.teacher.identity(), whole))
    gates = [request for key, (request, _) in ahead.pairs.items() if key not in drafted]
    calls = drafts * (len(whole) + len(gates)) / len(settled)
    return (whole + gates if gates or len(whole) > len(settled) else first or whole), calls


def _probe(opened: Opened, count: int, helpers: Any, say: Callable[[str], None]) -> None:
    """Ask for some of the first drafts, to their end, the gates' own calls too."""
    prepared = opened.prepared
    first: list[Draft] = [cell.draft(index) for cell in prepared.cells for index in range(cell.wanted)]
    asked = [prepared.step(draft, ()) for draft in first]
    requests = [one[0] for one in asked if isinstance(one, list)]
    chosen = [first[place] for place in probe_places(requests, count)]
    with alone(opened.folder), Journal(opened.journal) as journal:
        asking = Asking(
            opened,
            journal,
            Account(opened.budget, former=journal.former()),
            called=lambda _: None,
            known=known_of(opened),
        )
        outcomes = ask_in_waves(chosen, prepared.step, asking, unasked)
        made = [outcome for outcome in outcomes if outcome.fate == "accepted"]
        if made:
            gates_of(prepared, opened.origin, asking, helpers=helpers)(made, [])
        failed: list[Answer] = [answer for one in outcomes for _, answer in one.calls if answer.finish == "error"]
        say(f"probed {counted(len(chosen), 'draft')}: {counted(asking.counts.asked, 'answer')} came, and are kept.")
        if failed:
            say(f"note: {counted(len(failed), 'call')} failed, the first as: {failed[0].error}")
