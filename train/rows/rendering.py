"""A row as the model gets it: rendered by its chat template, as tokens, and which of them are trained. No torch, no transformers.

What is trained is found by rendering: the conversation up to an answer, as it is put to the model in use, is the prompt; what the
whole conversation has after it, through the token that ends a turn, is the answer.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...curate.errors import DataError, quote
from ...curate.masking import mask
from .templates import compile_template, find_templates, render
from .tokenizer import read_tokenizer

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

Message = dict[str, Any]
Row = tuple[list[Message], list[Any] | None]
"""Messages and tools."""
Loss = Literal["answer", "assistant", "all"]

_MARK = "answer"
_CHUNK = 1000  # rows whose places of tokens are Python objects at one time


@dataclass(frozen=True)
class Tokens:
    """One row as a trainer gets it."""

    ids: list[int]
    trained: list[bool]
    prompt: int
    """Tokens before the last answer."""
    ends: bool
    """The token that ends the last answer is among them, and trained with it."""
    alike: bool
    """Before each answer that is trained stand exactly the tokens that the model is given in use."""
    rewritten: int = 0
    """Answers before the last that the template writes otherwise than when they are given (templates of reasoning models take
    earlier thoughts out); they are not trained."""

    @property
    def labels(self) -> list[int]:
        """The ids, -100 where nothing is learnt."""
        return [one if trained else -100 for one, trained in zip(self.ids, self.trained, strict=True)]

    @property
    def end(self) -> int:
        """Tokens through the last that is trained."""
        return next((place for place in range(len(self.ids), 0, -1) if self.trained[place - 1]), 0)


@dataclass(frozen=True)
class _Span:
    """An answer, in characters of the text."""

    start: int
    stop: int
    prompt: str | None
    """What the model is given in use; ``None`` where the text does not begin with it."""


@dataclass(frozen=True, eq=False)
class Renderer:
    """A model's tokenizer and chat template."""

    folder: Path
    tokenizer: Tokenizer
    templates: dict[str, str]
    """Jinja by name; empty where the model has none."""
    special: dict[str, str]
    """Texts of ``bos_token``, ``eos_token``, ``pad_token`` ...; only those that the model has."""
    frame: tuple[list[int], list[int]] = ([], [])
    """Tokens that stand before and after a text that is no conversation."""
    now: datetime | None = None
    _compiled: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def digest(self) -> str | None:
        """Of the template, as ``vetset eval`` notes it in its runs."""
        source = self.templates["default"] if set(self.templates) == {"default"} else self.templates
        return sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()[:24] if source else None

    @property
    def dated(self) -> bool:
        """Whether the template writes the date into prompts, so that they are others tomorrow."""
        return any("strftime_now" in source for source in self.templates.values())

    @property
    def eos(self) -> int | None:
        """The token that ends a text."""
        return self._id("eos_token")

    @property
    def pad(self) -> int | None:
        """The token that fills up a batch; ``None`` where the tokenizer has none."""
        return self._id("pad_token")

    @cached_property
    def end(self) -> int | None:
        """The token that ends a turn: the first added one that the template sets after an answer, else ``eos``."""
        try:
            text = self.text([{"role": "user", "content": "question"}, {"role": "assistant", "content": _MARK}])
        except DataError:
            return self.eos
        return next((token for token in self._encoded(text.rpartition(_MARK)[2]) if token in self._added), self.eos)

    def text(self, messages: list[Message], tools: list[Any] | None = None, *, generation: bool = False) -> str:
        """Return what the template makes of a conversation.

        Args:
            messages: template dicts, see ``examples.turns``.
            tools: JSON schemas.
            generation: end it with what opens an answer.

        Raises:
            DataError: there is no template, or it refuses the conversation.
        """
        template = self._template("tool_use" if tools is not None and "tool_use" in self.templates else "default")
        said = {"messages": list(map(_as_given, messages)), "tools": tools, "documents": None}
        try:
            return render(template, **self.special, **said, add_generation_prompt=generation)
        except Exception as error:  # Jinja's own errors, what a template raises, and whatever its filters do
            roles = ", ".join(str(one.get("role")) for one in messages[:8]) or "no turn"
            raise DataError(
                f"the chat template of {self.folder} can't take a conversation of {roles} ({quote(error, 120)}); leave out "
                "what it refuses, or give another with template = FILE."
            ) from error

    def tokens(self, messages: list[Message], tools: list[Any] | None = None, *, loss: Loss = "answer") -> Tokens:
        """Return one row as a trainer gets it; see ``many``."""
        return self.many([(messages, tools)], loss=loss)[0]

    def many(self, rows: Sequence[Row], *, loss: Loss = "answer", names: Sequence[str] | None = None) -> list[Tokens]:
        """Return rows as a trainer gets them, in order.

        Args:
            rows: messages and tools; a row whose last turn is no assistant's has nothing to train.
            loss: ``answer``: the last answer; ``assistant``: each of them, but those with the key ``weight`` at 0 (as OpenAI's
                fine-tuning has it); ``all``: everything.
            names: of the rows, for the error.

        Raises:
            DataError: the template refuses a conversation.
        """
        made: list[Tokens] = []
        for low in range(0, len(rows), _CHUNK):
            some = rows[low : low + _CHUNK]
            texts, spans = [], []
            for place, (messages, tools) in enumerate(some, low):
                try:
                    texts.append(self.text(messages, tools))
                    spans.append(self._spans(messages, tools, texts[-1], loss))
                except DataError as error:
                    if names is None:
                        raise
                    raise DataError(f"{names[place]}: {error}") from error
            encoded = self.tokenizer.encode_batch(texts, add_special_tokens=False)
            made += map(self._masked, texts, spans, encoded, [loss == "all"] * len(some))
        return made

    def pair(
        self, messages: list[Message], worse: str, tools: list[Any] | None = None
    ) -> tuple[list[int], list[int], list[int]]:
        """Return the ids of the prompt, of the last answer, and of a worse one in its place, both through their end tokens."""
        better, rejected = self.many(
            [(messages, tools), ([*messages[:-1], {"role": "assistant", "content": worse}], tools)]
        )
        shared = _shared(better.ids[: better.prompt], rejected.ids[: rejected.prompt])
        return better.ids[:shared], better.ids[shared : better.end], rejected.ids[shared : rejected.end]

    def plain(self, text: str) -> Tokens:
        """Return a whole text with the token that ends it, all trained, as TRL does for language modelling."""
        ids = [*self.frame[0], *self.tokenizer.encode(text, add_special_tokens=False).ids, *self.frame[1]]
        if self.eos is not None and ids[-1:] != [self.eos]:
            ids.append(self.eos)
        return Tokens(ids, [True] * len(ids), 0, ids[-1:] == [self.eos], alike=True)

    def lost(self, messages: list[Message], tools: list[Any] | None, text: str) -> list[str]:
        """Return what a rendered row lacks of what was said, or holds too much: a few words each, the same for all rows."""
        found = []
        for role, name in (("system", "system prompt"), ("user", "user turn"), ("tool", "tool result")):
            said = (str(one.get("content") or "").strip() for one in messages if one["role"] == role)
            found += [f"{name} dropped"] * any(part not in text for part in said)
        if messages and messages[-1]["role"] == "assistant":  # of earlier ones templates take the thoughts out, rightly
            found += ["answer dropped"] * (_after_thought(messages[-1]) not in text)
        if tools and (self.text(messages) == text or any(name not in text for name in _names(tools))):
            found.append("tool schema lost")
        if any(one.get("tool_calls") for one in messages):
            bare = [{key: value for key, value in one.items() if key != "tool_calls"} for one in messages]
            found += ["tool call lost"] * (self.text(bare, tools) == text)
        contents = [str(one.get("content") or "") for one in messages]
        if any(token in content for token in self._controls for content in contents):
            found.append("control token in a turn")
        return found

    def page(self, tokens: Tokens, *, colour: bool, limit: int = 2000) -> str:
        """Return a row for people: what is trained stands between ⟦ and ⟧, and is green.

        Args:
            tokens: the row.
            colour: for a terminal that shows it.
            limit: characters of a stretch, whose middle is cut out where it is longer.
        """
        shown = []
        for trained, run in groupby(zip(tokens.trained, tokens.ids, strict=True), key=lambda pair: pair[0]):
            text = _safe(self.tokenizer.decode([one for _, one in run], skip_special_tokens=False), limit)
            text = f"⟦{text}⟧" if trained else text
            shown.append(f"\x1b[{'32' if trained else '2'}m{text}\x1b[0m" if colour else text)
        return "".join(shown)

    def _spans(
        self, messages: list[Message], tools: list[Any] | None, text: str, loss: Loss
    ) -> tuple[list[_Span], int]:
        """Return the answers to train, the last of them first seen as what it is, and how many are written otherwise in use."""
        spans, rewritten = [], 0
        for place, said in enumerate(messages):
            last = place == len(messages) - 1
            unwanted = not last if loss != "assistant" else said.get("weight") == 0
            if said["role"] != "assistant" or unwanted:
                continue
            closed = text if last else self._closed(messages[: place + 1], tools)
            if not text.startswith(closed):
                rewritten += 1
                continue
            try:
                prompt = self.text(messages[:place], tools, generation=True)
            except DataError:  # many templates take no conversation without a user's turn
                prompt = ""
            if prompt and closed.startswith(prompt):
                spans.append(_Span(len(prompt), len(closed), prompt))
            else:  # from where they part, but never after the answer's begin
                begin = closed.rfind(str(said.get("content") or "").strip() or "\0")
                parted = _shared(prompt, closed)
                spans.append(
                    _Span(min(parted, begin) if prompt and begin >= 0 else max(parted, begin), len(closed), None)
                )
        return spans, rewritten

    def _closed(self, messages: list[Message], tools: list[Any] | None) -> str:
        """The text through the end of its last turn, without what a template sets at the very end of a conversation."""
        text = self.text(messages, tools)
        end = "" if self.end is None else self.tokenizer.id_to_token(self.end) or ""
        return text[: text.rfind(end) + len(end)] if end and end in text else text.rstrip()

    def _masked(self, text: str, found: tuple[list[_Span], int], encoded: Encoding, whole: bool) -> Tokens:
        ids, offsets = encoded.ids, encoded.offsets
        trained, alike, ends, prompt = [whole] * len(ids), True, False, len(ids)
        for span in found[0]:
            first = bisect_left(offsets, (span.start,))
            torn = first > 0 and offsets[first - 1][1] > span.start and ids[first - 1] not in self._added
            first -= torn
            alike &= span.prompt is not None and not torn and self._same(span.prompt, ids, offsets, first)
            last, ended = self._last(text, ids, offsets, first, bisect_left(offsets, (span.stop,)))
            trained[first:last] = [True] * (last - first)
            if span.stop == len(text):
                prompt, ends = first, ended
        return Tokens(ids, trained, prompt, ends, alike, found[1])

    def _last(
        self, text: str, ids: list[int], offsets: list[tuple[int, int]], first: int, stop: int
    ) -> tuple[int, bool]:
        """Return where an answer's tokens end, and whether with a token that ends a turn."""
        if self.end in ids[first:stop]:
            return stop - ids[first:stop][::-1].index(self.end), True
        while stop > first and not text[slice(*offsets[stop - 1])].strip():
            stop -= 1
        return stop, stop > first and ids[stop - 1] in self._added  # some templates end calls by another token

    def _same(self, prompt: str, ids: list[int], offsets: list[tuple[int, int]], first: int) -> bool:
        """Say whether the prompt alone has the tokens that it has before its answer.

        Texts between added tokens are encoded each by itself, so that only what follows the last of them could differ.
        """
        place = next((place for place in range(first - 1, 0, -1) if ids[place] in self._added), 0)
        return self._encoded(prompt[offsets[place][0] :]) == ids[place:first]

    @cached_property
    def _encoded(self) -> Any:
        return lru_cache(1024)(lambda text: self.tokenizer.encode(text, add_special_tokens=False).ids)

    @cached_property
    def _added(self) -> frozenset[int]:
        return frozenset(self.tokenizer.get_added_tokens_decoder())

    @cached_property
    def _controls(self) -> list[str]:
        return [one.content for one in self.tokenizer.get_added_tokens_decoder().values() if one.special]

    def _id(self, name: str) -> int | None:
        return self.tokenizer.token_to_id(self.special[name]) if name in self.special else None

    def _template(self, name: str) -> Any:
        if name not in self.templates:
            told = f" called default (it has {', '.join(sorted(self.templates))})" if self.templates else ""
            raise DataError(
                f"{self.folder} has no chat template{told}, so nothing says how a conversation is put to it; take its "
                "instruction-tuned version, or give a Jinja file with template = FILE."
            )
        if name not in self._compiled:
            self._compiled[name] = compile_template(self.templates[name], origin=str(self.folder), now=self.now)
        return self._compiled[name]


