"""Eval texts that stand inside of a train text, whatever stands around them."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..near.shingles import Shingle
from .evidence import Words, explained, shared_run
from .overlap import fewer_words, grams_of, partners
from .sides import Sides, sides, together

_GRAM = Shingle("word", 3)  # an edit costs three of them; of single words any long text holds most
# Shorter texts are compared as a whole (leakage.short): of two or three 3-grams chance alone finds most.
_LEAST_WORDS = 8


def find_contained(
    rows: pl.DataFrame, *, against: pl.DataFrame | None = None, train: str = "train", threshold: float = 0.7
) -> pl.DataFrame:
    """Find rows by eval inputs of which most stands in one train input: a question inside of a longer document.

    Measured is the containment of word 3-grams (Broder, "On the resemblance and containment of documents", 1997), each
    weighed by its idf (Sparck Jones, "A statistical interpretation of term specificity", 1972), so that the words of the task
    count little and those of the item much. The rarest 3-gram in common must not stand everywhere.

    Args:
        rows: the rows.
        against: the rows of an eval file.
        train: name of the split that is trained on.
        threshold: part of the eval input's weight that the train input holds; docs/rules/leakage.contained.md tells how it
            was measured.
    """
    return together(rows, [_found(pair, threshold) for pair in sides(rows, against, train=train)])


def _found(pair: Sides, threshold: float) -> pl.DataFrame:
    tested, trained = pair.texts()
    grams = grams_of(tested, trained, _GRAM)
    best = partners(grams, np.ones(grams.tested_in.size, bool), threshold, outside=pair.outside)
    asked, known = (best.peer, best.own) if pair.outside else (best.own, best.peer)
    rarest = grams.numbers[grams.sets.starts[asked] + best.gram]
    kept = np.flatnonzero(~fewer_words(tested, _LEAST_WORDS)[asked] & ~grams.everywhere()[rarest])
    weights = grams.weights()[rarest]
    whose, where = ("an input of {}", "in this one") if pair.outside else ("the input", "in an input of {}")
    notes, words = [], explained(tested, asked[kept], trained, known[kept])
    for at, index in enumerate(kept.tolist()):
        told = ""
        if at < words:
            own = Words.of(tested.whole(int(asked[index])))
            other = Words.of(trained.whole(int(known[index])))
            low, high = shared_run(own, other, _GRAM.width, int(best.gram[index]))
            told = f": {own.shown(low, high)} (idf {weights[index]:.1f})" if high > low else ""
        share = int(100 * best.share[index] + 1e-6)  # only all of it is 100
        notes.append(f"{share}% of {whose}, weighed by rarity, stands {where}{told}.")
    return pair.findings(
        "leakage.contained",
        pl.DataFrame(
            {
                "own": best.own[kept],
                "peer": best.peer[kept],
                "score": np.minimum(best.share[kept], 1.0),
                "note": pl.Series(notes, dtype=pl.String),
                "suggest": pl.repeat("drop", kept.size, eager=True),
            }
        ),
    )
