"""One batch of prompts to tokens: greedy, or drawn by a generator of each request's own; stopped row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from .protocol import Finish, Parameters
from .shared_prefix import read_prefix, shared_length


@dataclass(frozen=True)
class Prompt:
    """What one request asks of the decoder."""

    ids: list[int]
    parameters: Parameters
    draw: int
    """Seed of its own draws, see ``draw_seed``."""
    most: int
    """Tokens that it may be answered with: ``max_tokens``, or what the model's reach leaves."""


@dataclass
class Written:
    """What came out for one prompt."""

    ids: list[int]
    """Without the token that ended it."""
    finish: Finish
    tokens: int
    """That were computed for it, the ending one included."""
    places: list[dict[str, Any]] = field(default_factory=list)
    """Chosen token and the likeliest ones of each place, where asked for."""


def draw_seed(text: str, parameters: Parameters, sample: int) -> int:
    """Return the seed of one request's draws: of its prompt, its seed (0 where it has none) and the sample's number.

    So an answer depends neither on the batch it is in nor on how many were answered before it.
    """
    said = f"{parameters.seed or 0}\n{sample}\n{text}"
    return int.from_bytes(sha256(said.encode("utf-8", "surrogatepass")).digest()[:8], "big") >> 1


def decode(module: Any, tokenizer: Any, prompts: Sequence[Prompt], ends: Sequence[int], pad: int) -> list[Written]:
    """Let a model go on from several prompts at once.

    A row that has ended is padded until the last one has.

    Args:
        module: transformers' model, with the adapter switched as wanted.
        tokenizer: its tokenizer, for stop strings.
        prompts: one batch.
        ends: tokens that end an answer.
        pad: what rows are filled with; never read.
    """
    import torch  # pyright: ignore[reportMissingImports]
    from transformers import GenerationConfig  # pyright: ignore[reportMissingImports]

    width = max(len(prompt.ids) for prompt in prompts)
    shared = shared_length([prompt.ids for prompt in prompts])
    cache = read_prefix(module, prompts[0].ids[:shared], len(prompts)) if shared else None
    shared = shared if cache is not None else 0
    # Padding stands on the left, behind what all have in common: rows end where the answers begin.
    ids = torch.full((len(prompts), width), pad, dtype=torch.long)
    seen = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        own = width - len(prompt.ids) + shared
        ids[row, :shared], ids[row, own:] = torch.tensor(prompt.ids[:shared]), torch.tensor(prompt.ids[shared:])
        seen[row, :shared] = seen[row, own:] = 1
    choose = _Choose(torch, prompts)
    settings = GenerationConfig(
        do_sample=False, num_beams=1, use_cache=True, max_new_tokens=max(prompt.most for prompt in prompts),
        eos_token_id=list(ends) or None, pad_token_id=pad,
    )  # fmt: skip
    with torch.inference_mode():
        whole = module.generate(
            input_ids=ids.to(module.device), attention_mask=seen.to(module.device), generation_config=settings,
            logits_processor=[choose], stopping_criteria=[_Stop(torch, tokenizer, prompts, width)], past_key_values=cache,
        )  # fmt: skip
    rows = whole[:, width:].tolist()
    return [
        _cut(row, prompt, set(ends), tokenizer, places)
        for row, prompt, places in zip(rows, prompts, choose.places, strict=True)
    ]


