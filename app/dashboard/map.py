"""Map: the rows in two dimensions, like beside like; draw around some, and they are a queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.layout import ask_layout, inside, layout_path, open_layout
from ...curate.review.worklist import Filter
from ...curate.wording import counted
from . import acting, bulk, links, map_chart
from .addressed import tell_unknown
from .context import desk, guarded
from .plain import plain, short

_OF_ROWS = ("label", "split", "source", "annotator")
_BY = {
    "Label": "label", "Split": "split", "Source": "source", "Annotator": "annotator", "Finding": "finding",
    "Decided": "decided",
}  # fmt: skip
_CHOICES = 1_000
_CORNERS = 50  # of a polygon that an address holds
Corners = Sequence[tuple[float, float]]


def page() -> None:
    """Draw the page."""
    look = desk().look()
    if look.view.rows.is_empty():
        st.info("The set has no row, so there is nothing to lay out.")
    elif ask_layout(look.view).done:
        _map()
    else:
        _wait()


@st.fragment(run_every="2s")
@guarded
def _wait() -> None:
    """Draw how far the layout is, until it stands."""
    making = ask_layout(desk().look().view)
    if making.done:
        st.rerun()
    if making.failed:
        st.error(plain(making.said), icon=":material/error:")
        if st.button("Try again", type="primary"):
            ask_layout(desk().look().view, again=True)
        return
    st.progress(making.share, text=f"The map of these rows is made, once. {plain(making.said)}")


@st.fragment
@guarded
def _map() -> None:
    look = desk().look()
    found = _layout(look)
    if found is None or found.is_empty():
        st.info("No row has a text that it could be laid out by.")
        return
    drawn = found.filter("drawn")
    _say_drawn(look, found, drawn)
    by, groups, named = _chosen(look, drawn)
    chosen = st.echarts_chart(
        map_chart.chart(map_chart.points(look, drawn, groups, named), named), height=560, key=f"map-{by}", on_select="rerun",
        alt=f"Rows in two dimensions, like beside like; shapes and colours tell the {by}",
    )  # fmt: skip
    st.caption(
        "Draw around rows with the lasso at the upper right; hover over one to read it. Only nearness means something."
    )
    corners = _corners(chosen)
    if corners:
        _selected(look, found, corners)


def _say_drawn(look: Look, found: pl.DataFrame, drawn: pl.DataFrame) -> None:
    every = look.view.rows.height
    if drawn.height == every:
        return
    placed = f"{counted(found.height, 'row')} of {every:,} have a place on it"
    st.caption(f"{counted(drawn.height, 'point')} drawn; {placed}. Rows that say the same share a point.")


def _chosen(look: Look, drawn: pl.DataFrame) -> tuple[str, pl.Series, list[str]]:
    """Draw what shapes and colours tell; returns its name, the group of each row drawn, and the groups that have their own."""
    rows = drawn["row"].cast(pl.Int64)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        offered = [said for said, name in _BY.items() if name not in _OF_ROWS or look.view.rows[name].count()]
        tell_unknown("m.by", offered)
        by = st.segmented_control(
            "Tell apart by", offered, default=offered[0], required=True, key="m.by", bind="query-params"
        )
        name = _BY[by or offered[0]]
        groups = map_chart.group_of(look, rows, name)
        shown = {short(group, 60): group for group in map_chart.commonest(groups)[:_CHOICES]}
        picked: list[str] = []
        if len(shown) > map_chart.MOST:
            picked = st.multiselect(
                f"Which of {len(shown):,} (at first the commonest)", list(shown), key=f"m.{name}", bind="query-params",
                max_selections=map_chart.MOST,
            )  # fmt: skip
    return name, groups, [shown[group] for group in picked or list(shown)[: map_chart.MOST]]


def _corners(chosen: Any) -> Corners:
    """Return the corners of what was drawn last, in the units of the layout; none where nothing is drawn."""
    areas: list[Mapping[str, Any]] = list(chosen["selection"]["areas"]) if chosen else []
    if not areas:
        return []
    last = areas[-1]
    ranges = last.get("coord_range") or []
    if last.get("brush_type") == "rect" and len(ranges) == 2:
        (left, right), (low, high) = ranges
        ranges = [(left, low), (right, low), (right, high), (left, high)]
    # As an address will hold them, so that a link finds the rows that were counted here.
    kept = ranges[:: max(-(-len(ranges) // _CORNERS), 1)]
    return [(float(f"{x:.4g}"), float(f"{y:.4g}")) for x, y in kept]


def _selected(look: Look, found: pl.DataFrame, corners: Corners) -> None:
    places = np.flatnonzero(inside(found, corners, rows=look.view.rows.height))
    st.markdown(f"**{counted(places.size, 'row')} selected**")
    if not places.size:
        return
    labels = look.view.rows["label"].gather(places).drop_nulls()
    mix = labels.value_counts(sort=True).sort("count", "label", descending=[True, False]).head(6)
    if mix.height:
        st.caption(
            "Labels: " + " · ".join(f"{plain(label, 30)} {many / places.size:.0%}" for label, many in mix.iter_rows())
        )
    for text in look.view.rows["text"].gather(places[:: max(places.size // 5, 1)][:5]):
        st.caption(f"“{plain(text or '', 120)}”")
    with st.container(horizontal=True):
        links.to_rows("Open as a queue", Filter("rows", area=tuple(corners)), icon="rate_review")
        if st.button("Decide all of them", key="map-bulk", icon=":material/select_all:"):
            bulk.dialog(look, places, rule="", done=_again)
        st.button("Undo", key="map-undo", icon=":material/undo:", on_click=_undo)
    acting.show_notice()


def _again() -> None:
    """The chart follows by itself."""


def _undo() -> None:
    acting.undo()


def area_of(look: Look, wanted: Filter) -> npt.NDArray[np.bool_] | None:
    """Return (n) the rows inside of a filter's area, ``None`` where it has none; no row is, before rows have places.

    The same object for the same area, by which ``Desk.pick`` knows it.
    """
    if not wanted.area:
        return None
    found = _layout(look)
    return _inside(str(layout_path(look.view)), wanted.area, look.view.rows.height, found is not None, found)


@st.cache_resource(max_entries=8, show_spinner=False)
def _inside(path: str, area: Corners, rows: int, laid_out: bool, _found: pl.DataFrame | None) -> npt.NDArray[np.bool_]:
    return np.zeros(rows, bool) if _found is None else inside(_found, area, rows=rows)


def _layout(look: Look) -> pl.DataFrame | None:
    """Return the map where it is made: what is not there yet would be remembered as missing."""
    path = layout_path(look.view)
    return _opened(str(path), look) if path.exists() else None


@st.cache_resource(max_entries=2, show_spinner=False)
def _opened(path: str, _look: Look) -> pl.DataFrame | None:
    return open_layout(_look.view)
