"""Failures in clusters: those that are about the same thing and go wrong alike."""

from __future__ import annotations

import numpy as np
import polars as pl

from ...curate.coverage.regions import regions
from ...curate.embed.encoder import Encoder
from ...curate.embed.encoding import encode
from ...curate.masking import mask
from ...curate.near.cosine import Ints, Vectors

_READ = 4_000  # characters that are masked, of which the cut is taken: half a secret has no form
_KEPT = 1_000  # characters of question and of output: neither drowns the other
_LEAST = 3  # failures a cluster, about: of pairs one learns nothing


def failure_text(row: dict[str, str | None]) -> str:
    """Return what clusters and words go by, masked: the question, the answer, what it was taken for and what was right."""
    parts = [mask((text or "")[:_READ])[:_KEPT] for text in (row["question"], row["output"] or row["error"])]
    if row["status"] == "wrong" and row["reference"] is not None and len(row["reference"]) <= 80:
        parts.append(mask(f"{row['reference']} {row['prediction'] or ''}"[:_READ])[:200])
    return "\n".join(part for part in parts if part)


def clusters(texts: list[str], encoder: Encoder, *, most: int = 20, seed: int = 0) -> Ints:
    """Return the cluster of each text, numbers from 0.

    As many as are best told apart: the number whose mean simplified silhouette is largest (Rousseeuw 1987; Vendramin, Campello
    and Hruschka 2010: by the middles of clusters and not by all pairs).

    Args:
        texts: n texts.
        encoder: see ``embed.encoder``.
        most: clusters at most.
        seed: of their first middles.
    """
    if not texts:
        return np.zeros(0, np.int64)
    encoded = encode(pl.Series(texts, dtype=pl.String), encoder)
    if not len(encoded.vectors):
        return np.zeros(len(texts), np.int64)
    seen = encoded.of_row >= 0
    found = np.zeros(len(texts), np.int64)
    found[seen] = _best(encoded.vectors[encoded.of_row[seen]], most, seed)
    return found


def _best(vectors: Vectors, most: int, seed: int) -> Ints:
    best, quality = np.zeros(len(vectors), np.int64), 0.0
    for count in range(2, min(most, len(vectors) // _LEAST) + 1):
        cut = regions(vectors, count, seed=seed)
        worth = _silhouette(vectors, cut)
        if worth > quality + 1e-9:
            best, quality = cut, worth
    return best


def _silhouette(vectors: Vectors, cut: Ints) -> float:
    """Return how much nearer vectors are to their own middle than to the next one, -1 to 1; alone in a cluster counts 0."""
    count = int(cut.max()) + 1
    if count < 2:
        return 0.0
    sums = np.zeros((count, vectors.shape[1]), np.float64)
    np.add.at(sums, cut, vectors)
    middles = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    away = 1.0 - vectors @ middles.T
    own = away[np.arange(len(vectors)), cut]
    away[np.arange(len(vectors)), cut] = np.inf
    other = away.min(axis=1)
    worth = (other - own) / np.maximum(np.maximum(own, other), 1e-12)
    return float(np.where(np.bincount(cut)[cut] > 1, worth, 0.0).mean())
