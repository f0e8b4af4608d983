"""Answers whose form is rare in the set, and common in what they come from: a source, an annotator, a teacher, a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from ..findings import empty, report
from ..leakage.quoting import named
from .habits import TRAITS

_ENOUGH = 20  # answers of a source, and of the rest
_RARE = 0.35  # at most of the set has the form: more is one of two styles of the set
_MOST = 0.8  # of the source have it
_ELSEWHERE = 0.05  # of the rest may have it
_READ = 2_000  # characters of an answer that are looked at
_LEARNT = 50_000  # answers on which the habits are learnt
_FACTORS = ("source", "annotator", "origin")
_SLICES = 20  # cuts in time that are tried


def find_format(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Find targets with a form (list, JSON, tags, marker of the final answer) that is rare in the set and the rule in their part.

    A part is a source, an annotator, an origin, or the time before or after a cut. At least 80% of the part have the form and at
    most 5% of the rest, or the other way round: then those that lack it are found. A form that the part's inputs have too is
    the task's and left alone.

    Returns:
        Findings of ``outputs.format``, one a row; the note names the part and both shares.
    """
    told = turns.filter(pl.col("is_target") & pl.col("content").str.contains(r"\S")).select("row", "content")
    factors = rows.select(*_FACTORS, "time")[told["row"]]
    factors = factors.with_columns(origin=pl.when(pl.col("origin") != "unknown").then("origin"))
    parts = [name for name in _FACTORS if factors[name].n_unique() > 1] + (
        ["time"] if factors["time"].n_unique() > 1 else []
    )
    if not parts or told.height < 2 * _ENOUGH:
        return empty()
    found: dict[int, str] = {}
    learnt = _learnt(rows, told)
    for trait, pattern in TRAITS.items():
        seen = told["content"].gather(learnt).str.head(_READ).str.contains(pattern)
        share = seen.mean() or 0.0
        if not 0.002 < share < 0.998:  # type: ignore[operator]
            continue
        for part in parts:
            if (rule := _explained(seen, factors[part].gather(learnt), part)) is None:
                continue
            inside, has, note = rule
            mine = told.filter(_inside(factors, part, inside))
            mine = mine.filter(mine["content"].str.head(_READ).str.contains(pattern) == has)
            if _asked_for(turns, mine["row"], pattern) > 0.2:
                continue
            verb = trait if has else f"does not do what most do ({trait})"
            for row in mine["row"]:
                found.setdefault(row, f"The answer {verb}: {note}.")
            break
    if not found:
        return empty()
    row = pl.Series(sorted(found), dtype=pl.UInt32)
    return report(
        pl.DataFrame(
            {
                "id": rows["id"].gather(row), "score": pl.repeat(0.4, len(row), eager=True),
                "note": [found[one] for one in row], "suggest": pl.repeat("review", len(row), eager=True),
            }
        ),
        "outputs.format",
    )  # fmt: skip


def _learnt(rows: pl.DataFrame, told: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Places of the answers on which habits are learnt: those of the first ids, which are hashes, in any order of rows."""
    if told.height <= _LEARNT:
        return np.arange(told.height)
    return np.sort(rows["id"].gather(told["row"]).arg_sort().head(_LEARNT).to_numpy())


def _explained(
    seen: pl.Series, values: pl.Series, part: str
) -> tuple[pl.Series | tuple[object, bool], bool, str] | None:
    """Return the values (or the time and side) that explain a trait, whether they have it, and the sentence on it."""
    table = pl.DataFrame({"seen": seen, "value": values}).drop_nulls()
    if table.height < 2 * _ENOUGH:
        return None
    share = float(table["seen"].mean() or 0)  # type: ignore[arg-type]
    has = share <= 0.5
    table = table.with_columns(pl.col("seen") == has)
    if not 0 < (rare := min(share, 1 - share)) <= _RARE:
        return None
    if part == "time":
        return _in_time(table, has=has, rare=rare)
    per = table.group_by("value").agg(pl.col("seen").mean().alias("share"), pl.len().alias("n"))
    mine = per.filter((pl.col("share") >= _MOST) & (pl.col("n") >= _ENOUGH))["value"].sort()
    inside = table["value"].is_in(mine.implode())
    own, rest = table.filter(inside)["seen"], table.filter(~inside)["seen"]
    if not len(mine) or len(rest) < _ENOUGH or (rest.mean() or 0) > _ELSEWHERE:  # type: ignore[operator]
        return None
    listed = ", ".join(named(mine.head(3), 20)) + (f" and {len(mine) - 3} more" if len(mine) > 3 else "")
    return mine, has, f"{own.mean():.0%} of {part} {listed} do so, {rest.mean():.1%} of the rest"


def _in_time(table: pl.DataFrame, *, has: bool, rare: float) -> tuple[tuple[object, bool], bool, str] | None:
    """Find the cut in time that tells best between having the trait and not."""
    ordered = table.sort("value")
    best = None
    for cut in (
        ordered["value"]
        .gather(np.linspace(0, ordered.height - 1, _SLICES + 1).astype(int)[1:-1])
        .unique(maintain_order=True)
    ):
        for later in (True, False):
            inside = (ordered["value"] >= cut) if later else (ordered["value"] < cut)
            own, rest = ordered["seen"].filter(inside), ordered["seen"].filter(~inside)
            if min(len(own), len(rest)) < _ENOUGH:
                continue
            shares = float(own.mean() or 0), float(rest.mean() or 0)  # type: ignore[arg-type]
            if shares[0] >= _MOST and shares[1] <= _ELSEWHERE and (best is None or shares[0] - shares[1] > best[0]):
                best = (shares[0] - shares[1], cut, later, shares)
    if best is None:
        return None
    _, cut, later, shares = best
    when = f"{'since' if later else 'before'} {cut:%Y-%m-%d}"
    return (cut, later), has, f"{shares[0]:.0%} do so {when}, {shares[1]:.1%} of the rest"


def _inside(factors: pl.DataFrame, part: str, which: pl.Series | tuple[object, bool]) -> pl.Series:
    if isinstance(which, pl.Series):
        return factors[part].is_in(which.implode()).fill_null(value=False)
    cut, later = which
    side = factors[part] >= cut if later else factors[part] < cut
    return side.fill_null(value=False)


def _asked_for(turns: pl.DataFrame, rows: pl.Series, pattern: str) -> float:
    """Which part of the inputs of some rows have the form themselves (a tenth of them, 1,000 at most, are looked at)."""
    some = rows.head(1_000)
    asked = turns.filter(pl.col("row").is_in(some.implode()) & ~pl.col("is_target"))
    hits = asked.filter(pl.col("content").str.head(_READ).str.contains(pattern))["row"].n_unique()
    return hits / max(len(some), 1)
