"""Eval rows that are a train row with other numbers or other names: compared with both masked."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..near import joining
from ..near.shingles import Sets, Shingle, shingled
from .evidence import differences, explained
from .overlap import worded
from .sides import Texts, sides, together

_NUMBER = r"[$€£¥₹]?\p{N}+(?:[.,:/\u{00a0}\u{202f}-]?\p{N}+)*[%°]?"
# Every word that begins with a capital, runs of them as one: at the start of a sentence nothing tells a name from "The", and
# masking both there loses a word of either text. Anna Maria's becomes one token, as Bob's does.
_NAME = r"\b\p{Lu}[\p{L}\p{M}]*(?:['’.-]?[ -]?\b\p{Lu}[\p{L}\p{M}]*)*(?:['’]s?\b)?"
_OTHER_WORDS = 8  # different words beside numbers and names: of fewer, the template is all that two texts share
_SEVERAL = 3  # different texts of one masked form on a side: then the form is a template


def find_masked(
    rows: pl.DataFrame, *, against: pl.DataFrame | None = None, train: str = "train", threshold: float = 0.8,
    templates: bool = False,
) -> pl.DataFrame:  # fmt: skip
    """Find rows that are near to one on the other side once numbers and capitalised words are masked.

    That is how test items are varied (GSM-Hard: Gao and others, "PAL: Program-aided Language Models", 2022; GSM-Symbolic:
    Mirzadeh and others, 2024). A form of which three or more different texts stand on both sides is a template of the set, such
    as a command with a slot, and no leak. Rows that are near before masking are left to ``leakage.near``.

    Args:
        rows: the rows.
        against: the rows of an eval file.
        train: name of the split that is trained on.
        threshold: least Jaccard index of the word 5-grams of the masked texts.
        templates: tell of rows of such a template, too.
    """
    found = []
    for pair in sides(rows, against, train=train):
        tested, trained = pair.texts()
        texts = tested.beside(trained)
        held = np.arange(len(texts)) < len(tested)
        shapes = Texts(masked(texts.pieces), texts.bounds)
        sets = shingled(shapes.pieces, shapes.bounds)
        plain = shingled(texts.pieces, texts.bounds)
        ready = joining.prepare(sets, threshold)
        told, other = (~held, held) if pair.outside else (held, ~held)
        peer, score = joining.closest(sets, ready, told, other)
        alike = np.flatnonzero(peer >= 0)
        near, _ = joining.closest(plain, joining.prepare(plain, threshold), told, other)
        alike = alike[near[alike] < 0]
        alike = alike[_other_words(texts, alike) >= _OTHER_WORDS]
        if not templates:
            alike = alike[~_templates(joining.components(sets, ready), plain, held)[alike]]
        notes = _notes(texts, alike, peer, score)
        here, there = (len(tested), 0) if pair.outside else (0, len(tested))
        frame = pl.DataFrame(
            {
                "own": alike - here,
                "peer": peer[alike] - there,
                "score": score[alike],
                "note": pl.Series(notes, dtype=pl.String),
                "suggest": pl.repeat("drop" if pair.outside else "review", alike.size, eager=True),
            }
        )
        found.append(pair.findings("leakage.masked", frame))
    return together(rows, found)


def masked(texts: pl.Series, number: str = " 0 ", name: str = " xnamex ") -> pl.Series:
    """Return texts with each number and each run of capitalised words replaced by one token.

    >>> masked(pl.Series(["So Anna Smith pays $1,200.50 for 3 cats"])).str.replace_all(" +", " ").to_list()
    [' xnamex pays 0 for 0 cats']
    """
    return texts.str.replace_all(_NUMBER, number).str.replace_all(_NAME, name)


def _other_words(texts: Texts, rows: np.ndarray) -> np.ndarray:
    """How many different words texts have besides numbers and names."""
    part = texts.take(rows)
    rest = Texts(masked(part.pieces, " ", " "), part.bounds)
    return np.where(worded(rest), shingled(rest.pieces, rest.bounds, shingle=Shingle("word", 1)).sizes, 0)


def _templates(component: np.ndarray, plain: Sets, held: np.ndarray) -> np.ndarray:
    """Say which texts are of a form of which several different texts stand on either side."""
    frame = pl.DataFrame({"form": component, "a": plain.sums[:, 0], "b": plain.sums[:, 1], "held": held})
    sums = pl.struct("a", "b")
    many = [sums.filter(side).n_unique().over("form") >= _SEVERAL for side in (pl.col("held"), ~pl.col("held"))]
    return frame.select(many[0] & many[1] & (pl.col("form") >= 0)).to_series().to_numpy()


def _notes(texts: Texts, own: np.ndarray, peer: np.ndarray, score: np.ndarray) -> list[str]:
    notes, shown = [], explained(texts, own, texts, peer[own])
    for at, row in enumerate(own.tolist()):
        told = f": {differences(texts.whole(row), texts.whole(int(peer[row])))}" if at < shown else ""
        same = "the same as" if score[row] == 1 else f"near (Jaccard {score[row]:.2f}) to"
        notes.append(f"With numbers and names masked, the input is {same} one in {{}}{told}.")
    return notes
