"""What decided beside the quality: is the longer reply chosen, or the one that was shown first; by whom?

Shares come with Wilson's interval for a binomial proportion (Wilson, 1927), which holds near 0 and 1 and for few pairs.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import polars as pl

from ..clusters import ids
from ..findings import empty, report
from ..leakage.quoting import named

_ENOUGH = 30  # pairs of an annotator, and of the others
_APART = 0.2  # that the annotator's share is from that of the others: a habit that matters
_Z = 1.96  # of the interval that is shown
_ERROR = 0.001  # that any annotator is called biased by chance; shared among those that are looked at
_TELLING = 1.1  # the longer reply has a tenth more characters at least; else neither is longer
_PLACES = (
    "chosen_position",
    "winner",
    "winner_position",
    "chosen_index",
    "preferred_position",
    "preferred_index",
    "position",
)
_FIRST = ("a", "model_a", "response_a", "first", "left", "0", "top")
_SECOND = ("b", "model_b", "response_b", "second", "right", "1", "bottom")
_KINDS = {"longer": "the longer reply", "first": "the reply shown first"}


def bias_figures(rows: pl.DataFrame) -> dict[str, Any]:
    """Return how often the longer and the first reply were chosen, with 95% intervals, in all and by annotator.

    Returns:
        ``{"longer": {"pairs", "share", "low", "high", "by_annotator": {name: {...}}}, "first": ...}``; without pairs nothing.
        Annotators with fewer than 30 pairs are left out, and ``first`` where no field says what was shown first.
    """
    signs = _signs(rows)
    told: dict[str, Any] = {}
    for kind in _KINDS:
        known = signs.filter(pl.col(kind).is_not_null())
        if known.is_empty():
            continue
        per = known.filter(pl.col("annotator").is_not_null() & (pl.len().over("annotator") >= _ENOUGH))
        by = (
            per.group_by("annotator")
            .agg(pl.col(kind).sum().alias("yes"), pl.len().alias("n"))
            .sort("annotator")
            .head(100)
        )
        told[kind] = {
            **_share(int(known[kind].sum()), known.height),
            "by_annotator": {name: _share(yes, n) for name, yes, n in by.iter_rows()},
        }
    return told


def find_bias(rows: pl.DataFrame) -> pl.DataFrame:
    """Find the pairs of annotators who choose the longer, the shorter, the first or the second reply far oftener than the others.

    Such an annotator has at least 30 pairs, a share at least 0.2 from that of all others, and a difference that chance makes
    once in a thousand sets at most (two-sided test of two proportions, shared among all annotators). Found are the pairs in
    which the annotator did so. A set in which all do so alike is told in the figures, not found: length may be quality.

    Returns:
        Findings of ``preference.bias``.
    """
    signs = _signs(rows).filter(pl.col("annotator").is_not_null())
    found = [one for kind in _KINDS for one in _biased(signs, kind)]
    if not found:
        return empty()
    table = pl.concat(found).unique("row", keep="first", maintain_order=True).sort("row")
    return report(
        table.select(
            ids(rows, table["row"]).alias("id"), "score", ids(rows, table["first_row"]).alias("cluster"), "note",
            pl.lit("review").alias("suggest"),
        ),
        "preference.bias",
    )  # fmt: skip


def _biased(signs: pl.DataFrame, kind: str) -> list[pl.DataFrame]:
    known = signs.filter(pl.col(kind).is_not_null()).select("row", "annotator", did=pl.col(kind))
    per = known.group_by("annotator").agg(pl.col("did").sum().alias("yes"), pl.len().alias("n")).sort("annotator")
    enough = per.filter(pl.col("n") >= _ENOUGH)
    total, all_yes = known.height, int(known["did"].sum())
    limit = _normal_quantile(1 - _ERROR / (2 * max(enough.height, 1)))
    found = []
    for name, yes, n in enough.iter_rows():
        others = total - n
        if others < _ENOUGH:
            continue
        own, rest = yes / n, (all_yes - yes) / others
        spread = sqrt(max(all_yes / total * (1 - all_yes / total) * (1 / n + 1 / others), 1e-12))
        # Who leans less than the others do is not the one with the bias.
        if abs(own - rest) < _APART or abs(own - rest) / spread < limit or abs(own - 0.5) <= abs(rest - 0.5):
            continue
        did = own > rest
        what = _KINDS[kind] if did else {"longer": "the shorter reply", "first": "the reply shown second"}[kind]
        shares = (own, rest) if did else (1 - own, 1 - rest)
        note = (
            f"Annotator {named([name], 20)[0]} chose {what} in {shares[0]:.0%} of {n} pairs, the others in {shares[1]:.0%}; "
            "here too."
        )
        mine = known.filter((pl.col("annotator") == name) & (pl.col("did") == did))
        found.append(
            mine.select(
                "row", pl.lit(min(abs(own - rest), 1.0)).alias("score"), pl.col("row").min().alias("first_row"),
                pl.lit(note).alias("note"),
            )
        )  # fmt: skip
    return found


def _signs(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, annotator, longer, first`` of preference rows; null where neither reply is longer, or nothing says."""
    last = pl.col("messages").list.last().struct
    given = rows.with_row_index("row").filter(
        pl.col("rejected").is_not_null() & (last.field("role") == "assistant") & last.field("content").is_not_null()
    )
    chosen, rejected = last.field("content").str.len_chars(), pl.col("rejected").str.len_chars()
    longer = pl.when(chosen >= _TELLING * rejected).then(True).when(rejected >= _TELLING * chosen).then(False)
    place = pl.coalesce(
        [pl.col("extra").str.json_path_match(f"$.{name}").str.to_lowercase() for name in _PLACES]
    )  # the first of these fields that the source has
    first = pl.when(place.is_in(_FIRST)).then(True).when(place.is_in(_SECOND)).then(False)
    signs = given.select("row", "annotator", longer.alias("longer"), first.alias("first"))
    # A field of this name that has one side only says where the chosen reply stands in the file.
    return (
        signs
        if signs["first"].n_unique() > 1 + signs["first"].has_nulls()
        else signs.with_columns(first=pl.lit(None, pl.Boolean))
    )


def _share(yes: int, n: int) -> dict[str, float]:
    middle, room = (yes + _Z**2 / 2) / (n + _Z**2), _Z / (n + _Z**2) * sqrt(yes * (n - yes) / n + _Z**2 / 4)
    low, high = max(middle - room, 0.0), min(middle + room, 1.0)
    return {"pairs": n, "share": round(yes / n, 4), "low": round(low, 4), "high": round(high, 4)}


def _normal_quantile(probability: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)
