"""What calls cost in calls and tokens, and the most that one call can.

The prompt is bounded by bytes: a token of a byte-level vocabulary (GPT, Llama 3, Qwen, SmolLM) stands for at least one byte, as
does one of a vocabulary with byte fallback (Llama 2, Gemma, Mistral). Real texts have some four bytes a token, so that a
reservation is several times what comes of it; settled is what the server tells.
"""

from __future__ import annotations

import msgspec

from ..calls import Answer, Request

CALL = 128
"""Tokens that a server may add to a call: templates write a system turn of their own (Llama 3.1 some 25 tokens, Qwen 2.5 20,
gpt-oss about 80)."""
MESSAGE = 8
"""Tokens for a message's marks, besides the 27 bytes that its frame has in JSON: most templates need 3 to 5."""
FORM = 256
"""Tokens of the words that templates put around tools or a schema; the JSON itself counts twice, for some print it indented."""

_encode = msgspec.json.Encoder().encode


class Spent(msgspec.Struct, frozen=True, gc=False):
    """An amount of calls and tokens."""

    calls: int = 0
    prompt: int = 0
    completion: int = 0

    @property
    def tokens(self) -> int:
        """Return the tokens of prompts and answers."""
        return self.prompt + self.completion

    def __add__(self, other: Spent) -> Spent:
        """Return both together."""
        return Spent(self.calls + other.calls, self.prompt + other.prompt, self.completion + other.completion)

    def __sub__(self, other: Spent) -> Spent:
        """Return what is left without the other."""
        return Spent(self.calls - other.calls, self.prompt - other.prompt, self.completion - other.completion)

    def times(self, number: int) -> Spent:
        """Return so many of it."""
        return Spent(self.calls * number, self.prompt * number, self.completion * number)


def most_of(request: Request) -> Spent:
    """Return the most that one sending of a call can take.

    >>> from ..messages import Said
    >>> most_of(Request((Said("user", "Hi"),)))
    Spent(calls=1, prompt=168, completion=256)
    """
    prompt = CALL + len(_encode(request.messages)) + MESSAGE * len(request.messages)
    for form in (request.tools, request.parameters.schema):
        if form is not None:
            prompt += 2 * len(form.encode()) + FORM
    return Spent(1, prompt, request.parameters.max_tokens)


def spent_on(answer: Answer, most: Spent) -> Spent:
    """Return what an answer took; what the server does not tell is taken as the most there could be.

    >>> spent_on(Answer(text="4", prompt_tokens=12), Spent(1, 168, 256))
    Spent(calls=1, prompt=12, completion=256)
    """
    prompt, completion = answer.prompt_tokens, answer.completion_tokens
    return Spent(1, most.prompt if prompt is None else prompt, most.completion if completion is None else completion)
