"""A request as an OpenAI-compatible server takes it, and its reply as an answer.

The shape is that of ``POST /chat/completions`` in OpenAI's API reference, with what vLLM, llama.cpp and hosted services add:
``reasoning`` or ``reasoning_content`` beside the content, content in parts, an error inside a reply with status 200.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ...curate.errors import DataError, quote
from ...curate.messages import Said
from .protocol import Answer, Finish, Request

TokenField = Literal["max_tokens", "max_completion_tokens"]
"""Older servers know the first alone, OpenAI's reasoning models the second alone."""

_encode = msgspec.json.Encoder().encode


class BadReply(ValueError):
    """A reply that is no whole chat completion; the text says what it is instead."""


def write_request(model: str, request: Request, *, token_field: TokenField, extra: Mapping[str, Any]) -> bytes:
    """Return the body of a call.

    Args:
        model: as the server knows it.
        request: the call; of several samples with one seed each gets a seed of its own, or all would be the same.
        token_field: what the cap on the answer's length is called.
        extra: further fields, which win over those made here.

    Raises:
        DataError: ``tools``, ``tool_calls`` or the schema are no JSON.
    """
    parameters = request.parameters
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(said) for said in request.messages],
        "temperature": parameters.temperature,
        token_field: parameters.max_tokens,
    }
    if parameters.top_p is not None:
        body["top_p"] = parameters.top_p
    if parameters.stop:
        body["stop"] = parameters.stop
    if parameters.seed is not None:
        body["seed"] = parameters.seed + request.sample
    if parameters.top_logprobs:
        body |= {"logprobs": True, "top_logprobs": parameters.top_logprobs}
    if request.tools is not None:
        body["tools"] = _json(request.tools, "the tools")
    if parameters.schema is not None:
        schema = _json(parameters.schema, "the schema")
        form = {"name": "answer", "schema": schema, "strict": _is_strict(schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return _encode({**body, **extra})


def _message(said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": said.role, "content": said.content}
    if said.tool_calls is not None:
        message["tool_calls"] = [_call(call, at) for at, call in enumerate(_calls(said.tool_calls))]
    if said.tool_call_id is not None:
        message["tool_call_id"] = said.tool_call_id
    return message


def _calls(text: msgspec.Raw | str) -> list[dict[str, Any]]:
    calls = _json(text if isinstance(text, str) else bytes(text).decode(), "the tool calls")
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise DataError(
            f"the tool calls {quote(text)} are no list of objects; `vetset check` with quality.schema finds such rows."
        )
    return calls


def _call(call: dict[str, Any], at: int) -> dict[str, Any]:
    """Return a call with an id, and with its arguments as the text that the API wants."""
    function = call.get("function")
    if isinstance(function, dict) and not isinstance(function.get("arguments", ""), str):
        function = {**function, "arguments": _encode(function["arguments"]).decode()}
    return {"id": f"call_{at + 1}", "type": "function", **call, "function": function}


def _json(text: str, what: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError as error:
        raise DataError(f"{what} {quote(text)} are no JSON ({error}); correct them in the eval set.") from error


def _is_strict(schema: Any) -> bool:
    """Say whether OpenAI's strict mode would take a schema: every object closed, every property required."""
    if isinstance(schema, list):
        return all(map(_is_strict, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        closed = schema.get("additionalProperties") is False
        required = schema.get("required", [])
        named = (
            isinstance(properties, dict) and isinstance(required, list) and all(isinstance(n, str) for n in required)
        )
        if not closed or not named or set(required) != set(properties):
            return False
    return all(map(_is_strict, schema.values()))


_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "filtered",
}
_FAILED = ("error", "abort", "insufficient_system_resource")
"""Ends that are none: a server that failed half-way (OpenRouter, vLLM, DeepSeek)."""


class _Message(msgspec.Struct):
    content: Any = None
    refusal: str | None = None
    reasoning: Any = None
    reasoning_content: Any = None
    tool_calls: msgspec.Raw = msgspec.Raw(b"null")


class _Logprobs(msgspec.Struct):
    content: msgspec.Raw = msgspec.Raw(b"null")


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Reply(msgspec.Struct):
    choices: list[_Choice] = msgspec.field(default_factory=list)
    usage: _Usage | None = None
    model: str | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Reply).decode


def read_reply(body: bytes, seconds: float) -> Answer:
    """Return the answer that stands in a reply with status 200.

    Raises:
        BadReply: it is cut off, another thing than a chat completion, or says that the server failed.

    >>> read_reply(b'{"choices": [{"message": {"content": "4"}, "finish_reason": "length"}]}', 0.5).finish
    'length'
    """
    try:
        reply = _decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        reply = _lenient(body, error)
    if reply.error or not reply.choices:
        raise BadReply(error_text(body) or "a reply without an answer")
    choice = reply.choices[0]
    ended = choice.finish_reason or "stop"
    if ended in _FAILED:
        raise BadReply(f"the server ended the answer with {quote(ended)}")
    message, usage = choice.message, reply.usage or _Usage()
    text = _text(message.content)
    calls = _raw(message.tool_calls)
    return Answer(
        text=text if text is not None else message.refusal,
        # Some servers say "stop" of an answer that is a call.
        finish="tool_calls" if calls and ended == "stop" and not text else _FINISH.get(ended, "stop"),
        tool_calls=calls,
        reasoning=_text(message.reasoning_content) or _text(message.reasoning) or _thought(message.content),
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        seconds=round(seconds, 4),
        logprobs=_raw(choice.logprobs.content) if choice.logprobs is not None else None,
        served_by=reply.model,
    )


def _lenient(body: bytes, error: Exception) -> _Reply:
    """Read a reply with half a surrogate pair in it, where an answer was cut inside a sign: the rest of it counts."""
    try:
        return _decode(json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise BadReply(f"no whole reply ({error})") from error


def _raw(value: msgspec.Raw) -> str | None:
    text = bytes(value).decode()
    return None if text in ("null", "[]") else text


def _text(content: Any) -> str | None:
    """Return content as one text; some services send it in parts."""
    if content is None or isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    return "".join(str(part["text"]) for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def _thought(content: Any) -> str | None:
    """Return the thinking parts of content that comes in parts (Mistral's shape)."""
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return "".join(_text(part["thinking"]) or "" for part in parts if "thinking" in part) or None


def error_text(body: bytes) -> str | None:
    """Return what a server says of an error, in any of the shapes that are about; ``None`` where it says nothing.

    >>> error_text(b'{"error": {"message": "no such model"}}'), error_text(b'{"detail": "busy"}'), error_text(b"<html>")
    ('no such model', 'busy', None)
    """
    found = error_fields(body)
    return next((str(found[name]) for name in ("message", "detail", "error", "code") if found.get(name)), None)


def error_fields(body: bytes) -> dict[str, Any]:
    """Return the fields of an error reply: ``message, code, type, param`` where they are given."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    inner = found.get("error")
    return inner if isinstance(inner, dict) else found
