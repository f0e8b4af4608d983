"""Rows as token ids and labels: what a trainer gets of them, and all that it gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from ...curate.errors import GateError
from ...curate.wording import counted
from ..recipe import Recipe
from .examples import Turns, turns
from .rendering import Renderer

Fed = dict[str, Any]
_ANSWERS = ("chosen_ids", "rejected_ids", "completion_ids")
_UNTRAINED = -100  # the label that torch's cross entropy leaves out


def tokenized(recipe: Recipe, renderer: Renderer, rows: pl.DataFrame, *, at_once: int = 1) -> list[Fed]:
    """Return rows as the trainer of the recipe's method takes them, without those that can't be learnt from.

    Args:
        recipe: its ``method``, ``loss``, ``max_length`` and ``too_long`` count.
        renderer: of the model.
        rows: of ``examples``.
        at_once: of kto, which measures its divergence on the answers of a batch, each under its neighbour's question.

    Raises:
        GateError: rows are longer than ``max_length`` and the recipe does not say what becomes of them, or none is left.
        DataError: the chat template refuses a conversation.
    """
    said = [turns(row) for row in rows.iter_rows(named=True)]
    fed = list(_plain(recipe, renderer, said) if recipe.method in ("sft", "cpt") else _asked(recipe, renderer, said))
    long = sum(recipe.max_length is not None and length(one) > recipe.max_length for one in fed)
    if long and recipe.too_long == "refuse":
        raise GateError(
            f"{counted(long, 'row')} of {recipe.data} have more than {recipe.max_length:,} tokens; set max_length higher, or say "
            "what becomes of them with too_long."
        )
    kept = [short for one in fed if (short := _fitted(recipe, one)) is not None]
    if not kept:
        raise GateError(f"{recipe.data} has no row to learn from; `vetset plan` says why.")
    if recipe.method == "kto":
        return _crossed(kept, at_once, recipe.seed)
    return list(map(_both, kept)) if recipe.method == "orpo" else kept


def length(fed: Fed) -> int:
    """Return how many tokens of a row the model reads at once.

    >>> length({"prompt_ids": [5, 6], "chosen_ids": [7, 8, 9], "rejected_ids": [7]})
    5
    """
    asked = next(fed[name] for name in ("input_ids", "prompt_ids", "prompt", "chosen_input_ids") if name in fed)
    return len(asked) + max((len(fed[name]) for name in _ANSWERS if name in fed), default=0)


def _plain(recipe: Recipe, renderer: Renderer, said: Sequence[Turns]) -> Iterator[Fed]:
    texts = [one.whole(recipe.method) for one in said]
    talks = [(one.messages, one.tools) for one, text in zip(said, texts, strict=True) if text is None]
    answered = iter(renderer.many(talks, loss=recipe.loss))
    for text in texts:
        one = next(answered) if text is None else renderer.plain(text)
        # The first token has nothing before it that could foretell it; counted among the trained, it thins the loss.
        yield {"input_ids": one.ids, "labels": [_UNTRAINED, *one.labels[1:]]}


def _asked(recipe: Recipe, renderer: Renderer, said: Sequence[Turns]) -> Iterator[Fed]:
    for place, one in enumerate(said):
        if recipe.method in ("grpo", "distil"):
            text = renderer.text(one.prompt, one.tools, generation=True)
            yield {"prompt": renderer.tokenizer.encode(text, add_special_tokens=False).ids, "place": place}
            continue
        if recipe.method == "kto":
            tokens = renderer.tokens(one.messages, one.tools)
            answer = tokens.ids[tokens.prompt : tokens.end]
            yield {"prompt_ids": tokens.ids[: tokens.prompt], "completion_ids": answer, "label": one.good}
        else:
            prompt, chosen, rejected = renderer.pair(one.messages, one.rejected or "", one.tools)
            yield {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}


def _fitted(recipe: Recipe, fed: Fed) -> Fed | None:
    """Return a row cut to the length that is allowed; ``None`` where nothing is left to learn, or it is to be dropped."""
    most = recipe.max_length
    if most is not None and length(fed) > most:
        if recipe.too_long == "drop" or "prompt" in fed:
            return None
        room = max(0, most - len(fed.get("prompt_ids", [])))
        fed = {
            name: value[:room] if name in ("input_ids", "labels", *_ANSWERS) else value for name, value in fed.items()
        }
    learnt = [fed[name] for name in _ANSWERS if name in fed] or [
        [one for one in fed.get("labels", [0]) if one != _UNTRAINED]
    ]
    return fed if all(learnt) else None


def _crossed(fed: list[Fed], at_once: int, seed: int) -> list[Fed]:
    """Shuffle the rows, and give each of a batch its neighbour's answer (Ethayarajh et al., KTO, 2024).

    TRL takes them in this order, so that the batches stay whole; the good and the bad ones have to be mixed here.
    """
    mixed = [fed[place] for place in np.random.default_rng(seed).permutation(len(fed))]
    parts = [mixed[low : low + at_once] for low in range(0, len(mixed), at_once)]
    return [
        one | {"KL_completion_ids": part[place - 1]["completion_ids"]}
        for part in parts
        for place, one in enumerate(part)
    ]


def _both(fed: Fed) -> Fed:
    """Return a pair by the names that ORPO's collator pads."""
    prompt = fed["prompt_ids"]
    named: Fed = {"prompt_input_ids": prompt, "prompt_attention_mask": [1] * len(prompt)}
    for side in ("chosen", "rejected"):
        answer = fed[f"{side}_ids"]
        named |= {
            f"{side}_input_ids": prompt + answer, f"{side}_attention_mask": [1] * len(prompt + answer),
            f"{side}_labels": [_UNTRAINED] * len(prompt) + answer,
        }  # fmt: skip
    return named
