"""Marks that give a label away: tokens that stand before the right label over and over, and labels spelled as code.

Both are learned from a sample of the set, and believed only where chance and plain language can't explain them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import polars as pl

from ..errors import quote
from ..text import fold, fold_all
from .quoting import shown_all


@dataclass(frozen=True)
class Thresholds:
    """When a pattern counts as systematic. Tuned on nine public sets; see docs/rules/leakage.answer.md."""

    precision: float = 0.9
    """Of the rows where a label stands after the mark, the share whose own label it is; a row that names k labels
    counts 1/k. Few-shot prompts and lists of options stay at 1/k; annotated source code measured 0.97."""
    coverage: float = 0.5
    """Of the rows of a label, the share that give it away, where a pattern shows only one label, or is a bare word."""
    chance: float = 1e-4
    """How likely own labels may be to stand there by chance, for tens of marks are tried. In 11 labelled public sets
    without such marks, none reached the precision above more than once, whatever the chance."""
    announced_chance: float = 0.05
    """The same where the mark holds a word that announces an answer (``category:``), which needs little proof."""
    sample_rows: int = 20_000
    sample_bytes: int = 8_000_000
    """Patterns are learned on at most so much text, taken evenly, and then looked for in all of it."""
    labels: int = 1_000
    """With more distinct labels than this they are reference answers, and only endings are looked for."""


THRESHOLDS = Thresholds()

ANNOUNCING = (
    "label", "labels", "category", "class", "intent", "sentiment", "topic", "answer", "target", "gold",
    "ground truth", "expected output", "solution", "标签", "类别", "分类", "答案", "情感", "意图",
    "التصنيف", "الإجابة", "метка", "ответ",
)  # fmt: skip
"""Words before a colon that say: here comes the answer."""

_MARK = r"[:=>#@\[\](){}\"'`|/*~$%&«»「」【】]"


def find_marks(said: pl.DataFrame) -> pl.DataFrame:
    """Find texts in which a mark that was learned, or code, shows the text's own label.

    Args:
        said: ``row, content, label, phrase, share``: a text of a labelled row, its label, the label in ``words`` and
            the share of rows that have it.

    Returns:
        ``row, score, note``, a row at most once.
    """
    if not 1 < said["phrase"].n_unique() <= THRESHOLDS.labels:
        return _nothing()
    sample = _sample(said)
    marked = _marks(said, sample)
    return pl.concat([marked, _codes(_without(said, marked), sample)])


def words(texts: pl.Series) -> pl.Series:
    """Return folded texts with ``_``, ``-`` and white space as one space."""
    return fold_all(texts).str.replace_all(r"[_\-\s]+", " ").str.strip_chars(" ")


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema={"row": pl.UInt32, "score": pl.Float64, "note": pl.String})


def _without(said: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    return said.join(found, on="row", how="anti", maintain_order="left")


def _sample(said: pl.DataFrame) -> pl.DataFrame:
    size = int(said["content"].str.len_bytes().sum() or 0)
    rows = said["row"].n_unique()
    step = max(1, math.ceil(rows / THRESHOLDS.sample_rows), math.ceil(size / THRESHOLDS.sample_bytes))
    return said.filter(pl.col("row").rank("dense") % step == 0) if step > 1 else said


def _marks(said: pl.DataFrame, sample: pl.DataFrame) -> pl.DataFrame:
    """Find rows in which a mark that was learned stands before the row's own label, or before a word for it."""
    found = [_nothing()]
    for mark in _learn(_places(sample), sample):
        found.append(_after(said, mark))
        said = _without(said, found[-1])
    return pl.concat(found)


