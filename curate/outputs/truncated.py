"""Answers that break off: a fence, a bracket or JSON left open, a last sentence without end, a length at which many end.

How this set ends its answers decides: a period at the end of a last line of prose is missed only where nearly every such
line of the set has one.
"""

from __future__ import annotations

import polars as pl

from ..errors import quote
from ..findings import empty, report
from ..masking import mask

_LONG = 80  # characters of a last line that is prose; shorter ones are titles, names, items
_HABIT = 0.97  # of the set's last lines of prose that end in a sign
_ENOUGH = 50  # such lines; with fewer there is no habit to speak of
_PILE = 8  # answers of one length, at least
_LEAST_PILE = 200  # characters; short answers share lengths by chance
_END = r"[.!?…。！？؟۔।:：;；\"”’'»」』）)\]}>*_`~$|/\\0-9％%°️]\s*$|\p{So}\s*$|\p{Sk}\s*$|[=—]+\s*$"
_DANGLING = (
    r"(?i)(?:[,，、(\[“（《]|\b(?:the|an?|and|or|of|to|in|for|with|that|which|from|as|by|at|is|are|was|were|be|your|their|his|"
    r"its|my|our|these|this|than|into|because|such|can|will|would|should|could|et|und|oder|der|die|das|les|que|con))\s*$"
)
_SIGNED = r"#\w*\s*$|[-–—~]\s?\p{Lu}[^!?]{0,40}$|(?:\s[-–•]\s.*){3}"  # hashtags, who said it, a list on one line
_SENTENCE = (
    r"[.!?。！？؟।]\S{0,2}(?:\s|\p{Han})"  # an end before the last: one sentence without a period is a habit of its own
)
_ITEM = r"^\s*(?:[-*•#>|+]|\d{1,3}[.)、]|[a-zA-Z][.)]\s)"


