"""Rows whose text belongs to no label at all: another domain, gibberish, or a word that says nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from ..clusters import ids
from ..embed.encoding import row_texts
from ..findings import empty, report
from ..text import fold_all
from .classes import are_classes, shown
from .labelled import Labelled

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# How far into the fits to wrong labels the threshold may reach, the furthest first: where labels share no words at all, these
# are no better than the fits of a foreign text.
_SHARES = (0.99, 0.95, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005)
_LOST = 0.0025  # share of rows that fit their own label best of all, and would be found all the same
_FAR = 0.75  # share of the usual fit of a row to its label that is not far: where texts say nothing of labels, none is
_FEW = 5  # labels, under which each is so broad that only the least share is taken
_BLOCK = 8_000_000  # texts times labels that are held against each other at a time
# A word, or a character of a script that puts no space between words.
_WORDS = r"(?u)[\u2e80-\u9fff\uac00-\ud7af]|[^\W\u2e80-\u9fff\uac00-\ud7af]+"


class Fits(NamedTuple):
    """How well u texts fit labels, as cosines to the middles of the labels, each text left out of its own."""

    own: Floats
    best: Floats
    nearest: Ints
    """Label of the best fit."""
    wrong: Floats
    """The best fit among the labels that are not the text's own."""


def find_outlier(
    of: Labelled, rows: pl.DataFrame, *, words: bool = False, notes: list[str] | None = None
) -> pl.DataFrame:
    """Find rows that fit their best label worse than nearly all rows fit their best wrong one.

    What a text of the same domain has in common with labels that are not its own is the least to expect of a text. The threshold
    is a quantile of that, the highest under which next to no row lies that fits its own label best. ``score`` is 0.5 at the
    threshold and 1 where nothing is shared with any label.

    Args:
        of: the labelled rows.
        rows: the rows.
        words: compare by the words that texts share with labels, and not by the vectors: without an encoder the vectors
            hold nothing of words that few rows have.
        notes: takes what there is to say where labels are no classes.
    """
    if not are_classes(of, notes):
        return empty()
    row, text, code, fits_of = _by_words(of, rows) if words else _by_vectors(of)
    units, unit = np.unique(np.stack([text, code], axis=1), axis=0, return_inverse=True)
    fits = fits_of(units[:, 0], units[:, 1])
    threshold = _threshold(fits, len(of.names))
    # A text that has twice as much of its own label as of any other belongs there, little as it is: one in another language.
    settled = (fits.own > 0) & (fits.own >= 2 * fits.wrong)
    far = np.flatnonzero(((fits.best < threshold) & ~settled)[unit.ravel()])
    if not far.size:
        return empty()
    at = unit.ravel()[far]
    usual = _usual(fits, units[:, 1], len(of.names))[fits.nearest[at]]
    labels = [shown(name) for name in of.names]
    found = pl.DataFrame(
        {
            "id": ids(rows, pl.Series(row[far])),
            "score": 1 - 0.5 * np.maximum(fits.best[at], 0.0) / max(threshold, 1e-6),
            "own": [labels[code] for code in units[at, 1]],
            "nearest": [labels[code] for code in fits.nearest[at]],
            "fit": fits.best[at].round(2),
            "usual": usual.round(2),
        }
    ).with_columns(pl.col("score").clip(0, 1))
    what = "shares next to no words with other texts of any label" if words else "is far from the rows of every label"
    copies = np.bincount(unit.ravel())[at]
    said = pl.Series(
        [f" {many:,} rows say the same under this label and count as one." if many > 1 else "" for many in copies]
    )
    note = pl.format(
        f"The text {what}, {{}} among them; the nearest is {{}} (cosine {{}}, where its own rows have {{}}).{{}}",
        "own", "nearest", "fit", "usual", said,
    )  # fmt: skip
    return report(found.with_columns(note.alias("note"), pl.lit("review").alias("suggest")), "labels.outlier")


