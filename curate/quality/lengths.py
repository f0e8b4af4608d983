"""How much a row says: nothing at all, or far more or far less than the rest of the set.

*Input* is every turn before the target but the system's; *target* is a last assistant turn. A length is counted in
characters, tool calls included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from ..findings import report

# White space, control and format characters show nothing; nor do variation selectors, the braille blank and the
# four Hangul fillers, which Unicode files under marks, symbols and letters.
_VISIBLE = r"[^\s\p{Z}\p{Cc}\p{Cf}\x{fe00}-\x{fe0f}\x{2800}\x{115f}\x{1160}\x{3164}\x{ffa0}]"

_USUAL = 0.5  # "rows like this one have a target" needs more than this share of them
_LIMIT = 3.5  # deviations; Iglewicz and Hoaglin's advice for the modified z-score
_FLOOR = math.log(4) / _LIMIT  # nothing within a factor of four of the median is an outlier, however equal the rest
_ENOUGH = 20  # rows; under this a median and quartiles say little
_LONG = 20_000  # characters, about 5,000 tokens: past the sequence length of common recipes, so the target is cut off
_RARE = 0.05  # a larger share on one side is a second kind of row, not outliers
_QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}


def find_empty(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Find rows whose input or target has no visible character, and rows that lack a target while most have one.

    A turn that calls a tool is not empty. A row without a target is fine where most rows of its source and split have
    none either (plain text). Visible is what Unicode's general categories leave after separators, control and format
    characters, and a handful of blank letters.

    Returns:
        Findings of ``quality.empty``.
    """
    calls = pl.col("tool_calls").is_not_null() & ~pl.col("tool_calls").is_in(["", "[]", "null"])
    visible = pl.col("content").str.contains(_VISIBLE).fill_null(value=False) | calls.fill_null(value=False)
    said = (
        turns.select("row", "is_target", visible.alias("visible"), pl.col("role").ne_missing("system").alias("spoken"))
        .group_by("row")
        .agg(
            (pl.col("visible") & pl.col("spoken") & ~pl.col("is_target")).any().alias("asked"),
            (pl.col("visible") & pl.col("is_target")).any().alias("answered"),
            pl.col("is_target").any().alias("has_target"),
        )
    )
    lined = rows.select("id", "label", "rejected", "source", "split").with_row_index("row")
    lined = lined.join(said, on="row", how="left", maintain_order="left")
    aimed = pl.col("has_target").fill_null(value=False) | pl.col("label").is_not_null()
    faults = lined.select(
        "id",
        pl.col("asked").is_null().alias("none"),
        (~pl.col("asked")).alias("input"),
        (pl.col("has_target") & ~pl.col("answered")).alias("target"),
        _blank("label").alias("label"),
        _blank("rejected").alias("rejected"),
        (~aimed & (aimed.mean().over("source", "split") > _USUAL)).alias("untold"),
    ).with_columns(pl.col("untold") & ~pl.col("none"))
    sentences = {
        "none": "The row holds no message.",
        "input": "The input has no visible character.",
        "target": "The target has no visible character.",
        "label": "The label has no visible character.",
        "rejected": "The rejected reply has no visible character.",
        "untold": "There is no target, while most rows of this source and split have one.",
    }
    found = faults.filter(pl.any_horizontal(pl.col(*sentences).fill_null(value=False)))
    # A row that only lacks its target may be mended by leaving off the last turn, so a person looks at it.
    void = pl.any_horizontal(pl.col(*(name for name in sentences if name != "untold")).fill_null(value=False))
    notes = [pl.when(pl.col(name)).then(pl.lit(sentence)) for name, sentence in sentences.items()]
    return report(
        found.select(
            "id",
            pl.lit(1.0).alias("score"),
            pl.concat_str(notes, separator=" ", ignore_nulls=True).alias("note"),
            pl.when(void).then(pl.lit("drop")).otherwise(pl.lit("review")).alias("suggest"),
        ),
        "quality.empty",
    )


def _blank(column: str) -> pl.Expr:
    return pl.col(column).is_not_null() & ~pl.col(column).str.contains(_VISIBLE)


