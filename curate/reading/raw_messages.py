"""Messages out of raw JSON: strict where a chat file is plain, loose where it has keys of its own.

Tool calls stay the characters that stood in the source: a reader that infers a structure for them adds nulls for every
key that another row has.
"""

from __future__ import annotations

import msgspec

from ..messages import Said

Raw = msgspec.Raw


class Turn(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """One turn in ShareGPT's shape."""

    speaker: str = msgspec.field(name="from")
    value: str | None = None


class NotARow(ValueError):
    """Why a record cannot become a row, in words that follow the place: "'messages' is not a list"."""


_decode_text = msgspec.json.Decoder(str).decode


_decode_list = msgspec.json.Decoder(list[str]).decode


_decode_loose = msgspec.json.Decoder(list[dict[str, Raw]]).decode


_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode


_decode_any = msgspec.json.Decoder().decode


_decode_messages = msgspec.json.Decoder(list[Said]).decode


_decode_turns = msgspec.json.Decoder(list[Turn]).decode


_encode = msgspec.json.encode


_SPEAKERS = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant", "bot": "assistant",
    "model": "assistant", "bard": "assistant", "bing": "assistant", "system": "system", "observation": "tool", "tool": "tool",
    "function_response": "tool",
}  # fmt: skip


_TOOL_ROLES = frozenset(("tool", "function", "observation"))


def text_of(raw: Raw | None, name: str) -> str | None:
    """Return a scalar as text: a string's characters, a number's or boolean's digits as written, null as ``None``."""
    if raw is None:
        return None
    data = bytes(raw)
    first = data[:1]
    if first == b'"':
        return _decode_text(data)
    if data == b"null":
        return None
    if first == b"[":
        try:
            return "\n\n".join(_decode_list(data))  # passages of one text
        except msgspec.MsgspecError as error:
            raise NotARow(f"'{name}' is a list of other things than texts") from error
    if first == b"{":
        raise NotARow(f"'{name}' is an object, not a text")
    return data.decode()


def json_of(raw: Raw | str | None) -> str | None:
    """Return JSON as its own characters; a JSON text that holds JSON gives what it holds; null and empty give ``None``."""
    if raw is None or isinstance(raw, str):
        return raw
    data = bytes(raw)
    text = _decode_text(data) if data[:1] == b'"' else data.decode()
    return None if text.strip() in ("", "null", "[]", "{}") else text


def strict_messages(messages: list[Said]) -> list[Said]:
    """Return decoded messages with their tool calls as text (in place)."""
    for message in messages:
        if message.tool_calls is not None:
            message.tool_calls = json_of(message.tool_calls)
        if message.extra is not None:
            _check_extra(message.extra)
    return messages


def _check_extra(text: str) -> None:
    """Refuse a source that says ``Said``'s private key itself, with anything but an object."""
    try:
        _decode_object(text)
    except msgspec.MsgspecError as error:
        raise NotARow("it uses the key 'U+FDD0 extra', which is no text") from error


def _loose_list(raw: bytes, name: str, what: str) -> list[dict[str, Raw]]:
    try:
        return _decode_loose(_unwrap(raw))
    except msgspec.MsgspecError as error:
        raise NotARow(f"'{name}' is not a list of {what} ({_reason(error)})") from error


def loose_messages(raw: bytes, name: str) -> list[Said]:
    """Return messages of any keys: what vetset has no column for goes to the message's ``extra`` unchanged."""
    messages = _loose_list(raw, name, "messages")
    return [_loose_message(message, name, position) for position, message in enumerate(messages, 1)]


def _loose_message(message: dict[str, Raw], name: str, position: int) -> Said:
    role = text_of(message.pop("role", None), f"{name}[{position}].role")
    if role is None:
        raise NotARow(f"message {position} of '{name}' has no 'role'")
    content, parts = _content(message.pop("content", None), f"{name}[{position}].content", role)
    calls = json_of(message.pop("tool_calls", None))
    call_id = text_of(message.pop("tool_call_id", None), f"{name}[{position}].tool_call_id")
    if "function_call" in message and calls is None and bytes(message["function_call"]) != b"null":
        calls = _call(bytes(message.pop("function_call")))
    rest = {key: item for key, item in message.items() if bytes(item) != b"null"}
    if parts is not None:
        rest.setdefault("content_parts", parts)
    return Said(role, content, calls, call_id, _encode(rest).decode() if rest else None)


