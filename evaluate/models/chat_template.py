"""How a conversation becomes the text that a model reads: its own chat template, with a check that nothing is lost in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...curate.errors import DataError, UsageError, quote
from ...curate.masking import mask
from ...curate.messages import Said
from .protocol import Request


@dataclass(frozen=True)
class Template:
    """A chat template in use."""

    source: str | dict[str, str]
    """Jinja; some models have several, by name."""
    origin: str
    """Where it is from, for people."""

    @property
    def digest(self) -> str:
        """SHA-256 of the source, 24 hex digits."""
        return sha256(json.dumps(self.source, sort_keys=True).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Rendered:
    """One conversation as the model gets it."""

    text: str
    tokens: int
    origin: str
    digest: str
    ends: tuple[str, ...]
    """The tokens that end an answer."""

    def page(self, limit: int = 2000) -> str:
        """Return it for people: masked, without control characters, and with its middle cut out where it is long."""
        text = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in mask(self.text))
        if len(text) > limit:
            text = f"{text[: limit // 2]}\n… {len(text) - limit:,} characters …\n{text[-(limit // 2) :]}"
        ends = " or ".join(self.ends) or "nothing"
        head = f"chat template {self.digest[:12]} of {self.origin}; {self.tokens:,} tokens; an answer ends at {ends}"
        return f"{head}\n{text}"


def find_template(tokenizer: Any, folder: str, given: str | None = None) -> Template:
    """Return the template to use: the one given, or the tokenizer's own.

    Args:
        tokenizer: as transformers loads it.
        folder: where it is from, for the error and for people.
        given: Jinja source that takes the place of the tokenizer's.

    Raises:
        DataError: there is none. A conversation put to a model in another form than the one it was trained on scores lower, and
            nothing tells.
    """
    source = given if given is not None else getattr(tokenizer, "chat_template", None)
    if not source:
        raise DataError(
            f"{quote(folder)} has no chat template, so what it is asked would not have the form it was trained on; take its "
            "instruction-tuned version, or give the Jinja file that it was trained with (--template FILE)."
        )
    return Template(source, "the file that was given" if given is not None else folder)


def read_template(path: Path) -> str:
    """Return the Jinja source of a file.

    Raises:
        UsageError: it can't be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--template {path} can't be read ({type(error).__name__}); give a Jinja file.") from error


def render(tokenizer: Any, template: Template, request: Request) -> str:
    """Return the text that a model goes on writing at, its template's special tokens included.

    Raises:
        DataError: the template refuses the conversation, or loses a system or user turn, or the tools.
    """
    tools = json.loads(request.tools) if request.tools else None
    try:
        # transformers renders in a sandbox: a template is code from a stranger
        text = tokenizer.apply_chat_template(
            [turn(said) for said in request.messages],
            tools=tools, chat_template=template.source, add_generation_prompt=True, tokenize=False,
        )  # fmt: skip
    except Exception as error:  # Jinja's own errors, and what a template raises on a role that it does not take
        roles = ", ".join(said.role for said in request.messages)
        raise DataError(
            f"the chat template of {quote(template.origin)} can't take a conversation of {roles} ({quote(error, 120)}); leave "
            "out the role that it lacks, or give another template."
        ) from error
    _check_whole(text, request, tools, template)
    return text


def turn_end(tokenizer: Any, template: Template) -> int | None:
    """Return the token that ends an assistant's turn, as the template has it; ``None`` where there is none to see.

    A base model's configuration may name another one, and its answers would then never end.
    """
    mark = "answer"
    turns = [{"role": "user", "content": "question"}, {"role": "assistant", "content": mark}]
    try:
        text = tokenizer.apply_chat_template(turns, chat_template=template.source, tokenize=False)
    except Exception:  # noqa: BLE001 - a template that takes no such conversation has no end that could be read off
        return None
    ids = tokenizer(text.rpartition(mark)[2], add_special_tokens=False)["input_ids"]
    special = set(tokenizer.all_special_ids) | set(getattr(tokenizer, "added_tokens_decoder", ()))
    return next((token for token in ids if token in special), None)


def turn(said: Said) -> dict[str, Any]:
    """Return a message as templates take it: content is text, a call's arguments are an object."""
    found: dict[str, Any] = {"role": said.role, "content": said.content or ""}
    if said.tool_calls is not None:
        found["tool_calls"] = [_with_object(call) for call in json.loads(said.tool_calls)]
    if said.tool_call_id is not None:
        found["tool_call_id"] = said.tool_call_id
    return found


def _with_object(call: Any) -> Any:
    """OpenAI's arguments are JSON in a string; templates write them as JSON themselves and would quote them twice."""
    function = call.get("function") if isinstance(call, dict) else None
    if isinstance(function, dict) and isinstance(function.get("arguments"), str):
        try:
            return {**call, "function": {**function, "arguments": json.loads(function["arguments"])}}
        except ValueError:
            return call
    return call


def _check_whole(text: str, request: Request, tools: Sequence[Any] | None, template: Template) -> None:
    # Not the assistant's turns: templates of reasoning models take earlier thoughts out of them, rightly.
    for said in request.messages:
        if said.role in ("system", "user") and (said.content or "").strip() not in text:
            raise DataError(
                f"the chat template of {quote(template.origin)} loses the {said.role} turn; put what it says into a turn that "
                "the template keeps, or give another template."
            )
    for tool in tools or ():
        function = tool.get("function", tool) if isinstance(tool, dict) else {}
        name = function.get("name") if isinstance(function, dict) else None
        if isinstance(name, str) and name not in text:
            raise DataError(
                f"the chat template of {quote(template.origin)} shows the model no tools ({quote(name)} is not in the prompt); "
                "give a template that does with --template FILE, take a model that has one, or describe them in the system turn."
            )
