"""The synthetic rows of a set as reviewers work on them: which come first, what they were made from, what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import polars as pl

from ..distill import fates
from ..distill.gates.judging import JUDGE
from ..distill.gates.label_votes import VOTES
from ..distill.lineage import Lineage, Verdict, lineage_of, synthetic
from ..distill.teachers import terms_of_rows
from .view import View
from .worklist import Positions

MADE = pl.Schema({
    "position": pl.UInt32, "id": pl.String, "run": pl.String, "kind": pl.String, "teacher": pl.String, "fate": pl.String,
    "cell": pl.String, "doubt": pl.Float64, "made": pl.String, "prompt_tokens": pl.Int64, "completion_tokens": pl.Int64,
    "cost": pl.Float64, "currency": pl.String,
})  # fmt: skip
"""A line a synthetic row, in the order in which it is looked at; ``position``: in the rows of the view; ``cell``: JSON."""

SPENT = pl.Schema({
    "made": pl.String, "teacher": pl.String, "currency": pl.String, "rows": pl.Int64, "prompt_tokens": pl.Int64,
    "completion_tokens": pl.Int64, "cost": pl.Float64, "unpriced": pl.Int64,
})  # fmt: skip
"""A line a day, teacher and currency; ``unpriced``: rows of which no cost is told."""

TEACHERS = pl.Schema({
    "teacher": pl.String, "revision": pl.String, "rows": pl.Int64, "training": pl.String, "says": pl.String,
    "source": pl.String, "dated": pl.String,
})  # fmt: skip
"""A line a teacher and revision; ``training``: one of ``teachers.WORDS``."""

_VOTING = (JUDGE, VOTES)  # gates whose score is a mean of grades or a share of votes; that of others is a likeness


@dataclass(frozen=True)
class Asked:
    """Which synthetic rows are asked for; all of it has to hold."""

    run: tuple[str, ...] = ()
    teacher: tuple[str, ...] = ()
    fate: tuple[str, ...] = ()
    cell: tuple[tuple[str, str], ...] = ()
    """Values of axes: of one axis any of them, of several axes one each."""


def made_rows(view: View) -> pl.DataFrame:
    """Return the synthetic rows, ``MADE``: those under review first, among these and the others the most doubtful first.

    The fate is the newest (``distill.fates``).

    50,000 of them take a second: keep what it returns while ``view.rows_key`` stays.
    """
    found = fates.with_newest(synthetic(view.rows), fates.newest(view.manifest))
    extras = view.rows["extra"].gather(places := view.positions(found["id"]))
    votes = [_votes(extra) for extra in extras]
    doubts = [doubt(told, more) for told, more in zip(found["verdicts"], votes, strict=True)]
    return (
        found.with_columns(
            pl.Series("position", places, dtype=pl.UInt32), pl.Series("doubt", doubts, dtype=pl.Float64),
        )
        .select(MADE.names())
        .sort(pl.col("fate") != "review", "doubt", "position", descending=[False, True, False], nulls_last=True)
    )  # fmt: skip


def doubt(verdicts: str, votes: Any = None) -> float | None:
    """Return how far those who judged a row are apart, from 0 (of one mind) to 1; ``None`` where nobody voted.

    Of shares of votes and grades from 0 to 1: how near the share is to a half, or how far two gates are apart. Of votes for
    labels: what is lacking to all of them, doubled.

    Args:
        verdicts: JSON, a list of ``lineage.Verdict``.
        votes: label to number of votes, or a list of labels.

    >>> doubt('[{"gate":"distill.judge","verdict":"pass","score":0.75}]'), doubt("[]", {"card": 3, "loan": 1})
    (0.5, 0.5)
    """
    told = msgspec.json.decode(verdicts, type=list[Verdict])
    shares = [one.score for one in told if one.gate in _VOTING and one.score is not None and 0 <= one.score <= 1]
    found = [1 - abs(2 * share - 1) for share in shares]
    if len(shares) > 1:
        found.append(max(shares) - min(shares))
    counts = _counts(votes)
    if counts:
        found.append(min(1.0, 2 * (1 - max(counts) / sum(counts))))
    return max(found, default=None)


def queue(made: pl.DataFrame, asked: Asked) -> Positions:
    """Return the positions of the rows that are asked for, in their order."""
    holds = [
        pl.col(name).is_in(list(wanted)) for name in ("run", "teacher", "fate") if (wanted := getattr(asked, name))
    ]
    found = made.filter(holds) if holds else made
    if asked.cell:
        wanted = {axis: {value for one, value in asked.cell if one == axis} for axis, _ in asked.cell}
        fits = [text for text in found["cell"].unique() if _fits(text, wanted)]  # cells are few, rows many
        found = found.filter(pl.col("cell").is_in(fits))
    return found["position"].to_numpy().astype(np.int64)


def doubts(made: pl.DataFrame, positions: Positions) -> pl.Series:
    """Return the doubt of rows at some positions, null where there is none."""
    asked = pl.DataFrame({"position": pl.Series(positions, dtype=pl.UInt32)})
    found = (
        made.lazy().select("position", "doubt").filter(pl.col("position").is_in(asked["position"].implode())).collect()
    )
    return asked.join(found, on="position", how="left", maintain_order="left")["doubt"]


def values(made: pl.DataFrame, name: str) -> list[str]:
    """Return the values of a column, the commonest first."""
    counts = made[name].drop_nulls().value_counts().sort("count", name, descending=[True, False])
    return counts[name].to_list()


def cell_values(made: pl.DataFrame, most: int = 1_000) -> list[tuple[str, str]]:
    """Return axes and their values, by axis, those that most rows have first."""
    counts: dict[tuple[str, str], int] = {}
    for text, rows in made["cell"].value_counts().iter_rows():
        for pair in _cell(text).items():
            counts[pair] = counts.get(pair, 0) + rows
    return sorted(counts, key=lambda pair: (pair[0], -counts[pair], pair[1]))[:most]


@dataclass(frozen=True)
class Beside:
    """What stands beside one synthetic row."""

    lineage: Lineage
    seeds: list[int]
    """Positions of the rows that it was made from."""
    lost: list[str]
    """Ids of those that are not in the set."""
    doubt: float | None


def beside(view: View, position: int) -> Beside | None:
    """Return the lineage of a row and the places of its parents; ``None`` where it is not synthetic."""
    found = lineage_of(extra := view.rows["extra"][position])
    if found is None:
        return None
    places = view.positions(list(found.parents)).tolist()
    lost = [parent for parent, place in zip(found.parents, places, strict=True) if place < 0]
    verdicts = msgspec.json.encode(found.verdicts).decode()
    return Beside(found, [place for place in places if place >= 0], lost, doubt(verdicts, _votes(extra)))


def spent(made: pl.DataFrame) -> pl.DataFrame:
    """Return what the rows cost by day and teacher, ``SPENT``: of rows that stand in the set, not of rejected drafts."""
    sums = ("prompt_tokens", "completion_tokens", "cost")
    told = made.group_by("made", "teacher", "currency").agg(
        pl.len().alias("rows"), *(pl.col(name).sum() for name in sums), pl.col("cost").is_null().sum().alias("unpriced")
    )
    return told.select(SPENT.names()).cast(dict(SPENT)).sort("made", "teacher", "currency", nulls_last=True)  # pyright: ignore[reportArgumentType]


def teachers(view: View) -> pl.DataFrame:
    """Return the teachers with what their terms say of training other models, ``TEACHERS``, that of most rows first."""
    told = terms_of_rows(synthetic(view.rows))
    columns = [name for name in TEACHERS.names() if name != "rows"]
    counts = told.group_by(columns).agg(pl.len().cast(pl.Int64).alias("rows"))
    return counts.select(TEACHERS.names()).sort(
        "rows", *columns, descending=[True, *[False] * len(columns)], nulls_last=True
    )


def _fits(text: str, wanted: Mapping[str, set[str]]) -> bool:
    cell = _cell(text)
    return all(cell.get(axis) in some for axis, some in wanted.items())


def _cell(text: str) -> dict[str, str]:
    return msgspec.json.decode(text, type=dict[str, str])


def _votes(extra: str) -> Any:
    if '"votes"' not in extra:
        return None
    found = lineage_of(extra)
    return None if found is None else found.made_extra.get("votes")


def _counts(votes: Any) -> list[float]:
    if isinstance(votes, Mapping):
        found = [float(count) for count in votes.values() if isinstance(count, int | float) and count > 0]
        return found if sum(found) < float("inf") else []
    if isinstance(votes, list) and votes:
        return [votes.count(one) for one in {str(vote): vote for vote in votes}.values()]
    return []
