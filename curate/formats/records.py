"""One row as one record of each wire format: the way back from what ``shapes`` reads.

Tool calls and schemas stay the characters that stood in the source (``msgspec.Raw``), so that a record that is read
again gives the same row. A row that a format has no place for raises ``CannotCarry``; nothing is bent to fit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from ..labels.targets import Kind, canonical

Row = dict[str, Any]
Message = dict[str, Any]
Raw = msgspec.Raw

OF_MESSAGES = "among further keys of messages"
"""Where a key stood that a record has for its own (``add_key``)."""


class Layout(NamedTuple):
    """What all records of one export have in common, so that its files have one shape."""

    chat: bool = True  # prompts and replies are lists of messages, not texts
    system: bool = False  # alpaca: some row has a system message
    history: bool = False  # alpaca: some row has earlier turns
    tools_as_text: bool = False  # some row's tools would not come back the same from JSON
    extra: bool = False  # further fields are written, and nothing is tidied for a trainer
    targets: Kind | None = None  # labels are sets, or shares: written as the lists or objects that were read
    clashes: set[str] | None = None  # told of each further key that has no place, as the record has it for its own


class CannotCarry(Exception):
    """Why one row has no place in a format, as the end of "left out: ..."; an answer, not a fault."""


_decode_raw = msgspec.json.Decoder(Raw).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
decode_objects = msgspec.json.Decoder(list[dict[str, Raw]]).decode


def label_of(row: Row, layout: Layout) -> Any:
    """Return the row's label as JSON has it: a text, or where rows have sets or shares of labels a list or an object."""
    label = row["label"]
    if label is None or layout.targets is None:
        return label
    return Raw((canonical(label, layout.targets) or "null").encode())


def _is_json(text: str) -> bool:
    try:
        _decode_raw(text)
    except (msgspec.DecodeError, UnicodeError):
        return False
    return True


@lru_cache(maxsize=4096)  # thousands of rows share one set of tools
def comes_back(text: str) -> bool:
    """Tell whether ``text`` may stand in a line of JSON as it is, and is read from there character by character."""
    ends = text[:1] + text[-1:]
    return ends in ("[]", "{}") and len(text) > 2 and "\n" not in text and "\r" not in text and _is_json(text)


@lru_cache(maxsize=4096)
def is_list(text: str) -> bool:
    """Tell whether ``text`` is a JSON list."""
    return text.lstrip()[:1] == "[" and _is_json(text)


def one_line(text: str) -> Raw:
    """Return JSON text as it may stand in a line."""
    # Between JSON's tokens a line feed is white space; inside a string it can't stand.
    return Raw(text.replace("\r", " ").replace("\n", " "))


def objects(text: str | None) -> dict[str, Raw]:
    """Return a JSON object's keys with their raw values; empty where there is none or it can't be read."""
    if not text or text == "{}":
        return {}
    try:
        return _decode_object(text)
    except (msgspec.DecodeError, UnicodeError):
        return {}


def add_key(record: dict[str, Any], key: str, raw: Any, layout: Layout, *, of: str) -> None:
    """Add what the source said besides; the format's own keys win, and what they cover is told to ``layout.clashes``.

    Args:
        record: what the format says.
        key: of the source's.
        raw: its value.
        layout: of the export.
        of: where the key stood, as the end of "left behind: role ...".
    """
    if key not in record:
        record[key] = raw
    elif layout.clashes is not None and not _same(record[key], raw):
        layout.clashes.add(f"{key} {of}")


def _same(one: Any, other: Any) -> bool:
    try:
        return _compact(one) == _compact(other)
    except (msgspec.MsgspecError, UnicodeError):
        return False


def _compact(value: Any) -> bytes:
    return _encode(_decode_any(_encode(value)))


def _with_extra(record: dict[str, Any], text: str | None, layout: Layout) -> dict[str, Any]:
    for key, raw in objects(text).items():
        add_key(record, key, raw, layout, of=OF_MESSAGES)
    return record


def target_of(row: Row) -> tuple[list[Message], Message | None]:
    """Return what is asked and the reply: the last assistant turn, or the label of a row that has none."""
    said = row["messages"]
    if said and said[-1]["role"] == "assistant":
        return said[:-1], said[-1]
    return said, None if row["label"] is None else _reply(row["label"])


def _reply(text: str) -> Message:
    return {"role": "assistant", "content": text, "tool_calls": None, "tool_call_id": None, "extra": None}


