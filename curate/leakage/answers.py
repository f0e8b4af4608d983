"""The answer in the question: a label, or a mark that stands for it, that a model can read off its input.

A label's words often stand in a text for good reasons (a question about an age limit is labelled ``age_limit``), so
words alone prove nothing. Three things do:

* the input *ends* with the answer after a word that announces one (``label: refund``, ``#### 18``);
* the same two or three tokens, one of them punctuation, come before the row's own label over and over
  (``<report> REENTRANCY``), far more often than before other labels;
* a label is spelled as code (``access_control``), and whoever writes it so is labelled so.

The last two are learned from a sample and reported only where they hold across the set; see ``marks``.
"""

from __future__ import annotations

import polars as pl

from ..clusters import ids
from ..findings import empty, report
from .marks import ANNOUNCING, THRESHOLDS, find_marks, words
from .quoting import shown_all
from .telltale import find_columns

_ANNOUNCED = rf"(?:^|\W)(?:{'|'.join(ANNOUNCING)})[\"'*]*\s?[:=：＝][\"'*]*"
_ENDING = rf"(?i)(?:{_ANNOUNCED}|(?:^|\s)#{{4}})\s?[\"'(\[*]*([^\s\"'(\[*].*?)[\"')\]*.。\s]*$"


def find_answer(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Find rows whose input, or a column beside it, gives the label away.

    System turns are passed over: they often list every label. See the module for what counts, ``telltale`` for columns.

    Args:
        rows: the rows.
        turns: ``text.turns(rows)``.
    """
    asked = turns.filter(~pl.col("is_target") & (pl.col("role") != "system") & pl.col("content").is_not_null()).select(
        "row", "content"
    )
    labelled = _labelled(rows)
    said = asked.join(labelled, on="row", how="inner", maintain_order="left")
    reasons = [_endings(said, labelled), _copied_endings(turns, asked), find_marks(said), find_columns(rows)]
    found = pl.concat([reason.select("row", "score", "note") for reason in reasons])
    if found.is_empty():
        return empty()
    # One finding a row: a row that shows its label in two ways says both.
    found = (
        found.group_by("row")
        .agg(pl.col("score").max(), pl.col("note").unique(maintain_order=True).str.join(" "))
        .sort("row")
    )
    return report(
        found.select(ids(rows, found["row"]).alias("id"), "score", "note", pl.lit("review").alias("suggest")),
        "leakage.answer",
    )


def _labelled(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, label, phrase, share`` of rows that have a label and no reply.

    ``phrase`` is the label in words, ``share`` how many of these rows have it. A label beside a reply (KTO) judges the
    reply and is no answer.
    """
    reply = pl.col("messages").list.last().struct.field("role").eq_missing(pl.lit("assistant"))
    labelled = rows.with_row_index("row").filter(pl.col("label").is_not_null() & ~reply).select("row", "label")
    phrases = labelled.select("label").unique()
    phrases = phrases.with_columns(words(phrases["label"]).alias("phrase")).filter(pl.col("phrase") != "")
    return labelled.join(phrases, on="label", maintain_order="left").with_columns(
        (pl.len().over("phrase") / pl.len()).alias("share")
    )


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema={"row": pl.UInt32, "score": pl.Float64, "note": pl.String})


def _values_at_the_end(asked: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, shown, value`` of rows whose last line announces an answer."""
    # 200 characters hold any label; a longer last line is prose.
    tails = (
        asked.group_by("row", maintain_order=True)
        .last()
        .select("row", pl.col("content").str.tail(200).str.strip_chars())
    )
    lines = tails.select("row", pl.col("content").str.extract(r"([^\n]*)$").alias("line"))
    # The five literals go first: they settle nine rows in ten at a tenth of the cost of the pattern.
    lines = lines.filter(pl.col("line").str.contains_any([":", "=", "：", "＝", "####"]))
    shown = lines.select("row", pl.col("line").str.extract(_ENDING).alias("shown")).drop_nulls()
    return shown.with_columns(words(shown["shown"]).alias("value"))


def _endings(said: pl.DataFrame, labelled: pl.DataFrame) -> pl.DataFrame:
    values = _values_at_the_end(said.select("row", "content"))
    known = values.join(labelled.select(value="phrase").unique(), on="value", how="semi").join(
        labelled, on="row", maintain_order="left"
    )
    own = known.filter(pl.col("value") == pl.col("phrase"))
    if own.is_empty() or own.height < THRESHOLDS.precision * known.height:
        return _nothing()
    return _noted(own, "The input ends with its own label, {}.")


def _copied_endings(turns: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Find generative rows whose prompt ends with the final answer of the reply."""
    values = _values_at_the_end(asked)
    replies = (
        turns.filter(pl.col("is_target"))
        .select("row", "content")
        .join(values, on="row", how="inner", maintain_order="left")
    )
    if replies.is_empty():
        return _nothing()
    final = replies["content"].fill_null("").str.extract(r"(?s)(?:.*####)?(.*)$")
    replies = replies.with_columns(words(final.str.head(300)).alias("final"))
    own = replies.filter(pl.col("value") == pl.col("final"))
    # A prompt may end with somebody's answer for the model to judge; then few replies repeat it.
    if own.is_empty() or own.height < 0.5 * replies.height:
        return _nothing()
    return _noted(own, "The prompt ends with the answer of its own reply, {}.")


def _noted(own: pl.DataFrame, sentence: str) -> pl.DataFrame:
    shown = shown_all(own["shown"], 30)
    return own.select("row", pl.lit(1.0).alias("score"), pl.format(sentence, shown).alias("note"))
