"""How alike in meaning an answer and its reference are: the cosine of their vectors.

A figure to rank by, not to decide by: an encoder puts "it is open on Monday" beside "it is closed on Monday".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ...curate.embed.encoder import Encoder, find_encoder
from .answers import settle, spoken, wanted
from .case import Case, Scored

_TEXTS = 64  # of an encoder that says nothing else: a batch of 64 fills a CPU and fits any memory


def similarity_scorer(option: str, encoder: Encoder | None = None) -> partial[list[Scored]]:
    """Return the scorer of an encoder.

    Args:
        option: a folder, a name on the hub of a model that is on this machine, or ``tfidf``; the default without one.
        encoder: is taken instead.

    Raises:
        UsageError: there is no such encoder on this machine; nothing is fetched.
        MissingExtra: it needs sentence-transformers, which is not installed.
    """
    return partial(score_similarity, encoder=encoder or find_encoder(option or None).encoder)


def score_similarity(cases: Sequence[Case], *, encoder: Callable[..., np.ndarray]) -> list[Scored]:
    """Score the cosine of answer and reference, 0 where it is negative; of whole answers alone.

    An answer of which the encoder makes nothing, such as emoji alone, is unparsed.
    """
    references = [wanted(case, "similarity") for case in cases]
    texts = [spoken(case.output) for case in cases]
    distinct = sorted({text for text in (*texts, *references) if text.strip()}, key=lambda text: (-len(text), text))
    at = {text: place for place, text in enumerate(distinct)}
    vectors = _unit(_encoded(encoder, distinct))

    def scored(place: int) -> Scored:
        one, other = at.get(texts[place]), at.get(references[place])
        if one is None or other is None or not vectors[one].any():
            return Scored(None, "unparsed")
        return Scored(float(np.clip(vectors[one] @ vectors[other], 0.0, 1.0)))

    return settle(cases, [None] * len(cases), else_=scored)


def _encoded(encoder: Callable[..., np.ndarray], texts: list[str]) -> np.ndarray:
    if not texts:
        return np.zeros((0, 1), np.float32)
    batch = getattr(encoder, "batch", len(texts))  # TF-IDF wants all at once
    return np.concatenate([encoder(texts[begin : begin + batch]) for begin in range(0, len(texts), batch)])


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
