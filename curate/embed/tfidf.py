"""Vectors without a model: which words and word parts a text holds, by latent semantic analysis of the texts at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

AXES = 256  # of the SVD
_HASHED = 1 << 15  # columns that features are hashed to: memory is bounded whatever the texts hold
_LEARNT = 20_000  # texts that axes are learnt from; more cost time and turn no axis
_FEW = 512  # texts, up to which no axis is lost: an SVD of so few learns the texts themselves


def tfidf_vectors(texts: list[str], /, *, axes: int = AXES, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return (n, d) vectors of length 1, or of zeros for a text without words.

    Features are words and runs of 3 to 4 characters within them, weighted by TF-IDF with logarithmic counts and brought to
    ``axes`` by a randomised SVD (Deerwester et al. 1990; Halko et al. 2011). The vectors hold only among the texts of one call.

    Args:
        texts: n texts.
        axes: axes at most. Up to 512 texts all are kept, and the cosine is that of TF-IDF itself.
        seed: of the sample that axes are learnt from, and of the SVD.
    """
    if not texts:
        return np.zeros((0, 1), np.float32)
    weights = _weights(texts)
    if len(texts) <= _FEW:
        return _all_axes(weights)
    from sklearn.decomposition import TruncatedSVD
    from threadpoolctl import threadpool_limits

    draw = np.random.default_rng(seed)
    sample = np.sort(draw.choice(len(texts), min(len(texts), _LEARNT), replace=False))
    # Columns of one text link nothing, and each of them costs the SVD 256 numbers a turn.
    linking = np.flatnonzero(weights[sample].getnnz(axis=0) > 1)
    if linking.size <= axes:
        return _unit(weights[:, linking].toarray())
    weights = weights[:, linking]
    with threadpool_limits(1):  # two threads that wait for each other took ten times the CPU of one
        learnt = TruncatedSVD(axes, n_iter=2, random_state=seed).fit(weights[sample])
    vectors = np.concatenate([learnt.transform(weights[low : low + 8_192]) for low in range(0, len(texts), 8_192)])
    return _unit(vectors)


def _unit(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    # A text of which almost nothing lies on the axes would be blown up to length 1 from noise, and be alike to chance texts.
    return np.where(lengths > 0.1, vectors / np.maximum(lengths, 1e-9), 0.0).astype(np.float32)


def _weights(texts: list[str]) -> Any:
    """Return (n, columns) sparse weights with rows of length 1: words and word parts, half of the square of it each."""
    from scipy import sparse
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    kinds: list[dict[str, Any]] = [
        {"analyzer": "word", "token_pattern": r"(?u)\b\w+\b"},
        {"analyzer": "char_wb", "ngram_range": (3, 4)},
    ]
    shared: dict[str, Any] = {"n_features": _HASHED, "norm": None, "alternate_sign": False, "dtype": np.float32}
    found = []
    for kind in kinds:
        hashed = HashingVectorizer(**shared, **kind)
        found.append(TfidfTransformer(sublinear_tf=True).fit_transform(hashed.transform(texts)) * np.float32(0.5**0.5))
    visible = np.array([any(character.isalnum() for character in text) for text in texts], np.float32)
    return sparse.csr_matrix(sparse.diags(visible) @ sparse.hstack(found))


def _all_axes(weights: Any) -> npt.NDArray[np.float32]:
    """Return vectors that have the products of the rows exactly, by the eigenvectors of all products."""
    values, axes = np.linalg.eigh(np.asarray((weights @ weights.T).todense(), np.float64))
    return (axes * np.sqrt(np.maximum(values, 0.0))).astype(np.float32)
