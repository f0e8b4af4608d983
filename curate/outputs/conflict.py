"""Nearly the same prompt, and answers that can't both be right. Prompts that are the same are ``labels.conflict``'s."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from .. import text
from ..clusters import ids, place
from ..errors import quote
from ..findings import empty, report
from ..leakage.quoting import shown
from ..masking import mask
from ..near import joining
from ..near.shingles import Shingle, shingled
from .verdicts import Verdict, verdict

_ONE_WORD = Shingle("word", 1)
_ALIKE = 0.5  # Jaccard index of pairs of words; what differs is then looked at word by word
_COMPARED = 200_000  # prompts that are read word by word, 20 microseconds each
_BLOCK = 50_000  # prompts whose words are held at once: 8 bytes each
_GROUP = 50  # prompts of one meaning that are held against each other
_FEW = 0.05  # of the words of two short answers are shared: they say different things
# Words that change nothing: a prompt with another one of these is the same prompt.
_SAYING_NOTHING = (
    "a an the of to in on at for is are was were be do does did can could would will please kindly now then so that "
    "this these it its me my you your i we us our and or hi hello hey thanks thank just also here there with by from "
    "as if what's whats tell give show let know like want need help "
    "请 的 了 吗 呢 吧 一 下 你 我 能 可 以 帮 给 是 在 这 个 那 和 与 并 把"
)
_EMPTY = frozenset(_SAYING_NOTHING.split())
_SHORT = 300  # characters of an answer that is compared word by word
_TEXT = "answer, without a word in common"
_WORD = re.compile(r"[\u4e00-\u9fff]|\w+")


class Pair(NamedTuple):
    """Two rows (in the order of ``said``) and what they disagree on."""

    one: int
    other: int
    kind: str
    here: str
    there: str


def find_output_conflict(rows: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Find rows whose prompt is nearly another's, with an answer that says something else.

    Prompts are near when half of their pairs of words are shared (``near.joining``), they hold the same numbers, and differ in
    nothing but words that carry no meaning (articles, please), word order apart, or one letter of a long word. Answers disagree
    when both decide something (``outputs.verdicts``) and not the same.

    Args:
        rows: the rows.
        said: ``exchanges(turns)``.

    Returns:
        Findings of ``outputs.conflict``, for every row of such a pair; ``peer`` is the other.
    """
    said = said.with_columns(
        id=rows["id"].gather(said["row"]),
        tools=rows["tools"].hash(seed=3).gather(said["row"]),
        meaning=pl.Series(_meaning(said["asked"])),
        single=rows["rejected"].is_null().gather(said["row"]),
    )
    found: list[Pair] = []
    for members in _near(said):
        prompts = {at: text.fold(said["asked"][at]) for at in members}
        for one in members:
            others = (other for other in members if prompts[other] != prompts[one])  # equal ones are labels.conflict's
            if (pair := next(filter(None, (_at_odds(said, one, other) for other in others)), None)) is not None:
                found.append(pair)
    return _report(rows, said, found) if found else empty()


def _near(said: pl.DataFrame) -> list[list[int]]:
    """Return groups of rows whose prompts are the same but for words that carry no meaning, each in the order of ids."""
    group = ["tools", "system", "meaning"]
    several = (
        said.with_columns(at=pl.int_range(pl.len()))
        .filter(pl.col("single") & (pl.len().over(*group) > 1))
        .filter(pl.col("asked").n_unique().over(*group) > 1)
        .sort("id")
        .unique([*group, "asked"], keep="first", maintain_order=True)
        .head(_COMPARED)
    )
    if several.is_empty():
        return []
    # Word order is a part of the meaning ("dog bites man"): half of the pairs of words stand in both.
    sets = shingled(several["asked"], shingle=Shingle("word", 2))
    component = joining.components(sets, joining.prepare(sets, _ALIKE))
    meant = pl.Series([_meant(one) for one in several["asked"]], dtype=pl.String)
    keyed = several.with_columns(component=pl.Series(component), meant=meant).filter(
        (pl.col("component") >= 0) & (pl.col("meant") != "")
    )
    groups = keyed.group_by("component", "meant", "tools", "system", maintain_order=True).agg("at")
    return [members[:_GROUP] for members in groups["at"].to_list() if len(members) > 1]


def _meaning(prompts: pl.Series) -> npt.NDArray[np.uint64]:
    """A key of each prompt's words but those that say nothing, in any order: a first look that costs little."""
    empty_words = shingled(pl.Series(sorted(_EMPTY)), shingle=_ONE_WORD).hashes
    keys = np.zeros(len(prompts), np.uint64)
    for low in range(0, len(prompts), _BLOCK):
        words = shingled(prompts.slice(low, _BLOCK), shingle=_ONE_WORD)
        hashes = np.where(np.isin(words.hashes, empty_words), np.uint64(0), words.hashes)
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(hashes, dtype=np.uint64)])  # u64 sums wrap
        keys[low : low + _BLOCK] = sums[words.starts + words.sizes] - sums[words.starts]
    return keys


def _meant(prompt: str) -> str:
    """The words of a prompt that carry meaning, sorted; negations, names and numbers are such."""
    words = Counter(word for word in _WORD.findall(text.fold(prompt[:20_000])) if word not in _EMPTY)
    return " ".join(f"{word}*{count}" for word, count in sorted(words.items()))


def _at_odds(said: pl.DataFrame, one: int, other: int) -> Pair | None:
    here, there = said["answer"][one], said["answer"][other]
    a, b = verdict(here), verdict(there)
    if a is not None and b is not None and a.kind == b.kind and not _same(a, b):
        return Pair(one, other, a.kind, a.value, b.value)
    if (a is None and b is None) and _strangers(here, there):
        return Pair(one, other, _TEXT, " ".join(here.split()), " ".join(there.split()))
    return None


def _strangers(here: str, there: str) -> bool:
    """Whether two short answers share hardly a word that carries meaning; long ones may both be good, in their own words."""
    if max(len(here), len(there)) > _SHORT:
        return False
    a, b = (set(_WORD.findall(text.fold(one))) - _EMPTY for one in (here, there))
    return min(len(a), len(b)) >= 3 and len(a & b) <= _FEW * len(a | b)


def _same(a: Verdict, b: Verdict) -> bool:
    if a.kind == "label":  # "Paris" and "in Paris" agree
        words = set(a.value.split()), set(b.value.split())
        return bool(words[0] & words[1])
    return a.value == b.value


def _report(rows: pl.DataFrame, said: pl.DataFrame, found: list[Pair]) -> pl.DataFrame:
    order = sorted(found, key=lambda pair: said["row"][pair.one])
    row = said["row"].gather([pair.one for pair in order])
    peer = said["row"].gather([pair.other for pair in order])
    notes = [
        f"Nearly the prompt of {where}, with another {pair.kind}: {quote(mask(pair.here), 25)} here, "
        f"{quote(mask(pair.there), 25)} there; asked: {shown(said['last'][pair.one])}."
        for pair, where in zip(order, place(rows, peer), strict=True)
    ]
    first = pl.Series([min(said["row"][pair.one], said["row"][pair.other]) for pair in order], dtype=pl.UInt32)
    return report(
        pl.DataFrame(
            {
                "id": ids(rows, row),
                "score": [0.4 if pair.kind == _TEXT else 0.8 for pair in order],
                "cluster": ids(rows, first),
                "peer": ids(rows, peer),
                "note": notes,
                "suggest": pl.repeat("review", len(order), eager=True),
            }
        ),
        "outputs.conflict",
    )
