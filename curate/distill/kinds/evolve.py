"""A row's request made harder, or turned into a rarer one of its field (Evol-Instruct, Xu et al. 2023), and then answered.

The axis ``operation`` says how; without it each draft draws one. A row with a label and no answer keeps its label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...calls import Request
from ..asking import ask, block, read
from ..draft import Draft, Fault, Made, Replies, Step
from ..seeds import Seed
from ..task import Task
from .drawing import drawn
from .kind import Kind
from .likeness import copied
from .options import option, whole
from .turns import SEED, asked_anew, before, last_asked, reply_of, to_answer, with_answer
from .wording import axes_in_words, named, parts, told

_SYSTEM = "You rewrite requests so that they ask for more."
_FIELDS = {"text": "the new message"}
_NEW = 0.1  # share of words; less is a synonym or a comma, where an operation adds or trades whole clauses

DEEPER = {
    "constraint": "Add one condition or requirement that the answer has to keep.",
    "detail": "Ask for more depth and breadth on the same matter.",
    "concrete": "Put specific names, numbers or circumstances in place of general words.",
    "steps": "Change it so that the answer takes several steps of thought.",
    "material": "Add a short piece of material that has to be worked on: a table, a list, a snippet of code, a message.",
}
BROADER = {
    "broader": "Write another message in its place: of the same field but rarer, as long and as hard as this one.",
}
OPERATIONS = DEEPER | BROADER
"""What may be done, by the words that the axis ``operation`` takes; another word stands for itself, with its ``about``."""

OPTIONS: Mapping[str, Any] = {
    "rounds": 1,  # each makes it harder; from the third on what comes is often contrived
    "answer": True,
}


def _make(task: Task) -> Step:
    rounds = whole(task, OPTIONS, "rounds", least=1, most=5)
    answered = option(task, OPTIONS, "answer")

    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        seed = task.seeds(draft)[0]
        text = last_asked(seed)
        if text is None:
            return Fault(SEED, "The row has no request of a user that could be evolved.")
        done = []
        for number, wave in enumerate(replies[:rounds]):
            found = read(task, wave[0], _FIELDS)
            if isinstance(found, Fault):
                return found
            if fault := copied(found["text"], text, least=_NEW):
                return fault
            text = found["text"]
            done.append(_operation(draft, number))
        if len(replies) < rounds:
            said = _prompt(task, draft, seed, text, _operation(draft, len(replies)))
            return [ask(task, draft, said, fields=_FIELDS, system=_SYSTEM)]
        made = Made(asked_anew(seed, text), label=seed.label, tools=seed.tools, extra={"operations": done})
        if not answered or not _wants_answer(seed):
            return made
        return (
            with_answer(made, replies[rounds][0]) if len(replies) > rounds else [to_answer(task, draft, made.messages)]
        )

    return step


def _operation(draft: Draft, number: int) -> str:
    return draft.cell.get("operation") or drawn(draft, list(OPERATIONS), salt=str(number))


def _wants_answer(seed: Seed) -> bool:
    return seed.label is None or reply_of(seed) is not None


def _prompt(task: Task, draft: Draft, seed: Seed, text: str, operation: str) -> str:
    earlier = before(seed)
    keeps = (
        f"Its label is {named(task, seed.label)}, and the new message has that label, too."
        if seed.label is not None
        else ""
    )
    return parts(
        task.instruction,
        f"{block('conversation', earlier)}\nThe message below comes next." if earlier else "",
        block("message", text),
        keeps,
        axes_in_words(task, draft.cell, but=("label", "operation")),
        f"Rewrite this message: {OPERATIONS.get(operation) or told(task, operation)}",
        "It must be clear by itself, and something that a person could ask. Add at most 40 words. Do not answer it.",
    )


def _calls(task: Task) -> int:
    return whole(task, OPTIONS, "rounds", least=1, most=5) + option(task, OPTIONS, "answer")


EVOLVE = Kind(
    "a harder or rarer request, from a row, and its answer", _make, draws="row", options=OPTIONS, calls=_calls
)
