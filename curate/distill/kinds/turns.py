"""The turns of a row that a kind shows, asks or writes anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...calls import Answer, Request
from ...messages import Said
from ..asking import replace_parameters, said_in
from ..draft import Draft, Fault, Made
from ..seeds import Seed
from ..task import Task

SEED = "distill.seed"
"""The gate that says of a draft, before any call, that its row can't be used so."""


def last_asked(seed: Seed) -> str | None:
    """Return what the user says last; ``None`` where the user says nothing."""
    said = (turn.content for turn in reversed(seed.asked) if turn.role == "user" and (turn.content or "").strip())
    return next(said, None)


def asked_anew(seed: Seed, text: str) -> tuple[Said, ...]:
    """Return the turns before a row's answer with another text in place of what the user says last."""
    turns = list(seed.asked)
    place = max(at for at, turn in enumerate(turns) if turn.role == "user" and (turn.content or "").strip())
    turns[place] = Said("user", text)
    return tuple(turns)


def reply_of(seed: Seed) -> str | None:
    """Return what the assistant says last; ``None`` where the row ends otherwise, or in a call of a tool."""
    last = seed.messages[-1]
    return last.content if last.role == "assistant" and (last.content or "").strip() else None


def before(seed: Seed) -> str:
    """Return the turns before what the user says last, a line a turn; an empty text where there is none."""
    turns = [turn for turn in seed.asked if (turn.content or "").strip()]
    return written(turns[:-1]) if turns and turns[-1].role == "user" else ""


def written(turns: Sequence[Said]) -> str:
    """Return turns as a text, for a prompt."""
    return "\n\n".join(f"{turn.role}: {turn.content}" for turn in turns if (turn.content or "").strip())


def system_of(seeds: Sequence[Seed]) -> tuple[Said, ...]:
    """Return the system turn that rows share; nothing where they share none."""
    first = {seed.messages[0].content if seed.messages[0].role == "system" else None for seed in seeds}
    return tuple(Said("system", said) for said in first if said) if len(first) == 1 else ()


def to_answer(
    task: Task, draft: Draft, turns: tuple[Said, ...], *, sample: int | None = None, tools: str | None = None
) -> Request:
    """Return the call that has a conversation answered: it is asked as it stands, without a word of ours."""
    return Request(
        turns,
        tools=tools,
        parameters=replace_parameters(task, schema=None),
        sample=draft.index if sample is None else sample,
    )


def with_answer(made: Made, answer: Answer) -> Made | Fault:
    """Return a row with the reply as its last turn, or why that can't be."""
    said = said_in(answer)
    return said if isinstance(said, Fault) else replace(made, messages=(*made.messages, Said("assistant", said)))
