"""Answers that give the prompt back: all of it, or a long part of it, where neither the request nor the set asks for that."""

from __future__ import annotations

import polars as pl

from .. import text
from ..findings import empty, report
from ..leakage.quoting import shown

_LEAST = 40  # characters that are copied; less is a name or a label
_LONG = 200  # characters of an answer that stands whole inside of its prompt
_USUAL = 0.02  # a larger share of the set does it: extraction, tagging, proofreading
_HEAD = 60  # characters by which a cheap look tells that nothing was copied
# Who gives the whole prompt back, request and all, was asked for just that, or by the system prompt.
_VERBATIM = (
    r"(?i)\b(?:repeat|copy|echo|verbatim|word for word|say after me|what i (?:say|said|wrote))\b|重复|复述|复制|原样"
)
# Asked to give it back: mended, tagged, translated, cut, quoted, filled in, named.
_ASKED = (
    r"(?i)\b(?:repeat|copy|echo|quote|proofread|rewrite|re-?write|rephrase|paraphrase|correct|fix|edit|format|reformat|convert|"
    r"translat\w*|transcri\w*|extract|identif\w*|find|highlight|underline|classif\w*|tag|label|punctuat\w*|capitali[sz]\w*|"
    r"complete|continue|fill|insert|add|remove|delete|replace|reorder|re-?arrange|sort|order|reverse|merge|combine|join|"
    r"separate|split|select|choose|pick|which|grammar\w*|spell\w*|typos?|improve|revise|polish|shorten|summar\w*|change|"
    r"modify|adjust|transform|turn|make|restate|parse|list|output|answer with|from the (?:text|passage|article|context)|"
    r"debug|refactor|code|given the (?:text|passage|context)|concatenat\w*|expand|annotate|update)\b|"
    r"重复|复制|引用|校对|改写|重写|改述|转述|纠正|修正|修改|修复|编辑|格式|转换|翻译|译|提取|识别|找出|标出|标记|分类|补充|续写|"
    r"填|插入|添加|加上|删除|替换|排序|重新|排列|反转|合并|组合|拆分|选择|挑选|哪|语法|拼写|润色|缩短|总结|概括|摘要|变成|改为|改成|调试|代码"
)


def find_copy(rows: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Find targets that are their prompt again, hold all of it, or are a long part of it, word for word.

    Texts are compared as ``text.fold`` does. Nothing is said where the request asks for the text back (rewrite, correct,
    extract, translate, continue, code), nor of a kind that more than 2% of the set have: then it is the task.

    Args:
        rows: the rows.
        said: ``exchanges(turns)``.

    Returns:
        Findings of ``outputs.copy``.
    """
    # Cheap looks first, on the strings as they are: most rows share no run of 60 characters, and nothing is folded.
    asked, last, answer = (pl.col(name).str.strip_chars() for name in ("asked", "last", "answer"))
    long_enough = (last.str.len_chars() >= _LEAST) & (answer.str.len_chars() >= _LEAST)
    head = last.str.head(_HEAD).str.to_lowercase()
    near = answer.str.to_lowercase().str.contains(head, literal=True) | asked.str.contains(
        answer.str.slice(0, _HEAD), literal=True
    )
    hit = said.filter(long_enough).filter(near.fill_null(value=False))
    if hit.is_empty():
        return empty()
    folded = hit.with_columns(text.fold_all(hit[name]).alias(name) for name in ("asked", "last", "answer")).with_columns(
        requested=hit["last"].str.contains(_ASKED) | hit["system"].str.contains(_ASKED),
        verbatim=hit["last"].str.contains(_VERBATIM) | hit["system"].str.contains(_ASKED),
        prompt=hit["last"], reply=hit["answer"],
    )  # fmt: skip
    whole = pl.col("answer") == pl.col("last")
    holds = pl.col("answer").str.contains(pl.col("last"), literal=True) & ~whole
    part = (
        pl.col("asked").str.contains(pl.col("answer"), literal=True)
        & (pl.col("answer").str.len_chars() >= _LONG)
        & ~whole
    )
    kinds = folded.with_columns(
        kind=pl.when(whole).then(pl.lit("whole")).when(holds).then(pl.lit("holds")).when(part).then(pl.lit("part"))
    ).filter(pl.col("kind").is_not_null())
    usual = kinds.group_by("kind").agg(share=pl.len() / max(said.height, 1), of=pl.len())
    kinds = kinds.join(usual, on="kind", how="left", maintain_order="left")
    meant = pl.when(pl.col("kind") == "part").then("requested").otherwise("verbatim")
    found = kinds.filter(~meant & ((pl.col("share") <= _USUAL) | (pl.col("of") < 3)))
    if found.is_empty():
        return empty()
    begins = pl.col("answer").str.starts_with(pl.col("last"))
    size, told = pl.col("last").str.len_chars(), pl.col("answer").str.len_chars()
    note = (
        pl.when(pl.col("kind") == "whole")
        .then(pl.format("The target is the prompt again, word for word: {}.", "shown"))
        .when(pl.col("kind") == "part")
        .then(pl.format("The target is {} characters of the prompt, word for word: {}.", told, "shown"))
        .when(begins)
        .then(pl.format("The target says the whole prompt ({} characters) again before it answers: {}.", size, "shown"))
        .otherwise(pl.format("The whole prompt ({} characters) stands inside of the target: {}.", size, "shown"))
    )  # fmt: skip
    found = found.with_columns(
        pl.Series("shown", [shown(reply) for reply in found["reply"].str.head(2_000)], dtype=pl.String)
    )
    score = pl.col("kind").replace_strict({"whole": 1.0, "part": 0.7, "holds": 0.6}, return_dtype=pl.Float64)
    return report(
        found.select(
            rows["id"].gather(found["row"]),
            score.alias("score"),
            note.alias("note"),
            pl.when(pl.col("kind") == "whole").then(pl.lit("drop")).otherwise(pl.lit("review")).alias("suggest"),
        ),
        "outputs.copy",
    )
