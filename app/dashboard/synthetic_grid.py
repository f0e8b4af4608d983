"""The grid of a run as a heat map: accepted rows against those that are wanted, over two axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl
import streamlit as st

from ...curate.distill.filling import heat
from ...curate.distill.outcome import FATES
from ...curate.review.synthetic_runs import Run, cells_of
from ...curate.wording import counted
from .addressed import tell_unknown
from .plain import plain, short
from .synthetic_filter import PREFIX, to_rows

_DOWN, _ACROSS = 60, 24  # values that are drawn; the table below has the emptiest of all
_LINES = 200
# Light enough for black letters on each; from orange (none) over sand to blue (all), which every kind of sight tells apart.
_COLOURS = ["#F2A366", "#FBE3B4", "#C4E3F6", "#7DBEE8"]


def draw(made: pl.DataFrame, key: str, names: Sequence[str], runs: Mapping[str, Run]) -> None:
    """Draw the grid of one run.

    Args:
        made: ``synthetic.MADE``.
        key: of the rows that it was made of.
        names: of the runs to choose from.
        runs: those whose folder was found.
    """
    if not names:
        st.info("These rows name no run, so no grid is known.")
        return
    shown = {short(name, 60): name for name in names}
    name = shown[st.selectbox("Run", list(shown), key="synthetic-run", width=300)] if len(shown) > 1 else names[0]
    run = runs.get(name)
    if run is not None:
        cells = run.cells
    else:
        cells = cells_of(made.filter(pl.col("run") == name))
        st.caption(
            f"The folder of run {plain(name, 60)} is not beside this set: what was wanted, rejected and failed is not known."
        )
    _counts(cells)
    axes = [column for column in cells.columns if column not in ("wanted", "missing", *FATES)]
    if not axes:
        st.caption("The plan has no axis: all of its rows are of one cell.")
        return
    down, across = _axes(cells, axes)
    table = heat(cells, down, across)
    drawn = chart(table)
    chosen = st.echarts_chart(
        drawn.option, height=min(90 + 26 * drawn.size[0], 1_400), key="synthetic-heat", on_select="rerun",
        alt=f"Accepted rows of those wanted, {short(down or '', 40)} down and {short(across or '', 40)} across",
    )  # fmt: skip
    _rows_of(made, key, drawn, chosen, (down, across))
    every = (table["down"].n_unique(), table["across"].n_unique())
    if drawn.size != every:
        st.caption(
            f"Drawn are {drawn.size[0]} of {every[0]} lines and {drawn.size[1]} of {every[1]} columns, the emptiest first."
        )
    _short(cells, axes)


def _rows_of(made: pl.DataFrame, key: str, drawn: Chart, chosen: Any, axes: tuple[str | None, str | None]) -> None:
    """Draw the link to the rows of the cell that was clicked on."""
    places = [place for one in (chosen["selection"]["selected"] if chosen else []) for place in one["data_indices"]]
    if not places or places[0] >= len(drawn.pairs):
        st.caption("A click on a cell leads to its rows; the filter above narrows rows, diversity and spend.")
        return
    said = drawn.option["series"][0]["data"][places[0]]["name"]
    cell = [(axis, value) for axis, value in zip(axes, drawn.pairs[places[0]], strict=True) if axis]
    to_rows(plain(said, 160), made, key, cell)


def _counts(cells: pl.DataFrame) -> None:
    told = [f"**{int(cells[fate].sum()):,}** {fate if fate != 'review' else 'under review'}" for fate in FATES]
    wanted = cells["wanted"].drop_nulls()
    if wanted.len():
        told.insert(0, f"**{int(wanted.sum()):,}** wanted")
        lacking = int((cells["missing"] > 0).sum())
        told.append(f"{lacking:,} of {counted(cells.height, 'cell')} short")
    st.markdown(" · ".join(told))


def _axes(cells: pl.DataFrame, axes: list[str]) -> tuple[str | None, str | None]:
    """Draw which two of several axes are shown; ``None`` lets the core choose."""
    ranked = sorted(axes, key=lambda axis: (-cells[axis].n_unique(), axis))
    if len(axes) < 3:
        return ranked[0], ranked[1] if len(ranked) > 1 else None
    shown = {short(axis, 40): axis for axis in ranked}
    for key in ("down", "across"):
        tell_unknown(f"{PREFIX}{key}", shown)
    with st.container(horizontal=True):
        down = st.selectbox("Down", list(shown), 0, key=f"{PREFIX}down", bind="query-params", width=200)
        others = [one for one in shown if one != down]
        across = st.selectbox("Across", others, 0, key=f"{PREFIX}across", bind="query-params", width=200)
    st.caption("Summed over the other axes; what a cell has too many of fills no other.")
    return shown[down], shown[across]


class Chart(NamedTuple):
    """A heat map."""

    option: dict[str, Any]
    """For ECharts."""
    size: tuple[int, int]
    """Lines and columns that it draws."""
    pairs: list[tuple[str, str]]
    """The two values of each cell, in the order of its data."""


def chart(table: pl.DataFrame) -> Chart:
    """Return the heat map of a grid, the emptiest lines and columns first.

    Args:
        table: ``filling.HEAT``.
    """
    planned = table["share"].count() > 0
    measure = "share" if planned else "accepted"
    down = _order(table, "down", measure)[:_DOWN]
    across = _order(table, "across", measure)[:_ACROSS]
    rows, columns = ({value: place for place, value in enumerate(values)} for values in (down, across))
    most = 1.0 if planned else float(table["accepted"].cast(pl.Int64).max() or 1)  # pyright: ignore[reportArgumentType]
    cells: list[dict[str, Any]] = []
    pairs: list[tuple[str, str]] = []
    for line in table.filter(pl.col("down").is_in(down) & pl.col("across").is_in(across)).iter_rows(named=True):
        told = f"{line['accepted']:,}/{line['wanted']:,}" if line["wanted"] is not None else f"{line['accepted']:,}"
        where = " · ".join(filter(None, (short(line["down"], 60), short(line["across"], 60))))
        value = line[measure] if line[measure] is not None else 0
        pairs.append((line["down"], line["across"]))
        cells.append({
            "value": [columns[line["across"]], rows[line["down"]], value], "label": {"formatter": told},
            "name": f"{where}: {told} accepted, {line['review']:,} under review, {line['rejected']:,} rejected, "
            f"{line['failed']:,} failed",
        })  # fmt: skip
    option = {
        "animation": False,
        # As text and not as HTML, which a tooltip is by default: the words are a user's.
        "tooltip": {"renderMode": "richText", "confine": True, "formatter": "{b}"},
        "grid": {"left": 10, "right": 20, "top": 10, "bottom": 10, "containLabel": True},
        "xAxis": _axis([short(value, 24) or "-" for value in across]) | {"position": "top"},
        "yAxis": _axis([short(value, 40) or "-" for value in down]) | {"inverse": True},
        "visualMap": {"show": False, "min": 0, "max": most, "dimension": 2, "inRange": {"color": _COLOURS}},
        "series": [{
            "type": "heatmap", "data": cells, "selectedMode": "single", "label": {"show": True, "color": "#111111"},
            "itemStyle": {"borderColor": "#8A8F98", "borderWidth": 1},
        }],
    }  # fmt: skip
    return Chart(option, (len(down), len(across)), pairs)


def _order(table: pl.DataFrame, name: str, measure: str) -> list[str]:
    """Return the values of one side, the emptiest first: those are what somebody looks for."""
    return table.group_by(name).agg(pl.col(measure).mean()).sort(measure, name, nulls_last=True)[name].to_list()


def _axis(values: list[str]) -> dict[str, Any]:
    return {
        "type": "category", "data": values, "axisTick": {"show": False}, "axisLine": {"show": False},
        "axisLabel": {"interval": 0, "color": "#8A8F98", "hideOverlap": True},
    }  # fmt: skip


def _short(cells: pl.DataFrame, axes: list[str]) -> None:
    lacking = cells.filter(pl.col("missing") > 0).sort("missing", *axes, descending=[True, *[False] * len(axes)])
    if lacking.is_empty():
        return
    st.markdown("**Cells that are short**")
    first = lacking.head(_LINES)
    st.dataframe(
        first.with_columns(pl.Series(axis, [short(value, 60) for value in first[axis]], dtype=pl.String) for axis in axes),
        hide_index=True, alt="Cells that are short, those that lack most first",
        column_config={axis: short(axis, 40) for axis in axes},
    )  # fmt: skip
    if lacking.height > _LINES:
        st.caption(f"The first {_LINES} of {lacking.height:,}.")