def _places(sample: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, mark, named``: each label that follows punctuation, and the two or three tokens before it."""
    tokens = (
        sample.select("row", words(sample["content"]).str.extract_all(r"\w+|[^\w\s]+").alias("token"))
        .filter(pl.col("token").list.len() > 0)
        .explode("token")
    )
    start = (
        tokens.with_row_index("at")
        .filter(
            pl.col("token").str.contains(r"^\w")
            & pl.col("token").shift(1).str.contains(_MARK)
            & (pl.col("row") == pl.col("row").shift(1))
        )["at"]
        .cast(pl.Int64)
    )

    def near(offset: int) -> pl.Series:
        """Give the token at an offset from each start; the edge of the text is ``^``."""
        inside = (start + offset >= 0) & (start + offset < len(tokens))
        at = (start + offset).clip(0, max(len(tokens) - 1, 0))
        same = inside & (tokens["row"].gather(at) == tokens["row"].gather(start))
        return tokens["token"].gather(at).zip_with(same, pl.Series(["^"], dtype=pl.String))

    before = pl.DataFrame({"row": tokens["row"].gather(start), "a": near(-3), "b": near(-2), "c": near(-1)})
    labels = sample.select("phrase").unique()
    lengths = labels["phrase"].str.count_matches(" ").unique().sort()
    value, hits = near(0), []
    for length in range(min(int(max(lengths, default=0)), 7) + 1):
        value = value + " " + near(length) if length else value
        if length in lengths:
            hits.append(
                before.with_columns(value.alias("named")).join(labels, left_on="named", right_on="phrase", how="semi")
            )
    marked = pl.concat(hits) if hits else before.with_columns(pl.lit("").alias("named")).clear()
    two, three = pl.concat_list("b", "c"), pl.concat_list("a", "b", "c")
    return pl.concat([marked.select("row", tokens.alias("mark"), "named") for tokens in (two, three)]).unique(
        maintain_order=True  # what is summed over them is compared with thresholds
    )


def _learn(places: pl.DataFrame, sample: pl.DataFrame) -> list[list[str]]:
    """Return the marks after which a row's own label stands far more often than others."""
    rows = sample.select("row", "phrase", "share").unique("row")
    sizes = rows.group_by("phrase").agg(pl.len().alias("rows"))
    named = (
        places.join(rows, on="row")
        .join(sizes, on="phrase")
        .with_columns((pl.col("named") == pl.col("phrase")).alias("own"), pl.len().over("row", "mark").alias("several"))
    )
    marks = (
        named.with_columns(pl.col("mark").list.join(" ").alias("key"))
        .group_by("key")
        .agg(
            pl.col("mark").first(),
            (pl.col("own") / pl.col("several")).sum().alias("credit"),
            (1 / pl.col("several")).sum().alias("rows"),
            pl.col("own").sum(),
            pl.col("phrase").filter("own").n_unique().alias("labels"),
            (pl.when("own").then(1 / pl.col("rows")).sum()).alias("coverage"),
            (pl.when("own").then(-pl.col("share").log()).sum()).alias("surprise"),
        )
    )
    wide = (pl.col("labels") > 1) | (pl.col("coverage") >= THRESHOLDS.coverage)
    announced = pl.col("mark").list.set_intersection(list(ANNOUNCING)).list.len() > 0
    chance = pl.when(announced).then(THRESHOLDS.announced_chance).otherwise(THRESHOLDS.chance)
    sure = (pl.col("credit") >= THRESHOLDS.precision * pl.col("rows")) & (pl.col("surprise") > -chance.log())
    chosen = marks.filter(wide & sure).sort(pl.col("own"), "key", descending=[True, False])
    # The ten most frequent: a set that has more says the same in other words.
    return chosen.head(10)["mark"].to_list()


def _after(said: pl.DataFrame, mark: list[str]) -> pl.DataFrame:
    literal = [part for part in mark if part not in {"^"}]
    head = r"(?i)^[\s_\-]*" if mark[0] == "^" else "(?i)"
    pattern = head + r"[\s_\-]*".join(map(re.escape, literal)) + r"[\s_\-]*"
    hits = said.filter(pl.col("content").str.contains(pattern)).with_columns(
        pl.col("content").str.extract_all(pattern + r"\w[\w\s\-]{0,100}").alias("shown")
    )
    hits = hits.explode("shown").drop_nulls("shown").with_columns(pl.col("shown").str.replace(pattern, ""))
    hits = hits.with_columns(
        (words(hits["shown"]) + " ").alias("value"), fold_all(hits["shown"].str.extract(r"^([\w\-]+)")).alias("code")
    )
    own = hits.filter(pl.col("value").str.starts_with(pl.col("phrase") + " "))
    learned = hits.join(_codebook(hits), on=["code", "phrase"], how="semi", maintain_order="left")
    both = pl.concat([own, learned]).unique("row", keep="first", maintain_order=True)
    shown = quote(" ".join(literal), limit=20)
    note = "The mark {} stands before {} in the input, and {} of {} rows with this mark have their own label there."
    total = hits["row"].n_unique()
    values = shown_all(both["shown"].str.replace_all(r"\s+", " ").str.strip_chars(), 20)
    return both.select(
        "row",
        pl.lit(0.95).alias("score"),
        pl.format(note, pl.lit(shown), values, pl.lit(both.height), pl.lit(total)).alias("note"),
    )


def _codebook(hits: pl.DataFrame) -> pl.DataFrame:
    """Return which value after a mark nearly always stands for which label (``UNCHECKED_LL_CALLS``)."""
    pairs = hits.group_by("code", "phrase").agg(pl.col("row").n_unique().alias("rows"), pl.col("share").first())
    total = pl.col("rows").sum().over("code")
    return pairs.filter(
        (pl.col("rows") >= THRESHOLDS.precision * total) & (pl.col("rows") * pl.col("share").log() < math.log(1e-3))
    )


def _codes(said: pl.DataFrame, sample: pl.DataFrame) -> pl.DataFrame:
    """Find rows that hold their own label spelled as code (two words or more, joined by ``_`` or ``-``)."""
    spelled = sample.select("label", "phrase").unique().filter(pl.col("label").str.contains(r"^\w+(?:[_\-][^\W_]+)+$"))
    spelled = spelled.filter(pl.col("phrase").str.contains(r"^[^\d\W]+ .*[^\d\W]")).sort("label")
    if spelled.height < 2:
        return _nothing()
    named = _spelled(sample, spelled)
    totals = sample.unique("row").group_by("phrase").agg(pl.len().alias("rows"))
    coverage = named.filter("own").group_by("phrase").len().join(totals, on="phrase")
    given = coverage.filter((pl.col("len") >= THRESHOLDS.coverage * pl.col("rows")) & (pl.col("rows") > 1))
    trusted = named.filter(pl.col("named").is_in(given["phrase"].implode()))
    precision = trusted.select((pl.col("own") / pl.col("several")).sum() / (1 / pl.col("several")).sum()).item()
    if given.height < 2 or precision < THRESHOLDS.precision:
        return _nothing()
    own = _spelled(said, spelled).filter("own").unique("row", keep="first", maintain_order=True)
    share = float(given.select(pl.col("len").sum() / pl.col("rows").sum()).item())
    note = f"The input holds its own label spelled as code, {{}}; {share:.0%} of rows of {len(given)} labels do."
    shown = shown_all(own["label"], 30)
    return own.select("row", pl.lit(0.9).alias("score"), pl.format(note, shown).alias("note"))


def _spelled(said: pl.DataFrame, spelled: pl.DataFrame) -> pl.DataFrame:
    """Return one line for each label that a row spells as code: ``named`` (as phrase), ``own``, ``several``."""
    patterns = spelled["label"].to_list()
    some = said.filter(pl.col("content").str.contains_any(patterns, ascii_case_insensitive=True))
    named = (
        some.with_columns(
            pl.col("content").str.extract_many(patterns, ascii_case_insensitive=True, leftmost=True).alias("named")
        )
        .drop("content")
        .explode("named")
        .with_columns(pl.col("named").str.to_lowercase())
    )
    names = {fold(label): phrase for label, phrase in spelled.select("label", "phrase").iter_rows()}
    return (
        named.with_columns(pl.col("named").replace(names))
        .unique(["row", "named"], maintain_order=True)
        .with_columns((pl.col("named") == pl.col("phrase")).alias("own"), pl.len().over("row").alias("several"))
    )
