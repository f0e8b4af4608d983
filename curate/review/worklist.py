"""Which rows are looked at, in which order: a filter, and the positions that it picks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import UsageError, quote
from ..rules import RULES, named_rules
from .heads import SETTLED, SKIPPED, UNDECIDED, Heads
from .view import View

Positions = npt.NDArray[np.int64]
Inside = npt.NDArray[np.bool_]
Reviewed = Literal["open", "decided", "skipped", "all"]
Order = Literal["worst", "file", "gain"]
Facet = Literal["label", "split", "source", "annotator", "license", "origin"]
FACETS: tuple[Facet, ...] = get_args(Facet)

NONE = "\ufdd0none"
"""Stands in a filter for rows in which a column is empty; U+FDD0 is no character, so no value is it."""

_BLOCK = 1_024  # rows of a queue that are looked through at a time
_LONGEST = 1_000  # letters to look for; the pattern of 100,000 is more than the matcher takes

_MARKS = {"open": (UNDECIDED,), "decided": (SETTLED,), "skipped": (SKIPPED,), "all": (UNDECIDED, SKIPPED, SETTLED)}


@dataclass(frozen=True)
class Filter:
    """What is asked for; all of it has to hold. The default asks for every row with a finding."""

    rule: str = ""
    """A rule or family on which findings stand; "" for any, "rows" for every row, with findings or without."""
    label: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    annotator: tuple[str, ...] = ()
    license: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    text: str = ""
    """Letters that the row's text holds, in any case."""
    order: Order = "worst"
    """``worst``: by rule, then score; ``file``: as in the source; ``gain``: as ``vetset queue`` last ordered them."""
    area: tuple[tuple[float, float], ...] = ()
    """Corners of a polygon on the map; rows inside of it."""
    ids: tuple[str, ...] = ()
    """Rows by their ids, in this order; ``rule`` and ``order`` then say nothing."""

    def checked(self) -> Filter:
        """Return the filter, or raise ``UsageError`` where it can't be one: links are typed.

        It names a rule or an order that does not exist, looks for a text of more than 1,000 letters, or holds a lone
        surrogate, which is no character.
        """
        if self.rule not in ("", "rows"):
            named_rules([self.rule])
        if self.order not in get_args(Order):
            raise UsageError(f"there is no order {quote(self.order)}; use {', '.join(get_args(Order))}.")
        if len(self.text) > _LONGEST:
            raise UsageError(f"a text to look for has at most {_LONGEST:,} letters, this one {len(self.text):,}.")
        for value in (self.text, *self.ids, *(value for name in FACETS for value in getattr(self, name))):
            if any("\ud800" <= letter <= "\udfff" for letter in value):
                raise UsageError(f"{quote(value)} holds a lone surrogate, which is no character; mend the link.")
        return self


def pick(
    view: View,
    wanted: Filter,
    *,
    over: Collection[tuple[str, str]] = (),
    ranks: pl.DataFrame | None = None,
    inside: Inside | None = None,
) -> Positions:
    """Return the positions of the rows that a filter asks for, in its order, whatever was decided of them.

    Args:
        view: the frames.
        wanted: the filter.
        over: ``(rule, cluster)`` of conflicts that have ended: their findings no longer stand.
        ranks: ``id``, and others, the first first: the order by gain.
        inside: (n) the rows that lie in the filter's area, where it has one.
    """
    order = _named(view, wanted) if wanted.ids else _ordered(view, wanted, over, ranks)
    holds = _holds(view, wanted)
    if inside is not None:
        holds = inside if holds is None else holds & inside
    return order if holds is None else order[holds[order]]


def still(order: Positions, heads: Heads, reviewed: Reviewed = "open") -> Positions:
    """Return those of ``order`` that are open, decided, or skipped; of open ones the skipped stand last."""
    marks = heads.marks[order]
    if reviewed == "open":
        return np.concatenate([order[marks == UNDECIDED], order[marks == SKIPPED]])
    return order[np.isin(marks, _MARKS[reviewed])]


