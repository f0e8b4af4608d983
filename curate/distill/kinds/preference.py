"""A better and a worse answer to the same request, for preference training.

``best_of``: the teacher answers n times and scores each answer by itself; the best and the worst make the pair (as in
UltraFeedback, Cui et al. 2023, with one teacher). ``minimal_edit``: one error of a named kind is planted in a good answer, so
that the pair differs in that alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...calls import Answer, Request
from ...messages import Said
from ..asking import ask, block, read, said_in
from ..draft import Draft, Fault, Made, Replies, Step
from ..seeds import Seed
from ..task import Task
from .drawing import drawn
from .kind import Kind
from .likeness import changed, copied
from .options import choice, option, share, whole
from .turns import SEED, last_asked, reply_of, to_answer, written
from .wording import axes_in_words, parts, told

PAIR, CHANGE = "distill.pair", "distill.change"
"""The gates for answers that are too close in score, and for an error that changes too much."""

_JUDGE, _EDITOR = (
    "You judge answers of an assistant, strictly.",
    "You plant errors in answers, to test whether they are found.",
)
_SCORE = {"score": "a whole number from 1 (useless) to 10 (could not be better)"}
_EDIT = {"answer": "the whole answer with the error in it", "error": "what is wrong in it now, in a few words"}
_NUMBER = re.compile(r"(?<![\d.])(10|[1-9])(?![\d]|\.\d)")

ERRORS = {
    "fact": "Make one fact wrong.",
    "number": "Make one number, date or unit wrong.",
    "omission": "Leave out one thing that was asked for.",
    "instruction": "Break one of the instructions in the request.",
    "reasoning": "Make one step of the reasoning wrong, so that the end does not follow.",
    "tone": "Make the tone wrong for this reader in one place.",
}
"""What is planted, by the words that the axis ``error`` takes; another word stands for itself, with its ``about``."""

OPTIONS: Mapping[str, Any] = {
    "way": "best_of",
    "n": 4,  # best_of: answers; the gain of best of n grows with log n, the calls with n
    "margin": 2,  # best_of: least points between the two; at 1 a teacher's score is noise
    "criteria": "correct, complete, follows the instructions, clear",
    "change": 0.5,  # minimal_edit: most of the words, by Dice's measure
}


def _make(task: Task) -> Step:
    way = choice(task, OPTIONS, "way", of=("best_of", "minimal_edit"))
    of = whole(task, OPTIONS, "n", least=2, most=64)
    margin, most = whole(task, OPTIONS, "margin", least=1, most=9), share(task, OPTIONS, "change")
    option(task, OPTIONS, "criteria")

    def best_of(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        seed = task.seeds(draft)[0]
        if not replies:
            samples = range(draft.index * of, (draft.index + 1) * of)
            return [to_answer(task, draft, seed.asked, sample=sample, tools=seed.tools) for sample in samples]
        answers = _different(replies[0])
        if len(answers) < 2:
            return Fault(PAIR, f"Of {of} answers fewer than two could be used and differ.")
        if len(replies) == 1:
            return [
                _ask_score(task, draft, seed, text, sample=draft.index * of + place)
                for place, text in enumerate(answers)
            ]
        scores = [_score(answer) for answer in replies[1]]
        scored = sorted(((score, -place) for place, score in enumerate(scores) if score is not None), reverse=True)
        if len(scored) < 2 or scored[0][0] - scored[-1][0] < margin:
            told_scores = ", ".join("none" if score is None else str(score) for score in scores)
            return Fault(PAIR, f"No two answers are {margin} points apart (scores: {told_scores}).")
        (high, best), (low, worst) = scored[0], scored[-1]
        return _pair(seed, answers[-best], answers[-worst], {"way": way, "scores": [high, low], "of": len(answers)})

    def minimal_edit(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        seed = task.seeds(draft)[0]
        good, waves = reply_of(seed), replies
        if good is None:
            if not replies:
                return [to_answer(task, draft, seed.asked, tools=seed.tools)]
            answered, waves = said_in(replies[0][0]), replies[1:]
            if isinstance(answered, Fault):
                return answered
            good = answered
        error = draft.cell.get("error") or drawn(draft, list(ERRORS), salt="error")
        if not waves:
            return [_ask_edit(task, draft, seed, good, error)]
        found = read(task, waves[0][0], _EDIT)
        if isinstance(found, Fault):
            return found
        moved = changed(found["answer"], good)
        if moved > most:
            return Fault(CHANGE, f"{moved:.0%} of the words were changed, and at most {most:.0%} were to be.")
        extra = {"way": way, "error": error, "what": found["error"], "changed": round(moved, 3)}
        return copied(found["answer"], good) or _pair(seed, good, found["answer"], extra)

    steps: dict[str, Step] = {"best_of": best_of, "minimal_edit": minimal_edit}

    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        if last_asked(task.seeds(draft)[0]) is None:
            return Fault(SEED, "The row has no request of a user.")
        return steps[way](draft, replies)

    return step


def _pair(seed: Seed, better: str, worse: str, extra: Mapping[str, Any]) -> Made:
    # Of a row that has no reply the label is what classifies it, and nothing of an answer.
    label = seed.label if reply_of(seed) is not None else None
    return Made((*seed.asked, Said("assistant", better)), label, rejected=worse, tools=seed.tools, extra=dict(extra))


def _different(answers: tuple[Answer, ...]) -> list[str]:
    """Return the texts that answer and differ, in the order in which they came."""
    return list(dict.fromkeys(text for text in map(said_in, answers) if isinstance(text, str)))


def _ask_score(task: Task, draft: Draft, seed: Seed, text: str, *, sample: int) -> Request:
    said = parts(
        task.instruction,
        block("conversation", written(seed.asked)),
        block("answer", text),
        f"Score this answer. A good one is: {option(task, OPTIONS, 'criteria')}.",
    )
    return ask(task, draft, said, fields=_SCORE, system=_JUDGE, sample=sample, temperature=0.0)


def _score(answer: Answer) -> int | None:
    """Return the points that a reply gives; ``None`` where it gives none, or several."""
    text = said_in(answer)
    found = set(_NUMBER.findall(re.sub(r"(?:/|\bout of)\s*10\b", "", text))) if isinstance(text, str) else set()
    return int(found.pop()) if len(found) == 1 else None


def _ask_edit(task: Task, draft: Draft, seed: Seed, good: str, error: str) -> Request:
    said = parts(
        task.instruction,
        block("conversation", written(seed.asked)),
        block("answer", good),
        axes_in_words(task, draft.cell, but=("label", "error")),
        f"Copy this answer with one error: {ERRORS.get(error) or told(task, error)} Change nothing else, and don't point at it.",
    )
    return ask(task, draft, said, fields=_EDIT, system=_EDITOR)


def _calls(task: Task) -> int:
    best = choice(task, OPTIONS, "way", of=("best_of", "minimal_edit")) == "best_of"
    return 2 * whole(task, OPTIONS, "n", least=2, most=64) if best else 2


PREFERENCE = Kind(
    "a better and a worse answer to a row's request",
    _make,
    draws="row",
    options=OPTIONS,
    same_text=True,
    calls=_calls,
)
