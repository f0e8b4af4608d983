"""Vectors in cells, for sets too large for all products: each query looks into the cells whose middle is nearest.

The inverted lists of Sivic and Zisserman (2003), as FAISS has them: k-means on the sphere, then exact products with all that
stands in the nearest cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import MissingExtra
from .cosine import Flags, Hits, Index, Ints, Vectors, joined, unit

PROBES = 32  # cells looked into, of some 1,300 at 100,000 vectors; benchmarks/semantic.py has recall and time for it
_A_CELL = 64  # vectors a cell that k-means looks at: more move the middles little
_TURNS = 8
_MOST = 20_000_000  # hits held at a time, 500 MB; a block with more is cut in two


@dataclass(frozen=True)
class Cells:
    """Vectors by cell: ``members[bounds[c]:bounds[c + 1]]`` stand in cell ``c``, in rising order."""

    known: Vectors
    middles: Vectors
    members: Ints
    bounds: Ints
    inside: Vectors
    """The vectors in the order of ``members``: a cell is one run of memory."""
    probes: int
    block: int = 8_192

    def hits(self, queries: Vectors, floor: float, allowed: Flags | None, /) -> Hits:
        """See ``Index``."""
        probed = _nearest(queries, self.middles, self.probes)
        by_cell = np.argsort(probed.ravel(), kind="stable")
        asking, edges = (
            by_cell // probed.shape[1],
            np.searchsorted(probed.ravel()[by_cell], np.arange(len(self.middles) + 1)),
        )
        found, total = [], 0
        for cell in np.flatnonzero(np.diff(edges)):
            low, high = self.bounds[cell], self.bounds[cell + 1]
            members, vectors = self.members[low:high], self.inside[low:high]
            if allowed is not None and not (open_ := allowed[members]).all():
                members, vectors = members[open_], vectors[open_]
            who = asking[edges[cell] : edges[cell + 1]]
            product = queries[who] @ vectors.T
            flat = np.flatnonzero(product.ravel() >= np.float32(floor))
            rows, at = np.divmod(flat, max(len(members), 1))
            found.append(Hits(who[rows], members[at], product.ravel()[flat]))
            total += rows.size
            if total > _MOST and len(queries) > 1:
                found.clear()
                half = len(queries) // 2
                first, second = self.hits(queries[:half], floor, allowed), self.hits(queries[half:], floor, allowed)
                return joined([first, second._replace(rows=second.rows + half)])
        return joined(found)


def cells(vectors: Vectors, *, probes: int = PROBES, seed: int = 0) -> Cells:
    """Put vectors of length 1 into cells, 4 times the root of their number: sorting and searching cost about the same then."""
    count = max(1, min(len(vectors), int(4 * len(vectors) ** 0.5)))
    middles = _middles(vectors, count, np.random.default_rng(seed))
    cell = _nearest(vectors, middles, 1)[:, 0]
    members = np.argsort(cell, kind="stable")
    bounds = np.searchsorted(cell[members], np.arange(count + 1))
    return Cells(vectors, middles, members, bounds, vectors[members], min(probes, count))


def _middles(vectors: Vectors, count: int, draw: np.random.Generator) -> Vectors:
    """k-means on the sphere; a cell that loses all its vectors keeps its middle."""
    sample = vectors[np.sort(draw.choice(len(vectors), min(len(vectors), _A_CELL * count), replace=False))]
    middles = sample[np.sort(draw.choice(len(sample), count, replace=False))].copy()
    for _ in range(_TURNS):
        cell = _nearest(sample, middles, 1)[:, 0]
        order = np.argsort(cell, kind="stable")
        filled, starts = np.unique(cell[order], return_index=True)
        middles[filled] = unit(np.add.reduceat(sample[order], starts, axis=0))
    return middles


def _nearest(vectors: Vectors, middles: Vectors, count: int) -> Ints:
    """Return the ``count`` nearest middles of each vector, in no order."""
    found = np.empty((len(vectors), count), np.int64)
    for low in range(0, len(vectors), 4_096):
        product = vectors[low : low + 4_096] @ middles.T
        if count == 1:
            found[low : low + 4_096, 0] = product.argmax(axis=1)
        else:
            found[low : low + 4_096] = np.argpartition(product, -count, axis=1)[:, -count:]
    return found


@dataclass(frozen=True)
class FaissCells:
    """The same, searched by FAISS, where a user has installed it."""

    known: Vectors
    searched: Any
    block: int = 1_024

    def hits(self, queries: Vectors, floor: float, allowed: Flags | None, /) -> Hits:
        """See ``Index``."""
        ends, scores, others = self.searched.range_search(np.ascontiguousarray(queries), floor)
        rows = np.repeat(np.arange(len(queries)), np.diff(ends.astype(np.int64)))
        found = Hits(rows, others.astype(np.int64), scores)
        if allowed is not None:
            open_ = allowed[found.others]
            found = Hits(found.rows[open_], found.others[open_], found.scores[open_])
        return found


def faiss_cells(vectors: Vectors, *, probes: int = PROBES, seed: int = 0) -> Index:
    """Put vectors of length 1 into the inverted lists of FAISS (``pip install faiss-cpu``).

    Raises:
        MissingExtra: FAISS is not installed.
    """
    try:
        import faiss  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtra("faiss can't be imported; run pip install faiss-cpu, or leave --search out.") from error
    made: Cells = cells(vectors, probes=probes, seed=seed)  # our middles: both ways look into the same cells
    coarse = faiss.IndexFlatIP(vectors.shape[1])
    coarse.add(made.middles)
    searched = faiss.IndexIVFFlat(coarse, vectors.shape[1], len(made.middles), faiss.METRIC_INNER_PRODUCT)
    searched.is_trained = True
    searched.nprobe = made.probes
    searched.add(vectors)
    return FaissCells(vectors, searched)
