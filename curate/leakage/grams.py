"""Eval rows that share a long run of words with a train row, by the conventions of the field: 13 words, and 8."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ..near.shingles import Shingle
from .evidence import Words, explained, shared_run
from .overlap import Grams, Partners, fewer_words, grams_of, partners
from .rarity import Rarity
from .sides import Ints, Sides, Texts, sides, together

CONVENTIONS = {13: "GPT-3", 8: "PaLM"}
"""Words in a gram, and who set it.

13: Brown and others, "Language Models are Few-Shot Learners", 2020, appendix C. 8: Chowdhery and others, "PaLM: Scaling
Language Modeling with Pathways", 2022, which asks for 70% of a text's 8-grams; here one is enough, and the score falls where
it is few of them.
"""
_SCORES = {13: 0.9, 8: 0.7}
_LEAST_SHARE = 0.1  # of a text's 8-grams: below it, one sentence of a long text happens to end as another does
_PHRASE = 0.4  # the score of a turn of phrase: of 80 GSM8K test rows that share 8 words with train, 76 share no more


@dataclass(frozen=True)
class NgramFigures:
    """How many eval rows share a gram with train, by convention."""

    eval_rows: int
    shared: dict[int, int]
    """Rows that share a gram of so many words, whatever gram it is: the plain convention."""
    counted: dict[int, int]
    """Those that share one which does not stand everywhere."""


def find_ngram(
    rows: pl.DataFrame, *, against: pl.DataFrame | None = None, train: str = "train", phrases: bool = True
) -> pl.DataFrame:
    """Find rows whose input shares a run of 13 words, or else of 8, with one on the other side.

    Words are folded as for near repeats (case, width, punctuation and Unicode forms don't count). A gram that stands
    everywhere on one side (``overlap.too_many``) is a phrase of the task and is no evidence. Texts of fewer than 8 words
    have no gram; see ``leakage.short``.

    Args:
        rows: the rows.
        against: the rows of an eval file.
        train: name of the split that is trained on.
        phrases: report turns of phrase too. Words so common are looked for in the findings of which the words are shown: the
            first 20,000, or those of 20 MB of text. ``check`` counts them in its figures only: nobody reads 76 of
            80 that are none.

    Returns:
        Findings; score 0.9 for 13 words, 0.7 for 8, and 0.4 for a turn of phrase: under a tenth of the
        text's 8-grams, or words so common that chance may have set them.
    """
    found = together(rows, [_found(pair) for pair in sides(rows, against, train=train)])
    return found if phrases else found.filter(pl.col("score") > _PHRASE)


def ngram_figures(
    rows: pl.DataFrame, *, against: pl.DataFrame | None = None, train: str = "train"
) -> dict[str, NgramFigures]:
    """Count eval rows that share a gram, for the comparisons ``eval in train`` and ``against in set``."""
    figures = {}
    for pair in sides(rows, against, train=train):
        tested, trained = pair.texts()
        shared, counted = {}, {}
        for width in CONVENTIONS:
            grams, whole = _grams(tested, trained, width)
            shared[width] = int(grams.holding(whole & (grams.trained_in > 0)).sum())
            counted[width] = int(grams.holding(whole & (grams.trained_in > 0) & ~grams.everywhere()).sum())
        name = "against in set" if pair.outside else "eval in train"
        figures[name] = NgramFigures(len(tested), shared, counted)
    return figures


def _found(pair: Sides) -> pl.DataFrame:
    tested, trained = pair.texts()
    parts, told = [], np.zeros(len(trained if pair.outside else tested), bool)
    rarity = Rarity(tested, trained)
    for width in CONVENTIONS:
        grams, whole = _grams(tested, trained, width)
        found = partners(grams, whole & ~grams.everywhere(), 0, outside=pair.outside)
        new = np.flatnonzero(~told[found.own])
        told[found.own] = True
        notes, scores = _explained(pair, (tested, trained), grams, found, new, width, rarity)
        parts.append(
            pl.DataFrame(
                {
                    "own": found.own[new],
                    "peer": found.peer[new],
                    "score": pl.Series(scores, dtype=pl.Float64),
                    "note": pl.Series(notes, dtype=pl.String),
                    # Eight words in common are a question for a person; thirteen hardly ever are chance.
                    "suggest": pl.Series(
                        ["drop" if score == _SCORES[13] else "review" for score in scores], dtype=pl.String
                    ),
                }
            )
        )
    return pair.findings("leakage.ngram", pl.concat(parts).sort("own"))


def _grams(tested: Texts, trained: Texts, width: int) -> tuple[Grams, np.ndarray]:
    """Return the grams, and which of them are runs of that many words."""
    grams = grams_of(tested, trained, Shingle("word", width))
    whole = np.ones(grams.tested_in.size, bool)
    whole[grams.numbers[grams.places(np.flatnonzero(fewer_words(tested, width, grams.sets)))]] = False
    return grams, whole


def _explained(
    pair: Sides, texts: tuple[Texts, Texts], grams: Grams, found: Partners, new: Ints, width: int, rarity: Rarity
) -> tuple[list[str], list[float]]:
    """Return a note and a score for each finding."""
    tested, trained = texts
    weights, distinct = grams.weights(), grams.sizes()[1]
    notes, scores = [], []
    asked_of, held_of = (found.peer[new], found.own[new]) if pair.outside else (found.own[new], found.peer[new])
    told = explained(tested, asked_of, trained, held_of)
    for at, index in enumerate(new.tolist()):
        own, peer, place = (int(part[index]) for part in (found.own, found.peer, found.gram))
        if pair.outside:
            own, peer = peer, own
        gram = grams.numbers[grams.sets.starts[own] + place]
        length, span, phrase = width, "", width < 13 and found.share[index] < _LEAST_SHARE
        if at < told:
            asked = Words.of(tested.whole(own))
            low, high = shared_run(asked, Words.of(trained.whole(peer)), width, place)
            if high > low:
                length, span = high - low, f": {asked.shown(low, high)}"
                phrase = phrase or rarity.by_chance(own, asked, low, high)
        held = f"{grams.trained_in[gram]:,} of {distinct:,}"
        rare = f"its rarest {width}-gram stands in {held} train inputs, idf {weights[gram]:.1f}"
        common = ", and it may be a turn of phrase" if phrase else ""
        notes.append(f"{length} words in a row stand in {{}} too ({width}-gram convention){span}; {rare}{common}.")
        scores.append(_PHRASE if phrase else _SCORES[width])
    return notes, scores
