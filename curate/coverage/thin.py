"""Regions of the input space that one side of a split does not know, or that one source has to itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from ..embed.encoding import Encoded
from ..errors import quote
from ..findings import empty, report
from ..near.cosine import Ints, Vectors
from ..wording import counted
from .regions import regions
from .typical import typical_words

A_REGION = 50  # texts: of fewer no share can be told; ``_MOST``: nobody reads more
_MOST = 400
_CERTAIN = 0.01  # chance that any region of a set split at random is found
_FACTOR = 4  # a region has a quarter or less of what it would have; half of it is no gap
_FEW = 10  # texts: a region of fewer is small
_SMALL = 5  # small regions that are told
_PURE = 0.95  # of a region's rows have one label, and are of one source
_MIXED = 0.6  # of the rows around it, at most, have that label, and are of that source
_GROUPS = 1_000  # labels or sources; more of them are ids and no groups
_AROUND = 5  # regions that are the nearest
_TEXTS = 20  # texts a region must hold to be told as one-sided

Gap = Literal["untrained", "untested", "one-sided"]


@dataclass(frozen=True)
class Placed:
    """n rows with a text, over m distinct texts."""

    row: Ints
    """(n) position in the rows frame."""
    text: Ints
    """(n) position in ``vectors`` and ``texts``."""
    vectors: Vectors
    """(m, d) of length 1."""
    texts: list[str]


@dataclass(frozen=True)
class Thin:
    """A region with a gap."""

    gap: Gap
    number: int
    rows: int
    own: int
    """Rows on the side that it lacks; rows that have its label, of a one-sided one."""
    around: float
    """The share that all rows have there, or those around it."""
    words: list[str]
    what: tuple[str, str, str] = ("", "", "")
    """Label, column and value, of a one-sided region."""


@dataclass(frozen=True)
class Regions:
    """What ``thin_regions`` found."""

    count: int
    of: Ints
    """(n) region of each row that has a text."""
    thin: list[Thin]
    small: list[tuple[int, list[str]]]
    """Rows and words of the smallest regions."""
    small_rows: int


def thin_regions(rows: pl.DataFrame, texts: Placed, *, train: str = "train", seed: int = 0) -> Regions:
    """Cut the texts into regions and return those with a gap.

    Of a region too few rows are trained on, or tested, where a split at random would give it so few in one of 100 sets
    (binomial, all regions together), and it has a quarter of its share or less. It is one-sided where all but 5% of its rows
    have one label and one source (or annotator), while those of the five regions around it have neither: a classifier may
    learn the source there.

    Args:
        rows: the rows.
        texts: their texts.
        train: name of the split that is trained on.
        seed: of the regions.
    """
    count = int(np.clip(len(texts.vectors) / A_REGION, 1, _MOST))
    region = regions(texts.vectors, count, seed=seed)
    of = region[texts.text]
    sizes = np.bincount(of)
    split = rows["split"].gather(texts.row)
    gaps = [*_split_gaps(of, sizes, split, train), *_one_sided(rows, texts, of, region)]
    small = np.argsort(sizes, kind="stable")[:_SMALL] if count > 1 else np.zeros(0, np.int64)
    small = small[np.bincount(region)[small] < _FEW]
    told = [gap.number for gap in gaps] + small.tolist()
    words = typical_words(texts.texts, [np.flatnonzero(region == number) for number in told])
    thin = [_with_words(gap, said) for gap, said in zip(gaps, words, strict=False)]
    few = np.bincount(region) < _FEW
    return Regions(
        len(sizes), of, thin,
        [(int(sizes[number]), said) for number, said in zip(small, words[len(gaps) :], strict=True)],
        int(sizes[few].sum()) if count > 1 else 0,
    )  # fmt: skip


def may_be_thin(rows: pl.DataFrame, *, train: str = "train") -> bool:
    """Say whether a gap could be found at all, before texts are turned into vectors for it."""
    split = rows["split"].drop_nulls()
    several = rows.select(pl.col("label", "source", "annotator").drop_nulls().n_unique()).row(0, named=True)
    by_source = several["label"] > 1 and max(several["source"], several["annotator"]) > 1
    return by_source or bool((split == train).any() and (split != train).any())


def placed(encoded: Encoded) -> Placed:
    """Return the rows that have a text, where all rows were encoded for this alone."""
    seen = np.flatnonzero(encoded.of_row >= 0)
    return Placed(seen, encoded.of_row[seen], encoded.vectors, encoded.texts)


def find_thin(rows: pl.DataFrame, texts: Placed, found: Regions) -> pl.DataFrame:
    """Find the rows of thin regions.

    Returns:
        Findings of ``coverage.thin``; the score is 0.9 where train lacks what is tested, less elsewhere.
    """
    if not found.thin:
        return empty()
    lines = pl.DataFrame(
        {
            "region": [thin.number for thin in found.thin],
            "score": [_SCORE[thin.gap] for thin in found.thin],
            "note": [_note(thin) for thin in found.thin],
        },
        schema={"region": pl.Int64, "score": pl.Float64, "note": pl.String},
    ).unique("region", keep="first", maintain_order=True)
    own = pl.DataFrame({"row": texts.row, "region": found.of}).join(
        lines, on="region", how="inner", maintain_order="left"
    )
    own = own.with_columns(pl.Series("id", rows["id"].gather(own["row"])))
    first = pl.col("id").min().over("region")  # of the order of the rows nothing may hang
    return report(
        own.select("id", "score", first.alias("cluster"), "note", pl.lit("review").alias("suggest")), "coverage.thin"
    )


def thin_figures(found: Regions) -> dict[str, Any]:
    """Return the regions as JSON values."""
    return {
        "regions": found.count,
        "thin": [
            {"gap": thin.gap, "rows": thin.rows, "own": thin.own, "around": round(thin.around, 3), "words": thin.words}
            for thin in found.thin
        ],
        "small": {"rows": found.small_rows, "regions": [{"rows": rows, "words": words} for rows, words in found.small]},
    }


_SCORE: dict[Gap, float] = {"untrained": 0.9, "one-sided": 0.6, "untested": 0.5}


def _split_gaps(of: Ints, sizes: Ints, split: pl.Series, train: str) -> list[Thin]:
    """Return regions without train rows, and those without eval rows, the largest first."""
    from scipy.stats import binom

    known = split.is_not_null().to_numpy()
    trained = (split == train).fill_null(value=False).to_numpy()
    if not trained.any() or trained[known].all():
        return []
    total = np.bincount(of[known], minlength=len(sizes))
    found: list[Thin] = []
    sides: list[tuple[Gap, npt.NDArray[np.bool_]]] = [("untrained", trained & known), ("untested", ~trained & known)]
    for gap, side in sides:
        share = float(side[known].mean())
        own = np.bincount(of[side], minlength=len(sizes))
        unlikely = binom.cdf(own, total, share) < _CERTAIN / (2 * len(sizes))
        gone = np.flatnonzero(unlikely & (own * _FACTOR <= total * share))
        found += [
            Thin(gap, int(number), int(total[number]), int(own[number]), share, [])
            for number in sorted(gone, key=lambda number: (-total[number], number))
        ]
    return found


def _one_sided(rows: pl.DataFrame, inputs: Placed, of: Ints, region: Ints) -> list[Thin]:
    """Return regions of one label and one source, amid others that have neither."""
    label = rows["label"].gather(inputs.row)
    middles = _middles(inputs.vectors, region)
    texts = np.bincount(region)
    if len(middles) <= _AROUND or label.null_count() == len(label):
        return []
    likeness = middles @ middles.T
    np.fill_diagonal(likeness, -2.0)
    around = np.argsort(-likeness, axis=1, kind="stable")[:, :_AROUND]
    labels = _shares(of, label, len(middles))
    found = []
    for column in ("source", "annotator"):
        values = _shares(of, rows[column].gather(inputs.row), len(middles))
        for number in np.flatnonzero(texts >= _TEXTS).tolist():
            pure = _alone(labels, number, around[number]), _alone(values, number, around[number])
            if pure[0] is not None and pure[1] is not None:
                rows_here, share = int(labels.sizes[number]), pure[0][1]
                what = (labels.names[pure[0][0]], column, values.names[pure[1][0]])
                own = round(float(labels.share[number, pure[0][0]]) * rows_here)
                found.append(Thin("one-sided", number, rows_here, own, share, [], what))
    return found


@dataclass(frozen=True)
class _Shares:
    names: list[str]
    sizes: Ints
    """(r) rows of each region that have a value."""
    share: npt.NDArray[np.float64]
    """(r, k)."""


def _shares(of: Ints, values: pl.Series, count: int) -> _Shares:
    known = values.is_not_null().to_numpy()
    names = values.drop_nulls().unique().sort()
    if not 2 <= len(names) <= _GROUPS:
        return _Shares([], np.zeros(count, np.int64), np.zeros((count, 0)))
    codes = values.drop_nulls().replace_strict(names, range(len(names)), return_dtype=pl.Int64).to_numpy()
    counts = np.bincount(of[known] * len(names) + codes, minlength=count * len(names)).reshape(count, -1)
    sizes = counts.sum(axis=1)
    return _Shares(names.to_list(), sizes, counts / np.maximum(sizes, 1)[:, None])


def _alone(shares: _Shares, number: int, around: Ints) -> tuple[int, float] | None:
    """Return the value that a region has to itself, and its share in the regions around."""
    if not shares.names or not shares.sizes[number]:
        return None
    top = int(shares.share[number].argmax())
    weights = shares.sizes[around]
    near = float((shares.share[around, top] * weights).sum() / max(int(weights.sum()), 1))
    return (top, near) if shares.share[number, top] >= _PURE and near <= _MIXED else None


def _middles(vectors: Vectors, region: Ints) -> Vectors:
    order = np.argsort(region, kind="stable")
    starts = np.searchsorted(region[order], np.arange(int(region.max(initial=-1)) + 1))
    if not len(starts):
        return vectors[:0]
    sums = np.add.reduceat(vectors[order], starts, axis=0)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(1e-12))


def _with_words(thin: Thin, words: list[str]) -> Thin:
    return Thin(thin.gap, thin.number, thin.rows, thin.own, thin.around, words, thin.what)


def _note(thin: Thin) -> str:
    """Say what a region lacks."""
    on = f" on {quote(', '.join(thin.words))}," if thin.words else " that are alike,"
    rows, own = counted(thin.rows, "row"), f"{thin.own:,}" if thin.own else "none"
    if thin.gap == "untrained":
        return f"Of {rows}{on} {own} stand in train, where {thin.around:.0%} of all do: tested and hardly trained on."
    if thin.gap == "untested":
        return f"Of {rows}{on} {own} stand in an eval split, where {thin.around:.0%} of all do: no score covers them."
    label, column, value = thin.what
    return (
        f"Of {rows}{on} {thin.own:,} are {quote(label, 20)}, all by {column} {quote(value, 20)}, while of those around "
        f"{thin.around:.0%} are: a shortcut to the label."
    )
