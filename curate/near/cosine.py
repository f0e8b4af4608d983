"""Which vectors point the same way: every pair over a cosine, the stars around the rows to keep, the closest of another side.

Up to ``EXACT`` vectors all products are made, so nothing is missed. Beyond that, vectors are put into cells and only the nearest
cells of each are looked at (``cells``): what is reported is as true as before, and next to nothing is missed at cosines of
0.8 and more (benchmarks/semantic.py measures it). No list of neighbours is cut at a length: that would take pairs from large
clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import DataError, UsageError

Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Method = Literal["auto", "exact", "cells", "faiss"]

EXACT = 50_000  # vectors; all products of so many with 384 axes are 1 TFLOP, some 20 s on two cores
_ROWS = 256  # a block: with 50,000 columns its hits fit in 200 MB even where every pair is one
_COLUMNS = 16_384
_EDGE = (
    1e-5  # float32 products of unit vectors err by less; what is that close to the threshold is looked at in float64
)


class Hits(NamedTuple):
    """Pairs over a cosine, sorted by row."""

    rows: Ints
    others: Ints
    scores: npt.NDArray[np.float32]


class Index(Protocol):
    """Known vectors that can be searched."""

    @property
    def known(self) -> Vectors:
        """(n, d) of length 1."""
        ...

    @property
    def block(self) -> int:
        """Rows that are best asked for in one call."""
        ...

    def hits(self, queries: Vectors, floor: float, allowed: Flags | None, /) -> Hits:
        """Return every known vector, among those allowed, with a product of ``floor`` or more."""
        ...


@dataclass(frozen=True)
class Exact:
    """All products, a block at a time."""

    known: Vectors
    block: int = _ROWS

    def hits(self, queries: Vectors, floor: float, allowed: Flags | None, /) -> Hits:
        """See ``Index``."""
        columns = None if allowed is None else np.flatnonzero(allowed)
        count = len(self.known) if columns is None else columns.size
        found = []
        for low in range(0, count, _COLUMNS):
            part = slice(low, low + _COLUMNS)
            block = self.known[part] if columns is None else self.known[columns[part]]
            product = queries @ block.T
            # Over the flat array: np.nonzero of two axes takes three times as long.
            flat = np.flatnonzero(product.ravel() >= np.float32(floor))
            rows, at = np.divmod(flat, product.shape[1])
            found.append(Hits(rows, at + low if columns is None else columns[at + low], product.ravel()[flat]))
        return joined(found)


def joined(found: list[Hits]) -> Hits:
    """Return several lists of hits as one, sorted by row, and within a row in the order in which they came."""
    if not found:
        return Hits(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    if len(found) == 1:
        return found[0]
    rows, others, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(rows, kind="stable")
    return Hits(rows[order], others[order], scores[order])


def unit(vectors: npt.NDArray) -> Vectors:
    """Return the vectors at length 1; those of length 0 stay so, and pair with nothing.

    Raises:
        DataError: a number is missing or infinite.
    """
    if not np.isfinite(vectors).all():
        raise DataError("a vector holds a number that is missing or infinite; the encoder is broken for that text.")
    vectors = np.ascontiguousarray(vectors, np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))


def index(vectors: Vectors, method: Method = "auto", *, seed: int = 0) -> Index:
    """Return a way to search ``vectors`` (of length 1): exact up to ``EXACT`` of them, beyond that FAISS where it is, or cells.

    Args:
        vectors: (n, d).
        method: the way, for whom "auto" is not right.
        seed: of the cells.
    """
    if method == "auto" and len(vectors) > EXACT:
        from importlib.util import find_spec

        method = "cells" if find_spec("faiss") is None else "faiss"
    if len(vectors) == 0:
        return Exact(vectors)
    if method == "cells":
        from .cells import cells

        return cells(vectors, seed=seed)
    if method == "faiss":
        from .cells import faiss_cells

        return faiss_cells(vectors, seed=seed)
    return Exact(vectors)


def pairs(vectors: Vectors, threshold: float, *, method: Method = "auto", most: int = 50_000_000) -> pl.DataFrame:
    """Return every pair at or over the threshold: ``a`` (u32, the lower row), ``b`` (u32), ``cosine`` (f64), sorted.

    Args:
        vectors: (n, d) of length 1 (``unit``).
        threshold: over 0, at most 1.
        method: how they are looked for.
        most: pairs at most.

    Raises:
        UsageError: a threshold out of bounds, or more pairs than ``most``: ask for stars, which say as much.
    """
    found, total = [], 0
    for hits in scored(index(vectors, method), threshold):
        total += hits.rows.size
        if total > most:
            raise UsageError(f"there are over {most:,} pairs at {threshold}; ask for clusters, or raise the threshold.")
        found.append(hits)
    whole = joined(found)
    table = pl.DataFrame({"a": whole.others, "b": whole.rows}).with_columns(pl.all().cast(pl.UInt32)).sort("a", "b")
    scores = exact_cosines(vectors, table["a"].to_numpy(), vectors, table["b"].to_numpy())
    return table.with_columns(pl.Series("cosine", scores, dtype=pl.Float64))


def stars(vectors: Vectors, threshold: float, *, method: Method = "auto") -> tuple[Ints, npt.NDArray[np.float64]]:
    """Return the keeper of each vector and its cosine to it; vectors stand in the order in which they are worth keeping.

    Each joins the closest keeper before it, or becomes one: none is given up for one that it is not close to, and no two
    keepers are close. Pairs are never listed, so a template of 20,000 rows costs no more than 20,000 others.

    Args:
        vectors: (n, d) of length 1, the one most worth keeping first.
        threshold: over 0, at most 1.
        method: how they are looked for.

    Raises:
        UsageError: a threshold out of bounds.
    """
    from .cosine_kernels import gather_stars

    keeper = np.arange(len(vectors))

    def kept(low: int) -> Flags:
        flags = keeper == np.arange(len(vectors))
        flags[low:] = True
        return flags

    for hits in scored(index(vectors, method), threshold, kept):
        gather_stars(*hits, keeper)
    return keeper, exact_cosines(vectors, np.arange(len(vectors)), vectors, keeper)


def closest(queries: Vectors, known: Index, threshold: float, pick: Callable[[Hits], None]) -> None:
    """Hand every known vector at or over the threshold of each query to ``pick``, a block of queries at a time.

    Raises:
        UsageError: a threshold out of bounds.
    """
    check_threshold(threshold)
    for low in range(0, len(queries), known.block):
        block = queries[low : low + known.block]
        hits = _at_least(block, known.known, known.hits(block, threshold - _EDGE, None), threshold)
        pick(hits._replace(rows=hits.rows + low))


def exact_cosines(one: Vectors, rows: Ints, other: Vectors, others: Ints) -> npt.NDArray[np.float64]:
    """Return the cosine of each pair in float64: the same whatever block it was found in."""
    parts = []
    for low in range(0, len(rows), 65_536):
        a, b = one[rows[low : low + 65_536]].astype(np.float64), other[others[low : low + 65_536]].astype(np.float64)
        lengths = np.sqrt(np.einsum("ij,ij->i", a, a) * np.einsum("ij,ij->i", b, b))
        parts.append(np.clip(np.einsum("ij,ij->i", a, b) / np.maximum(lengths, 1e-12), -1.0, 1.0))
    return np.concatenate(parts) if parts else np.zeros(0)


def check_threshold(threshold: float) -> None:
    """Raise where no cosine could be meant.

    Raises:
        UsageError: a threshold out of bounds.
    """
    if not 0 < threshold <= 1:
        raise UsageError(
            f"a cosine to reach is over 0 and at most 1, not {threshold}; leave it out to have one proposed."
        )


def scored(known: Index, threshold: float, allowed: Callable[[int], Flags] | None = None) -> Iterator[Hits]:
    """Yield the hits of each block of rows among the rows before them, of those that ``allowed(first row)`` lets through."""
    check_threshold(threshold)
    count = len(known.known)
    for low in range(0, count, known.block):
        high = min(low + known.block, count)
        before = np.ones(count, bool) if allowed is None else allowed(low)
        before[high:] = False
        queries = known.known[low:high]
        hits = known.hits(queries, threshold - _EDGE, before)
        rows = hits.rows + low
        earlier = hits.others < rows
        hits = Hits(hits.rows[earlier], hits.others[earlier], hits.scores[earlier])
        hits = _at_least(queries, known.known, hits, threshold)
        yield hits._replace(rows=hits.rows + low)


def _at_least(queries: Vectors, known: Vectors, hits: Hits, threshold: float) -> Hits:
    """Drop what is under the threshold, looking twice at what is near it."""
    near = np.flatnonzero(hits.scores < threshold + _EDGE)
    if not near.size:
        return hits
    # A tenth of the edge is left to vectors of length 1 that float32 holds as 0.9999999: equal texts reach 1.
    under = exact_cosines(queries, hits.rows[near], known, hits.others[near]) < threshold - 1e-9
    keep = np.ones(hits.rows.size, bool)
    keep[near[under]] = False
    return Hits(hits.rows[keep], hits.others[keep], hits.scores[keep])
