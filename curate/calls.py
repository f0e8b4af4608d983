"""One call to a model and what came back, whoever the model is: what ``evaluate.models`` answers and ``curate.distill`` asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from .messages import Said

Finish = Literal["stop", "length", "tool_calls", "filtered", "error"]
"""Why an answer ended: by itself, cut off at ``max_tokens``, to call a tool, by the server's filter, or not at all."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of a request besides its messages changes the answer; each is part of the journal's key."""

    temperature: float = 0.0
    top_p: float | None = None
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    seed: int | None = None
    schema: str | None = None
    """A JSON schema that the server is asked to hold the answer to, as JSON text."""
    top_logprobs: int = 0
    """How many of the likeliest tokens of each place to return."""


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call: a conversation that ends before the answer."""

    messages: tuple[Said, ...]
    tools: str | None = None
    """JSON schemas of the tools on offer."""
    parameters: Parameters = Parameters()
    sample: int = 0
    """Which of several answers to the same request this is, from 0."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came back. ``finish="error"`` is no answer: ``error`` is one sentence, and a later run asks again."""

    text: str | None = None
    finish: Finish = "stop"
    error: str | None = None
    tool_calls: str | None = None
    """JSON array in OpenAI's shape."""
    reasoning: str | None = None
    """What a reasoning model thought, where it is told apart from the answer; never scored."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    """From sending to the last token; of a batch, its time shared by the tokens."""
    logprobs: str | None = None
    """JSON, as OpenAI's ``logprobs.content``, where asked for."""
    served_by: str | None = None
    """The model's name as the server tells it."""


Ask = Callable[[Sequence[Request]], list[Answer]]
"""Requests to answers, in order. Give one that keeps a journal, and no call is paid for twice."""