def _asked_and_reply(row: Row) -> tuple[list[Message], Message]:
    asked, reply = target_of(row)
    if reply is None:
        raise CannotCarry("no reply and no label")
    return asked, reply


def said(row: Row) -> list[Message]:
    """Return all turns, with the label as the last where it is the reply."""
    asked, reply = target_of(row)
    said = asked if reply is None else [*asked, reply]
    if not said:
        raise CannotCarry("no message")
    return said


# ---- chat ------------------------------------------------------------------------------------------------------------


def chat_message(message: Message, layout: Layout) -> dict[str, Any]:
    """Return one message in TRL's shape."""
    record = {"role": message["role"], "content": message["content"]}
    calls = message["tool_calls"]
    if calls is not None:
        if comes_back(calls):
            record["tool_calls"] = Raw(calls)
        elif layout.extra:
            record["tool_calls"] = calls
        elif is_list(calls):
            record["tool_calls"] = one_line(calls)
        else:
            raise CannotCarry("tool calls that are not a JSON list")
    if message["tool_call_id"] is not None:
        record["tool_call_id"] = message["tool_call_id"]
    return _with_extra(record, message["extra"], layout)


def _chat(messages: list[Message], layout: Layout) -> list[dict[str, Any]]:
    return [chat_message(message, layout) for message in messages]


def _add_tools(record: dict[str, Any], row: Row, layout: Layout) -> dict[str, Any]:
    tools = row["tools"]
    if tools is None:
        return record
    if layout.tools_as_text:
        record["tools"] = tools
    elif comes_back(tools) and tools[0] == "[":
        record["tools"] = Raw(tools)
    elif layout.extra:
        record["tools"] = Raw(tools)  # an object; what does not come back makes the column text
    elif is_list(tools):
        if tools.strip() != "[]":  # an empty list offers nothing
            record["tools"] = one_line(tools)
    elif tools.strip():
        raise CannotCarry("tools that are not a JSON list")
    return record


def messages(row: Row, layout: Layout) -> dict[str, Any]:
    """TRL's conversational language modelling."""
    return _add_tools({"messages": _chat(said(row), layout)}, row, layout)


def _sides(row: Row, layout: Layout) -> tuple[Any, Any]:
    """Prompt and completion, as texts or as lists of messages."""
    asked, reply = _asked_and_reply(row)
    if layout.chat:
        return _chat(asked, layout), [chat_message(reply, layout)]
    return asked[0]["content"], reply["content"]


def prompt_completion(row: Row, layout: Layout) -> dict[str, Any]:
    """TRL's prompt-completion."""
    prompt, completion = _sides(row, layout)
    return _add_tools({"prompt": prompt, "completion": completion}, row, layout)


def preference(row: Row, layout: Layout) -> dict[str, Any]:
    """TRL's preference with an explicit prompt."""
    rejected = row["rejected"]
    if rejected is None:
        raise CannotCarry("no rejected reply")
    prompt, chosen = _sides(row, layout)
    if layout.chat:
        rejected = [{"role": "assistant", "content": rejected}]
    return _add_tools({"prompt": prompt, "chosen": chosen, "rejected": rejected}, row, layout)


def kto(row: Row, layout: Layout) -> dict[str, Any]:
    """TRL's unpaired preference."""
    if row["label"] not in ("true", "false"):
        raise CannotCarry("no label that is true or false")
    if not row["messages"] or row["messages"][-1]["role"] != "assistant":
        raise CannotCarry("no reply")
    prompt, completion = _sides(row, layout)
    record = {"prompt": prompt, "completion": completion, "label": row["label"] == "true"}
    return _add_tools(record, row, layout)


# ---- ShareGPT and Alpaca ---------------------------------------------------------------------------------------------

_SPEAKERS = {"user": "human", "assistant": "gpt", "tool": "observation"}
_CALL, _END = '[{"type":"function","function":', "}]"


def sharegpt(row: Row, layout: Layout) -> dict[str, Any]:
    """ShareGPT with tools, as LLaMA-Factory reads it."""
    turns = said(row)
    record: dict[str, Any] = {}
    first = turns[0]
    if first["role"] == "system" and first["content"] and not any(first[name] for name in _BESIDE) and len(turns) > 1:
        record["system"] = first["content"]
        turns = turns[1:]
    record = {"conversations": [_turn(message, layout) for message in turns], **record}
    if row["tools"] is not None:
        record["tools"] = row["tools"]
    return record


