"""Eval texts too short to have an 8-gram, compared as a whole: do their words stand in a train text as one run?"""

from __future__ import annotations

import numpy as np
import polars as pl

from ..near.shingles import Shingle
from .evidence import EXPLAINED
from .overlap import fewer_words, grams_of, partners
from .quoting import shown
from .rarity import Rarity
from .sides import Ints, Sides, Texts, sides, together

_BELOW = 8  # words: from here on leakage.ngram looks


def find_short(rows: pl.DataFrame, *, against: pl.DataFrame | None = None, train: str = "train") -> pl.DataFrame:
    """Find rows by eval inputs of fewer than 8 words that stand, whole and in order, in a train input.

    "yes" and "ok thanks" stand in many texts because people say so, not because somebody copied the item. So the words must be
    rare enough together that chance alone would set them in 0.01 texts at most (``rarity``): no single word is, and of frequent
    words it takes many. And the run itself must not stand everywhere (``overlap.too_many``).

    Args:
        rows: the rows.
        against: the rows of an eval file.
        train: name of the split that is trained on.

    Returns:
        Findings; score 0.8.
    """
    return together(rows, [_found(pair) for pair in sides(rows, against, train=train)])


def _found(pair: Sides) -> pl.DataFrame:
    tested, trained = pair.texts()
    short = np.flatnonzero(fewer_words(tested, _BELOW))
    short = short[Rarity(tested.take(short), trained).telling()]
    told = pl.DataFrame(
        schema={"own": pl.Int64, "peer": pl.Int64, "held": pl.Int64, "asked": pl.Int64, "width": pl.Int64}
    )
    parts = [told]
    for width in range(_BELOW - 1, 1, -1):
        if not short.size:
            break
        fewer = fewer_words(tested.take(short), width)
        parts.append(_runs(pair, tested, trained, short[~fewer], width))
        short = short[fewer]
    found = pl.concat(parts).unique("own", keep="first", maintain_order=True).sort("own")
    notes = []
    for at, (asked, held, width) in enumerate(found.select("asked", "held", "width").iter_rows()):
        span = f": {shown(tested.whole(asked))}" if at < EXPLAINED else ""
        times = "one train input holds" if held == 1 else f"{held} train inputs hold"
        whose = (
            "All {} words of an input of {{}} stand here" if pair.outside else "All {} words of the input stand in {{}}"
        )
        notes.append(f"{whose.format(width)} as one run{span}; {times} them.")
    return pair.findings(
        "leakage.short",
        found.select(
            "own",
            "peer",
            pl.lit(0.8).alias("score"),
            pl.Series("note", notes, dtype=pl.String),
            pl.lit("review").alias("suggest"),
        ),
    )


def _runs(pair: Sides, tested: Texts, trained: Texts, rows: Ints, width: int) -> pl.DataFrame:
    """Find the texts of just ``width`` words in the other side."""
    grams = grams_of(tested.take(rows), trained, Shingle("word", width))
    best = partners(grams, ~grams.everywhere(), 0, outside=pair.outside)
    asked = best.peer if pair.outside else best.own
    held = grams.trained_in[grams.numbers[grams.sets.starts[asked]]]
    own, peer = (best.own, rows[best.peer]) if pair.outside else (rows[best.own], best.peer)
    return pl.DataFrame(
        {"own": own, "peer": peer, "held": held, "asked": rows[asked], "width": np.full(own.size, width)}
    )
