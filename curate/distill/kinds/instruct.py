"""New instructions from a few real ones, and their answers (Self-Instruct, Wang et al. 2022); ``prompts`` leaves the answers out.

Prompts alone are what on-policy distillation trains on: the student answers them, and the teacher scores its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...calls import Request
from ...messages import Said
from ..asking import ask, ask_in_turns, read, shown
from ..draft import Draft, Fault, Made, Replies, Step
from ..task import Task
from .kind import Kind
from .options import option
from .turns import last_asked, system_of, to_answer, with_answer
from .wording import axes_in_words, parts

_SYSTEM = "You come up with tasks that people give to an assistant."
_FIELDS = {"instruction": "the new task, as a person would write it"}

OPTIONS: Mapping[str, Any] = {"system": ""}  # a system turn of the rows, where it is not that of the examples


def _make(task: Task, *, answered: bool) -> Step:
    given = option(task, OPTIONS, "system")

    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        if not replies:
            return [_ask(task, draft)]
        found = read(task, replies[0][0], _FIELDS)
        if isinstance(found, Fault):
            return found
        system = (Said("system", given),) if given else system_of(task.seeds(draft))
        made = Made((*system, Said("user", found["instruction"])), label=draft.label)
        if not answered:
            return made
        return with_answer(made, replies[1][0]) if len(replies) > 1 else [to_answer(task, draft, made.messages)]

    return step


def _ask(task: Task, draft: Draft) -> Request:
    texts = [text for text in map(last_asked, task.seeds(draft)) if text is not None]
    if task.form == "json" or not texts:
        return ask(task, draft, _prompt(task, draft, texts), fields=_FIELDS, system=_SYSTEM)
    system = f"You write new tasks, and never answer them. What each is: {task.instruction}"
    about = axes_in_words(task, draft.cell, but=())
    return ask_in_turns(task, draft, texts, system=system, noun="task", about="", last=about)


def _prompt(task: Task, draft: Draft, texts: list[str]) -> str:
    return parts(
        task.instruction,
        f"Some tasks:\n{shown(texts, name='task')}" if texts else "",
        axes_in_words(task, draft.cell, but=()),
        "Write one new task of this sort. It differs from these in what it is about and in how it is worded, it can be done by "
        "writing alone, and whatever it needs stands in it. Do not answer it.",
    )


INSTRUCT = Kind(
    "a new instruction, from real ones, and its answer",
    lambda task: _make(task, answered=True),
    draws="examples",
    options=OPTIONS,
    calls=lambda _: 2,
)
PROMPTS = Kind(
    "a new prompt without an answer, for on-policy distillation",
    lambda task: _make(task, answered=False),
    draws="examples",
    options=OPTIONS,
)
