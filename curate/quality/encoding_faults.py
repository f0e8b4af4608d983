"""Characters that no author typed: what a wrong decoder, a scraper or a copy from a page left in a text."""

from __future__ import annotations

import html
import json
import re

import polars as pl

from ..findings import empty, report

_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}]"
# U+FFFD, and its own three bytes read as GBK, the best known mojibake of Chinese text.
_REPLACED = r"\x{fffd}|锟斤拷"
_ZERO_WIDTH = r"[\x{200b}-\x{200d}\x{2060}\x{feff}]"
# A joiner belongs where the letter before it is of a script that joins (Arabic and Persian, Syriac, N'Ko, Mongolian,
# the Indic ones, Khmer, Myanmar, Tibetan) or where it binds emoji together.
_JOINING = (
    r"\p{Arabic}\p{Syriac}\p{Nko}\p{Mongolian}\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}"
    r"\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}\p{Khmer}\p{Myanmar}\p{Tibetan}\p{Inherited}"
)
_JOINER = (
    rf"[{_JOINING}][\x{{200c}}\x{{200d}}]|[\p{{Extended_Pictographic}}\x{{fe0f}}\x{{1f3fb}}-\x{{1f3ff}}]\x{{200d}}"
)
_ENTITY = (
    r"&(?:amp|lt|gt|quot|apos|nbsp|copy|reg|trade|hellip|[mn]dash|[lr][sd]quo|[lr]aquo|bull|middot|deg|times|euro|pound|"
    r"[aeiouAEIOU](?:acute|grave|circ|uml)|[nN]tilde|[cC]cedil|szlig|#[0-9]{2,6}|#[xX][0-9a-fA-F]{2,5});"
)
# One-letter tags only where they close or carry attributes: `<b>` alone is as often a type or a variable.
_TAG = (
    r"</?(?:br|p|div|span|strong|em|ul|ol|li|table|tbody|tr|td|th|h[1-6]|img|font|center|hr|blockquote|iframe)"
    r"(?:\s[^<>\n]{0,300})?/?>|</[abiu]>|<a\s+href=[^<>\n]{0,300}>"
)
_ABOUT_MARKUP = (
    r"```|(?i:(?-u:\b)(?:x?html5?|xml|css|svg|jsx|markup|markdown|javascript|typescript|php|tags?|web ?page|website|"
    r"webpack|react|angular|vue|selector|entity|entities)(?-u:\b))|(?i:<!doctype|<html|<\?php|<script)|网页|标签|代码"
)

KINDS = {
    "mojibake": (1.0, "text decoded as another encoding", ""),
    "replaced": (0.8, "replacement character", "replacement characters"),
    "control": (0.6, "control character", "control characters"),
    "entity": (0.5, "HTML entity", "HTML entities"),
    "tag": (0.4, "HTML tag", "HTML tags"),
    "zero_width": (0.3, "zero-width character", "zero-width characters"),
}
"""Kind of fault: the score of a row that holds it, and what one and several are called. The gravest first."""


def _structure(encoding: str) -> str:
    """Return a pattern of UTF-8's byte structure as it looks when the bytes are decoded as ``encoding``.

    A lead byte says how many continuation bytes follow, so two, three and four of them in a row are rare in true text.
    """

    def characters(first: int, last: int) -> str:
        decoded = (bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in range(first, last + 1))
        return "[" + "".join(f"\\x{{{ord(character):x}}}" for character in decoded) + "]"

    rest = characters(0x80, 0xBF)
    pairs, triples, fours = characters(0xC2, 0xDF), characters(0xE0, 0xEF), characters(0xF0, 0xF4)
    return f"{pairs}{rest}|{triples}{rest}{{2}}|{fours}{rest}{{3}}"


# Long runs of Latin-1's upper half catch East Asian encodings read as Latin-1, which have no such structure.
_MOJIBAKE = "|".join(
    [*map(_structure, ("cp1252", "cp1250", "cp1251", "cp1253", "mac_roman", "cp437")), r"[\x{a1}-\x{ff}]{6}"]
)
# One scan for all: 0.7 CPU s on 228 MB, a third of what a scan for each kind takes.
_ANY = "|".join((_CONTROL, _REPLACED, _ZERO_WIDTH, _ENTITY, _TAG, _MOJIBAKE))


