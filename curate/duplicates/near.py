"""Rows that say nearly the same: every row whose words are, in runs of five, mostly those of a row that is kept."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from ..clusters import ids, place
from ..errors import UsageError, quote
from ..findings import empty, report
from ..near import joining
from ..near.explain import in_short
from ..near.keepers import keeping_order
from ..near.row_texts import Part, row_pieces
from ..near.shingles import Shingle, shingled

Clusters = Literal["star", "connected"]
THRESHOLD = 0.8  # one word in forty changed still is near; docs/near.md shows what lies around it on real sets
_EXPLAINED = 5_000  # pairs of which the note says what differs: 0.1 ms each, and nobody reads more


def find_near(
    rows: pl.DataFrame,
    *,
    threshold: float = THRESHOLD,
    shingle: Shingle | None = None,
    keep: str = "longest",
    clusters: Clusters = "star",
    part: Part = "text",
    train: str = "train",
) -> pl.DataFrame:
    """Find every row that is a near copy of a row that is kept; holds exact and normalised repeats too.

    Near means a Jaccard index of at least ``threshold`` between the sets of shingles (``near.shingles``). All pairs are found,
    none is guessed (``near.joining``). ``cluster`` is the first row of all that hang together, ``peer`` the row that is kept in
    place of this one, ``score`` their Jaccard index.

    Args:
        rows: the rows.
        threshold: over 0, at most 1.
        shingle: five words for ``None``.
        keep: which row of a cluster is kept (``near.keepers``).
        clusters: ``star``: each row found is near to its peer, which is kept. ``connected``: one row is kept of all that hang
            together, be it by a chain of near copies of which the ends have nothing in common.
        part: what is compared: every turn but system prompts, the input, or the target.
        train: name of the split that is trained on.

    Raises:
        UsageError: an option out of bounds.
    """
    if clusters not in ("star", "connected"):
        raise UsageError(f"--clusters takes star or connected, not {quote(clusters)}.")
    sets = shingled(*row_pieces(rows, part), shingle=shingle)
    ready = joining.prepare(sets, threshold)
    component = joining.components(sets, ready)
    rank = keeping_order(rows, keep, sizes=sets.sizes, component=component, train=train)
    keeper, jaccard = joining.stars(sets, ready, component, rank)
    if clusters == "connected":
        keeper, jaccard = _chained(sets, ready, component, rank, keeper, jaccard)
    found = np.flatnonzero((keeper >= 0) & (keeper != np.arange(len(rows))))
    if not found.size:
        return empty()
    return _report(rows, found, component, keeper, jaccard, part, chained=clusters == "connected")


def _chained(
    sets: joining.Sets, ready: joining.Ready, component: npt.NDArray[np.int64], rank: npt.NDArray[np.int64],
    keeper: npt.NDArray[np.int64], jaccard: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:  # fmt: skip
    """Leave one row a component; the other keepers get the closest row that is no keeper for a peer: one there must be."""
    rows = np.arange(len(keeper))
    best = np.full(len(keeper), len(keeper))
    np.minimum.at(best, component[component >= 0], rank[component >= 0])
    own = keeper == rows
    only = best[np.maximum(component, 0)] == rank
    between = own & ~only
    if not between.any():
        return keeper, jaccard
    peer, score = joining.closest(sets, ready, between, (keeper >= 0) & ~own)
    return np.where(between & (peer >= 0), peer, keeper), np.where(between & (peer >= 0), score, jaccard)


def _report(
    rows: pl.DataFrame, found: npt.NDArray[np.int64], component: npt.NDArray[np.int64], keeper: npt.NDArray[np.int64],
    jaccard: npt.NDArray[np.float64], part: Part, *, chained: bool,
) -> pl.DataFrame:  # fmt: skip
    here, peers = pl.Series(found), pl.Series(keeper[found])
    size = np.bincount(component[component >= 0], minlength=len(rows))[component[found]]
    labels = rows["label"].gather(here), rows["label"].gather(peers)
    splits = rows["split"].gather(here), rows["split"].gather(peers)
    differs = [*_differences(rows, found[:_EXPLAINED], keeper[found[:_EXPLAINED]], part)]
    table = pl.DataFrame(
        {
            "id": ids(rows, here),
            "score": jaccard[found],
            "cluster": ids(rows, pl.Series(component[found])),
            "peer": ids(rows, peers),
            "place": place(rows, peers),
            "size": size,
            "relabelled": labels[0].ne_missing(labels[1]),
            "elsewhere": (splits[0] != splits[1]).fill_null(value=False),  # a row in no split was taken out before
            "differs": differs + [""] * (len(found) - len(differs)),
        }
    )
    shown = pl.when(pl.col("score") == 1).then(pl.lit("1")).otherwise(pl.format("{}", pl.col("score").round(3)))
    of = pl.when(pl.col("size") == 2).then(pl.lit("")).otherwise(pl.format(" (one of {})", pl.col("size")))
    tails = [
        pl.when(pl.col("differs") != "").then(pl.concat_str(pl.lit(": "), "differs")).otherwise(pl.lit("")),
        pl.when("relabelled").then(pl.lit(", with another label")).otherwise(pl.lit("")),
        pl.when("elsewhere").then(pl.lit(", in another split")).otherwise(pl.lit("")),
    ]
    note = pl.concat_str(pl.format("Near copy{} of {}, Jaccard {}", of, pl.col("place"), shown), *tails, pl.lit("."))
    review = pl.col("relabelled") | pl.col("elsewhere") | pl.lit(chained)
    return report(
        table.with_columns(
            note.alias("note"), pl.when(review).then(pl.lit("review")).otherwise(pl.lit("drop")).alias("suggest")
        ),
        "duplicates.near",
    )


def _differences(
    rows: pl.DataFrame, found: npt.NDArray[np.int64], keeper: npt.NDArray[np.int64], part: Part
) -> list[str]:
    """What differs, pair by pair."""
    both = np.concatenate([found, keeper])
    wanted, inverse = np.unique(both, return_inverse=True)
    pieces, bounds = row_pieces(rows[wanted], part)
    texts = ["\n".join(pieces[low:high]) for low, high in pairwise(bounds.tolist())]
    here, there = inverse[: len(found)], inverse[len(found) :]
    return [in_short(texts[a], texts[b]) for a, b in zip(here, there, strict=True)]
