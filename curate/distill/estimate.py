"""What calls will take before they are sent: tokens, money and time, and which of it is measured and which guessed.

The tokens of a prompt follow its bytes (a line through the answers that are known), those of an answer are the mean of known
ones to calls of the same form. From 8 to 16 answers the whole comes out within some 10%
(tests/curate/test_distill_estimate.py); without any, a range is given instead of a number to trust.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import msgspec
import numpy as np

from ..calls import Answer, Request

Basis = Literal["counted", "measured", "guessed", "given"]

_RANK: dict[Basis, int] = {"counted": 0, "given": 1, "measured": 2, "guessed": 3}

BYTES_A_TOKEN, SPREAD = 4.0, (6.0, 2.0)
"""Of English prose under today's vocabularies, and from code-like dense text to scripts that are split finely."""
FRAME = 6
"""Tokens that a template puts around a message."""
SHARE, SHARES = 0.5, (0.05, 1.0)
"""Of ``max_tokens`` that an answer takes, and from one word to all of it."""
FIRST, EACH = 0.5, 0.02
"""Seconds to the first token and for each further one: 50 tokens a second; hosted services give 30 to 150."""
SLOWER = 4.0
"""Times that a guess of seconds may be off, either way."""
FEW = 4
"""Known answers below which nothing is taken as measured."""
ERRORS = 2.0
"""Standard errors on either side of what is measured."""


@dataclass(frozen=True)
class Figure:
    """A number, between which bounds it is, and where it comes from."""

    value: float
    low: float
    high: float
    basis: Basis

    def times(self, factor: float) -> Figure:
        """Return so many of it."""
        return Figure(self.value * factor, self.low * factor, self.high * factor, self.basis)

    def __add__(self, other: Figure) -> Figure:
        """Return both together; the weaker basis is that of the sum, and its bounds are those of both being off alike."""
        basis = max(self.basis, other.basis, key=_RANK.__getitem__)
        return Figure(self.value + other.value, self.low + other.low, self.high + other.high, basis)


@dataclass(frozen=True)
class Estimate:
    """What calls will take.

    Attributes:
        calls: that will be sent.
        prompt: tokens of prompts.
        completion: tokens of answers.
        money: in the currency of the prices; ``None`` where none are known.
        seconds: from the first to the last.
        bytes_a_token: of the prompts, as measured; ``None`` where it is guessed.
        known: answers that it is measured on.
    """

    calls: Figure
    prompt: Figure
    completion: Figure
    money: Figure | None
    seconds: Figure
    bytes_a_token: float | None
    known: int

    @property
    def tokens(self) -> Figure:
        """Return the tokens of prompts and answers."""
        return self.prompt + self.completion

    def summary(self) -> dict[str, Any]:
        """Return the estimate as JSON values."""
        figures = ("calls", "prompt", "completion", "tokens", "money", "seconds")
        return {
            **{name: None if (of := getattr(self, name)) is None else msgspec.to_builtins(of) for name in figures},
            "bytes_a_token": self.bytes_a_token,
            "known_answers": self.known,
        }


def estimate_calls(
    requests: Sequence[Request],
    *,
    known: Sequence[tuple[Request, Answer]] = (),
    calls: float | None = None,
    input_price: float | None = None,
    output_price: float | None = None,
    concurrency: int = 1,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    seconds_a_call: float | None = None,
) -> Estimate:
    """Return what calls will take.

    Args:
        requests: the calls, or a sample of them.
        known: calls with their answers, of the same kind: a probe (``probe_places``) or what a journal has.
        calls: how many there will be, where ``requests`` are a sample or some will be asked again.
        input_price: of one token of a prompt.
        output_price: of one token of an answer.
        concurrency: calls that are under way at once.
        requests_per_minute: that the server allows.
        tokens_per_minute: that the server allows.
        seconds_a_call: where it is known otherwise.

    >>> from ..messages import Said
    >>> estimate_calls([Request((Said("user", "Name a colour."),))], calls=100).prompt.basis
    'guessed'
    """
    good = [(one, answer) for one, answer in known if answer.finish != "error"]
    number = calls if calls is not None else len(requests)
    scale = number / len(requests) if requests else 0.0
    prompt, ratio = _prompt(requests, good)
    completion = _completion(requests, good)
    prompt, completion = prompt.times(scale), completion.times(scale)
    money = None
    if input_price is not None and output_price is not None:
        money = prompt.times(input_price) + completion.times(output_price)
    each = _seconds(completion, number, good, seconds_a_call)
    seconds = each.times(max(number / concurrency, min(number, 1.0)))
    least = 60 * max(
        number / requests_per_minute if requests_per_minute else 0.0,
        (prompt.value + completion.value) / tokens_per_minute if tokens_per_minute else 0.0,
    )
    seconds = Figure(max(seconds.value, least), max(seconds.low, least), max(seconds.high, least), seconds.basis)
    return Estimate(Figure(number, number, number, "counted"), prompt, completion, money, seconds, ratio, len(good))


