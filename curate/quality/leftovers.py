"""What a template, a chat format or the teacher model left behind in a text: placeholders, markers, stock refusals.

Precision goes first: a placeholder in a row about code, markup, formulas or templates is most likely meant, so such
rows are held against the patterns of chat formats and stock phrases only.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from ..errors import quote
from ..findings import empty, report
from .stock_phrases import OF_ITSELF, REFUSALS, any_of

# A placeholder starts a word: `f(x){name}`, `^{abc}` and `${name}` are formulas and code.
_START = r"(?:^|[\s\"'“‘(（,，:：;；>*_\p{Han}])"
_SLOT_NAMES = (
    "name|names|user|username|customer|client|company|date|time|email|phone|address|city|country|product|topic|subject|"
    "title|text|input|output|question|answer|context|prompt|response|instruction|query|language|url|link|number|amount"
)


class Leftover(NamedTuple):
    """One kind of leftover; its pattern captures what the note shows."""

    kind: str
    pattern: str
    score: float
    suggest: str
    target_only: bool = False
    meant_in_code: bool = False


def _fast(pattern: str) -> str:
    """Return the pattern with ASCII word boundaries.

    At a Unicode one, Rust's regex leaves its fast automaton on the first character past ASCII: 70 times slower on
    200,000 chats, half of them Chinese.
    """
    return pattern.replace(r"\b", r"(?-u:\b)")


_MARKERS = (
    r"<\|[a-zA-Z_]{2,40}(?:_\d{1,3})?\|>|<｜[^｜<>\n]{2,40}｜>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|"
    r"(?m:^)### ?(?:Instruction|Response|Human|Assistant|User):|(?m:^)Below is an instruction that describes a task"
)
_BRACES = (
    r"\{\{ ?[\p{L}_][\p{L}\p{N}_ .\-]{0,40}\}\}|\{(?:[a-z]{2,}(?:_[a-z0-9]{2,})+|[A-Z]{2,}(?:_[A-Z0-9]+)*)\}|"
    rf"\{{(?i:{_SLOT_NAMES})\}}|"
    r"<(?:YOUR|INSERT|ENTER|MY)[_ \-][A-Z_ \-]{2,40}>|<(?i:your|insert|enter)[_ \-][A-Za-z_ \-]{2,40}>"
)
_BRACKETS = (
    r"\[(?i:insert|your|add your|enter your|specify|fill in|recipient|sender)(?:['’]s)?[ _\-]"
    r"[^\[\]\n]{2,60}\]|"
    r"\[(?i:name|date|company|company name|address|phone number|email address|city|state|hiring manager)\]|"
    r"\[(?:插入|请输入|你的|您的|姓名|名字|日期|公司名称|公司名)[^\[\]\n]{0,20}\]"
)

LEFTOVERS = (
    Leftover("a chat format's marker", f"({_MARKERS})", 0.9, "edit"),
    Leftover(
        "a tokenizer's special token",
        r"(</s>|<(?:unk|pad|bos|eos)>|\[(?:PAD|UNK|CLS|EOS|BOS)\])",
        0.8,
        "edit",
        meant_in_code=True,
    ),
    Leftover(
        "a dangling marker at its end",
        r"(\n\s*(?:#{2,6}|(?:Human|User|Assistant|Q|A):)\s*)$",
        0.8,
        "edit",
        target_only=True,
    ),
    Leftover("filler text", r"((?i:lorem ipsum dolor))", 0.9, "drop", meant_in_code=True),
    Leftover("a placeholder", f"{_START}({_BRACES})", 0.6, "review", meant_in_code=True),
    # In an input, brackets of this kind mostly show the form that the answer should have.
    Leftover("a placeholder", f"({_BRACKETS})", 0.6, "review", target_only=True, meant_in_code=True),
    Leftover("a placeholder", r"(?:^|\s)(%s)(?:[\s.,!?]|$)", 0.6, "review", meant_in_code=True),
    Leftover(
        "a note to self",
        r"(\b(?:TODO|FIXME|TBD)\s?:|[\[<(](?:TODO|FIXME|TBD|TBC)[\]>)])",
        0.4,
        "review",
        meant_in_code=True,
    ),
    Leftover("masked text", r"(\bX{4,}\b|\bx{6,}\b)", 0.3, "review", meant_in_code=True),
    Leftover(
        "a phrase in which a model speaks of itself",
        f"({any_of(OF_ITSELF)})",
        0.7,
        "review",
        target_only=True,
    ),
    Leftover("a stock refusal", rf"^\s*({any_of(REFUSALS)})", 0.5, "review", target_only=True),
)
"""What ``find_template`` looks for, the most certain first."""

_ABOUT_CODE = _fast(
    r"```|(?i:\b(?:html|xml|css|json|yaml|sql|regex|latex|javascript|typescript|python|java|bash|shell|jinja|printf|"
    r"f-string|source code|code snippet|algorithm|tokenizer|api)\b|<!doctype|</(?:div|p|a|body|script)>)|"
    r"\\(?:frac|begin|sum|int|left|mathbb|text)\b|"
    r"(?m:^)\s*(?:def|import|from|class|function|const|let|var|#include|pragma)\b[^.]*[(:;{]|代码|编程|编写一个"
)
_ABOUT_TEMPLATES = _fast(
    r"(?i:\b(?:templates?|placeholders?|fill[- ]in|mad ?libs?|blanks?|form letter|replace \[|boilerplate)\b)|"
    r"模板|占位|填空|范文"
)
_ANYWHERE = _fast("|".join(f"(?:{leftover.pattern})" for leftover in LEFTOVERS if not leftover.target_only))
_IN_TARGETS = _fast("|".join(f"(?:{leftover.pattern})" for leftover in LEFTOVERS if leftover.target_only))


def find_template(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Find placeholders left in, markers of chat formats, and stock phrases of assistants in targets.

    Placeholders, filler and notes to self are not looked for in rows about code, markup, formulas or templates.

    Returns:
        Findings of ``quality.template``; the note shows the first of two kinds.
    """
    texts = turns.select("row", "turn", "is_target", "content")
    text = pl.col("content").str
    told = texts.filter("is_target").filter(text.contains(_IN_TARGETS))
    hit = pl.concat([texts.filter(text.contains(_ANYWHERE)), told]).unique(["row", "turn"]).sort("row", "turn")
    if hit.is_empty():
        return empty()
    meant = (
        texts.filter(pl.col("row").is_in(hit["row"].unique().implode()))
        .group_by("row")
        .agg((text.contains(_ABOUT_CODE) | text.contains(_ABOUT_TEMPLATES)).any().alias("meant"))
    )
    hit = hit.join(meant, on="row", how="left", maintain_order="left")
    seen = pl.concat([_seen(hit, leftover) for leftover in LEFTOVERS])
    first = seen.unique(["row", "kind"], keep="first", maintain_order=True).sort("row", maintain_order=True)
    found = first.group_by("row", maintain_order=True).agg(
        pl.col("score").max(), pl.col("suggest").first(), pl.col("shown").head(2).str.join(" and ")
    )
    return report(
        found.select(
            rows["id"].gather(found["row"]),
            "score",
            "suggest",
            pl.concat_str(pl.lit("Holds "), "shown", pl.lit(".")).alias("note"),
        ),
        "quality.template",
    )


def _seen(hit: pl.DataFrame, leftover: Leftover) -> pl.DataFrame:
    allowed = pl.lit(value=True)
    if leftover.target_only:
        allowed &= pl.col("is_target")
    if leftover.meant_in_code:
        allowed &= ~pl.col("meant")
    what = hit.filter(allowed).select("row", pl.col("content").str.extract(_fast(leftover.pattern)).alias("what"))
    what = what.filter(pl.col("what").is_not_null())
    shown = [f"{leftover.kind} ({quote(text, 25)})" for text in what["what"]]
    return what.select(
        "row",
        pl.lit(leftover.kind).alias("kind"),
        pl.lit(leftover.score).alias("score"),
        pl.lit(leftover.suggest).alias("suggest"),
        pl.Series("shown", shown, dtype=pl.String),
    )
