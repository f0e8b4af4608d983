"""Rows as an index sees them: the distinct shingle sets of their whole text and of their input, and which row has which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ..near.row_texts import row_pieces
from ..near.shingles import Sets, Shingle, shingled

TEXT, INPUT = 1, 2
"""What of a row a set is made of, as bits: where a row has nothing but an input, both are one set."""

STANDINGS = pl.Schema(
    {
        "row": pl.Int64,  # position in the rows frame
        "number": pl.Int64,  # of the distinct set
        "part": pl.Int64,  # bits: TEXT, INPUT
    }
)


@dataclass(frozen=True)
class Sketches:
    """The sets of n rows, equal sets once."""

    sets: Sets
    numbers: npt.NDArray[np.int64]
    """(m) where the distinct, non-empty sets stand in ``sets``; this order is what ``standings`` counts by."""
    standings: pl.DataFrame
    """``STANDINGS``, in row order; rows in which nothing is seen have no line."""

    @property
    def keys(self) -> list[bytes]:
        """A hash of each distinct set, 16 bytes, equal for equal sets."""
        whole = np.ascontiguousarray(self.sets.sums[self.numbers], "<u8").tobytes()
        return [whole[at : at + 16] for at in range(0, len(whole), 16)]

    def hashes(self, number: int) -> bytes:
        """Return all hashes of a set, 8 bytes each."""
        start, size = self.sets.starts[self.numbers[number]], self.sets.sizes[self.numbers[number]]
        return self.sets.hashes[start : start + size].astype("<u8", copy=False).tobytes()


def sketched(rows: pl.DataFrame, shingle: Shingle, *, threads: int | None = None) -> Sketches:
    """Cut rows into the sets that an index keeps.

    Two sets a row, since each alone is blind: a long answer hides a test question seen before, and a short question stands
    under many answers. The input is cut again only where the row has turns beyond it.

    Args:
        rows: the rows (``dataset.ROWS``).
        shingle: what a text is cut into.
        threads: as many as there are cores for ``None``.
    """
    pieces, bounds = row_pieces(rows, "text")
    whole = shingled(pieces, bounds, shingle=shingle, threads=threads)
    asked, asked_bounds = row_pieces(rows, "input")
    longer = np.flatnonzero(np.diff(bounds) != np.diff(asked_bounds))
    lengths = np.diff(asked_bounds)[longer]
    own = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    taken = np.repeat(asked_bounds[longer] - own[:-1], lengths) + np.arange(own[-1])
    inputs = shingled(asked.gather(taken), own, shingle=shingle, threads=threads)
    both = Sets(
        np.concatenate([whole.hashes, inputs.hashes]),
        np.concatenate([whole.starts, inputs.starts + whole.hashes.size]),
        np.concatenate([whole.sizes, inputs.sizes]),
        np.concatenate([whole.sums, inputs.sums]),
        whole.counts,
    )
    rest = np.full(len(rows), TEXT | INPUT)
    rest[longer] = TEXT
    table = pl.DataFrame(
        {
            "row": np.concatenate([np.arange(len(rows)), longer]),
            "part": np.concatenate([rest, np.full(longer.size, INPUT)]),
            "one": both.sums[:, 0],
            "two": both.sums[:, 1],
            "size": both.sizes,
        }
    ).with_row_index("at")
    table = table.filter(pl.col("size") > 0).with_columns(pl.col("at").min().over("one", "two", "size").alias("first"))
    numbers = table.filter(pl.col("at") == pl.col("first"))["at"].to_numpy().astype(np.int64)
    standings = (
        table.with_columns(pl.Series("number", np.searchsorted(numbers, table["first"].to_numpy())))
        .group_by("row", "number")  # an answer of nothing but white space: text and input are one set after all
        .agg(pl.col("part").sum())
        .sort("row", "part")
        .select(pl.col(name).cast(kind) for name, kind in STANDINGS.items())
    )
    return Sketches(both, numbers, standings)
