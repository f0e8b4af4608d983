"""Labels for rows that have none, by vote: the teacher is asked n times, and what it says most often stands (Wang et al. 2023).

Where the first votes agree the rest can't outvote them, and are not asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ...calls import Answer, Request
from ...errors import UsageError
from ..asking import ask, block, read
from ..draft import Draft, Fault, Made, Replies, Step
from ..seeds import Seed
from ..task import Task
from .answers import LABEL, find_label
from .kind import Kind
from .options import option, share, whole
from .turns import written
from .wording import listed, parts

_SYSTEM = "You label examples of a data set."
NONE = "none of these"
"""What the teacher may say where ``none`` is an option."""

OPTIONS: Mapping[str, Any] = {
    "votes": 5,  # the paper's gain is largely there by 5 to 10
    "share": 0.6,  # of all votes that were asked for; below it the row is for a person to look at
    "labels": [],  # in place of those of the set
    "think": False,  # True: thoughts before each label, which is what the paper votes over
    "none": True,
}


def _make(task: Task) -> Step:
    votes, least = whole(task, OPTIONS, "votes", least=1, most=99), share(task, OPTIONS, "share")
    think, none = option(task, OPTIONS, "think"), option(task, OPTIONS, "none")
    labels = _labels(task)
    if votes > 1 and not task.parameters.temperature:
        raise UsageError(
            "plan.options.votes needs teacher.temperature above 0: at 0 all votes are one; set it, or votes = 1."
        )
    possible = (*labels, NONE) if none and NONE not in labels else labels
    fields = ({"thought": "your thoughts, step by step"} if think else {}) | {
        "label": "the label, as it is written above"
    }
    first = votes // 2 + 1

    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        seed = task.seeds(draft)[0]
        said = [_vote(task, answer, fields, possible) for wave in replies for answer in wave]
        decided = len(said) == first and len(set(said)) == 1 and said[0] is not None
        if len(said) < votes and not decided:
            wanted = range(len(said), votes if said else first)
            prompt = _prompt(task, seed, possible)
            samples = (draft.index * votes + number for number in wanted)
            return [ask(task, draft, prompt, fields=fields, system=_SYSTEM, sample=sample) for sample in samples]
        return _counted(seed, said, least=least, none=none)

    return step


def _labels(task: Task) -> tuple[str, ...]:
    given = option(task, OPTIONS, "labels")
    if any(not isinstance(label, str) or not label.strip() for label in given) or len(set(given)) < len(given):
        raise UsageError("plan.options.labels takes different labels, each a text.")
    labels = tuple(given) or task.labels
    if len(labels) < 2:
        raise UsageError(
            f"label_rows needs two labels or more, and the set has {len(labels)}; give plan.options.labels."
        )
    return labels


def _vote(task: Task, answer: Answer, fields: Mapping[str, str], labels: tuple[str, ...]) -> str | None:
    found = read(task, answer, fields)
    return None if isinstance(found, Fault) else find_label(found["label"], labels)


def _counted(seed: Seed, said: list[str | None], *, least: float, none: bool) -> Made | Fault:
    counts = Counter(vote for vote in said if vote is not None)
    if not counts:
        return Fault(LABEL, f"None of {len(said)} replies names a label of the set.")
    ranked = sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))
    label, most = ranked[0]
    held = most / len(said)
    tied = len(ranked) > 1 and ranked[1][1] == most
    if none and label == NONE and not tied:
        return Fault(LABEL, f"{most} of {len(said)} votes say that no label fits.")
    label = next(name for name, _ in ranked if name != NONE or not none)
    extra: dict[str, Any] = {"votes": dict(ranked), "asked": len(said), "share": round(held, 3)}
    if tied or held < least:
        extra["review"] = (
            f"The teacher's votes are tied at {most} of {len(said)}."
            if tied
            else f"Only {most} of the teacher's {len(said)} votes are for this label."
        )
    return Made(seed.messages, label, tools=seed.tools, extra=extra)


def _prompt(task: Task, seed: Seed, labels: tuple[str, ...]) -> str:
    return parts(
        task.instruction,
        block("conversation", written(seed.messages)) if len(seed.messages) > 1 else block("message", seed.text),
        f"Which one of these labels does it have?\n{listed(task, labels)}",
    )


def _votes(task: Task) -> int:
    return whole(task, OPTIONS, "votes", least=1, most=99)


LABEL_ROWS = Kind(
    "labels for rows without one, by vote",
    _make,
    draws="each",
    needs="no label",
    options=OPTIONS,
    same_text=True,
    calls=_votes,
    usual=lambda task: _votes(task) // 2 + 1,
)
