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
from .raw_messages import NotARow, Raw, Turn, json_of, reply_of, strict_messages, text_of, turns_of

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


_decode_pairs = msgspec.json.Decoder(list[tuple[str, str]]).decode


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


def label_of(raw: Raw | None) -> str | None:
    """Return a label as text; several labels at once, and labels with parts, as their JSON."""
    if raw is None:
        return None
    return json_of(raw) if bytes(raw)[:1] in (b"[", b"{") else text_of(raw, "label") or None


def _text(parts: Parts) -> list[Content]:
    texts = parts["text"]
    several = [parts[name] for name in parts if name.startswith("text")]
    if len(several) > 1:
        texts = ["\n\n".join(filter(None, row)) for row in zip(*several, strict=True)]
    labels = map(label_of, _side(parts, "label"))
    return [Content([Said("user", text or "")], None, None, label) for text, label in zip(texts, labels, strict=False)]


def _prompt_completion(parts: Parts) -> list[Content]:
    columns = (_side(parts, name) for name in ("system", "tools", "label"))
    return [
        Content(
            _with_system(system, reply_of(prompt, "prompt", "user") + reply_of(completion, "completion", "assistant")),
            json_of(tools), None, label_of(label),
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
        Content(
            _with_system(system, _history(history) + _asked(instruction, given, output)), None, None, label_of(label)
        )
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
        Content(_with_system(system, messages), json_of(tools), None, label_of(label))
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
        _pair(prompt, chosen, rejected, explicit=explicit)._replace(tools=json_of(tools), label=label_of(label))
        if not system
        else _pair([Said("system", system), *prompt], chosen, rejected, explicit=explicit)._replace(
            tools=json_of(tools), label=label_of(label)
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
