"""A conversation of several turns: the teacher plays the user, then the assistant, a call a turn.

The user's side sees the conversation from outside, as a text; the assistant's side is asked as the student will be, so its words
are those of an assistant that knows no more than the row holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...calls import Request
from ...messages import Said
from ..asking import ask, block, read, said_in, shown
from ..draft import Draft, Fault, Made, Replies, Step
from ..task import Task
from .kind import Kind
from .options import option, whole
from .turns import last_asked, system_of, to_answer
from .wording import axes_in_words, named, parts

_SYSTEM = "You play a user who writes to an assistant. You never answer as the assistant."
_FIELDS = {"message": "the user's next message"}

OPTIONS: Mapping[str, Any] = {
    "turns": 3,  # of the user, each with an answer; from 4 on a teacher that plays both sides tends to go round in circles
    "system": "",  # a system turn of the rows, where it is not that of the examples
}


def _make(task: Task) -> Step:
    turns, given = whole(task, OPTIONS, "turns", least=1, most=20), option(task, OPTIONS, "system")

    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        seeds = task.seeds(draft)
        said = (Said("system", given),) if given else system_of(seeds)
        for number, wave in enumerate(replies):
            users = number % 2 == 0
            found = read(task, wave[0], _FIELDS) if users else said_in(wave[0])
            if isinstance(found, Fault):
                return found
            said += (Said("user", found["message"]) if isinstance(found, dict) else Said("assistant", found),)
        if len(replies) == 2 * turns:
            return Made(said, label=draft.label)
        if len(replies) % 2:
            return [to_answer(task, draft, said)]
        return [
            ask(
                task,
                draft,
                _prompt(task, draft, said, last=len(replies) == 2 * turns - 2),
                fields=_FIELDS,
                system=_SYSTEM,
            )
        ]

    return step


def _prompt(task: Task, draft: Draft, said: tuple[Said, ...], *, last: bool) -> str:
    heard = "\n\n".join(f"{turn.role}: {turn.content}" for turn in said if turn.role != "system")
    examples = [text for text in map(last_asked, task.seeds(draft)) if text is not None]
    return parts(
        task.instruction,
        f"The matter is {named(task, draft.label)}." if draft.label is not None else "",
        f"What real users write:\n{shown(examples)}" if examples else "",
        axes_in_words(task, draft.cell),
        block("conversation", heard) if heard else "",
        _wish(begun=bool(heard), last=last),
    )


def _wish(*, begun: bool, last: bool) -> str:
    if not begun:
        return "Write the user's first message. It says something that none of the real ones says."
    ends = (
        "It is the user's last one, and still asks for something."
        if last
        else "It goes on from what the assistant said."
    )
    return f"Write the user's next message. {ends} Don't repeat what was said, and don't only say thanks."


CONVERSATION = Kind(
    "a conversation of several turns",
    _make,
    draws="examples",
    options=OPTIONS,
    calls=lambda task: 2 * whole(task, OPTIONS, "turns", least=1, most=20),
)
