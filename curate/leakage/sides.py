"""The two sides of a look for leaks: which rows are evaluation, which are trained on, and which of them are told.

Within a set the rows of every split but ``train`` are held against those of ``train``, and the eval rows are told. An eval file
is not ours to change: of it and this set, the rows of this set are told (all but those of its own eval splits), as in
``leakage.exact``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ..clusters import ids, place
from ..findings import empty, report
from ..near.row_texts import row_pieces

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Texts:
    """What rows ask, as ``near.shingles.shingled`` takes it."""

    pieces: pl.Series
    bounds: Ints

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.bounds) - 1

    def take(self, rows: Ints) -> Texts:
        """Return the texts of some rows."""
        lengths = self.bounds[rows + 1] - self.bounds[rows]
        bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        within = np.arange(int(bounds[-1])) - np.repeat(bounds[:-1], lengths)
        return Texts(self.pieces.gather(np.repeat(self.bounds[rows], lengths) + within), bounds)

    def sizes(self) -> Ints:
        """Return the bytes of each row's text."""
        ends = np.concatenate([[0], np.cumsum(self.pieces.str.len_bytes().to_numpy(), dtype=np.int64)])
        return np.diff(ends[self.bounds])

    def whole(self, row: int) -> str:
        """Return the text of one row."""
        return "\n".join(self.pieces[int(self.bounds[row]) : int(self.bounds[row + 1])])

    def beside(self, other: Texts) -> Texts:
        """Return these texts and then the others."""
        return Texts(
            pl.concat([self.pieces, other.pieces]),
            np.concatenate([self.bounds, self.bounds[-1] + other.bounds[1:]]),
        )


@dataclass(frozen=True)
class Sides:
    """Eval rows and train rows of one comparison."""

    tested: pl.DataFrame
    """The eval rows (``dataset.ROWS``)."""
    trained: pl.DataFrame
    """The rows that are trained on."""
    outside: bool
    """The eval rows are those of another file, so the train rows are told."""
    order: Ints
    """Where each row that may be told stands in the set."""

    def texts(self) -> tuple[Texts, Texts]:
        """Return the inputs of both sides."""
        return Texts(*row_pieces(self.tested, "input")), Texts(*row_pieces(self.trained, "input"))

    def findings(self, rule: str, found: pl.DataFrame) -> pl.DataFrame:
        """Return a findings frame.

        Args:
            rule: ``leakage.name``.
            found: ``own`` (position among the rows that are told), ``peer`` (position among the others), ``score``, ``note``
                with ``{}`` for the place of the peer, ``suggest``.
        """
        told, others = (self.trained, self.tested) if self.outside else (self.tested, self.trained)
        side = "the eval file" if self.outside else "train"
        where = pl.format(f"{side} ({{}})", place(others, found["peer"]))
        notes = pl.select(found["note"].str.splitn("{}", 2).alias("parts")).unnest("parts")
        return report(
            found.select(
                ids(told, found["own"]).alias("id"),
                "score",
                # A row of another file has no id in this set, so nothing may point at it.
                (pl.lit(None) if self.outside else ids(others, found["peer"])).alias("peer"),
                notes.select(pl.concat_str("field_0", where, "field_1").alias("note")).to_series(),
                "suggest",
            ),
            rule,
        )


def sides(rows: pl.DataFrame, against: pl.DataFrame | None = None, *, train: str = "train") -> list[Sides]:
    """Return the comparisons to make: within the set, and with the eval rows of ``against``.

    A comparison with an empty side is left out.

    Args:
        rows: the rows.
        against: the rows of an eval file.
        train: name of the split that is trained on.
    """
    split = rows["split"]
    trained = (split == train).fill_null(value=False)
    evaluated = split.is_not_null() & ~trained
    found = [Sides(rows.filter(evaluated), rows.filter(trained), outside=False, order=_places(evaluated))]
    if against is not None:
        found.append(Sides(against, rows.filter(~evaluated), outside=True, order=_places(~evaluated)))
    return [pair for pair in found if len(pair.tested) and len(pair.trained)]


def together(rows: pl.DataFrame, found: list[pl.DataFrame]) -> pl.DataFrame:
    """Join findings of several comparisons, in row order; no row is told in more than one of them, save of a train row."""
    found = [frame for frame in found if not frame.is_empty()]
    if not found:
        return empty()
    if len(found) == 1:
        return found[0]
    order = rows.select("id", pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"))
    whole = pl.concat(found).join(order, on="id", how="left", maintain_order="left")
    return whole.sort("row", maintain_order=True).drop("row")


def _places(kept: pl.Series) -> Ints:
    return np.flatnonzero(kept.to_numpy())
