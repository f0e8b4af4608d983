"""A row's label as shares: how likely the teacher finds each label, so that a student learns its doubt (Hinton et al. 2015).

Labels are shown as letters, since a letter is one token with most tokenizers; how likely the reply begins with each letter gives
the shares, as the mean over several orders of the labels. Models lean to some letters: SmolLM2-135M gives "A" five parts in six,
whatever the row says, so a row whose shares move with the order is for a person to look at. What the server gives in
``top_logprobs`` (20 tokens at most with OpenAI) is all there is, and the mass on other tokens is told in ``extra``. A server that
gives none is asked n times, and the shares are those of its replies.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from types import MappingProxyType
from typing import Any

import msgspec

from ...calls import Answer, Request
from ...errors import UsageError
from ...labels.targets import canonical
from ..asking import SCHEMA, ask_so, block, said_in
from ..draft import Draft, Fault, Made, Replies, Step
from ..seeds import Seed
from ..task import Task
from .answers import find_label
from .drawing import shuffled
from .kind import Kind
from .options import choice, share, whole
from .turns import written
from .wording import named, parts

MASS = "distill.mass"
"""The gate for a reply whose likeliest words are no label."""

_SYSTEM = "You label examples of a data set."
_SIGNS = ascii_uppercase + ascii_lowercase
_AROUND = " \t\n\"'`*().:,▁Ġ"  # what a tokenizer or a model sets around a letter
_LEANS = 0.25  # share that moves with the order of the labels: beyond it the letter says more than the row
_TOKENS = 4  # some models begin with white space, and the first token that is none counts

OPTIONS: Mapping[str, Any] = {
    "way": "logprobs",
    "orders": 2,  # of the letters, each a call: models lean to some letters, and with one order that can't be seen
    "samples": 10,  # replies where there are no log-probabilities: shares move by steps of a tenth
    "mass": 0.5,  # least probability on the letters together
}


class _Likely(msgspec.Struct):
    token: str
    logprob: float


class _Place(msgspec.Struct):
    token: str
    logprob: float
    top_logprobs: list[_Likely] = []


_decode = msgspec.json.Decoder(list[_Place]).decode


def _make(task: Task) -> Step:
    by_chance = choice(task, OPTIONS, "way", of=("logprobs", "samples")) == "samples"
    orders = whole(task, OPTIONS, "orders", least=1, most=10)
    samples, least = whole(task, OPTIONS, "samples", least=2, most=1000), share(task, OPTIONS, "mass")
    labels = task.labels
    if not 2 <= len(labels) <= len(_SIGNS):
        raise UsageError(f"soft_labels takes 2 to {len(_SIGNS)} labels, a letter each, and the set has {len(labels)}.")
    if by_chance and not task.parameters.temperature:
        raise UsageError(
            "plan.options.way is samples, which needs teacher.temperature above 0: at 0 all replies are one."
        )

    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        seed = task.seeds(draft)[0]
        shown = _orders(draft, labels, orders)
        if not replies and not by_chance:
            prompts = (_prompt(task, seed, order) for order in shown)
            return [_ask_likely(task, draft, said, draft.index * orders + at) for at, said in enumerate(prompts)]
        if not by_chance:
            places = [_first(answer) for answer in replies[0]]
            told = [place for place in places if place is not None]
            if len(told) == orders:
                return _likely(seed, shown, told, least=least)
            if fault := next(
                (said for said in map(said_in, replies[0]) if isinstance(said, Fault) and _final(said)), None
            ):
                return fault
            if not task.parameters.temperature:
                return Fault(
                    SCHEMA,
                    "The server gives no log-probabilities, and at temperature 0 all replies are one; set it above 0.",
                )
        if len(replies) == (0 if by_chance else 1):
            prompts = [_prompt(task, seed, order) for order in shown]
            numbers = range(draft.index * samples, (draft.index + 1) * samples)
            return [
                ask_so(task, draft, prompts[number % orders], schema=None, system=_SYSTEM, sample=number)
                for number in numbers
            ]
        first = draft.index * samples
        given = [_said(answer, shown[(first + at) % orders]) for at, answer in enumerate(replies[-1])]
        return _sampled(seed, given, least=least)

    return step


def _final(fault: Fault) -> bool:
    return fault.gate in ("distill.filtered", "distill.unanswered")


def _prompt(task: Task, seed: Seed, labels: Sequence[str]) -> str:
    lines = "\n".join(f"{sign}: {named(task, label)}" for sign, label in zip(_SIGNS, labels, strict=False))
    return parts(
        task.instruction,
        block("conversation", written(seed.asked)) if len(seed.asked) > 1 else block("message", seed.text),
        f"Which one of these labels does it have?\n{lines}",
        f"Reply with one letter: {_letters(len(labels))}.",
    )


def _orders(draft: Draft, labels: Sequence[str], count: int) -> list[list[str]]:
    """Return orders of the labels: by lot, then turned; with as many as there are labels, each has every letter once."""
    first = shuffled(draft, labels)
    steps = [number * len(first) // count if count <= len(first) else number % len(first) for number in range(count)]
    return [first[step:] + first[:step] for step in steps]


def _letters(count: int) -> str:
    """Return the letters in words: a small model puts twice the mass on letters that it is told again."""
    signs = _SIGNS[:count]
    return f"{', '.join(signs[:-1])} or {signs[-1]}" if count <= 10 else f"one of {signs[0]} to {signs[-1]}"


def _ask_likely(task: Task, draft: Draft, said: str, sample: int) -> Request:
    return ask_so(
        task, draft, said, schema=None, system=_SYSTEM, sample=sample,
        temperature=0.0, top_p=None, max_tokens=_TOKENS, top_logprobs=20,
    )  # fmt: skip


def _first(answer: Answer) -> dict[str, float] | None:
    """Return the probability of each token at the first place that is not white space; ``None`` where none are told."""
    try:
        places = _decode(answer.logprobs or "[]")
    except msgspec.MsgspecError:
        return None
    for place in places:
        if place.token.strip(_AROUND) and place.top_logprobs:
            likely = {one.token: math.exp(min(0.0, one.logprob)) for one in place.top_logprobs}
            return likely | {place.token: math.exp(min(0.0, place.logprob))}
    return None


def _likely(
    seed: Seed, shown: Sequence[Sequence[str]], told: Sequence[Mapping[str, float]], *, least: float
) -> Made | Fault:
    each: list[dict[str, float]] = []
    outside = 0.0
    for labels, tokens in zip(shown, told, strict=True):
        by_sign: dict[str, float] = {}
        for token, chance in tokens.items():
            sign = token.strip(_AROUND)
            by_sign[sign] = by_sign.get(sign, 0.0) + chance
        found = {label: by_sign.get(sign, 0.0) for sign, label in zip(_SIGNS, labels, strict=False)}
        mass = math.fsum(found.values())
        if mass < least or not mass:
            return Fault(
                MASS, f"Only {mass:.0%} of the reply's probability is on labels, and at least {least:.0%} is wanted."
            )
        outside += max(0.0, 1 - mass) / len(told)
        each.append({label: chance / mass for label, chance in found.items()})
    shares = {label: math.fsum(one[label] for one in each) / len(each) for label in shown[0]}
    extra: dict[str, Any] = {"way": "logprobs", "orders": len(each), "outside": round(outside, 4)}
    if len(each) == 1:
        return _made(seed, shares, extra)
    apart = math.fsum(abs(one[label] - shares[label]) for one in each for label in shares) / 2 / len(each)
    lean = {"review": f"The order of the labels moves {apart:.0%} of their shares."} if apart > _LEANS else {}
    return _made(seed, shares, extra | {"apart": round(apart, 4)}, lean)


def _said(answer: Answer, labels: Sequence[str]) -> str | None:
    text = said_in(answer)
    if isinstance(text, Fault):
        return None
    bare = text.strip(_AROUND)
    sign = bare if len(bare) == 1 else text.split(":", 1)[0].strip(_AROUND)
    if len(sign) == 1 and sign in ascii_letters and _SIGNS.index(sign) < len(labels):
        return labels[_SIGNS.index(sign)]
    return find_label(text, labels)


def _sampled(seed: Seed, given: Sequence[str | None], *, least: float) -> Made | Fault:
    counts = Counter(label for label in given if label is not None)
    if not counts or counts.total() / len(given) < least:
        return Fault(
            MASS, f"{counts.total()} of {len(given)} replies name a label, and at least {least:.0%} are wanted."
        )
    shares = {label: count / counts.total() for label, count in counts.items()}
    return _made(
        seed, shares, {"way": "samples", "samples": len(given), "outside": round(1 - counts.total() / len(given), 4)}
    )


def _made(
    seed: Seed, shares: Mapping[str, float], extra: Mapping[str, Any], lean: Mapping[str, str] = MappingProxyType({})
) -> Made:
    kept = {label: round(share, 4) for label, share in shares.items() if round(share, 4) > 0}
    hard = {"hard_label": seed.label} if seed.label is not None else {}
    return Made(seed.messages, canonical(kept, "shares"), tools=seed.tools, extra={"soft": dict(extra), **lean, **hard})


def _calls(task: Task) -> int:
    samples = whole(task, OPTIONS, "samples", least=2, most=1000)
    if choice(task, OPTIONS, "way", of=("logprobs", "samples")) == "samples":
        return samples
    return whole(task, OPTIONS, "orders", least=1, most=10) + samples


def _usual(task: Task) -> int:
    by_chance = choice(task, OPTIONS, "way", of=("logprobs", "samples")) == "samples"
    return _calls(task) if by_chance else whole(task, OPTIONS, "orders", least=1, most=10)


SOFT_LABELS = Kind(
    "a row's label as shares, by the teacher's probabilities",
    _make,
    draws="each",
    options=OPTIONS,
    same_text=True,
    calls=_calls,
    usual=_usual,
)