def find_length(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Find rows whose input or target is far longer or far shorter than the set's.

    Outliers are more than 3.5 robust deviations from the median, on the logarithm of the length. Each side of the
    median has its own deviation (1.4826 times the distance to the quartile, that side's median absolute deviation),
    since lengths are lopsided: on 19 public sets one deviation for both sides found up to 9% of a set, two find at
    most 1%, or 3% where a set has 300 rows. More than 5% of a set on one side are no outliers but a second kind of
    row, and left alone. Texts of more than 20,000 characters are found where they are that rare, however wide the set.

    Returns:
        Findings of ``quality.length``, ``score`` a tenth of the deviations.
    """
    lengths = lengths_of(turns)
    measured = [_measured(lengths, side) for side in ("input", "target")]
    found = (
        pl.concat([one for one in measured if one is not None] or [_NONE_FOUND])
        .group_by("row", maintain_order=True)
        .agg(pl.col("score").max(), pl.col("note").str.join(" "))
        .sort("row")
    )
    return report(
        found.select(rows["id"].gather(found["row"]), "score", "note", pl.lit("review").alias("suggest")),
        "quality.length",
    )


def length_distribution(turns: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Return the quantiles, in characters, of the inputs and of the targets that are not empty.

    Returns:
        ``{"input": {"rows", "min", "p05", "p25", "p50", "p75", "p95", "p99", "max"}, "target": {...}}``; a side that no
        row has is left out.
    """
    lengths = lengths_of(turns)
    sides = {side: lengths[side].filter(lengths[side] > 0) for side in ("input", "target")}
    return {side: {"rows": len(given), **_quantiles(given)} for side, given in sides.items() if len(given)}


_NONE_FOUND = pl.DataFrame(schema={"row": pl.UInt32, "score": pl.Float64, "note": pl.String})


def lengths_of(turns: pl.DataFrame) -> pl.DataFrame:
    """Return ``row, input, target``: characters; a message without a visible one has none (it is quality.empty's)."""
    written = pl.when(pl.col("content").str.contains(_VISIBLE)).then(pl.col("content").str.len_chars())
    size = written.fill_null(0) + pl.col("tool_calls").str.len_chars().fill_null(0)
    asked = ~pl.col("is_target") & pl.col("role").ne_missing("system")
    return (
        turns.select("row", size.alias("size"), asked.alias("asked"), "is_target")
        .group_by("row", maintain_order=True)
        .agg(
            pl.col("size").filter("asked").sum().cast(pl.Int64).alias("input"),
            pl.col("size").filter("is_target").sum().cast(pl.Int64).alias("target"),
        )
    )


def _quantiles(given: pl.Series) -> dict[str, float]:
    inner = {name: float(given.quantile(share, "nearest") or 0) for name, share in _QUANTILES.items()}
    return {"min": float(given.min() or 0), **inner, "max": float(given.max() or 0)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class Usual:
    """The lengths of one side of a set, in characters, and how far they spread."""

    middle: float
    """Logarithm of the median."""
    above: float
    """A robust deviation over it, on the logarithm."""
    below: float
    said: str
    """In words, for a note."""

    @property
    def away(self) -> pl.Expr:
        """Logarithm of ``size`` over the median."""
        return pl.col("size").log() - self.middle

    @property
    def deviations(self) -> pl.Expr:
        """How many deviations ``size`` is away, on its own side of the median."""
        return pl.when(self.away > 0).then(self.away / self.above).otherwise(-self.away / self.below)


def usual(sizes: pl.Series) -> Usual | None:
    """Return what lengths are usual; ``None`` for fewer than 20, of which a median and quartiles say little."""
    if len(sizes) < _ENOUGH:
        return None
    of = _quantiles(sizes)
    middle = math.log(of["p50"])
    return Usual(
        middle,
        max(1.4826 * (math.log(of["p75"]) - middle), _FLOOR),
        max(1.4826 * (middle - math.log(of["p25"])), _FLOOR),
        f"the set's median is {of['p50']:.0f}, 5-95% have {of['p05']:.0f} to {of['p95']:.0f}",
    )


def unlike(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose input or target is far longer or shorter than is usual in a set that they are no part of.

    Outliers are those of ``find_length``, by the lengths of ``known`` alone and however many they are.

    Args:
        rows: ``text.turns`` of the rows that are told.
        known: ``text.turns`` of the set.

    Returns:
        ``row`` (position), ``score`` (a tenth of the deviations) and ``note``; a line for each side that is unusual.
    """
    here, there = lengths_of(rows), lengths_of(known)
    found = [_NONE_FOUND]
    for side in ("input", "target"):
        bounds = usual(there[side].filter(there[side] > 0))
        if bounds is None:
            continue
        sizes = here.select("row", pl.col(side).alias("size")).filter(pl.col("size") > 0)
        beyond = (bounds.deviations > _LIMIT) | (pl.col("size") > _LONG)
        found.append(_told(sizes.filter(beyond), side, bounds))
    return pl.concat(found).sort("row", maintain_order=True)


def _told(given: pl.DataFrame, side: str, bounds: Usual) -> pl.DataFrame:
    return given.select(
        "row",
        (bounds.deviations.clip(_LIMIT, 10) / 10).alias("score"),
        pl.format(f"The {side} has {{}} characters; {bounds.said}.", "size").alias("note"),
    )


def _measured(lengths: pl.DataFrame, side: str) -> pl.DataFrame | None:
    """Return ``row, score, note`` of the outliers on one side; ``None`` where there are too few rows to say."""
    given = lengths.select("row", pl.col(side).alias("size")).filter(pl.col("size") > 0)
    bounds = usual(given["size"])
    if bounds is None:
        return None
    beyond = bounds.deviations > _LIMIT
    kinds = [beyond & (bounds.away > 0), beyond & (bounds.away < 0), pl.col("size") > _LONG]
    found = given.filter(pl.any_horizontal([kind & (kind.mean() <= _RARE) for kind in kinds]))
    return _told(found, side, bounds)
