"""Wire shapes to rows: what one decoded record of each shape says, as messages and what goes with them.

A *part* is one column's value as msgspec decoded it for the part's kind (``KINDS``): text, scalar (raw JSON), messages
(a list of ``Said``), turns (ShareGPT's list of ``Turn``), reply (raw JSON: a text, a message or a list of messages) or
json (raw). Tool calls and schemas stay the characters that stood in the source: a reader that infers a structure for
them adds nulls for every key that another row has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import msgspec

from ..errors import quote
from ..messages import Content, Said

Raw = msgspec.Raw


class Turn(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """One turn in ShareGPT's shape."""

    speaker: str = msgspec.field(name="from")
    value: str | None = None


KINDS: dict[str, str] = {
    "text": "text", "prompt": "reply", "completion": "reply", "instruction": "text", "input": "text", "output": "text",
    "history": "json", "system": "text", "tools": "json", "conversations": "turns", "messages": "messages",
    "chosen": "reply", "rejected": "reply", "label": "scalar", "group": "scalar", "annotator": "scalar",
    "split": "scalar", "source": "scalar", "license": "scalar", "origin": "scalar",
}  # fmt: skip
"""Part to kind."""

TYPES: dict[str, Any] = {
    "text": str | None, "scalar": Raw, "reply": Raw, "json": Raw, "messages": list[Said] | None, "turns": list[Turn] | None,
}  # fmt: skip
"""Kind to the type that msgspec decodes it as on the fast way."""


class NotARow(ValueError):
    """Why a record cannot become a row, in words that follow the place: "'messages' is not a list"."""


_decode_text = msgspec.json.Decoder(str).decode
_decode_list = msgspec.json.Decoder(list[str]).decode
_decode_loose = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_pairs = msgspec.json.Decoder(list[tuple[str, str]]).decode
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


Column = Sequence[Any]
Parts = Mapping[str, Column]
"""Part to its values in a block of records; all columns are as long."""


def _side(parts: Parts, name: str) -> Iterable[Any]:
    return parts[name] if name in parts else repeat(None)


def _said(parts: Parts) -> list[list[Said]]:
    """The conversations, whichever shape they have and whichever way they were decoded."""
    column = parts["messages"] if "messages" in parts else parts["conversations"]
    return [_conversation(turns) for turns in column]


def _conversation(turns: Any) -> list[Said]:
    if not turns:
        return []
    return strict_messages(turns) if isinstance(turns[0], Said) else turns_of(turns)


def _with_system(system: str | None, messages: list[Said]) -> list[Said]:
    return [Said("system", system), *messages] if system else messages


def _label(raw: Raw | None) -> str | None:
    if raw is None:
        return None
    # Several labels at once, and labels with parts, stay the JSON that they are.
    return json_of(raw) if bytes(raw)[:1] in (b"[", b"{") else text_of(raw, "label") or None


def _text(parts: Parts) -> list[Content]:
    texts = parts["text"]
    several = [parts[name] for name in parts if name.startswith("text")]
    if len(several) > 1:
        texts = ["\n\n".join(filter(None, row)) for row in zip(*several, strict=True)]
    labels = map(_label, _side(parts, "label"))
    return [Content([Said("user", text or "")], None, None, label) for text, label in zip(texts, labels, strict=False)]


def _prompt_completion(parts: Parts) -> list[Content]:
    columns = (_side(parts, name) for name in ("system", "tools", "label"))
    return [
        Content(
            _with_system(system, reply_of(prompt, "prompt", "user") + reply_of(completion, "completion", "assistant")),
            json_of(tools), None, _label(label),
        )
        for prompt, completion, system, tools, label in zip(parts["prompt"], parts["completion"], *columns, strict=False)
    ]  # fmt: skip


def _kto(parts: Parts) -> list[Content]:
    if "messages" in parts:
        contents = _chat({name: column for name, column in parts.items() if name != "label"})
    else:
        contents = _prompt_completion({name: column for name, column in parts.items() if name != "label"})
    return [content._replace(label=_good(raw)) for content, raw in zip(contents, parts["label"], strict=True)]


def _good(raw: Raw | None) -> str:
    label = (text_of(raw, "label") or "").lower()
    if label not in ("true", "false", "1", "0"):
        raise NotARow("'label' is not true or false")
    return "true" if label in ("true", "1") else "false"


def _alpaca(parts: Parts) -> list[Content]:
    columns = (_side(parts, name) for name in ("input", "system", "history", "label"))
    return [
        Content(_with_system(system, _history(history) + _asked(instruction, given, output)), None, None, _label(label))
        for instruction, output, given, system, history, label in zip(
            parts["instruction"], parts["output"], *columns, strict=False
        )
    ]


def _asked(instruction: str | None, given: str | None, output: str | None) -> list[Said]:
    asked = "\n".join(text for text in (instruction, given) if text)
    return [Said("user", asked), Said("assistant", output or "")]


