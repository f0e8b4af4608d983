"""The list of clusters beside the one at hand, a page at a time, the worst first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import streamlit as st

from ...curate.review.cluster_list import Clusters
from ...curate.review.desk import Look
from ...curate.review.heads import SETTLED, SKIPPED, UNDECIDED, Marks
from ...curate.review.worklist import Positions
from .plain import short
from .presses import safely

LIKENESS = ("duplicates.near", "duplicates.semantic", "duplicates.contained")
"""Rules whose score says how alike two texts are."""

_PAGE = 50
_GRID, _NUMBER = "clusters-grid", "clusters-page"
_STATES = {UNDECIDED: "open", SKIPPED: "skipped", SETTLED: "settled"}


def draw(
    look: Look, clusters: Clusters, marks: Marks, listed: Positions, number: int, *, on_pick: Callable[[int], None]
) -> None:
    """Draw the page of the list that holds the cluster at hand, which is marked; a click on another goes there.

    Args:
        look: of this moment.
        clusters: of the rule.
        marks: what stands of each.
        listed: numbers of those that are listed, in order.
        number: of the one at hand.
        on_pick: is told the number of another.
    """
    place = np.flatnonzero(listed == number)
    pages = max(-(-listed.size // _PAGE), 1)
    if place.size:
        st.session_state[_NUMBER] = int(place[0]) // _PAGE + 1
    start = (min(st.session_state.get(_NUMBER, 1), pages) - 1) * _PAGE
    shown = listed[start : start + _PAGE]

    @safely
    def picked() -> None:
        rows = st.session_state[_GRID]["selection"]["rows"]
        if rows and rows[0] < shown.size:
            on_pick(int(shown[rows[0]]))

    here = int(place[0]) - start if place.size else None
    st.session_state[_GRID] = {"selection": {"rows": [] if here is None else [here]}}
    st.dataframe(
        _table(look, clusters, marks, shown), key=_GRID, hide_index=True, on_select=picked, selection_mode="single-row",
        height=480, column_config=_COLUMNS, alt="Clusters, the worst first",
    )  # fmt: skip
    if pages > 1:
        st.pagination(pages, key=_NUMBER, on_change=lambda: _turn(listed, on_pick), max_visible_pages=5)


_COLUMNS = {
    "rows": st.column_config.NumberColumn("Rows", width="small"),
    "conflict": st.column_config.TextColumn("Labels", width="small", help="How many different labels its rows have"),
    "least": st.column_config.NumberColumn(
        "Alike", format="percent", width="small", help="The least likeness of a copy to the row it is a copy of"
    ),
    "text": st.column_config.TextColumn("Text", width="medium"),
    "splits": st.column_config.TextColumn("Splits", width="small"),
    "state": st.column_config.TextColumn("State", width="small"),
}


@safely
def _turn(listed: Positions, on_pick: Callable[[int], None]) -> None:
    first = (st.session_state[_NUMBER] - 1) * _PAGE
    if first < listed.size:
        on_pick(int(listed[first]))


def _table(look: Look, clusters: Clusters, marks: Marks, shown: Positions) -> pl.DataFrame:
    lines = clusters.table[shown]
    texts = look.view.rows["text"].gather(lines["key"]).fill_null("")
    nothing = pl.repeat(None, lines.height, dtype=pl.Float64, eager=True)
    table = pl.DataFrame(
        {
            "rows": lines["size"],
            "conflict": [f"⚠ {many} labels" if many > 1 else "" for many in lines["labels"]],
            "least": lines["score"] if clusters.rule in LIKENESS else nothing,
            "text": [short(text, 100) for text in texts],
            "splits": [_splits(look, clusters, int(number)) for number in shown],
            "state": [_STATES[mark] for mark in marks[shown]],
        },
        schema={
            "rows": pl.Int64, "conflict": pl.String, "least": pl.Float64, "text": pl.String, "splits": pl.String,
            "state": pl.String,
        },
    )  # fmt: skip
    blank = table.select((pl.col("least", "splits", "conflict").cast(pl.String).fill_null("") == "").all())
    empty = [name for name in blank.columns if blank[name][0]]
    return table.drop(empty)


def _splits(look: Look, clusters: Clusters, number: int) -> str:
    """Name the splits that a cluster touches, where it is more than one."""
    if clusters.table["splits"][number] < 2:
        return ""
    names = look.view.rows["split"].gather(clusters.rows[clusters.places(number)]).unique().sort()
    return short(", ".join(name or "(none)" for name in names.to_list()), 60)
