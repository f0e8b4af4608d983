"""Rows of a label, written by a teacher that is shown real rows of that label (few-shot, conditioned on the label).

As AttrPrompt has it (Yu et al. 2023), what varies is said: the values of the other axes of the grid stand in the prompt, since a
teacher that is asked the same a thousand times writes the same.

A teacher that answers in plain text is shown the examples as turns of its own. A model of 135 million parameters, told of them in
one turn, was cut off in 26 of 32 replies and talked about the task; with turns it wrote a short message in 29 of 30.
"""

from __future__ import annotations

from ...calls import Request
from ...messages import Said
from ..asking import ask, ask_in_turns, read, shown
from ..draft import Draft, Fault, Made, Replies, Step
from ..task import Task
from .kind import Kind
from .wording import axes_in_words, named, others, parts

_SYSTEM = "You write realistic examples for a data set."
_FIELDS = {"text": "the new example's text"}


def _make(task: Task) -> Step:
    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        if not replies and task.form == "plain" and draft.parents:
            return [_in_turns(task, draft)]
        if not replies:
            return [ask(task, draft, _prompt(task, draft), fields=_FIELDS, system=_SYSTEM)]
        found = read(task, replies[0][0], _FIELDS)
        return found if isinstance(found, Fault) else Made((Said("user", found["text"]),), label=draft.label)

    return step


def _prompt(task: Task, draft: Draft) -> str:
    seeds = task.seeds(draft)
    label = draft.label
    rest = others(task, label) if label is not None else ""
    meant = (
        "" if label is None else f"Its label is {named(task, label)}{f', and none of these: {rest}' if rest else ''}."
    )
    examples = shown([seed.text for seed in seeds])
    return parts(
        task.instruction,
        meant,
        f"Real examples{' of this label' if label is not None else ''}:\n{examples}" if seeds else "",
        axes_in_words(task, draft.cell),
        "Write one new example. "
        + ("Keep to the real ones' style and length, but say something that none of them says." if seeds else ""),
    )


def _in_turns(task: Task, draft: Draft) -> Request:
    # A small model reads "card_arrival" as a word of its own, and "card arrival" as what it is about.
    about = "" if draft.label is None else f" Its label: {named(task, draft.label, plain=True)}."
    return ask_in_turns(
        task,
        draft,
        [seed.text for seed in task.seeds(draft)],
        system=f"You write new examples. What each is: {task.instruction}",
        noun="example",
        about=about,
        last=axes_in_words(task, draft.cell),
    )


LABELLED = Kind("rows of a label, from real rows of it", _make, draws="examples")
