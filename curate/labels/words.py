"""The words of texts as vectors: what a label hangs on where it hangs on wording."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_AXES = 384
_COLUMNS = 1 << 17  # that features are hashed to
_LEARNT = 16_000  # texts that axes are learnt from
_READ = 1_000  # characters of a text: labels are decided by its beginning, and cost stays bounded


def word_vectors(texts: list[str], *, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return (m, d) vectors of length 1, or of zeros, of the characters of each text in runs of one to three.

    Runs within words serve every script: in Chinese a character is a word, elsewhere three of them are a stem or an ending.
    Weighted by TF-IDF with logarithmic counts, brought to 384 axes by a randomised SVD (Halko et al. 2011).

    Args:
        texts: m texts; the first thousand characters count.
        seed: of the SVD and the texts that it learns from.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from threadpoolctl import threadpool_limits

    if len(texts) < 3:
        return np.zeros((len(texts), 1), np.float32)
    kind: dict[str, Any] = {
        "analyzer": "char_wb", "ngram_range": (1, 3), "n_features": _COLUMNS, "norm": None, "alternate_sign": False,
        "dtype": np.float32,
    }  # fmt: skip
    counted = HashingVectorizer(**kind).transform([text[:_READ] for text in texts])
    weights = TfidfTransformer(sublinear_tf=True).fit_transform(counted)
    sample = np.sort(np.random.default_rng(seed).permutation(len(texts))[:_LEARNT])
    linking = np.flatnonzero(weights[sample].getnnz(axis=0) > 1)
    axes = min(_AXES, linking.size - 1, sample.size - 1)
    if axes < 1:
        return np.zeros((len(texts), 1), np.float32)
    weights = weights[:, linking]
    # Threads that wait for each other cost ten times the CPU; texts that all have the same characters vary in nothing (0 / 0).
    with threadpool_limits(1), np.errstate(invalid="ignore"):
        learnt = TruncatedSVD(axes, n_iter=2, random_state=seed).fit(weights[sample])
    found = np.concatenate([learnt.transform(weights[low : low + 8_192]) for low in range(0, len(texts), 8_192)])
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return np.where(length > 1e-6, found / np.maximum(length, 1e-6), 0.0).astype(np.float32)
