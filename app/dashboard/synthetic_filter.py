"""The filter of Synthetic, kept in its address: a link opens the same queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

import polars as pl
import streamlit as st

from ...curate.review.synthetic import Asked, cell_values, values
from ...curate.review.worklist import Reviewed
from .addressed import tell_unknown
from .audit_filter import REVIEWED
from .plain import short
from .presses import safely

PREFIX = "y."
"""Of the parameters of this page in the address."""

VIEW = f"{PREFIX}view"
"""What is shown: rows, or what they come to."""

Value = TypeVar("Value")

_NAMES = {"run": "Run", "fate": "Fate", "teacher": "Teacher"}


def choose(made: pl.DataFrame, key: str, *, reviewed: bool) -> tuple[Asked, Reviewed]:
    """Draw the filter and return what it says.

    Args:
        made: ``synthetic.MADE``.
        key: of the rows that it was made of.
        reviewed: whether it says which rows are meant by what was decided of them.
    """
    shown, cells = _choices(key, made)
    tell_unknown(f"{PREFIX}seen", REVIEWED)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = {name: _chosen(name, _NAMES[name], shown[name]) for name in _NAMES}
        pairs = _chosen("cell", "Cell", cells)
        seen = None
        if reviewed:
            seen = st.segmented_control(
                "Reviewed", list(REVIEWED), key=f"{PREFIX}seen", bind="query-params", default="Open", required=True
            )
    asked = Asked(
        **{name: tuple(shown[name][said] for said in chosen[name]) for name in _NAMES},
        cell=tuple(cells[said] for said in pairs),
    )
    return asked, REVIEWED[cast("str", seen or "Open")]


def to_rows(text: str, made: pl.DataFrame, key: str, cell: Iterable[tuple[str, str]]) -> None:
    """Draw the way to the rows of a cell: a button, since a link to the page that one is on does nothing.

    Args:
        text: Markdown.
        made: ``synthetic.MADE``.
        key: of the rows that it was made of.
        cell: values of axes.
    """
    wanted = set(cell)
    named = [said for said, pair in _choices(key, made)[1].items() if pair in wanted]
    st.button(
        text, key="synthetic-cell", type="tertiary", icon=":material/arrow_forward:", on_click=_open, args=(named,),
        disabled=len(named) < len(wanted), help="Open its rows",
    )  # fmt: skip


@safely
def _open(cell: list[str]) -> None:
    st.session_state[VIEW] = "Rows"
    st.session_state[f"{PREFIX}seen"] = "All"
    st.session_state[f"{PREFIX}cell"] = cell


def _chosen(name: str, title: str, shown: dict[str, Any]) -> Sequence[str]:
    key = f"{PREFIX}{name}"
    if len(shown) < 2 and key not in st.query_params:
        return ()  # one value is no choice
    tell_unknown(key, shown)
    return st.multiselect(
        title, list(shown), key=key, bind="query-params", width=240, help="The commonest first; none chosen: all"
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def _choices(key: str, _made: pl.DataFrame) -> tuple[dict[str, dict[str, str]], dict[str, tuple[str, str]]]:
    names = {name: _said((value, value) for value in values(_made, name)) for name in _NAMES}
    return names, _said((f"{axis}: {value}", (axis, value)) for axis, value in cell_values(_made))


def _said(pairs: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """Return what each value is shown as, and the value; two that look alike once they are masked get a mark."""
    shown: dict[str, Value] = {}
    for text, value in pairs:
        said = short(text, 80) or "(empty)"
        while said in shown:
            said += "′"
        shown[said] = value
    return shown
