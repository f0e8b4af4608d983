"""Rows of a kind that the model gets wrong: the axis ``failure`` names the kind, and real rows show what rows look like.

The recipe's ``plan.failures`` makes that axis of what ``vetset failures`` found. A row's label is the cell's; where the grid has
none the teacher gives one of the set's, and in a set of conversations it answers.
"""

from __future__ import annotations

from ...calls import Request
from ...messages import Said
from ..asking import ask, read, shown
from ..draft import Draft, Fault, Made, Replies, Step
from ..task import Task
from .answers import LABEL, find_label
from .kind import Kind
from .turns import reply_of, system_of, to_answer, with_answer
from .wording import axes_in_words, listed, named, parts, told

_SYSTEM = "You write difficult examples for a data set."
_TEXT = {"text": "the new example's text"}


def _make(task: Task) -> Step:
    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        chosen = draft.label is None and bool(task.labels)
        fields = _TEXT | ({"label": "its label, as it is written above"} if chosen else {})
        if not replies:
            return [ask(task, draft, _prompt(task, draft, chosen=chosen), fields=fields, system=_SYSTEM)]
        found = read(task, replies[0][0], fields)
        if isinstance(found, Fault):
            return found
        seeds = task.seeds(draft)
        label = draft.label
        if chosen:
            label = find_label(found["label"], task.labels)
            if label is None:
                return Fault(LABEL, "The teacher's label is none of the set's.")
        made = Made((*system_of(seeds), Said("user", found["text"])), label=label)
        if not any(reply_of(seed) for seed in seeds):
            return made
        return with_answer(made, replies[1][0]) if len(replies) > 1 else [to_answer(task, draft, made.messages)]

    return step


def _prompt(task: Task, draft: Draft, *, chosen: bool) -> str:
    seeds, failure = task.seeds(draft), draft.cell.get("failure")
    return parts(
        task.instruction,
        f"Its label is {named(task, draft.label)}." if draft.label is not None else "",
        f"Its label is one of:\n{listed(task, task.labels)}" if chosen else "",
        f"Real examples:\n{shown([seed.text for seed in seeds])}" if seeds else "",
        f"A model fails on examples of this kind: {told(task, failure)}" if failure is not None else "",
        axes_in_words(task, draft.cell, but=("label", "failure")),
        "Write one new example "
        + ("of this kind, " if failure is not None else "that is rare and hard to get right, ")
        + "that a person who knows the matter would still get right. Keep to the real ones' style.",
    )


EDGE_CASES = Kind(
    "rows of a kind that the model fails on",
    _make,
    draws="examples",
    calls=lambda _: 2,
    usual=lambda task: 1 if task.labels else 2,
)
