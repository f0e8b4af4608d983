"""Hard caps on a run, and the account that holds it to them: what may be needed is taken before a call is sent.

At every moment what is settled, what is unknown and what is reserved stay together under each cap, so that no order of
answers, faults and kills can pass one. ``unknown`` is what nobody tells: tries that broke off, and calls of a process that was
killed. They may have been paid for, and count as if they had been, at the most that they could take.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..calls import Answer, Request
from ..errors import UsageError
from .spending import Spent, most_of, spent_on

REFUSED = "not sent, to keep to the budget: "
"""How the error of an answer begins that the budget did not allow."""
WAITS = "not sent, it waits in a batch: "
"""How that of an answer begins whose call stands in a batch file that was not read back."""


def refused(answer: Answer) -> bool:
    """Say whether a call was not sent as the budget did not allow it."""
    return answer.finish == "error" and (answer.error or "").startswith(REFUSED)


def unasked(answer: Answer) -> bool:
    """Say whether a call was not sent, and may be later: the budget did not allow it, or it waits in a batch."""
    return answer.finish == "error" and (answer.error or "").startswith((REFUSED, WAITS))


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Caps on a run; ``None`` is no cap.

    Raises:
        UsageError: a cap is below zero, or money is capped and no price is known.
    """

    tokens: int | None = None
    """Of prompts and answers together."""
    money: float | None = None
    calls: int | None = None
    """Sendings, further tries too."""
    seconds: float | None = None
    """From the account's making; afterwards nothing is sent, and what is under way is waited for."""
    input_price: float | None = None
    """Of one token of a prompt."""
    output_price: float | None = None
    """Of one token of an answer."""
    currency: str = ""

    def __post_init__(self) -> None:
        """Check the caps."""
        for name in ("tokens", "money", "calls", "seconds", "input_price", "output_price"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise UsageError(f"[budget] {name} is {value}; give a number from 0, or leave it out for no cap.")
        if self.money is not None and (self.input_price is None or self.output_price is None):
            raise UsageError(
                "[budget] money is capped, and the price of a model that is asked is not known; name the price file with it, or "
                "cap tokens."
            )

    def cost(self, spent: Spent) -> float | None:
        """Return what an amount costs; ``None`` where no price is known."""
        if self.input_price is None or self.output_price is None:
            return None
        return spent.prompt * self.input_price + spent.completion * self.output_price


@dataclass(frozen=True)
class Vain:
    """A call that was sent by an earlier process, and of which no answer is known."""

    key: str
    at: float | None
    """When it was sent first, in seconds since 1970; ``None`` where it was answered later, by another try."""
    tries: int
    most: Spent | None
    """The most that one try can have taken; ``None`` in a journal that does not say it."""


@dataclass(frozen=True)
class Former:
    """What earlier processes of the same run spent."""

    settled: Spent = field(default_factory=Spent)
    vain: Sequence[Vain] = ()

    @property
    def unknown(self) -> Spent:
        """Return the most that the calls without an answer can have taken."""
        return sum((one.most.times(one.tries) for one in self.vain if one.most is not None), Spent())


class Account:
    """What was spent of a budget.

    Attributes:
        settled: told by the server.
        unknown: nobody tells it: at the most that it can have been.
        reserved: for calls that are under way.
        beyond: tokens that servers told above what was reserved for their calls. Above zero, the bound on prompts does not hold
            for this server (it adds a long system turn of its own); later calls reserve so much more.
    """

    def __init__(
        self, budget: Budget, *, former: Former | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Open an account.

        Args:
            budget: the caps.
            former: what earlier processes of the same run spent; it counts.
            clock: tells seconds.
        """
        self.budget = budget
        self.former = former or Former()
        self.settled = self.former.settled
        self.unknown = self.former.unknown
        self.reserved = Spent()
        self.beyond = 0
        self._more = 0
        self._under_way: dict[Hashable, Spent] = {}
        self._clock = clock
        self._begun = clock()
        self._all: list[Account] = [self]

    def beside(
        self, *, input_price: float | None = None, output_price: float | None = None, former: Former | None = None
    ) -> Account:
        """Open an account of another model, such as a judge, under the same caps: both together stay below them.

        Args:
            input_price: of one token of its prompts, in the same currency.
            output_price: of one token of its answers.
            former: what earlier processes of the same run spent on it.

        Raises:
            UsageError: money is capped, and its price is not known.
        """
        other = Account(
            replace(self.budget, input_price=input_price, output_price=output_price), former=former, clock=self._clock
        )
        other._begun, other._all = self._begun, self._all
        self._all.append(other)
        return other

    @property
    def spent(self) -> Spent:
        """Return all that may be gone: settled, unknown and reserved."""
        return self.settled + self.unknown + self.reserved

    @property
    def seconds(self) -> float:
        """Return the seconds since the account was made."""
        return self._clock() - self._begun

    def most_of(self, request: Request) -> Spent:
        """Return what is reserved for one sending of a call."""
        return most_of(request) + Spent(prompt=self._more)

    def room_for(self, most: Spent) -> str | None:
        """Return ``None`` where so much may still be spent, else the sentence that says which cap forbids it."""
        budget = self.budget
        spent = self.spent if len(self._all) == 1 else sum((one.spent for one in self._all), Spent())
        if budget.seconds is not None and self.seconds >= budget.seconds:
            return f"{REFUSED}its {budget.seconds:,g} seconds are over; raise seconds in [budget] and run it again."
        for name, cap, gone, needed in (
            ("calls", budget.calls, spent.calls, most.calls),
            ("tokens", budget.tokens, spent.tokens, most.tokens),
        ):
            if cap is not None and gone + needed > cap:
                lower = " or lower max_tokens" if name == "tokens" else ""
                return (
                    f"{REFUSED}of {cap:,} {name} {max(0, cap - gone):,} are left, and this may take {needed:,}; raise {name} in "
                    f"[budget]{lower}, and run it again."
                )
        if budget.money is not None:
            # Products over whole numbers of tokens: a running sum of prices would drift.
            others = sum(one.budget.cost(one.spent) or 0.0 for one in self._all if one is not self)
            if (budget.cost(self.spent + most) or 0.0) + others > budget.money:
                left = max(0.0, budget.money - others - (budget.cost(self.spent) or 0.0))
                return (
                    f"{REFUSED}of {_money(budget.money, budget)} {_money(left, budget)} are left, and this may cost "
                    f"{_money(budget.cost(most) or 0.0, budget)}; raise money in [budget] or lower max_tokens, and run it again."
                )
        return None

    def reserve(self, name: Hashable, most: Spent) -> str | None:
        """Take what a sending may need; return the sentence that forbids it where there is no room.

        An earlier try of the same call, of which nothing more was heard, becomes unknown.
        """
        self._lost(name)
        why = self.room_for(most)
        if why is None:
            self._under_way[name] = most
            self.reserved += most
        return why

    def settle(self, name: Hashable, answer: Answer) -> None:
        """Put what an answer took in the place of its reservation; a call that failed is unknown."""
        if answer.finish == "error":
            self._lost(name)
            return
        most = self._under_way.pop(name, None)
        if most is None:
            return
        took = spent_on(answer, most)
        self.reserved -= most
        self.settled += took
        self.beyond += max(0, took.prompt - most.prompt) + max(0, took.completion - most.completion)
        self._more += max(0, took.prompt - most.prompt)

    def release(self, name: Hashable) -> None:
        """Give back what was reserved for a sending that can't have cost anything."""
        self.reserved -= self._under_way.pop(name, Spent())

    def lose_all(self) -> None:
        """Count all that is under way as unknown: nobody waits for it any more."""
        for name in list(self._under_way):
            self._lost(name)

    def report(self) -> dict[str, Any]:
        """Return the account and those beside it as JSON values."""
        budget = self.budget
        caps = {name: getattr(budget, name) for name in ("tokens", "money", "calls", "seconds")}
        return {
            "caps": {name: cap for name, cap in caps.items() if cap is not None},
            "currency": budget.currency or None,
            "seconds": round(self.seconds, 1),
            **{
                name: _as_json([(getattr(one, name), one.budget) for one in self._all])
                for name in ("settled", "unknown", "reserved", "spent")
            },
            "beyond_reservation": sum(one.beyond for one in self._all),
            "unknown_calls": [
                {"key": one.key, "at": one.at, "tries": one.tries, "tokens_each": one.most.tokens if one.most else None}
                for account in self._all
                for one in account.former.vain
            ],
        }

    def _lost(self, name: Hashable) -> None:
        most = self._under_way.pop(name, None)
        if most is not None:
            self.reserved -= most
            self.unknown += most


def _as_json(parts: Sequence[tuple[Spent, Budget]]) -> dict[str, Any]:
    """Return what several models took; the money of those whose price is known."""
    spent = sum((part for part, _ in parts), Spent())
    costs = [cost for part, budget in parts if (cost := budget.cost(part)) is not None]
    return {
        "calls": spent.calls,
        "prompt_tokens": spent.prompt,
        "completion_tokens": spent.completion,
        "money": round(sum(costs), 6) if costs else None,
    }


def _money(amount: float, budget: Budget) -> str:
    return f"{amount:,.4g} {budget.currency}".rstrip()