class _Choose:
    """Chooses by changing the scores, so that the likeliest token afterwards is the one that was drawn.

    Adding Gumbel noise to log-probabilities and taking the maximum draws from them (Gumbel 1954; Maddison et al. 2014).
    """

    def __init__(self, torch: Any, prompts: Sequence[Prompt]) -> None:
        self.torch, self.prompts = torch, prompts
        self.places: list[list[dict[str, Any]]] = [[] for _ in prompts]
        # On the CPU whatever the device, so that a seed means the same everywhere.
        self.generators = [torch.Generator().manual_seed(prompt.draw) for prompt in prompts]

    def __call__(self, _: Any, scores: Any) -> Any:
        torch = self.torch
        chosen = scores
        for row, prompt in enumerate(self.prompts):
            if prompt.parameters.temperature > 0:
                chosen = chosen.clone() if chosen is scores else chosen
                chosen[row] = self._drawn(scores[row], row)
        wanted = [row for row, prompt in enumerate(self.prompts) if prompt.parameters.top_logprobs]
        for row in wanted:
            logs = torch.log_softmax(scores[row].float(), -1)
            best = torch.topk(logs, min(self.prompts[row].parameters.top_logprobs, len(logs)))
            token = int(chosen[row].argmax())
            self.places[row].append(
                {
                    "token": token, "logprob": float(logs[token]),
                    "top": list(zip(best.indices.tolist(), best.values.tolist(), strict=True)),
                }
            )  # fmt: skip
        return chosen

    def _drawn(self, scores: Any, row: int) -> Any:
        torch, parameters = self.torch, self.prompts[row].parameters
        logs = torch.log_softmax(scores.float() / parameters.temperature, -1)
        if parameters.top_p is not None and parameters.top_p < 1:
            ordered, places = logs.sort(descending=True, stable=True)
            before = ordered.exp().cumsum(-1) - ordered.exp()  # of those likelier than it: the first always stays
            unlikely = torch.zeros_like(logs, dtype=torch.bool).scatter(0, places, before >= parameters.top_p)
            logs = logs.masked_fill(unlikely, -torch.inf)
        draws = torch.rand(logs.shape, generator=self.generators[row], dtype=torch.float64)
        noise = -torch.log(-torch.log(draws.clamp_min(1e-300)))
        return (logs + noise.to(logs.device, logs.dtype)).to(scores.dtype)


class _Stop:
    """Ends rows at their own number of tokens and at their own stop strings; the end tokens are transformers' business."""

    def __init__(self, torch: Any, tokenizer: Any, prompts: Sequence[Prompt], width: int) -> None:
        self.torch, self.tokenizer, self.prompts, self.width = torch, tokenizer, prompts, width

    def __call__(self, ids: Any, _: Any, **__: Any) -> Any:
        written = ids.shape[1] - self.width
        done = [
            written >= prompt.most or self._stopped(ids[row, self.width :], prompt.parameters.stop)
            for row, prompt in enumerate(self.prompts)
        ]
        return self.torch.tensor(done, device=ids.device)

    def _stopped(self, ids: Any, stops: tuple[str, ...]) -> bool:
        if not stops:
            return False
        # A token is a byte at least, and a letter that is cut in two shows as one that no stop string holds.
        reach = max(len(stop.encode()) for stop in stops) + 8
        tail = _text(self.tokenizer, ids[-reach:].tolist())
        return any(stop in tail for stop in stops)


def _cut(row: list[int], prompt: Prompt, ends: set[int], tokenizer: Any, places: list[dict[str, Any]]) -> Written:
    row = row[: prompt.most]
    end = next((place for place, token in enumerate(row) if token in ends), None)
    ids = row if end is None else row[:end]
    stops = prompt.parameters.stop
    if stops and (stopped := _first_stop(tokenizer, ids, stops)) is not None:
        return Written(ids[:stopped], "stop", stopped, places[:stopped])
    if end is not None:
        return Written(ids, "stop", end + 1, places[:end])
    return Written(ids, "length", len(ids), places[: len(ids)])


def _first_stop(tokenizer: Any, ids: list[int], stops: tuple[str, ...]) -> int | None:
    """How many tokens there are when the text first holds a stop string."""
    if not any(stop in _text(tokenizer, ids) for stop in stops):
        return None
    return next(
        count for count in range(1, len(ids) + 1) if any(stop in _text(tokenizer, ids[:count]) for stop in stops)
    )


def _text(tokenizer: Any, ids: list[int]) -> str:
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def text_of(tokenizer: Any, written: Written, stops: tuple[str, ...]) -> str:
    """Return the text that was written, up to the first stop string."""
    text = _text(tokenizer, written.ids)
    return text[: min((place for stop in stops if (place := text.find(stop)) >= 0), default=len(text))]


def logprobs_json(tokenizer: Any, written: Written) -> str:
    """Return the likeliest tokens of each place in the form of OpenAI's ``logprobs.content``."""

    def said(token: int, logprob: float) -> dict[str, Any]:
        text = tokenizer.decode([token])
        return {"token": text, "logprob": round(logprob, 6), "bytes": list(text.encode())}

    content = [
        {**said(place["token"], place["logprob"]), "top_logprobs": [said(*likely) for likely in place["top"]]}
        for place in written.places
    ]
    return msgspec.json.encode(content).decode()
