"""The filter of Audit, kept in its address: a link opens the same queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.worklist import FACETS, NONE, Facet, Filter, Reviewed, facet
from .addressed import tell_unknown
from .audit_filter import ANY, EVERY, NO_VALUE, ORDERS, PREFIX, REVIEWED
from .plain import short

_NAMES: dict[Facet, str] = {
    "label": "Label", "split": "Split", "source": "Source", "annotator": "Annotator", "license": "Licence",
    "origin": "Origin",
}  # fmt: skip


def choose(look: Look, *, rule: str) -> tuple[Filter, Reviewed]:
    """Draw the filter and return what it says.

    Args:
        look: of this moment.
        rule: that is chosen at first.
    """
    found = _rules(look.view.key, look)
    families = sorted({name.partition(".")[0] for name in found})
    choices = [ANY, *sorted([*found, *families]), EVERY]
    tell_unknown(f"{PREFIX}rule", choices)
    tell_unknown(f"{PREFIX}seen", REVIEWED)
    tell_unknown(f"{PREFIX}order", ORDERS)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Found by", choices, choices.index(rule) if rule in choices else 0, key=f"{PREFIX}rule", bind="query-params",
            width=260, help="A rule, or a family of rules (labels: all rules on labels)",
        )  # fmt: skip
        text = st.text_input(
            "Search",
            key=f"{PREFIX}text",
            bind="query-params",
            type="search",
            placeholder="words in the text",
            width=220,
        )
        reviewed = st.segmented_control(
            "Reviewed", list(REVIEWED), key=f"{PREFIX}seen", bind="query-params", default="Open", required=True
        )
        with st.popover(_filters_name(), icon=":material/filter_list:"):
            facets: dict[str, Any] = {name: _facet(look, name) for name in FACETS}
            order = st.selectbox("Order", list(ORDERS), key=f"{PREFIX}order", bind="query-params")
    wanted = Filter(
        {ANY: "", EVERY: "rows"}.get(chosen, chosen),
        text=text or "",
        order=ORDERS[order],
        ids=_ids(),
        area=_area(),
        **facets,
    )
    _narrowed(wanted)
    return wanted.checked(), REVIEWED[cast("str", reviewed or "Open")]


def _narrowed(wanted: Filter) -> None:
    """Say what narrows the queue and has no widget of its own, and let it be taken off."""
    for name, said in (
        ("ids", f"{len(wanted.ids):,} rows named in the address"),
        ("area", "rows inside an area of the map"),
    ):
        if getattr(wanted, name) and st.button(f"Only {said}", key=f"{PREFIX}clear-{name}", icon=":material/close:"):
            st.query_params.pop(f"{PREFIX}{name}", None)
            st.rerun()


def _ids() -> tuple[str, ...]:
    return tuple(filter(None, st.query_params.get(f"{PREFIX}ids", "").split(",")))


def _area() -> tuple[tuple[float, float], ...]:
    """Return the corners that the address names; a damaged one is none."""
    try:
        corners = [corner.split(",") for corner in st.query_params.get(f"{PREFIX}area", "").split(";") if corner]
        return tuple((float(x), float(y)) for x, y in corners)
    except ValueError:
        return ()


def _facet(look: Look, name: Facet) -> tuple[str, ...]:
    values = _values(look.view.key, name, look)
    if len(values) < 2 and f"{PREFIX}{name}" not in st.query_params:
        return ()  # one value is no choice
    tell_unknown(f"{PREFIX}{name}", values)
    chosen: Sequence[str] = st.multiselect(
        _NAMES[name], list(values), key=f"{PREFIX}{name}", bind="query-params", help="The commonest first"
    )
    return tuple(values[shown] for shown in chosen)


@st.cache_data(max_entries=64, show_spinner=False)
def _values(key: str, name: Facet, _look: Look) -> dict[str, str]:
    """Return what each value is shown as, and the value; two that look alike once they are masked get a number."""
    shown: dict[str, str] = {}
    for value, _ in facet(_look.view, name):
        text = NO_VALUE if value is None else short(value, 80)
        while text in shown:
            text += "′"
        shown[text] = NONE if value is None else value
    return shown


@st.cache_data(max_entries=8, show_spinner=False)
def _rules(key: str, _look: Look) -> list[str]:
    return _look.view.findings["rule"].unique(maintain_order=True).to_list()


def _filters_name() -> str:
    used = sum(bool(st.session_state.get(f"{PREFIX}{name}")) for name in FACETS)
    return f"Filters ({used})" if used else "Filters"