def open_renderer(folder: str | Path, *, template: str | None = None, now: datetime | None = None) -> Renderer:
    """Return the renderer of a model's folder. A model without a chat template has one, too: it renders plain texts.

    Args:
        folder: with ``tokenizer.json`` and ``tokenizer_config.json``.
        template: a Jinja file that takes the place of the model's own.
        now: what the template takes for the time.

    Raises:
        DataError: the tokenizer or the template can't be read.
        UsageError: there is no such template file.
    """
    folder = Path(folder)
    read = read_tokenizer(folder)
    return Renderer(
        folder, read.tokenizer, find_templates(folder, read.settings, template), read.special, read.frame, now
    )


def _shared(one: Sequence[Any], other: Sequence[Any]) -> int:
    """Return how long both begin alike."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )


def _as_given(message: Message) -> Message:
    """A message as transformers hands it over: no nulls, and a thought by either of the names that templates read."""
    if None in message.values():
        message = {key: value for key, value in message.items() if value is not None}
    thought = next((message[key] for key in ("reasoning_content", "thinking", "reasoning") if key in message), None)
    return message if thought is None else {"thinking": thought, **message, "reasoning_content": thought}


def _after_thought(message: Message) -> str:
    return str(message.get("content") or "").rpartition("</think>")[2].strip()


def _names(tools: list[Any]) -> list[str]:
    functions = [one.get("function", one) for one in tools if isinstance(one, dict)]
    return [one["name"] for one in functions if isinstance(one, dict) and isinstance(one.get("name"), str)]


def _safe(text: str, limit: int) -> str:
    text = mask(text)
    if len(text) > limit:
        text = f"{text[: limit // 2]}\n… {len(text) - limit:,} characters …\n{text[-(limit // 2) :]}"
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
