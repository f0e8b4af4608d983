"""BM25: which documents share a question's rare words; scikit-learn counts them, scipy multiplies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...curate.text import fold_all

K1, B = 1.2, 0.75
"""How soon a word that is said again stops to count, and how much a long document pays for its length: the values that
Robertson and Zaragoza 2009 call good in many circumstances, and that Lucene ships."""

# Languages without spaces have no word that two texts would share whole: each of their characters is one.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_WORDS = rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+"


@dataclass(frozen=True)
class Bm25:
    """The index of n documents."""

    counting: Any
    """A fitted ``CountVectorizer``."""
    weights: Any
    """(n, words) sparse: what a word of a question is worth in a document."""


def bm25(texts: Sequence[str], *, k1: float = K1, b: float = B) -> Bm25:
    """Index documents.

    The weight of a word is its inverse document frequency after Robertson and Sparck Jones 1976, with 1 added before the
    logarithm so that a word that most documents hold counts little and never against them (as in Lucene), times its saturated
    count (Robertson et al., "Okapi at TREC-3", 1994).

    Args:
        texts: n documents.
        k1: see ``K1``.
        b: see ``B``.

    >>> index = bm25(["cards and pins", "transfers abroad", "a card for a child"])
    >>> scores(index, ["which pins do cards have"]).argmax()
    np.int64(0)
    """
    from scipy import sparse
    from sklearn.feature_extraction.text import CountVectorizer

    single: Any = np.float32
    counting = CountVectorizer(token_pattern=_WORDS, lowercase=False, dtype=single)
    folded = _folded(texts)
    if not any(counting.build_analyzer()(text) for text in folded):
        counting.fit(["nothing"])  # else it refuses documents without a word, which may be all that there are
        return Bm25(counting, sparse.csr_matrix(np.zeros((len(texts), 1), np.float32)))
    counts = sparse.csr_matrix(counting.fit_transform(folded))
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    held = counts.getnnz(axis=0)
    rarity = np.log1p((len(texts) - held + 0.5) / (held + 0.5))
    pays = k1 * (1 - b + b * lengths / lengths.mean())
    of_row = np.repeat(np.arange(len(texts)), np.diff(counts.indptr))
    values = rarity[counts.indices] * counts.data * (k1 + 1) / (counts.data + pays[of_row])
    weights = sparse.csr_matrix((values.astype(np.float32), counts.indices, counts.indptr), counts.shape)
    return Bm25(counting, weights)


def scores(index: Bm25, questions: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return (questions, documents) scores, 0 where they share no word; a word that is asked twice counts twice."""
    asked = index.counting.transform(_folded(questions))
    return np.asarray((asked @ index.weights.T).todense(), np.float32)


def _folded(texts: Sequence[str]) -> list[str]:
    return fold_all(pl.Series(list(texts), dtype=pl.String)).to_list()