def probe_places(requests: Sequence[Request], count: int = 12, *, seed: int = 0) -> list[int]:
    """Return places of requests to ask first, so that the rest can be estimated: spread evenly over forms and lengths.

    A draw by chance would by chance be of short ones; each stretch of the requests in order of form and length gives one.

    >>> from ..messages import Said
    >>> probe_places([Request((Said("user", "x" * length),)) for length in range(100)], 4)
    [21, 40, 62, 81]
    """
    order = sorted(range(len(requests)), key=lambda place: (_form(requests[place]), _bytes(requests[place]), place))
    draw = np.random.default_rng(seed)
    edges = np.linspace(0, len(order), min(count, len(order)) + 1).astype(int)
    return sorted(order[int(draw.integers(low, high))] for low, high in pairwise(edges))


def _prompt(requests: Sequence[Request], known: Sequence[tuple[Request, Answer]]) -> tuple[Figure, float | None]:
    """Return the tokens of all prompts, and the bytes of a token as measured."""
    sizes = np.array([_bytes(one) for one in requests], dtype=float)
    frames = float(sum(len(one.messages) for one in requests)) * FRAME
    pairs = [(_bytes(one), answer.prompt_tokens) for one, answer in known if answer.prompt_tokens is not None]
    if len(pairs) < FEW:
        value, low, high = (sizes.sum() / per + frames for per in (BYTES_A_TOKEN, *SPREAD))
        return Figure(float(value), float(low), float(high), "guessed"), None
    given, told = np.array(pairs, dtype=float).T
    slope, constant = _line(given, told)
    value = float((constant + slope * sizes).sum())
    rest = told - (constant + slope * given)
    error = ERRORS * len(requests) * math.sqrt(float(rest @ rest) / max(1, len(pairs) - 2) / len(pairs))
    return Figure(value, max(0.0, value - error), value + error, "measured"), float(given.sum() / max(1.0, told.sum()))


def _line(given: np.ndarray, told: np.ndarray) -> tuple[float, float]:
    """Return slope and constant by least squares, neither below zero; through the origin where the lengths hardly differ."""
    centred = given - given.mean()
    if float(given.std()) > 0.02 * float(given.mean()):
        slope = float(centred @ (told - told.mean()) / (centred @ centred))
        constant = float(told.mean() - slope * given.mean())
        if slope > 0 and constant >= 0:
            return slope, constant
    return float(told.sum() / max(1.0, given.sum())), 0.0


def _completion(requests: Sequence[Request], known: Sequence[tuple[Request, Answer]]) -> Figure:
    """Return the tokens of all answers: by the known ones of the same form, else by all known ones, else a guess."""
    by_form: dict[str, list[float]] = {}
    for one, answer in known:
        if answer.completion_tokens is not None:
            by_form.setdefault(_form(one), []).append(float(answer.completion_tokens))
    everything = [tokens for told in by_form.values() for tokens in told]
    forms: dict[str, list[int]] = {}
    for one in requests:
        forms.setdefault(_form(one), []).append(one.parameters.max_tokens)
    total = Figure(0.0, 0.0, 0.0, "counted")
    for form, caps in forms.items():
        told = by_form.get(form, ())
        told = told if len(told) >= FEW else everything
        total += _mean(told, caps) if len(told) >= FEW else _guess(caps)
    return total


def _mean(told: Sequence[float], caps: Sequence[int]) -> Figure:
    mean, error = float(np.mean(told)), ERRORS * float(np.std(told, ddof=1)) / math.sqrt(len(told))
    value, low, high = (
        float(sum(min(cap, max(0.0, one)) for cap in caps)) for one in (mean, mean - error, mean + error)
    )
    return Figure(value, low, high, "measured")


def _guess(caps: Sequence[int]) -> Figure:
    whole = float(sum(caps))
    return Figure(whole * SHARE, whole * SHARES[0], whole * SHARES[1], "guessed")


def _seconds(completion: Figure, number: float, known: Sequence[tuple[Request, Answer]], given: float | None) -> Figure:
    """Return the seconds of one call."""
    if given is not None:
        return Figure(given, given, given, "given")
    told = [answer.seconds for _, answer in known if answer.seconds is not None]
    if len(told) >= FEW:
        mean, error = float(np.mean(told)), ERRORS * float(np.std(told, ddof=1)) / math.sqrt(len(told))
        return Figure(mean, max(0.0, mean - error), mean + error, "measured")
    value = FIRST + EACH * completion.value / max(1.0, number)
    return Figure(value, value / SLOWER, value * SLOWER, "guessed")


def _bytes(request: Request) -> int:
    parts = [said.content or "" for said in request.messages]
    parts += [str(said.tool_calls) for said in request.messages if said.tool_calls is not None]
    parts += [form for form in (request.tools, request.parameters.schema) if form is not None]
    return sum(len(part.encode("utf-8", "surrogatepass")) for part in parts)


def _form(request: Request) -> str:
    """Return what makes answers alike in length: the system turn, the schema and the cap."""
    first = request.messages[0] if request.messages else None
    system = first.content if first is not None and first.role == "system" else None
    parameters = request.parameters
    return repr((system, parameters.schema, parameters.max_tokens, parameters.stop, request.tools))
