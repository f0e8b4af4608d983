"""Rows whose text stands inside a longer row's: cut off, quoted, or with something set before or behind it."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..clusters import ids, place
from ..findings import empty, report
from ..near.containing import Inside, inside
from ..near.row_texts import row_pieces
from ..near.shingles import Sets, shingled


def find_contained(
    rows: pl.DataFrame,
    *,
    sets: Sets | None = None,
    containment: float = 0.9,
    alike: float = 0.8,
    least: int = 8,
) -> pl.DataFrame:
    """Find rows of which nearly all text stands in a longer row that is no near-duplicate.

    Texts are compared by their runs of five words (``near.shingles``), without system prompts. Of equal texts the first is
    reported; the others are ``duplicates.exact`` or ``duplicates.normalised``. Nothing is suggested but a look: the
    longer row may hold another answer, and which of a conversation and its beginning should stay is a decision.

    Args:
        rows: the rows.
        sets: ``shingled(*row_pieces(rows))``, where they were made already.
        containment: the share that stands in the longer row, of the runs and of what they weigh (``near.containing``).
        alike: pairs with a Jaccard index of at least this much belong to ``duplicates.near``.
        least: runs of a row that is asked: eight are twelve words. Less is a phrase, which stands anywhere by chance.

    >>> from vetset.curate.dataset import frame
    >>> short = "My card was charged twice for the same cup of coffee last Monday"
    >>> find_contained(frame([{"messages": short}, {"messages": f"Dear team of the bank, good day! {short}"}]))["note"][0]
    'All of its text stands at the end of memory line 2, and is 56% of that.'
    """
    if rows.is_empty():
        return empty()
    sets = shingled(*row_pieces(rows)) if sets is None else sets
    found = inside(sets, containment=containment, alike=alike, least=least)
    if not found.row.size:
        return empty()
    row, peer = pl.Series(found.row), pl.Series(found.outer)
    share, part = found.common / sets.sizes[found.row], found.common / sets.sizes[found.outer]
    shown = pl.DataFrame({"share": _percent(share), "part": _percent(part), "where": _where(sets, found)})
    how_much = pl.when(pl.Series(share == 1.0)).then(pl.lit("All")).otherwise(pl.format("{}%", pl.col("share")))
    return report(
        shown.select(
            ids(rows, row).alias("id"),
            pl.Series("score", share),
            ids(rows, _outermost(found)).alias("cluster"),
            ids(rows, peer).alias("peer"),
            pl.format(
                "{} of its text stands {} {}, and is {}% of that.", how_much, pl.col("where"), place(rows, peer), "part"
            ).alias("note"),
            pl.lit("review").alias("suggest"),
        ),
        "duplicates.contained",
    )


def _percent(share: np.ndarray) -> np.ndarray:
    """Whole percents; only all is 100."""
    return np.minimum((share * 100 + 0.5).astype(np.int64), np.where(share < 1, 99, 100))


def _where(sets: Sets, found: Inside) -> list[str]:
    """Say where in the longer text the shorter one stands."""
    size, inner = sets.sizes[found.outer], sets.sizes[found.row]
    span = found.last - found.first + 1
    before, behind = found.first, size - found.last - 1
    # An edited word costs five runs, at either end of the text too.
    slack = np.where(found.common == inner, 0, np.maximum(inner // 10, 5))
    return np.select(
        [
            span > 1.5 * inner + 5,
            (before <= slack) & (before <= behind),
            behind <= slack,
        ],
        ["in pieces in", "at the beginning of", "at the end of"],
        "in the middle of",
    ).tolist()


def _outermost(found: Inside) -> pl.Series:
    """Return for each row the longest one that it stands inside by way of others: sizes rise, so there is an end."""
    outer = dict(zip(found.row.tolist(), found.outer.tolist(), strict=True))
    ends = []
    for row in found.row.tolist():
        at = row
        while at in outer:
            at = outer[at]
        ends.append(at)
    return pl.Series(ends, dtype=pl.UInt32)
