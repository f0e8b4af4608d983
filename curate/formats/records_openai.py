"""One row as one record of OpenAI's chat fine-tuning, which is stricter than the chat shape that others read.

Arguments are a text that holds JSON, each call has an id, each result names the call that it answers, tools are wrapped
as functions, and keys that the service does not know make it refuse the file.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from .records import (
    OF_MESSAGES,
    CannotCarry,
    Layout,
    Message,
    Raw,
    Row,
    add_key,
    decode_objects,
    objects,
    one_line,
    said,
)


class _Function(msgspec.Struct):
    name: str
    arguments: str


class _Call(msgspec.Struct):
    """A tool call that may stand as it is."""

    id: str
    type: str
    function: _Function


_decode_calls = msgspec.json.Decoder(list[_Call]).decode

KEYS = frozenset(("name", "weight", "refusal"))
"""What a message may have besides role, content and calls."""

_ROLES = frozenset(("system", "developer", "user", "assistant", "tool"))


class _Ids:
    """The ids of the calls that wait for their results; makes those that the source did not give."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.made = 0

    def make(self) -> str:
        self.made += 1
        return f"call_{self.made}"

    def answered(self, call_id: str | None) -> str:
        """Return the id of the call that a result answers: the one it names, or else the first that waits."""
        if call_id in self.waiting:
            self.waiting.remove(call_id)
            return call_id
        if not self.waiting or (call_id is not None and not self.made):
            raise CannotCarry("a tool result with no call before it")
        return self.waiting.pop(0)


def openai(row: Row, layout: Layout) -> dict[str, Any]:
    """Return the row as OpenAI's chat fine-tuning takes it."""
    turns = said(row)
    if turns[-1]["role"] != "assistant":
        raise CannotCarry("no assistant turn at the end")
    ids = _Ids()
    record: dict[str, Any] = {"messages": [_message(message, ids, layout) for message in turns]}
    tools = row["tools"]
    if tools is not None and tools.strip() not in ("", "[]"):
        record["tools"] = _tools(tools)
    if "parallel_tool_calls" in row["extra"]:
        record.update((key, raw) for key, raw in objects(row["extra"]).items() if key == "parallel_tool_calls")
    return record


def _message(message: Message, ids: _Ids, layout: Layout) -> dict[str, Any]:
    if message["role"] not in _ROLES:
        raise CannotCarry("a role that OpenAI does not know")
    record: dict[str, Any] = {"role": message["role"], "content": message["content"]}
    if message["tool_calls"] is not None:
        record["tool_calls"] = _calls(message["tool_calls"], ids)
    elif message["content"] is None:
        raise CannotCarry("a message without content")
    if message["role"] == "tool":
        record["tool_call_id"] = ids.answered(message["tool_call_id"])
    for key, raw in objects(message["extra"]).items():
        if layout.extra or key in KEYS:
            add_key(record, key, raw, layout, of=OF_MESSAGES)
    return record


def _calls(text: str, ids: _Ids) -> Raw | list[dict[str, Any]]:
    try:
        calls = _decode_calls(text)
    except (msgspec.MsgspecError, UnicodeError):
        ids.waiting = []
        return [_call(call, ids) for call in _loose_calls(text)]
    ids.waiting = [call.id for call in calls]
    return one_line(text)


def _loose_calls(text: str) -> list[dict[str, Raw]]:
    try:
        calls = decode_objects(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise CannotCarry("tool calls that are not a JSON list") from error
    if not calls:
        raise CannotCarry("tool calls that are not a JSON list")
    return calls


def _call(call: dict[str, Raw], ids: _Ids) -> dict[str, Any]:
    function = objects(bytes(call["function"]).decode()) if "function" in call else {}
    name, arguments = bytes(function.get("name", b"")), bytes(function.get("arguments", b"{}"))
    if name[:1] != b'"' or name == b'""' or (len(function) > 1 and "arguments" not in function):
        raise CannotCarry("a tool call without a name or arguments")
    if arguments[:1] != b'"':  # an object: its characters become the text
        arguments = msgspec.json.encode(arguments.decode())
    given = bytes(call.get("id", b""))
    call_id = msgspec.json.decode(given) if given[:1] == b'"' else ids.make()
    ids.waiting.append(call_id)
    return {"id": call_id, "type": "function", "function": {"name": Raw(name), "arguments": Raw(arguments)}}


@lru_cache(maxsize=4096)  # thousands of rows share one set of tools
def _tools(text: str) -> Raw:
    try:
        tools = decode_objects(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise CannotCarry("tools that are not a JSON list") from error
    if all("function" in tool for tool in tools):
        return one_line(text)
    if not all("function" in tool or "name" in tool for tool in tools):
        raise CannotCarry("a tool without a name")
    return Raw(msgspec.json.encode([tool if "function" in tool else _wrapped(tool) for tool in tools]))


def _wrapped(tool: dict[str, Raw]) -> dict[str, Any]:
    # Raw keeps the line feeds of a schema that was written over several lines.
    return {"type": "function", "function": {key: one_line(bytes(raw).decode()) for key, raw in tool.items()}}