def facet(view: View, name: Facet, order: Positions | None = None, most: int = 1_000) -> list[tuple[str | None, int]]:
    """Return the values of a column with how many rows have each, the commonest first.

    Args:
        view: the frames.
        name: the column.
        order: rows to count; all by default.
        most: values at most; a list of a million choices is none.
    """
    column = view.rows[name] if order is None else view.rows[name].gather(order)
    return list(column.value_counts(sort=True).sort("count", name, descending=[True, False]).head(most).iter_rows())


def _named(view: View, wanted: Filter) -> Positions:
    found = view.positions(list(dict.fromkeys(wanted.ids)))
    return found[found >= 0]


def _ordered(view: View, wanted: Filter, over: Collection[tuple[str, str]], ranks: pl.DataFrame | None) -> Positions:
    if wanted.rule == "rows":
        found = np.arange(view.rows.height)
    else:
        findings = findings_of(view, wanted.rule, over)
        found = findings["row"].unique(maintain_order=True).to_numpy().astype(np.int64)
    if wanted.order == "file":
        return np.sort(found)
    if wanted.order == "gain" and ranks is not None:
        first = view.positions(ranks["id"].unique(maintain_order=True))
        first = first[first >= 0]
        among = np.zeros(view.rows.height, bool)
        among[found] = True
        first = first[among[first]]
        among[first] = False
        return np.concatenate([first, found[among[found]]])
    return found


def found_by(asked: str) -> pl.Expr:
    """Return whether ``rule`` is a rule or of a family: "labels" has "labels.near_conflict", "labels.near" has nothing."""
    return (pl.col("rule") == asked) | pl.col("rule").str.starts_with(f"{asked}.")


def findings_of(view: View, rule: str, over: Collection[tuple[str, str]] = ()) -> pl.DataFrame:
    """Return the findings of a rule or family (all for ""), the worst first, but those of conflicts that have ended."""
    found = view.findings
    if rule:
        orders = [number for number, name in enumerate(RULES) if name in named_rules([rule])]
        found = found.filter(pl.col("rule_order").is_in(orders))
    if over:
        gone = pl.DataFrame(list(over), schema={"rule": pl.String, "cluster": pl.String}, orient="row")
        found = found.join(gone, on=["rule", "cluster"], how="anti", maintain_order="left")
    return found


def _holds(view: View, wanted: Filter) -> npt.NDArray[np.bool_] | None:
    asked: list[pl.Expr] = []
    for name in FACETS:
        values = getattr(wanted, name)
        if values:
            empty = pl.col(name).is_null() if NONE in values else pl.lit(value=False)
            asked.append(
                pl.col(name).is_in([value for value in values if value != NONE]).fill_null(value=False) | empty
            )
    if wanted.text:
        asked.append(_says(wanted.text).fill_null(value=False))
    return view.rows.select(pl.all_horizontal(asked).alias("holds"))["holds"].to_numpy() if asked else None


def _says(text: str) -> pl.Expr:
    if (
        text.lower() == text.upper()
    ):  # digits, Arabic, Han: no letter of it has a case, and bytes are found 3 times as fast
        return pl.col("text").str.contains(text, literal=True)
    return pl.col("text").str.contains("(?i)" + pl.escape_regex(text))


def onward(every: Positions, heads: Heads, position: int) -> Iterator[int]:
    """Yield the open rows in the order in which they come after ``position``: those behind it, then from the beginning.

    Args:
        every: all rows of the queue, in order.
        heads: what stands.
        position: where somebody is; one that is not in ``every`` stands before its beginning.
    """
    place = np.flatnonzero(every == position)
    at = int(place[0]) + 1 if place.size else 0
    for mark in (UNDECIDED, SKIPPED):
        for part in (every[at:], every[:at]):
            for low in range(0, part.size, _BLOCK):  # mostly the next row is what is asked for
                block = part[low : low + _BLOCK]
                yield from block[heads.marks[block] == mark].tolist()