_BESIDE = ("tool_calls", "tool_call_id", "extra")


def _turn(message: Message, layout: Layout) -> dict[str, Any]:
    if message["tool_calls"] is None:
        role = message["role"]
        return _with_extra({"from": _SPEAKERS.get(role, role), "value": message["content"]}, message["extra"], layout)
    if message["role"] != "assistant" or message["content"]:
        raise CannotCarry("a turn that both speaks and calls a tool")
    return _with_extra({"from": "function_call", "value": _call_value(message["tool_calls"])}, message["extra"], layout)


def _call_value(calls: str) -> str:
    """The ``function_call`` value: what a ShareGPT file said, character by character, or OpenAI's calls without ids."""
    if calls.startswith(_CALL) and calls.endswith(_END) and _is_json(inner := calls[len(_CALL) : -len(_END)]):
        return _broken_call(inner) or inner
    try:
        functions = [call["function"] for call in decode_objects(calls)]
    except (msgspec.MsgspecError, UnicodeError, KeyError) as error:
        raise CannotCarry("tool calls that are not a JSON list") from error
    values = [bytes(_opened(function)).decode() for function in functions]
    return values[0] if len(values) == 1 else f"[{','.join(values)}]"


def _broken_call(inner: str) -> str | None:
    """A value that was no JSON was read as the arguments of a call without a name; return what stood there."""
    if not inner.startswith('{"name":"","arguments":"'):
        return None
    text = objects(inner).get("arguments")
    value = None if text is None else str(_decode_any(text))
    if value is None or (_is_json(value) and value.lstrip()[:1] in ("{", "[")):
        return None
    return value


def _opened(function: Raw) -> Raw:
    """A function whose arguments are a text that holds a JSON object, with the object in the text's place."""
    parts = objects(bytes(function).decode())
    arguments = parts.get("arguments")
    if arguments is None or bytes(arguments)[:1] != b'"':
        return function
    text = str(_decode_any(arguments))
    if text[:1] != "{" or not _is_json(text):
        return function
    return Raw(msgspec.json.encode({**parts, "arguments": Raw(text)}))


def alpaca(row: Row, layout: Layout) -> dict[str, Any]:
    """Alpaca with ``system`` and ``history`` where some row needs them."""
    asked, reply = _asked_and_reply(row)
    if (row["tools"] or "").strip() not in ("", "[]") or any(m["tool_calls"] is not None for m in [*asked, reply]):
        raise CannotCarry("tools")
    system, turns = (asked[0], asked[1:]) if asked and asked[0]["role"] == "system" else (None, asked)
    spoken = [*turns, reply]
    if [m["role"] for m in spoken] != ["user", "assistant"] * (len(spoken) // 2):
        raise CannotCarry("turns that are not user and assistant by turns")
    if any(m["content"] is None for m in spoken):
        raise CannotCarry("a message without content")
    texts = [m["content"] for m in spoken]
    record: dict[str, Any] = {"instruction": texts[-2], "input": "", "output": texts[-1]}
    if layout.system:
        record["system"] = (system["content"] if system else None) or ""
    if layout.history:
        record["history"] = [list(pair) for pair in zip(texts[:-2:2], texts[1:-2:2], strict=True)]
    return record


# ---- texts -----------------------------------------------------------------------------------------------------------


def text_label(row: Row, layout: Layout) -> dict[str, Any]:
    """A text and its class; the reply stands in for a label that is not there."""
    asked, reply = target_of(row)
    if len(asked) != 1 or asked[0]["role"] != "user" or asked[0]["content"] is None:
        raise CannotCarry("other than one user message before the answer")
    if (row["tools"] or "").strip() not in ("", "[]") or (reply is not None and reply["tool_calls"] is not None):
        raise CannotCarry("tools")
    label = label_of(row, layout) if row["label"] is not None else reply["content"] if reply else None
    if label is None and not layout.extra:
        raise CannotCarry("no label")
    return {"text": asked[0]["content"], "label": label}


def text(row: Row, layout: Layout) -> dict[str, Any]:
    """A text alone, for language modelling without turns."""
    turns = row["messages"]
    if len(turns) != 1 or turns[0]["content"] is None or turns[0]["tool_calls"] is not None:
        raise CannotCarry("several turns, which only a chat template can make into one text")
    return {"text": turns[0]["content"]}
