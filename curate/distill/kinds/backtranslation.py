"""The instruction that a text answers (instruction backtranslation, Li et al. 2023): the text stays as the answer.

The text is the row's answer, or of a row that has none (a document) what it says. The paper's second half, in which the model
rates its own pairs, is the judge among the gates.
"""

from __future__ import annotations

from ...calls import Request
from ...messages import Said
from ...text import fold
from ..asking import ask, block, read
from ..draft import Draft, Fault, Made, Replies, Step
from ..task import Task
from .kind import Kind
from .likeness import COPY
from .turns import SEED, reply_of, system_of
from .wording import axes_in_words, parts

_SYSTEM = "You find the request that a text answers."
_FIELDS = {"instruction": "the request that a person would write to get this text"}


def _make(task: Task) -> Step:
    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        seed = task.seeds(draft)[0]
        target = reply_of(seed) or seed.text
        if not target.strip():
            return Fault(SEED, "The row has no text that could be an answer.")
        if not replies:
            said = parts(
                task.instruction,
                block("text", target),
                axes_in_words(task, draft.cell, but=()),
                "This text is an assistant's answer. Write the request that it answers: one that asks for all that is in it, and "
                "gives away no more of it than a person would know before.",
            )
            return [ask(task, draft, said, fields=_FIELDS, system=_SYSTEM)]
        found = read(task, replies[0][0], _FIELDS)
        if isinstance(found, Fault):
            return found
        if fold(target) in fold(found["instruction"]):
            return Fault(COPY, "The instruction holds the whole answer.")
        return Made(
            (*system_of([seed]), Said("user", found["instruction"]), Said("assistant", target)), label=seed.label
        )

    return step


BACKTRANSLATION = Kind("the instruction that a row's answer, or a document, answers", _make, draws="row")
