"""The steps of thought that lead to a row's known answer (STaR, Zelikman et al. 2022; Hsieh et al. 2023).

The teacher does not see the answer, and what it comes to is held against it: a thought that leads elsewhere is no row. With
``hint`` it is shown the answer when it missed it, which keeps hard rows, at the price of thoughts that only justify.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...calls import Request
from ...errors import quote
from ...masking import mask
from ...messages import Said
from ..asking import ask, block, read
from ..draft import Draft, Fault, Made, Replies, Step
from ..seeds import Seed
from ..task import Task
from .answers import ANSWER, final, find_label, same_answer
from .kind import Kind
from .options import choice, option
from .turns import SEED, reply_of, written
from .wording import listed, parts

_SYSTEM = "You think step by step, then answer."
_FIELDS = {"thought": "your thoughts, step by step", "answer": "the answer alone"}
_LONGEST = 100  # characters of an answer that two writers word alike; a longer one needs a marked end

OPTIONS: Mapping[str, Any] = {
    "into": "extra",  # "answer": the thought stands before the answer in the assistant's turn
    "hint": False,
}


def _make(task: Task) -> Step:
    into, hint = choice(task, OPTIONS, "into", of=("extra", "answer")), option(task, OPTIONS, "hint")

    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        seed = task.seeds(draft)[0]
        known = reply_of(seed) or seed.label
        if known is None or len(final(known)) > _LONGEST:
            return Fault(
                SEED,
                f"The row has no answer of up to {_LONGEST} characters, or with a marked end, to hold a thought against.",
            )
        if not replies:
            return [ask(task, draft, _prompt(task, seed), fields=_FIELDS, system=_SYSTEM)]
        found = read(task, replies[-1][0], _FIELDS)
        if not isinstance(found, Fault) and not _same(task, seed, found["answer"], known):
            found = _missed(found["answer"], known)
        if isinstance(found, Fault):
            again = hint and len(replies) == 1
            return (
                [ask(task, draft, _prompt(task, seed, known=known), fields=_FIELDS, system=_SYSTEM)] if again else found
            )
        extra = {"rationale": found["thought"]} | ({"hinted": len(replies) > 1} if hint else {})
        if into == "extra":
            return Made(seed.messages, seed.label, rejected=seed.rejected, tools=seed.tools, extra=extra)
        turns = (*seed.asked, Said("assistant", f"{found['thought']}\n\n{known}"))
        return Made(turns, seed.label, tools=seed.tools, extra=extra)

    return step


def _missed(said: str, known: str) -> Fault:
    told = f"{quote(mask(said[:500]))}, and the row says {quote(mask(final(known)[:500]))}"
    return Fault(ANSWER, f"The teacher's thought comes to {told}.")


def _same(task: Task, seed: Seed, said: str, known: str) -> bool:
    by_label = reply_of(seed) is None
    return find_label(said, [*task.labels, known]) == known if by_label else same_answer(said, known)


def _prompt(task: Task, seed: Seed, *, known: str | None = None) -> str:
    labelled = reply_of(seed) is None
    return parts(
        task.instruction,
        block("conversation", written(seed.asked)) if len(seed.asked) > 1 else block("message", seed.text),
        f"Which of these labels does it have?\n{listed(task, task.labels)}" if labelled else "Answer it.",
        f"The right answer is below; think your way to it as if you had not seen it.\n{block('answer', known)}"
        if known
        else "",
    )


RATIONALE = Kind(
    "steps of thought to a row's known answer",
    _make,
    draws="each",
    needs="answer",
    options=OPTIONS,
    same_text=True,
    calls=lambda task: 1 + option(task, OPTIONS, "hint"),
    usual=lambda _: 1,
)
