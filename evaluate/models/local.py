"""A language model on this machine, with or without an adapter: requests in batches by length, greedy unless asked otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...curate.errors import UsageError, quote
from ...curate.wording import counted
from .batching import batches
from .chat_template import Rendered, Template, find_template, render, turn_end
from .decoding import Prompt, Written, decode, draw_seed, logprobs_json, text_of
from .likelihoods import Likelihood, likelihoods
from .local_loading import Weights, load_adapter, load_tokenizer, load_weights
from .model_folder import model_folder
from .protocol import Answer, Request
from .weights_digest import tokenizer_digest, weights_digest

BATCH_TOKENS = {"cpu": 4096, "cuda": 32_768, "mps": 8192}
"""Most tokens of a batch, padding and room for answers included: what the cache of keys and values is sized by. On a GPU 4 GB for
a model of 8 billion parameters; on a CPU more rows than that are no faster (docs/local_models.md)."""

_OPEN, _CLOSE = "<think>", "</think>"


@dataclass(frozen=True)
class LocalModel:
    """A ``Model``: one set of weights, seen with one adapter or with none.

    Views share the weights (``with_adapter``), so that base and candidate are loaded once.
    """

    name: str
    weights: Weights
    tokenizer: Any
    template: Template
    adapter: Path | None
    batch_tokens: int
    ends: tuple[int, ...]
    """Tokens that end an answer."""
    tokenizer_digest: str
    adapter_digest: str | None
    given: str | None = None
    """A template that takes the place of the model's and of its adapters', where one was given."""

    def identity(self) -> Mapping[str, Any]:
        """Return what decides an answer besides the request.

        Not the device, nor the batch: they move scores by rounding errors alone.
        """
        return {
            "kind": "transformers",
            "weights": self.weights.digest,
            "adapter": self.adapter_digest,
            "tokenizer": self.tokenizer_digest,
            "template": self.template.digest,
            "dtype": self.weights.dtype,
            "ends": list(self.ends),
        }

    def with_adapter(self, adapter: str | Path | None, *, template: str | None = None) -> LocalModel:
        """Return the same weights seen with another adapter, or with none.

        Args:
            adapter: its folder. Its own chat template is used where it has one, for it was trained with that.
            template: Jinja source that is used instead; what the model was opened with for ``None``.

        Raises:
            DataError: the adapter does not fit.
            UsageError: there is none at that place.
        """
        folder = None if adapter is None else model_folder(adapter, holds="adapter_config.json").resolve()
        if folder is not None:
            load_adapter(self.weights, folder)
        return _view(self.weights, folder, template or self.given, self.batch_tokens)

    def rendered(self, request: Request) -> Rendered:
        """Return one request as the model gets it, to be shown once before a run."""
        text = render(self.tokenizer, self.template, request)
        ends = tuple(self.tokenizer.convert_ids_to_tokens(list(self.ends)))
        return Rendered(text, len(self._ids(text)), self.template.origin, self.template.digest, ends)

    def answer(self, requests: Sequence[Request], done: Callable[[int, Answer], None], /) -> None:
        """Answer all requests, the longest first.

        Raises:
            DataError: the chat template can't take one of them.
            UsageError: one wants what a local model can't do (to be held to a JSON schema), or memory is too small for one alone.
        """
        prompts: list[Prompt] = []
        kept: list[int] = []
        for place, request in enumerate(requests):
            prompt, error = self._prompt(request)
            if error is not None:
                done(place, Answer(finish="error", error=error))
                continue
            prompts.append(prompt)
            kept.append(place)
        lengths = [len(prompt.ids) + prompt.most for prompt in prompts]
        with self.weights.with_adapter(self.adapter) as module:
            for batch in batches(lengths, self.batch_tokens):
                self._answer_batch(module, [(kept[place], prompts[place]) for place in batch], done)

    def likelihoods(self, texts: Sequence[str]) -> list[Likelihood]:
        """Return how likely the model finds each text, for perplexity; see ``likelihoods.likelihoods``."""
        with self.weights.with_adapter(self.adapter) as module:
            return likelihoods(module, self.tokenizer, texts, limit=self.weights.limit)

    def _prompt(self, request: Request) -> tuple[Prompt, str | None]:
        parameters = request.parameters
        if parameters.schema is not None:
            raise UsageError(
                "a local model can't be held to a JSON schema; leave it out, or serve the model with vLLM or llama.cpp and give "
                "its address."
            )
        text = render(self.tokenizer, self.template, request)
        ids = self._ids(text)
        most, limit = parameters.max_tokens, self.weights.limit
        error = None
        if limit is not None and len(ids) >= limit:
            error = f"the prompt has {counted(len(ids), 'token')}, and the model reads {limit:,}: shorten it."
        elif limit is not None:
            most = min(most, limit - len(ids))
        return Prompt(ids, parameters, draw_seed(text, parameters, request.sample), max(1, most)), error

    def _ids(self, text: str) -> list[int]:
        # The template has written the special tokens already; a second beginning-of-text token lowers scores.
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def _answer_batch(self, module: Any, batch: list[tuple[int, Prompt]], done: Callable[[int, Answer], None]) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        begun = time.perf_counter()
        try:
            written = decode(module, self.tokenizer, [prompt for _, prompt in batch], self.ends, self._pad())
        except torch.OutOfMemoryError as error:
            if len(batch) == 1:
                raise UsageError(
                    f"memory of {self.weights.device} is too small for one prompt of {counted(len(batch[0][1].ids), 'token')}; "
                    "take a smaller model, float16 or bfloat16, or fewer max_tokens."
                ) from error
            written = None
        if written is None:  # outside of the handler, for the error holds on to the memory
            torch.cuda.empty_cache()
            middle = len(batch) // 2
            self._answer_batch(module, batch[:middle], done)
            self._answer_batch(module, batch[middle:], done)
            return
        seconds = time.perf_counter() - begun
        work = [len(prompt.ids) + each.tokens for (_, prompt), each in zip(batch, written, strict=True)]
        for (place, prompt), each, share in zip(batch, written, work, strict=True):
            done(place, self._answer_of(prompt, each, seconds * share / sum(work)))

    def _answer_of(self, prompt: Prompt, written: Written, seconds: float) -> Answer:
        text = text_of(self.tokenizer, written, prompt.parameters.stop)
        reasoning, text = _thought(text, self.tokenizer.decode(prompt.ids[-8:]))
        return Answer(
            text=text, finish=written.finish, reasoning=reasoning, prompt_tokens=len(prompt.ids),
            completion_tokens=written.tokens, seconds=seconds, served_by=self.name,
            logprobs=logprobs_json(self.tokenizer, written) if prompt.parameters.top_logprobs else None,
        )  # fmt: skip

    def _pad(self) -> int:
        pad = self.tokenizer.pad_token_id
        return pad if pad is not None else self.ends[0] if self.ends else 0


def open_local(
    name: str | Path, *, adapter: str | Path | None = None, device: str | None = None, dtype: str | None = None,
    batch_tokens: int | None = None, template: str | None = None, download: bool = False,
) -> LocalModel:  # fmt: skip
    """Load a causal language model; nothing is fetched from a network unless ``download`` says so.

    Args:
        name: a folder that ``save_pretrained`` wrote, or a name on the Hugging Face hub.
        adapter: folder or hub name of a PEFT adapter over it.
        device: as torch calls it; the best there is for ``None``.
        dtype: float32, bfloat16 or float16; ``None`` is float32 on a CPU, and what the model was saved as elsewhere.
        batch_tokens: most tokens of a batch, padding and room for answers included; ``BATCH_TOKENS`` of the device for ``None``.
        template: Jinja source of a chat template that takes the place of the model's own.
        download: what is not on this machine may be fetched from the hub.

    Raises:
        MissingExtra: torch, transformers or peft is not installed.
        UsageError: there is no such model on this machine, or an option is wrong.
        DataError: model, adapter or tokenizer can't be loaded or do not fit, or there is no chat template.
    """
    if batch_tokens is not None and batch_tokens < 1:
        raise UsageError(f"batch_tokens is {batch_tokens}; give how many tokens a batch may have, such as 4096.")
    folder = model_folder(name, download=download)
    over = None if adapter is None else model_folder(adapter, holds="adapter_config.json", download=download).resolve()
    called = folder.name if Path(name).expanduser() == folder else str(name)
    weights = load_weights(folder, called or folder.resolve().name, device=device, dtype=dtype)
    if over is not None:
        load_adapter(weights, over)
    budget = batch_tokens or BATCH_TOKENS.get(weights.device.partition(":")[0], BATCH_TOKENS["cpu"])
    return _view(weights, over, template, budget)


def _view(weights: Weights, adapter: Path | None, template: str | None, batch_tokens: int) -> LocalModel:
    folder, given = weights.folder, template
    if adapter is not None and (adapter / "tokenizer_config.json").is_file():
        folder = adapter
    tokenizer = load_tokenizer(folder)
    if folder != weights.folder and template is None and not tokenizer.chat_template:
        template = load_tokenizer(weights.folder).chat_template
    rows = weights.module.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise UsageError(
            f"the tokenizer of {quote(folder)} has {len(tokenizer):,} tokens and {quote(weights.name)} knows {rows:,}; it was "
            "trained with added tokens: give the base with the resized vocabulary."
        )
    used = find_template(tokenizer, str(folder), template)
    last = turn_end(tokenizer, used)
    ends = {*weights.eos, *(token for token in (tokenizer.eos_token_id, last) if token is not None)}
    name = weights.name if adapter is None else f"{weights.name} + {adapter.name}"
    digest = None if adapter is None else weights_digest(adapter)
    return LocalModel(
        name, weights, tokenizer, used, adapter, batch_tokens, tuple(sorted(ends)), tokenizer_digest(folder), digest, given
    )  # fmt: skip


def _thought(text: str, prompt_end: str) -> tuple[str | None, str]:
    """Part what a reasoning model thought from what it says; its template may have opened the thought already."""
    begun = text.lstrip().startswith(_OPEN) or prompt_end.rstrip().endswith(_OPEN)
    if not begun:
        return None, text
    thought, closed, rest = text.partition(_CLOSE)
    thought = thought.strip().removeprefix(_OPEN).strip()
    return thought, rest.lstrip("\n") if closed else ""