def _threshold(fits: Fits, labels: int) -> float:
    """The highest quantile of the fits to wrong labels under which next to no text lies that fits its own label best.

    Where labels have no topics of their own (a sentiment, an entailment) every text fits the wrong label nearly as well: then
    only what has half of what the least have is far from all.
    """
    sure = fits.best[fits.own > fits.wrong]
    most = _FAR * float(np.median(fits.own))
    for share in _SHARES if labels >= _FEW else ():
        threshold = float(np.quantile(fits.wrong, share, method="lower"))
        if sure.size and (sure < threshold).mean() <= _LOST:
            return min(threshold, most)
    return min(float(np.quantile(fits.wrong, _SHARES[-1], method="lower")) / 2, most)


def _usual(fits: Fits, code: Ints, labels: int) -> Floats:
    """The median fit of each label's rows to it."""
    order = np.argsort(code, kind="stable")
    cut = np.split(fits.own[order], np.searchsorted(code[order], np.arange(1, labels)))
    return np.array([float(np.median(own)) if own.size else 0.0 for own in cut])


_Judge = Callable[[Ints, Ints], Fits]


def _by_vectors(of: Labelled) -> tuple[Ints, Ints, Ints, _Judge]:
    def judge(text: Ints, code: Ints) -> Fits:
        return fitted(of.vectors[text].astype(np.float64), code, len(of.names))

    return of.row, of.text, of.code, judge


def _by_words(of: Labelled, rows: pl.DataFrame) -> tuple[Ints, Ints, Ints, _Judge]:
    """The labelled rows with a text, also those of which ``of`` has no vector."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    have = rows["label"].is_not_null().arg_true()
    said = pl.DataFrame({"row": have, "text": row_texts(rows[have]), "label": rows["label"].gather(have)})
    said = said.filter((pl.col("text") != "") & pl.col("label").is_in(of.names))
    said = said.with_columns(
        fold_all(said["text"]).alias("text")
    )  # copies in other signs of space and case are one text
    texts = said["text"].unique().sort()
    place = said["text"].replace_strict(texts, range(len(texts)), return_dtype=pl.Int64)
    code = said["label"].replace_strict(of.names, range(len(of.names)), return_dtype=pl.Int64)

    def judge(text: Ints, code: Ints) -> Fits:
        try:
            weights = TfidfVectorizer(sublinear_tf=True, token_pattern=_WORDS).fit_transform(texts.to_list())
        except ValueError:  # no text holds a word
            zero = np.zeros(text.size)
            return Fits(zero, zero, np.zeros(text.size, np.int64), zero)
        return fitted(weights[text], code, len(of.names))

    return said["row"].cast(pl.Int64).to_numpy(), place.to_numpy(), code.to_numpy(), judge


def fitted(points: Any, code: Ints, labels: int) -> Fits:
    """Return the fits of points of length 1 (or 0), (u, d) dense or sparse."""
    from scipy import sparse

    count = code.size
    member = sparse.csr_matrix((np.ones(count), (code, np.arange(count))), shape=(labels, count))
    sums = member @ points
    lengths = np.asarray((sums.multiply(sums) if sparse.issparse(sums) else sums * sums).sum(axis=1)).ravel()
    own, best, wrong = (np.zeros(count) for _ in range(3))
    nearest = np.zeros(count, np.int64)
    size = max(1, min(4_096, _BLOCK // max(labels, 1)))
    for low in range(0, count, size):
        block, codes = points[low : low + size], code[low : low + size]
        products = block @ sums.T
        products = np.asarray(products.todense() if sparse.issparse(products) else products)
        squares = np.asarray((block.multiply(block) if sparse.issparse(block) else block * block).sum(axis=1)).ravel()
        here = np.arange(codes.size)
        mine = products[here, codes]
        cosine = products / np.sqrt(np.maximum(lengths, 1e-12))
        left = lengths[codes] - 2 * mine + squares  # of the label's sum without this text
        cosine[here, codes] = np.where(left > 1e-6, (mine - squares) / np.sqrt(np.maximum(left, 1e-6)), 0.0)
        cosine = np.round(cosine, 6)  # so that equal texts fit equally
        part = slice(low, low + codes.size)
        own[part], nearest[part], best[part] = cosine[here, codes], cosine.argmax(axis=1), cosine.max(axis=1)
        cosine[here, codes] = -2.0
        wrong[part] = cosine.max(axis=1)
    return Fits(own, best, nearest, wrong)
