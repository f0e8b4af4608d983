"""Retrieval for the RAG rung: the pieces of documents that fit a question, and how often the right one is among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ...curate.embed.encoder import Encoder
from ...curate.embed.encoding import encode
from .bm25 import Bm25, bm25, scores
from .documents import Piece, cut, digest_of, read_documents
from .fusion import fuse

DEEP = 50
"""Places of each ranking that are fused: what stands deeper in both has no chance of the first ten."""
AT = (1, 3, 5, 10)
"""Where recall is told: a context holds between three and ten pieces."""
_TOGETHER = 256  # questions whose scores stand in memory at a time


@dataclass(frozen=True)
class Library:
    """Indexed documents."""

    folder: str
    digest: str
    documents: int
    pieces: list[Piece]
    words: Bm25
    encoder: Encoder | None = None
    encoder_name: str | None = None
    vectors: Any = None
    """(pieces, d) float32 of length 1, where there is an encoder; a row of zeros for a piece that it can't read."""

    def said(self) -> dict[str, Any]:
        """Return what a manifest keeps."""
        return {
            "folder": self.folder, "digest": self.digest, "documents": self.documents, "pieces": len(self.pieces),
            "search": "bm25" if self.encoder is None else f"bm25 and {self.encoder_name}, fused",
        }  # fmt: skip


@dataclass(frozen=True)
class Retrieved:
    """How good the search is, apart from what the model makes of it."""

    rows: int
    """Rows whose right document is known and stands in the library."""
    unknown: int
    """Rows of which it is not known, or is no document of the library."""
    recall: Mapping[int, float]
    """At k: share of rows with their document among the first k that were found."""
    mrr: float
    """Mean of one over the place of the right document, 0 where it was not found."""

    def summary(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return asdict(self) | {"recall": {str(k): share for k, share in self.recall.items()}}


def open_library(
    folder: str | Path, *, encoder: Encoder | None = None, encoder_name: str | None = None, cache: Path | None = None
) -> Library:
    """Read, cut and index documents.

    Args:
        folder: of ``.md``, ``.txt`` and ``.jsonl`` files.
        encoder: finds what says the same in other words; words alone count for ``None``.
        encoder_name: for the manifest.
        cache: a folder to keep vectors in.

    Raises:
        UsageError: no such folder, or nothing in it.
        DataError: a document that can't be read.
    """
    documents = read_documents(folder)
    pieces = [piece for document in documents for piece in cut(document)]
    texts = [piece.text for piece in pieces]
    vectors = None if encoder is None else _vectors(texts, encoder, cache)
    return Library(
        str(folder), digest_of(documents), len(documents), pieces, bm25(texts), encoder, encoder_name, vectors
    )


def search(
    library: Library, questions: Sequence[str], *, most: int = DEEP, cache: Path | None = None
) -> list[list[int]]:
    """Return for each question the numbers of the pieces that fit, best first: by words, and by meaning with an encoder.

    A piece that shares neither a word nor, with an encoder, any likeness is not returned, so a list may be short or empty.

    Args:
        library: the documents.
        questions: n texts.
        most: pieces a question.
        cache: a folder to keep vectors in.
    """
    vectors = None if library.encoder is None else _vectors(questions, library.encoder, cache)
    if vectors is not None and vectors.shape[1] != library.vectors.shape[1]:
        vectors = None  # none of the questions, or of the pieces, can be read by the encoder
    found: list[list[int]] = []
    for low in range(0, len(questions), _TOGETHER):
        by_words = _best(scores(library.words, questions[low : low + _TOGETHER]))
        if vectors is None:
            found += [ranking[:most] for ranking in by_words]
            continue
        by_meaning = _best(vectors[low : low + _TOGETHER] @ library.vectors.T)
        found += [fuse(pair)[:most] for pair in zip(by_words, by_meaning, strict=True)]
    return found


def judge(library: Library, found: Sequence[Sequence[int]], gold: Sequence[str | None]) -> Retrieved | None:
    """Compare what was found with the document that each row is known to need; ``None`` where no row's is known.

    Args:
        library: the documents.
        found: ``search(library, questions)``.
        gold: of each question the document's name; file names count without folder and ending, too.
    """
    names = _names(library)
    wanted = [names.get(name) if name else None for name in gold]
    places = []
    for ranking, document in zip(found, wanted, strict=True):
        if document is not None:
            ranked = list(dict.fromkeys(library.pieces[at].document for at in ranking))
            places.append(ranked.index(document) + 1 if document in ranked else 0)
    if not places:
        return None
    at = np.array(places)
    return Retrieved(
        len(places),
        len(wanted) - len(places),
        {k: float(((at > 0) & (at <= k)).mean()) for k in AT},
        float(np.where(at > 0, 1 / np.maximum(at, 1), 0.0).mean()),
    )


def _names(library: Library) -> dict[str, str]:
    """Return documents by their names, and by file name and stem where these are one document's alone."""
    whole = dict.fromkeys(piece.document for piece in library.pieces)
    short: dict[str, set[str]] = {}
    for name in whole:
        for form in {Path(name).name, Path(name).stem}:
            short.setdefault(form, set()).add(name)
    return {form: next(iter(of)) for form, of in short.items() if len(of) == 1} | {name: name for name in whole}


def _vectors(texts: Sequence[str], encoder: Encoder, cache: Path | None) -> Any:
    encoded = encode(pl.Series(list(texts), dtype=pl.String), encoder, cache=cache)
    if not encoded.vectors.size:
        return np.zeros((len(texts), 1), np.float32)
    return np.where(encoded.of_row[:, None] >= 0, encoded.vectors[encoded.of_row], np.float32(0))


def _best(table: Any) -> list[list[int]]:
    """Return of each row of scores the columns of the highest, best first, equal ones in their order; none at or under 0."""
    order = np.argsort(-table, axis=1, kind="stable")[:, :DEEP]
    return [[int(at) for at in row if values[at] > 0] for row, values in zip(order, table, strict=True)]