def _history(raw: Raw | None) -> list[Said]:
    text = json_of(raw)
    if not text:
        return []
    try:
        pairs = _decode_pairs(text)
    except msgspec.MsgspecError as error:
        raise NotARow("'history' is not a list of [question, answer] pairs") from error
    return [Said(role, text) for pair in pairs for role, text in zip(("user", "assistant"), pair, strict=True)]


def _chat(parts: Parts) -> list[Content]:
    said = _said(parts)
    if len(parts) == 1:
        return [Content(messages, None, None, None) for messages in said]
    columns = (_side(parts, name) for name in ("system", "tools", "label"))
    return [
        Content(_with_system(system, messages), json_of(tools), None, _label(label))
        for messages, system, tools, label in zip(said, *columns, strict=False)
    ]


def _preference(parts: Parts) -> list[Content]:
    rows = len(parts["chosen"])
    prompts: Iterable[list[Said]] = repeat([], rows)
    explicit = True
    if "messages" in parts or "conversations" in parts:
        prompts = _said(parts)
    elif "instruction" in parts:
        asked = zip(parts["instruction"], _side(parts, "input"), strict=False)
        prompts = [_asked(instruction, given, None)[:1] for instruction, given in asked]
    elif "prompt" in parts:
        prompts = [[] if prompt is None else reply_of(prompt, "prompt", "user") for prompt in parts["prompt"]]
    else:
        explicit = False
    columns = (_side(parts, name) for name in ("system", "tools", "label"))
    return [
        _pair(prompt, chosen, rejected, explicit=explicit)._replace(tools=json_of(tools), label=_label(label))
        if not system
        else _pair([Said("system", system), *prompt], chosen, rejected, explicit=explicit)._replace(
            tools=json_of(tools), label=_label(label)
        )
        for prompt, chosen, rejected, system, tools, label in zip(
            prompts, parts["chosen"], parts["rejected"], *columns, strict=False
        )
    ]


def _pair(prompt: list[Said], better: Raw | None, worse: Raw | None, *, explicit: bool) -> Content:
    chosen = reply_of(better, "chosen", "assistant")
    rejected = reply_of(worse, "rejected", "assistant")
    if not chosen or not rejected:
        raise NotARow(f"'{'rejected' if chosen else 'chosen'}' is an empty list")
    if not explicit and len(chosen) == 1 and len(rejected) == 1:
        prompt, chosen, rejected = _transcripts(chosen[0].content or "", rejected[0].content or "") or (
            prompt,
            chosen,
            rejected,
        )
    shared = 0  # an implicit prompt is what both conversations begin with
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    asked = prompt[1:] if prompt and prompt[0].role == "system" and chosen[0].role != "system" else prompt
    if asked and shared >= len(asked) and chosen[: len(asked)] == asked:
        prompt = prompt[: len(prompt) - len(asked)]  # the replies repeat the prompt that also has a column
    prompt, chosen, rejected = prompt + chosen[:shared], chosen[shared:], rejected[shared:]
    if len(chosen) != 1 or len(rejected) != 1:
        raise NotARow("'chosen' and 'rejected' part ways before their last turn; vetset compares one reply with one")
    if rejected[0].tool_calls or rejected[0].extra:
        raise NotARow("'rejected' calls tools or has further keys; vetset compares a reply's text")
    for name, reply in (("chosen", chosen[0]), ("rejected", rejected[0])):
        if reply.role != "assistant":
            raise NotARow(f"'{name}' ends with a turn of role {quote(reply.role, 20)}, not with the assistant's reply")
    return Content([*prompt, chosen[0]], None, rejected[0].content or "")


_HUMAN, _ASSISTANT = "\n\nHuman: ", "\n\nAssistant: "


def _transcripts(chosen: str, rejected: str) -> tuple[list[Said], list[Said], list[Said]] | None:
    r"""Take apart two transcripts ("\n\nHuman: ...\n\nAssistant: ...") that differ in their last reply only."""
    cut = chosen.rfind(_ASSISTANT) + len(_ASSISTANT)
    if not chosen.startswith(_HUMAN) or cut < len(_ASSISTANT) or chosen[:cut] != rejected[:cut]:
        return None
    prompt: list[Said] = []
    for part in chosen[: cut - len(_ASSISTANT)].split(_HUMAN)[1:]:
        asked, *answers = part.split(_ASSISTANT)
        prompt += [Said("user", asked)]
        prompt += [Said("assistant", answer) for answer in answers]
    last = [Said("assistant", text[cut:]) for text in (chosen, rejected)]
    return prompt, [last[0]], [last[1]]


BUILDERS: dict[str, Callable[[Parts], list[Content]]] = {
    "text": _text, "text-label": _text, "prompt-completion": _prompt_completion, "alpaca": _alpaca, "sharegpt": _chat,
    "messages": _chat, "preference": _preference, "kto": _kto,
}  # fmt: skip
"""Shape to what makes rows' contents from columns of decoded parts. All raise ``NotARow``."""
