"""Which words of a text speak for another label than the one it has."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from ..masking import mask
from .labelled import Labelled
from .planted import Ints

_READ = 1_000  # characters of a text
_EXPLAINED = 5_000  # texts whose words are looked up; sentences cost more than the verdict
_SHOWN = re.compile(r"\[[a-z ]{4,20}\]")  # what stands for a secret
_LEAST = 1.0  # log-odds of a word for the other label: nearly three times as frequent there


def telling_words(of: Labelled, rows: Ints, other: Ints, *, most: int = 3) -> list[list[str]]:
    """Return for each row the words of its text that are most typical of the other label and not of its own.

    A word's log-odds are those of the texts with it under the one label against those under the other, one added to each count.
    Each word has to stand in three texts of the other label.

    Args:
        of: the labelled rows.
        rows: (q) positions among them.
        other: (q) a label for each.
        most: how many words at most.
    """
    rows, other = rows[:_EXPLAINED], other[:_EXPLAINED]
    asked = pl.DataFrame(
        {"place": range(len(rows)), "text": of.text[rows], "given": of.code[rows], "other": other},
        schema={"place": pl.Int64, "text": pl.Int64, "given": pl.Int64, "other": pl.Int64},
    )
    words = _words(of.texts)
    label = pl.DataFrame({"text": of.text, "label": of.code}).unique()
    counts = words.join(label, on="text").group_by("label", "word").len()
    sizes = label.group_by("label").agg(pl.len().alias("size"))
    found = (
        asked.join(_words(of.texts, only=np.unique(of.text[rows])), on="text")
        .join(counts.rename({"label": "other", "len": "there"}), on=["other", "word"])
        .filter(pl.col("there") >= 3)
        .join(counts.rename({"label": "given", "len": "here"}), on=["given", "word"], how="left")
        .join(sizes.rename({"label": "other", "size": "others"}), on="other")
        .join(sizes.rename({"label": "given", "size": "own"}), on="given")
        .with_columns(
            (
                ((pl.col("there") + 1) / (pl.col("others") + 2)).log()
                - ((pl.col("here").fill_null(0) + 1) / (pl.col("own") + 2)).log()
            ).alias("odds")
        )
        .filter(pl.col("odds") >= _LEAST)
        .sort("place", pl.col("odds") * pl.col("there").log1p(), "word", descending=[False, True, False])
        .group_by("place", maintain_order=True)
        .agg(pl.col("word").head(most))
    )
    told = dict(found.iter_rows())
    return [told.get(place, []) for place in range(len(rows))]


def _words(texts: list[str], *, only: Ints | None = None) -> pl.DataFrame:
    """Return ``text, word``, each pair once; words of two letters and more, of ``only`` some texts with their secrets masked."""
    if only is None:
        said = pl.DataFrame({"text": range(len(texts)), "said": texts}, schema={"text": pl.Int64, "said": pl.String})
    else:  # what may be shown: a piece of a key looks like a word
        shown = [_SHOWN.sub(" ", mask(texts[at][:_READ])) for at in only.tolist()]
        said = pl.DataFrame({"text": only, "said": shown}, schema={"text": pl.Int64, "said": pl.String})
    return (
        said.select(
            "text",
            pl.col("said").str.slice(0, _READ).str.to_lowercase().str.extract_all(r"[\p{L}\p{M}']{2,30}").alias("word"),
        )
        .explode("word")
        .drop_nulls()
        .unique()
    )