def find_truncated(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Find targets that end in the middle.

    * A code fence stands open at the end.
    * The text opens as JSON and stops before it closes, where most targets do not (``quality.schema`` has those).
    * The last line is prose (80 characters and more, no list item), has no end of a sentence, and at least 97% of such
      lines of the set have one; a last comma, open bracket, article or conjunction makes it certain.
    * At least 8 targets have the very same length of 200 characters and more, several times the lengths beside it, and
      most of them end without an end: the length at which something cut them.

    Returns:
        Findings of ``outputs.truncated``.
    """
    told = turns.filter(pl.col("is_target") & pl.col("content").str.contains(r"\S") & pl.col("tool_calls").is_null())
    if told.is_empty():
        return empty()
    content = pl.col("content").str.strip_chars_end()
    tail = content.str.tail(300)
    ends = told.select(
        "row",
        "content",
        content.str.len_chars().alias("size"),
        tail.str.extract(r"([^\n]*)$").alias("line"),
        pl.col("content").str.contains("```", literal=True).alias("fence"),
    ).with_columns(
        (~pl.col("line").str.contains(_END)).alias("open"),
        pl.col("line").str.contains(_DANGLING).alias("dangling"),
        pl.col("line").str.contains(_ITEM).alias("item"),
    )
    odd = ends.filter("fence").select("row", content.str.count_matches(r"(?m)^\s{0,6}```") % 2 == 1)
    ends = ends.with_columns(pl.col("row").is_in(odd.filter("content")["row"].implode()).alias("fence"))
    # Prose behind the last fence: the answer goes on from code that stood before it, as after "continue".
    closed = pl.col("line").str.contains(r"```$") | (
        ~pl.col("open") & pl.col("line").str.contains(r"(?:\w+ ){4}.*[.!?。！？]$")
    )
    ends = ends.with_columns(
        pl.col("fence") & ~closed,
    )
    prose = (pl.col("line").str.len_chars() >= _LONG) & ~pl.col("item") & ~pl.col("fence")
    ends = ends.with_columns(prose.alias("prose"))
    usual = ends.filter("prose").select(n=pl.len(), ended=(~pl.col("open")).mean()).row(0)
    habit = usual[0] >= _ENOUGH and usual[1] is not None and usual[1] >= _HABIT
    ends = ends.with_columns(_piled(ends).alias("piled"), _cut_json(ends).alias("json"))
    maybe = ends.filter(pl.col("prose") & pl.col("open")).filter(content.str.contains(_SENTENCE))["row"]
    ends = ends.with_columns(pl.col("row").is_in(maybe.implode()).alias("several"))
    weak = pl.col("prose") & pl.col("open") & pl.lit(habit) & ~pl.col("line").str.contains(_SIGNED) & pl.col("several")
    share = pl.lit(f"{usual[1] or 0:.1%}")
    faults = [
        (pl.col("fence"), 0.9, pl.lit("a code fence is open")),
        (pl.col("json"), 0.9, pl.lit("its JSON is not closed")),
        (pl.col("piled"), 0.8, pl.format("it has {} characters, as have many that break off", "size")),
        (weak & pl.col("dangling"), 0.9, pl.format("it ends with {}", "shown")),
        (weak, 0.6, pl.format("its last sentence has no end ({}), while {} of the set have one", "shown", share)),
    ]  # fmt: skip
    hit = ends.filter(pl.any_horizontal([fault for fault, _, _ in faults]))
    if hit.is_empty():
        return empty()
    hit = hit.with_columns(pl.Series("shown", [_last_words(line) for line in hit["line"]], dtype=pl.String))
    why = pl.coalesce([pl.when(fault).then(sentence) for fault, _, sentence in faults])
    return report(
        hit.select(
            rows["id"].gather(hit["row"]),
            pl.coalesce([pl.when(fault).then(score) for fault, score, _ in faults]).alias("score"),
            pl.format("The target breaks off: {}.", why).alias("note"),
            pl.lit("review").alias("suggest"),
        ),
        "outputs.truncated",
    )


def _last_words(line: str) -> str:
    masked = mask(line)
    return quote(("…" if len(masked) > 30 else "") + masked[-30:], 40)


def _piled(ends: pl.DataFrame) -> pl.Series:
    """Say which rows have a length at which something cut them, and no end."""
    lengths = (
        ends.filter(pl.col("size") >= _LEAST_PILE).group_by("size").agg(pl.len().alias("n"), pl.col("open").mean())
    )
    # What a length may have by chance: as many as the lengths within 5% of it, on average.
    lengths = lengths.sort("size")
    sizes, counts = lengths["size"].to_numpy(), lengths["n"].to_numpy()
    total = counts.cumsum()
    low, high = sizes.searchsorted(sizes * 0.95, "left"), sizes.searchsorted(sizes * 1.05, "right")
    around = total[high - 1] - total[low] + counts[low] - counts if len(sizes) else counts
    expected = pl.Series(around / (0.1 * sizes).clip(1)) if len(sizes) else pl.Series([], dtype=pl.Float64)
    many = lengths.filter((pl.col("n") >= _PILE) & (pl.col("open") > 0.5) & (pl.col("n") > 5 * expected + 5))
    return ends.select(pl.col("size").is_in(many["size"].implode()) & pl.col("open")).to_series()


def _cut_json(ends: pl.DataFrame) -> pl.Series:
    """Say which rows open as a JSON object or list and lack closing brackets; a set of JSON is ``quality.schema``'s."""
    opens = ends["content"].str.contains(r'^\s*(?:\{\s*"|\[\s*[\[{"])')
    if not opens.any() or opens.sum() > 0.5 * len(opens):
        return pl.repeat(value=False, n=len(ends), eager=True)
    outside = pl.col("content").str.replace_all(r'"(?:[^"\\]|\\.)*"', "")  # brackets in strings are text
    open_, close = outside.str.count_matches(r"[\[{]"), outside.str.count_matches(r"[\]}]")
    return ends.select(pl.lit(opens).alias("o") & (open_ > close)).to_series()
