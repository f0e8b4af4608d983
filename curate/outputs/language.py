"""Answers in another language or script than their question, where the set answers in the question's."""

from __future__ import annotations

import polars as pl

from ..findings import empty, report
from .tongues import SCRIPTS, tongues

_LEAST, _LEAST_ANSWER = 20, 40  # characters of question and answer; Han counts double
_SAMPLED = 2_000  # rows, those of the first ids, which are hashes
_HABIT = 0.9  # of the rows whose two languages are known that answer in the question's
_ENOUGH = 20  # such rows
_TRANSLATION = (
    r"(?i)\b(?:translat\w*|traduc\w*|traduis\w*|tradu[çz]\w*|übersetz\w*)\b|翻|译|譯|перев[её]д|翻訳|번역|ترجم"
)
_ABOUT_LANGUAGES = (
    r"(?i)\b(?:translat\w*|languages?|multilingual|bilingual|transliterat\w*|spanish|french|german|italian|portuguese|dutch|"
    r"polish|russian|ukrainian|chinese|mandarin|cantonese|japanese|korean|arabic|hebrew|hindi|bengali|tamil|urdu|persian|farsi|"
    r"turkish|greek|latin|swedish|danish|norwegian|finnish|czech|hungarian|romanian|indonesian|malay|vietnamese|thai|swahili|"
    r"english|español|français|deutsch|italiano|português|traduc\w*|traduis\w*|tradu[çz]\w*|übersetz\w*|haiku|pinyin|kanji|"
    r"emoji|program|code|sql|html|regex|lyrics|name of the (?:language|song))\b|"
    r"[翻]译|译成|译为|翻譯|英文|英语|中文|汉语|法语|德语|日语|韩语|俄语|西班牙语|拉丁|语言|双语|外语|单词|代码|编程|歌词|перев[её]д|перевес?ти|язык|"
    r"翻訳|英語|日本語|言語|번역|영어|한국어|ترجم|اللغة"
)


def find_language(rows: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Find targets in another language than their input, where at least 90% of the set answer in the input's.

    Scripts are told by Unicode blocks, languages of the Latin script by stop words (``outputs.tongues``); what does not tell
    is passed over. So are rows about languages or translation, code, and inputs that hold the answer's script themselves.

    Args:
        rows: the rows.
        said: ``exchanges(turns)``.

    Returns:
        Findings of ``outputs.language``; score 0.9 for another script, 0.7 for another language of one script.
    """
    if said.height < _ENOUGH:
        return empty()
    known = said.with_columns(asked_in=tongues(said["last"]), told_in=tongues(said["answer"]))
    # A text of Latin letters whose language doesn't tell is in another script than Chinese, and says nothing beside French.
    vague = pl.any_horizontal(pl.col("asked_in", "told_in") == "Latin") & pl.all_horizontal(
        pl.col("asked_in", "told_in").is_in(_ONE_SCRIPT)
    )
    both = known.filter(pl.col("asked_in").is_not_null() & pl.col("told_in").is_not_null()).with_columns(
        same=vague | (pl.col("asked_in") == pl.col("told_in"))
    )
    same = int(both["same"].sum())
    if both.height < _ENOUGH or same < _HABIT * both.height:
        return empty()
    # Names and titles may make most letters of a Chinese answer Latin ones.
    odd = _unasked(both.filter(~pl.col("same") & (pl.col("told_in") != "Latin")), _about(rows, said))
    if odd.is_empty():
        return empty()
    same_script = pl.all_horizontal(pl.col("asked_in", "told_in").is_in(_ONE_SCRIPT))
    return report(
        odd.select(
            rows["id"].gather(odd["row"]),
            pl.when(same_script).then(0.7).otherwise(0.9).alias("score"),
            pl.format(
                "Asked in {}, answered in {}; {} of the set's rows are answered in the language of the question.",
                _name("asked_in"), _name("told_in"), pl.lit(f"{same / both.height:.1%}"),
            ).alias("note"),
            pl.lit("review").alias("suggest"),
        ),
        "outputs.language",
    )  # fmt: skip


def _unasked(odd: pl.DataFrame, about: str) -> pl.DataFrame:
    """Leave those in which nothing asks for the answer's language, and which are long enough to tell."""
    size = {
        name: pl.col(name).str.len_chars() * pl.when(pl.col(kind).is_in(["Han", "Japanese"])).then(2).otherwise(1)
        for name, kind in (("last", "asked_in"), ("answer", "told_in"))
    }
    odd = odd.filter(
        (size["last"] >= _LEAST)
        & (size["answer"] >= _LEAST_ANSWER)
        & ~pl.any_horizontal(pl.col("asked", "system").str.contains(about))
        & ~pl.col("answer").str.contains(r"```|\{\s*\"")
    )
    if odd.is_empty():
        return odd
    # A question in two languages may be answered in either: the rest of what was asked is looked at, and its end.
    others = [tongues(odd["asked"]), tongues(odd["last"].str.tail(200))]
    elsewhere = [(tongue != odd["told_in"]).fill_null(value=True) for tongue in others]
    return odd.filter(elsewhere[0] & elsewhere[1]).filter(~_holds_some())


def _about(rows: pl.DataFrame, said: pl.DataFrame) -> str:
    """What tells that a row is about languages; where a third of the set speaks of them, only translation does."""
    some = said[rows["id"].gather(said["row"]).arg_sort().head(_SAMPLED)]
    wide = some.select(pl.any_horizontal(pl.col("asked", "system").str.contains(_ABOUT_LANGUAGES)).sum()).item()
    return _ABOUT_LANGUAGES if wide <= len(some) / 3 else _TRANSLATION


def _holds_some() -> pl.Expr:
    """Whether the question holds words of the answer's script: what it asks about may be in that language."""
    scripts = [
        pl.when(pl.col("told_in") == name).then(pl.col("asked").str.contains(pattern))
        for name, pattern in SCRIPTS.items()
    ]
    other_script = ~pl.col("asked_in").is_in(_ONE_SCRIPT)
    latin = other_script & pl.col("asked").str.contains(r"\p{Latin}{2,}.*\p{Latin}{2,}|\p{Latin}{7,}")
    return pl.coalesce(*scripts, latin)


_ONE_SCRIPT = [
    "English", "German", "French", "Spanish", "Portuguese", "Italian", "Dutch", "Polish", "Turkish", "Indonesian", "Vietnamese",
    "Swedish", "Latin",
]  # fmt: skip


def _name(column: str) -> pl.Expr:
    written = pl.concat_str(pl.col(column).replace({"Han": "Chinese"}), pl.lit(" script"))
    return pl.when(pl.col(column).is_in([*_ONE_SCRIPT[:-1], "Japanese"])).then(pl.col(column)).otherwise(written)
