"""Lines and sentences that repeat: over many rows (signatures, disclaimers, footers), or again and again in one row."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from ..clusters import ids
from ..errors import quote
from ..findings import empty, report
from ..masking import mask

_CHUNK = 20_000  # rows cut into lines at a time: bounds the copy of the text that cutting makes
_WORDS = r"^(?:\S+\s+){3}\S"
# Ten signs of which each is a word or a syllable.
_DENSE = (
    r"(?:[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}][^\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]*){10}"
)
_END = r"([.!?…؟।][\"'”’)\]]*)[ \t]+|([。！？]+)"


def find_boilerplate(
    rows: pl.DataFrame,
    turns: pl.DataFrame,
    *,
    least: int = 5,
    share: float = 0.3,
    most: float = 0.05,
    again: int = 4,
) -> pl.DataFrame:
    """Find rows that are boilerplate for a good part, and rows that say one line again and again.

    A line, or a sentence of a line, of at least 40 letters (20 in scripts of which a letter is a word or a syllable) and
    four words is boilerplate when at least ``least`` rows of different text hold it. One that stands in more than ``most``
    of all rows is the frame of the task (an instruction set before each input), and is not held against any row. System
    prompts and tool results are left out: to repeat is their nature.

    Args:
        rows: the rows.
        turns: ``text.turns(rows)``.
        least: rows of different text; five chance upon one sentence in small talk only, which is shorter.
        share: letters of the row that stand in such lines, of all its letters. Under it a polite close is found in every
            tenth reply; over it a third of what is learnt is somebody's footer.
        most: share of the rows; never under 20 rows, so that it says nothing in small sets.
        again: how often a line stands in one row that says it again and again.
    """
    said = turns.filter(~pl.col("role").is_in(["system", "tool"]) & pl.col("content").is_not_null())
    if said.is_empty():
        return empty()
    units = _units(said.select("row", "content"))
    letters = (
        said.select("row", pl.col("content").str.len_chars().alias("letters")).group_by("row").agg(pl.sum("letters"))
    )
    texts = (
        said.select("row", pl.col("content").hash(seed=5)).group_by("row").agg(pl.col("content").sum().alias("text"))
    )
    repeated = units.filter(pl.col("key").is_duplicated())
    over_rows = _over_rows(repeated, texts, least, max(most * texts["text"].n_unique(), 20))
    found = pl.concat([_carried(repeated, over_rows), _said_again(repeated, again)])
    found = (
        found.join(letters, on="row")
        .with_columns((pl.col("part") / pl.col("letters")).clip(0, 1).alias("score"))
        .filter(pl.col("score") >= share)
        # One finding a row: the kind that makes up more of it.
        .sort("row", pl.col("score"), "kind", descending=[False, True, False])
        .unique("row", keep="first", maintain_order=True)
    )
    if found.is_empty():
        return empty()
    first = pl.col("row").min().over("kind", "key")
    found = found.with_columns(pl.when(pl.col("kind") == "rows").then(first).otherwise(None).alias("first"))
    shown = _shown(said, found)
    percent = (pl.col("score") * 100).round().cast(pl.Int64)
    over = pl.format("{}% of it is lines that repeat over rows; {} stands in {} rows.", percent, shown, pl.col("count"))
    inner = pl.format("{}% of it is lines said again; {} stands {} times in it.", percent, shown, pl.col("count"))
    first_ids = ids(rows, found["first"].fill_null(0))
    return report(
        found.select(
            ids(rows, found["row"]).alias("id"),
            "score",
            pl.when(pl.col("first").is_not_null()).then(first_ids).alias("cluster"),
            pl.when(pl.col("kind") == "rows").then(over).otherwise(inner).alias("note"),
            pl.lit("review").alias("suggest"),
        ),
        "duplicates.boilerplate",
    )


def _units(said: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, key, size`` of each line or sentence that is long enough: a hash of it folded, and its letters."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(lambda at: _cut(said.slice(at, _CHUNK)), range(0, len(said), _CHUNK))
        return pl.concat(parts)


def _cut(said: pl.DataFrame) -> pl.DataFrame:
    long = (pl.col("line").str.len_bytes() >= 40) & (pl.col("line").str.count_matches(" ", literal=True) >= 3)
    wide = pl.col("line").str.len_chars() != pl.col("line").str.len_bytes()
    lines = _lines(said).filter(long | (wide & (pl.col("line").str.len_chars() >= 20)))
    # Rows of blanks inside a line (code, tables) make no line long, and don't tell two apart.
    lines = lines.with_columns(
        _key("line"), pl.col("line").str.replace_all(r"\s{2,}", " ").str.len_chars().alias("size")
    )
    words = (pl.col("size") >= 40) & pl.col("line").str.contains(_WORDS)
    signs = (pl.col("size") >= 20) & pl.col("line").str.contains(_DENSE)
    return lines.filter(words | signs).select("row", "key", "size")


def _lines(said: pl.DataFrame) -> pl.DataFrame:
    """Cut contents at line feeds and behind sentences."""
    cut = pl.col("content").str.replace_all(_END, "$1$2\n").str.split("\n").alias("line")
    return said.select("row", cut).explode("line").with_columns(pl.col("line").str.strip_chars())


def _key(name: str) -> pl.Expr:
    return pl.col(name).str.to_lowercase().str.replace_all(r"\s{2,}", " ").hash(seed=3).alias("key")


def _over_rows(repeated: pl.DataFrame, texts: pl.DataFrame, least: int, most: float) -> pl.DataFrame:
    """Return ``key, count`` of lines that rows of at least ``least`` different texts hold."""
    held = repeated.unique(["row", "key"]).join(texts, on="row")
    return (
        held.group_by("key")
        .agg(pl.col("text").n_unique().alias("texts"), pl.len().alias("count"))
        .filter(pl.col("texts").is_between(least, most))
        .select("key", "count")
    )


def _carried(repeated: pl.DataFrame, over_rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that hold such lines, how many letters these have, and the longest of them."""
    return (
        repeated.join(over_rows, on="key")
        .sort("row", "size", "key", descending=[False, True, False])
        .group_by("row", maintain_order=True)
        .agg(pl.col("size").sum().alias("part"), pl.col("key", "count").first())
        .select("row", pl.lit("rows").alias("kind"), "key", "count", pl.col("part").cast(pl.Int64))
    )


def _said_again(repeated: pl.DataFrame, again: int) -> pl.DataFrame:
    """Return the rows that hold a line ``again`` times, and the letters of all such lines."""
    return (
        repeated.group_by("row", "key")
        .agg(pl.len().alias("count"), pl.col("size").sum())
        .filter(pl.col("count") >= again)
        .sort("row", "size", "key", descending=[False, True, False])
        .group_by("row", maintain_order=True)
        .agg(pl.col("size").sum().alias("part"), pl.col("key", "count").first())
        .select("row", pl.lit("again").alias("kind"), "key", "count", pl.col("part").cast(pl.Int64))
    )


def _shown(said: pl.DataFrame, found: pl.DataFrame) -> pl.Series:
    """Return what each finding's line says, quoted and masked."""
    wanted = found.select("key", "row").unique("key", keep="first")
    lines = _lines(said.filter(pl.col("row").is_in(wanted["row"].implode()))).with_columns(_key("line"))
    texts = lines.join(wanted.select("key"), on="key", how="semi").unique("key", keep="first", maintain_order=True)
    quoted = {key: quote(mask(line), 50) for key, line in texts.select("key", "line").iter_rows()}
    return found.select(
        pl.col("key").replace_strict(list(quoted), list(quoted.values()), return_dtype=pl.String)
    ).to_series()