def _content(raw: Raw | None, name: str, role: str) -> tuple[str | None, Raw | None]:
    """Return content as text, and the parts that it stood in where the text alone does not say them.

    OpenAI's list of text parts is joined as a chat template does it, with nothing between. What a tool returns may be
    any JSON, and is then its characters.
    """
    first = b"" if raw is None else bytes(raw)[:1]
    is_result = role in _TOOL_ROLES
    if raw is None or first not in (b"{", b"[") or (first == b"{" and not is_result):
        return text_of(raw, name), None
    found = _joined(raw, strings=not is_result) if first == b"[" else None
    if found is None and is_result:
        return bytes(raw).decode(), None
    if found is None:
        raise NotARow(f"'{name}' is a list with other parts than texts; vetset reads text only")
    return found


def _joined(raw: Raw, *, strings: bool) -> tuple[str, Raw | None] | None:
    parts = _decode_any(bytes(raw))
    if strings:
        parts = [{"text": part} if isinstance(part, str) else part for part in parts]
    if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in parts):
        return None
    if not all(part.get("type") in (None, "text", "input_text", "output_text") for part in parts):
        return None
    plain = len(parts) == 1 and parts[0].keys() <= {"type", "text"}
    return "".join(part["text"] for part in parts), None if plain else raw


def turns_of(turns: list[Turn]) -> list[Said]:
    """Return ShareGPT turns as messages."""
    return [_turn(turn.speaker, turn.value) for turn in turns]


def _turn(speaker: str, value: str | None) -> Said:
    if speaker == "function_call":
        return Said("assistant", None, _call((value or "").encode()))
    return Said(_SPEAKERS.get(speaker, speaker), value)


def loose_turns(raw: bytes, name: str) -> list[Said]:
    """Return ShareGPT turns of any keys."""
    turns = _loose_list(raw, name, "turns")
    said: list[Said] = []
    for position, turn in enumerate(turns, 1):
        speaker = text_of(turn.pop("from", None), f"{name}[{position}].from")
        if speaker is None:
            raise NotARow(f"turn {position} of '{name}' has no 'from'")
        message = _turn(speaker, _value(turn.pop("value", None), f"{name}[{position}].value", speaker))
        rest = {key: item for key, item in turn.items() if bytes(item) != b"null"}
        message.extra = _encode(rest).decode() if rest else None
        said.append(message)
    return said


def _value(raw: Raw | None, name: str, speaker: str) -> str | None:
    """What a turn says; a call and what a tool returns may be JSON itself instead of a text that holds JSON."""
    may_be_json = speaker == "function_call" or _SPEAKERS.get(speaker) == "tool"
    if may_be_json and raw is not None and bytes(raw)[:1] in (b"{", b"["):
        return bytes(raw).decode()
    return text_of(raw, name)


def _call(value: bytes) -> str:
    """A ShareGPT ``function_call`` value (an object, or a list of them) as OpenAI's ``tool_calls``, characters kept."""
    try:
        shape = _decode_any(value)
    except (msgspec.MsgspecError, RecursionError):
        shape = None
    if isinstance(shape, dict):
        return '[{"type":"function","function":' + value.decode() + "}]"
    if isinstance(shape, list) and shape and all(isinstance(call, dict) for call in shape):
        calls = msgspec.json.decode(value, type=list[Raw])
        return "[" + ",".join('{"type":"function","function":' + bytes(call).decode() + "}" for call in calls) + "]"
    return '[{"type":"function","function":{"name":"","arguments":' + _encode(value.decode()).decode() + "}}]"


def _unwrap(raw: bytes) -> bytes:
    """A CSV keeps a conversation as a text that holds JSON."""
    return _decode_text(raw).encode() if raw[:1] == b'"' else raw


def reply_of(raw: Raw | None, name: str, role: str) -> list[Said]:
    """Return a reply as messages: a text (said by ``role``), a message, or a list of messages, in either chat shape."""
    data = b"null" if raw is None else bytes(raw)
    if data[:1] == b"[":
        return _list_of_messages(data, name)
    if data[:1] == b"{":
        return _list_of_messages(b"[" + data + b"]", name)
    return [Said(role, text_of(raw, name) or "")]


def _list_of_messages(data: bytes, name: str) -> list[Said]:
    try:
        return strict_messages(_decode_messages(data))
    except msgspec.MsgspecError:
        pass
    try:
        return turns_of(_decode_turns(data))
    except msgspec.MsgspecError:
        return loose_turns(data, name) if b'"from"' in data and b'"role"' not in data else loose_messages(data, name)


def _reason(error: Exception) -> str:
    return str(error).removeprefix("JSON is malformed: ").split(" - at")[0]
