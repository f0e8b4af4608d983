"""A row said in other words: its meaning, its label and its answer stay. The axis ``style`` says how it is said."""

from __future__ import annotations

from ...calls import Request
from ...messages import Said
from ..asking import ask, block, read, replace_parameters
from ..draft import Draft, Fault, Made, Replies, Step
from ..task import Task
from .kind import Kind
from .likeness import copied
from .turns import SEED, asked_anew, before, last_asked
from .wording import axes_in_words, named, parts

_SYSTEM = "You say things again in other words."
_FIELDS = {"text": "the message in other words"}
_WISH = (
    "Say this message in other words. Keep its meaning, its language, and every name, number and fact in it; add nothing and "
    "answer nothing."
)


def _make(task: Task) -> Step:
    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        seed = task.seeds(draft)[0]
        text = last_asked(seed)
        if text is None:
            return Fault(SEED, "The row has no text of a user that could be said in other words.")
        if not replies:
            return [_ask(task, draft, text)]
        found = read(task, replies[0][0], _FIELDS)
        if isinstance(found, Fault):
            return found
        turns = asked_anew(seed, found["text"]) + seed.messages[len(seed.asked) :]
        made = Made(turns, label=seed.label, rejected=seed.rejected, tools=seed.tools)
        return copied(found["text"], text) or made

    return step


def _ask(task: Task, draft: Draft, text: str) -> Request:
    if task.form == "json":
        return ask(task, draft, _prompt(task, draft, text), fields=_FIELDS, system=_SYSTEM)
    # Small models do what stands last, and take all else for something to talk about.
    said = parts(axes_in_words(task, draft.cell), "Rewrite this message in other words:", block("message", text))
    turns = (Said("system", task.system or _SYSTEM), Said("user", said))
    return Request(turns, parameters=replace_parameters(task, schema=None), sample=draft.index)


def _prompt(task: Task, draft: Draft, text: str) -> str:
    seed = task.seeds(draft)[0]
    earlier = before(seed)
    return parts(
        task.instruction,
        f"{block('conversation', earlier)}\nThe message below comes next." if earlier else "",
        block("message", text),
        f"Its label is {named(task, seed.label)}." if seed.label is not None else "",
        axes_in_words(task, draft.cell),
        _WISH,
    )


PARAPHRASE = Kind("a row in other words, with its label and its answer", _make, draws="row")