def find_encoding(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Find mojibake, replacement, control and stray zero-width characters, and left-over HTML entities and tags.

    Mojibake is what ftfy (Speer 2019) both counts as bad and can decode to something better. Joiners between letters of
    joining scripts and between emoji are spelling, not faults. Entities and tags are let be in rows about markup.

    Returns:
        Findings of ``quality.encoding``; ``value`` is the row's messages as a JSON array (what an edit takes) with the
        mended text, where a single message is at fault and can be mended whole.
    """
    texts = _texts(rows, turns)
    hit = texts.filter(pl.col("content").str.contains(_ANY))
    if hit.is_empty():
        return empty()
    markup = texts.filter(pl.col("row").is_in(hit["row"].unique().implode()))
    markup = markup.filter(pl.col("content").str.contains(_ABOUT_MARKUP))["row"].unique()
    left_over = ~pl.col("row").is_in(markup.implode())
    counted = hit.with_columns(
        _mojibake(hit["content"]),
        pl.col("content").str.count_matches(_REPLACED).alias("replaced"),
        pl.col("content").str.count_matches(_CONTROL).alias("control"),
        pl.when(left_over).then(pl.col("content").str.count_matches(_ENTITY)).otherwise(0).alias("entity"),
        pl.when(left_over).then(pl.col("content").str.count_matches(_TAG)).otherwise(0).alias("tag"),
        _stray_zero_width().alias("zero_width"),
    ).filter(pl.sum_horizontal(*KINDS) > 0)
    found = counted.group_by("row", maintain_order=True).agg(
        pl.col(*KINDS).sum(), pl.len().alias("messages"), pl.col("turn", "content").first()
    )
    value = _as_edit(rows, found, _mended(found))
    return report(
        found.select(
            rows["id"].gather(found["row"]),
            pl.max_horizontal(pl.when(pl.col(name) > 0).then(kind[0]) for name, kind in KINDS.items()).alias("score"),
            pl.format("Holds {}.", pl.concat_str(map(_said, KINDS), separator=", ", ignore_nulls=True)).alias("note"),
            value.alias("value"),
            pl.Series("suggest", ["review" if text is None else "edit" for text in value], dtype=pl.String),
        ),
        "quality.encoding",
    )


def _as_edit(rows: pl.DataFrame, found: pl.DataFrame, mended: pl.Series) -> pl.Series:
    """Return the messages of each row with the mended text in its place, as JSON; null where nothing was mended."""
    messages = rows["messages"].gather(found["row"].filter(mended.is_not_null())).to_list()
    turns = found["turn"].filter(mended.is_not_null()).to_list()
    edits = []
    for said, turn, text in zip(messages, turns, mended.drop_nulls(), strict=True):
        said[turn]["content"] = text
        plain = [{name: value for name, value in message.items() if value is not None} for message in said]
        edits.append(json.dumps(plain, ensure_ascii=False))
    whole = pl.Series("value", [None] * len(mended), dtype=pl.String)
    return whole.scatter(mended.is_not_null().arg_true(), pl.Series(edits, dtype=pl.String))


def zero_width_rows(rows: pl.DataFrame, turns: pl.DataFrame) -> dict[str, int]:
    r"""Count the rows that hold a zero-width character: all, those found as a fault, those where it is spelling alone.

    >>> from vetset.curate import dataset, text
    >>> rows = dataset.frame([{"messages": "می\u200cخواهم"}, {"messages": "a\u200bb"}, {"messages": "ab"}])
    >>> zero_width_rows(rows, text.turns(rows))
    {'rows': 2, 'faults': 1, 'spelling': 1}
    """
    hit = _texts(rows, turns).filter(pl.col("content").str.contains(_ZERO_WIDTH))
    faults = hit.filter(_stray_zero_width() > 0)["row"].n_unique()
    return {"rows": hit["row"].n_unique(), "faults": faults, "spelling": hit["row"].n_unique() - faults}


def _texts(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, turn, content`` of every message, and of the rejected replies without a turn, in row order."""
    rejected = rows.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
        pl.lit(None, dtype=pl.UInt32).alias("turn"),
        pl.col("rejected").alias("content"),
    ).drop_nulls("content")
    said = turns.select("row", "turn", "content")
    return pl.concat([said, rejected]).sort("row", maintain_order=True) if len(rejected) else said


def _stray_zero_width() -> pl.Expr:
    text = pl.col("content").str
    return text.count_matches(_ZERO_WIDTH) - text.count_matches(_JOINER)


def _mojibake(texts: pl.Series) -> pl.Series:
    """Return 1 for each text that is mojibake, else 0. Python, but only on texts with the structure of it."""
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    suspects = texts.str.contains(_MOJIBAKE)
    return pl.Series(
        "mojibake",
        [
            int(suspect and is_bad(text) and fix_encoding(text) != text)
            for suspect, text in zip(suspects, texts, strict=True)
        ],
        dtype=pl.UInt32,
    )


def _said(name: str) -> pl.Expr:
    count, (_, one, several) = pl.col(name), KINDS[name]
    if not several:
        return pl.when(count > 0).then(pl.lit(one))
    words = pl.when(count > 1).then(pl.lit(several)).otherwise(pl.lit(one))
    return pl.when(count > 0).then(pl.format("{} {}", count, words))


# A bell, backspace, vertical tab or form feed is most often the rest of an escape: what is left of LaTeX's \frac.
_ESCAPED = r"[\x07\x08\x0b\x0c]"
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
_LATIN_RUN = re.compile("[\xa1-\xff]{4}")
_WHITE = {"\t", "\n", "\r"}


def _mended(found: pl.DataFrame) -> pl.Series:
    """Return each text without its faults; null where two messages are at fault or what stood there is unknown."""
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    def mend(text: str, mojibake: int, entities: int, controls: int) -> str | None:
        text = fix_encoding(text) if mojibake else text
        if mojibake and (is_bad(text) or _LATIN_RUN.search(text)):
            return None  # mended in part: an encoding that ftfy does not know, such as GBK read as Latin-1
        text = html.unescape(text) if entities else text
        return _CONTROLS.sub(lambda match: match[0] if match[0] in _WHITE else "", text) if controls else text

    clear = (found["messages"] == 1) & found["turn"].is_not_null() & (found["replaced"] == 0) & (found["tag"] == 0)
    clear &= ~found["content"].str.contains(_ESCAPED)
    faults = found.select("content", "mojibake", "entity", "control").rows()
    better = [mend(*one) if known else None for one, known in zip(faults, clear, strict=True)]
    # A joiner that is spelling is matched together with the letter before it, and put back.
    return pl.Series("value", better, dtype=pl.String).str.replace_all(f"({_JOINER})|{_ZERO_WIDTH}", "${1}")
