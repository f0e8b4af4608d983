"""Eval rows that are nearly a train row: word 5-grams with a Jaccard index at or over a threshold, exact."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..near import joining
from ..near.shingles import Shingle, shingled
from .evidence import differences, explained
from .sides import Sides, Texts, sides, together


def find_near(
    rows: pl.DataFrame,
    *,
    against: pl.DataFrame | None = None,
    train: str = "train",
    shingle: Shingle | None = None,
    threshold: float = 0.8,
) -> pl.DataFrame:
    """Find rows whose input is near to one on the other side of the line between training and evaluation.

    Near means that the sets of shingles have a Jaccard index of ``threshold`` or more (w-shingling: Broder 1997). Every such
    row is found, and none below the threshold; repeats are near as well. Sides and directions are those of ``leakage.exact``.

    Args:
        rows: the rows.
        against: the rows of an eval file (``dataset.ROWS``).
        train: name of the split that is trained on.
        shingle: five words for ``None``; characters (``Shingle("char", 5)``) see more in short texts.
        threshold: at 0.8 about one word in 45 may differ in the middle of a text, or a tenth at one end.
    """
    found = []
    for pair in sides(rows, against, train=train):
        tested, trained = pair.texts()
        texts = tested.beside(trained)
        sets = shingled(texts.pieces, texts.bounds, shingle=shingle or Shingle())
        held = np.arange(len(texts)) < len(tested)
        if pair.outside:
            held = ~held
        peer, score = joining.closest(sets, joining.prepare(sets, threshold), held, ~held)
        own = np.flatnonzero(peer >= 0)
        note = _notes(texts, own, peer[own], score[own], shingle or Shingle())
        found.append(
            pair.findings("leakage.near", _parallel(pair, len(tested), own, peer[own], score[own], note, "drop"))
        )
    return together(rows, found)


def _notes(texts: Texts, own: np.ndarray, peer: np.ndarray, score: np.ndarray, shingle: Shingle) -> list[str]:
    notes, shown = [], explained(texts, own, texts, peer)
    for at, (row, other, jaccard) in enumerate(zip(own.tolist(), peer.tolist(), score.tolist(), strict=True)):
        told = f": {differences(texts.whole(row), texts.whole(other))}" if at < shown else ""
        notes.append(f"The input is near to one in {{}}, Jaccard {jaccard:.2f} of {shingle}{told}.")
    return notes


def _parallel(
    pair: Sides, tested: int, own: np.ndarray, peer: np.ndarray, score: np.ndarray, note: list[str], suggest: str
) -> pl.DataFrame:
    """Give ``Sides.findings`` positions on each side, from those in texts of both."""
    here, there = (tested, 0) if pair.outside else (0, tested)
    return pl.DataFrame(
        {
            "own": own - here,
            "peer": peer - there,
            "score": score,
            "note": pl.Series(note, dtype=pl.String),
            "suggest": pl.repeat(suggest, len(own), eager=True),
        }
    )
