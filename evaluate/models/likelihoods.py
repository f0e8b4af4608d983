"""How likely a model finds a text: nats a token, from which perplexity follows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...curate.errors import UsageError
from ...curate.wording import counted
from .batching import batches

_TOKENS = 1024  # a batch: scores over a vocabulary of 150,000 words take 600 MB of float32 then


@dataclass(frozen=True)
class Likelihood:
    """One text under one model."""

    nats: float
    """Sum of the negative log-probabilities of all tokens but the first, which nothing precedes."""
    tokens: int
    """Those that were predicted."""
    bytes: int
    """Of the text in UTF-8: models with different tokenizers are compared by nats a byte."""

    @property
    def per_token(self) -> float:
        """Nats a token; not a number for a text of one token."""
        return self.nats / self.tokens if self.tokens else math.nan


def perplexity(found: Sequence[Likelihood]) -> float:
    """Return e to the mean nats a token, over the tokens of all texts.

    >>> perplexity([Likelihood(nats=2.0, tokens=1, bytes=4), Likelihood(nats=4.0, tokens=2, bytes=9)]) == math.exp(2)
    True
    """
    tokens = sum(each.tokens for each in found)
    return math.exp(sum(each.nats for each in found) / tokens) if tokens else math.nan


def likelihoods(module: Any, tokenizer: Any, texts: Sequence[str], *, limit: int | None = None) -> list[Likelihood]:
    """Return the likelihood of each text by itself, as plain text: no chat template, only what the tokenizer adds by itself.

    Args:
        module: transformers' model, with the adapter switched as wanted.
        tokenizer: its tokenizer.
        texts: at most ``limit`` tokens each.
        limit: tokens that the model reads.

    Raises:
        UsageError: a text is longer than the model reads: nothing is cut off in silence.
    """
    import torch  # pyright: ignore[reportMissingImports]

    listed: list[list[int]] = [tokenizer(text)["input_ids"] for text in texts]
    for place, ids in enumerate(listed):
        if limit is not None and len(ids) > limit:
            raise UsageError(
                f"text {place + 1} of {len(listed)} has {counted(len(ids), 'token')}, and the model reads {limit:,}; cut it into "
                "paragraphs."
            )
    found = [Likelihood(0.0, 0, len(text.encode("utf-8", "surrogatepass"))) for text in texts]
    for batch in batches([len(ids) for ids in listed], _TOKENS):
        width = max(len(listed[place]) for place in batch)
        if width < 2:
            continue
        # Filled on the right, where no token that counts looks.
        ids = torch.zeros((len(batch), width), dtype=torch.long)
        seen = torch.zeros_like(ids)
        for row, place in enumerate(batch):
            ids[row, : len(listed[place])] = torch.tensor(listed[place], dtype=torch.long)
            seen[row, : len(listed[place])] = 1
        with torch.inference_mode():
            scores = module(
                input_ids=ids.to(module.device), attention_mask=seen.to(module.device), use_cache=False
            ).logits
            lost = torch.nn.functional.cross_entropy(
                scores[:, :-1].float().transpose(1, 2), ids[:, 1:].to(scores.device), reduction="none"
            ).cpu()
        for row, place in enumerate(batch):
            count = max(0, len(listed[place]) - 1)
            nats = float(lost[row, :count].double().sum())
            found[place] = Likelihood(nats, count, found[place].bytes)
    return found
