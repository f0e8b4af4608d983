"""What "the same text" means: the folded form, and keys that compare texts without holding them.

Folding is NFKC, case folding (Unicode 15, section 3.13), zero-width characters dropped, white space collapsed and
stripped. Two texts are *the same* when their folded forms are equal, and *identical* when their characters are.
"""

from __future__ import annotations

import os
import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import polars as pl

_ZERO_WIDTH = re.compile("[\u200b-\u200d\u2060\ufeff]")


def fold(text: str) -> str:
    r"""Return the folded form of one text.

    >>> fold("  Ｓtraße\u200b  A ")
    'strasse a'
    """
    return " ".join(_ZERO_WIDTH.sub("", unicodedata.normalize("NFKC", text).casefold()).split())


_ASCII = r"^[\x00-\x7f]*$"
# Characters on which NFKC and lower case of polars do what NFKC and casefold of Python do: Latin but for sharp s, micro
# sign and n with apostrophe, Cyrillic, Arabic, punctuation, currencies, CJK, kana, Hangul, full width, pictographs.
# tests/curate/test_text.py holds every one of them against `fold`.
_ALIKE = (
    r"^[\x00-\x7f\u00a0-\u00b4\u00b6-\u00de\u00e0-\u0148\u014a-\u017e\u0400-\u04ff\u0600-\u06ff\u2010-\u2027\u2030-\u205e"
    r"\u20a0-\u20bf\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e\U0001f300-\U0001faff]*$"
)


def fold_all(texts: pl.Series) -> pl.Series:
    """Return the folded form of every text, nulls kept; equal to ``fold`` text by text."""
    ascii_only = texts.str.contains(_ASCII).fill_null(value=True)
    if ascii_only.all():
        return _fold_ascii(texts)
    # Python folds 11 MB a second, polars 27; only texts with rare characters have to go through Python, since polars
    # has no case folding (lower case differs: final sigma, sharp s, Cherokee ...).
    alike = ~ascii_only & texts.str.contains(_ALIKE).fill_null(value=False)
    rare = ~(ascii_only | alike)
    folded = [
        _fold_ascii(texts.filter(ascii_only)),
        _fold_ascii(texts.filter(alike).str.normalize("NFKC")),
        pl.Series(texts.name, [fold(text) for text in texts.filter(rare)], dtype=pl.String),
    ]
    index = pl.int_range(len(texts), dtype=pl.UInt32, eager=True)
    order = pl.concat([index.filter(kind) for kind in (ascii_only, alike, rare)]).arg_sort()
    return pl.concat(folded).gather(order)


def _fold_ascii(texts: pl.Series) -> pl.Series:
    # A lone space is no match, which is why this takes a third of the time of `[ \t\n\r]+`; the ranges are str.split's.
    return texts.str.to_lowercase().str.replace_all(r"[ \t-\r\x1c-\x1f]{2,}|[\t-\r\x1c-\x1f]", " ").str.strip_chars(" ")


def turns(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one line a message: ``row`` (u32, position in ``rows``), ``turn`` (u32), ``is_target``, and the message.

    The target is the last message when the assistant speaks it. The strings are shared with ``rows``, not copied.

    Returns:
        Columns ``row, turn, is_target, role, content, tool_calls, tool_call_id, extra``, in row and turn order.
    """
    flat = (
        rows.select("messages")
        .with_row_index("row")
        .filter(pl.col("messages").list.len() > 0)
        .explode("messages")
        .unnest("messages")
    )
    last = pl.col("row") != pl.col("row").shift(-1)
    return flat.select(
        "row",
        pl.int_range(pl.len(), dtype=pl.UInt32).over("row").alias("turn"),
        (last.fill_null(value=True) & (pl.col("role") == "assistant")).alias("is_target"),
        pl.exclude("row"),
    )


_CHUNK = 25_000  # rows folded at a time: bounds the second copy of the text that folding makes


def keys(rows: pl.DataFrame) -> pl.DataFrame:
    """Return 64-bit keys of what each row asks and answers, aligned with ``rows``.

    Two rows with the same key have the same text (two different texts among a million collide with a chance of 3 in
    10^8). Keys are made by polars' hash: compare them within one process, never store them. The tools on offer are
    not part of them: a conversation repeated under reworded tool schemas is still the same conversation.

    Returns:
        ``input, target`` (identical text), ``input_folded, target_folded`` (same text): u64, null where the row has
        no input or no target; ``input_empty``: the input has no visible character.
    """
    starts = range(0, max(len(rows), 1), _CHUNK)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return pl.concat(pool.map(lambda start: _keys(rows.slice(start, _CHUNK)), starts))


def _keys(rows: pl.DataFrame) -> pl.DataFrame:
    flat = turns(rows).with_columns(pl.col("content").fill_null("").alias("content"))
    flat = flat.with_columns(fold_all(flat["content"]).alias("folded"))

    def key(*columns: str) -> pl.Expr:
        # The sum of position-salted hashes is order-aware and needs no list; u64 sums wrap.
        return pl.struct(*columns, "tool_calls", "role", "turn").hash(seed=7)

    flat = flat.with_columns(
        key("content").alias("key"), key("folded").alias("key_folded"), (pl.col("folded") != "").alias("visible")
    )
    asked, answered = ~pl.col("is_target"), pl.col("is_target")
    grouped = flat.group_by("row").agg(
        pl.col("key").filter(asked).sum().alias("input"),
        pl.col("key_folded").filter(asked).sum().alias("input_folded"),
        (asked & pl.col("visible") & (pl.col("role") != "system")).any().alias("visible"),
        pl.col("content").filter(answered).first().alias("content"),
        pl.col("folded").filter(answered).first().alias("folded"),
        pl.col("tool_calls").filter(answered).first(),
        asked.any().alias("asked"),
    )
    lined = (
        pl.select(pl.int_range(len(rows), dtype=pl.UInt32).alias("row"))
        .join(grouped, on="row", how="left", maintain_order="left")
        .with_columns(rows["label"], rows["rejected"])
        .with_columns(
            fold_all(rows["label"]).alias("label_folded"),
            fold_all(rows["rejected"]).alias("rejected_folded"),
        )
    )
    answer = pl.any_horizontal(pl.col("content", "tool_calls", "label", "rejected").is_not_null())
    asked_key = pl.col("asked").fill_null(value=False)
    return lined.select(
        pl.when(asked_key).then("input").alias("input"),
        pl.when(asked_key).then("input_folded").alias("input_folded"),
        pl.when(answer).then(pl.struct("content", "tool_calls", "label", "rejected").hash(seed=9)).alias("target"),
        pl.when(answer)
        .then(pl.struct("folded", "tool_calls", "label_folded", "rejected_folded").hash(seed=9))
        .alias("target_folded"),
        (~pl.col("visible").fill_null(value=False)).alias("input_empty"),
    )
