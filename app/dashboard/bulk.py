"""The dialog in which a whole filter is decided: what, how many, some of them to see, one batch, one undo."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import polars as pl
import streamlit as st

from ...curate.decisions.decision import Action, Decision
from ...curate.review.desk import Look
from ...curate.review.heads import SETTLED
from ...curate.review.worklist import Positions, findings_of
from ...curate.wording import counted
from . import acting, sampled
from .plain import short

_WAYS = {
    "keep": "Accept all as they are", "suggestion": "Use each row's suggestion", "relabel": "Give all one label",
    "drop": "Drop all", "skip": "Skip all",
}  # fmt: skip


@st.dialog("Decide all rows of this filter", width="large", on_dismiss=acting.close_dialog)
def dialog(look: Look, listed: Positions, *, rule: str, done: Callable[[], None]) -> None:
    """Draw it.

    Args:
        look: of the moment that the reviewer saw.
        listed: positions of the rows.
        rule: or family of the filter, whose suggestions are used.
        done: is called once it is written.
    """
    # Of the first drawing: what others decide while it is open is not written over, also where the page is drawn anew behind it.
    seen = st.session_state.setdefault(acting.OPENED, look.seq)
    way = st.radio("What", list(_WAYS), format_func=_WAYS.__getitem__, key="bulk-way")
    label = None
    if way == "relabel":
        label = st.selectbox(
            "Label", look.view.labels, index=None, format_func=lambda name: short(name, 80), key="bulk-label"
        )
    rows = suggested(look, listed, rule) if way == "suggestion" else _same(look, listed)
    _say_decided(look, rows["id"])
    sample = rows[sampled.spread(rows.height)]
    st.caption(f"{sample.height} of {counted(rows.height, 'row')}, spread over all:")
    becomes = sample["value"] if way == "suggestion" else [label or way] * sample.height
    places = look.view.positions(sample["id"].to_list()).tolist()
    sampled.rows(look, places, [value or "drop" for value in becomes])
    reason = st.text_input("Why", key="bulk-why", max_chars=500)
    ready = rows.height > 0 and (way != "relabel" or label is not None)
    if st.button(f"Decide {counted(rows.height, 'row')}", type="primary", disabled=not ready, key="bulk-go"):
        action = cast("Action", way)
        decisions = [
            Decision(row, what, value, reason=reason or None, rule=name)
            if way == "suggestion"
            else Decision(row, action, label, reason=reason or None, rule=name)
            for row, what, value, name in rows.iter_rows()
        ]
        with st.spinner(f"Writing {counted(rows.height, 'decision')}…"):
            outcome = acting.decide(decisions, seen=seen)
        if outcome is not None:
            done()
            acting.close_dialog()
            st.rerun()
        acting.show_notice()  # here, where what was chosen and typed stays


def suggested(look: Look, listed: Positions, rule: str) -> pl.DataFrame:
    """Return ``id, suggest, value, rule`` of those rows of which a finding that stands is sure enough to suggest an act.

    Args:
        look: of the moment that the reviewer saw.
        listed: positions of the rows.
        rule: or family whose findings are asked; "" or "rows" for any.
    """
    among = np.zeros(look.view.rows.height, bool)
    among[listed] = True
    found = findings_of(look.view, "" if rule == "rows" else rule, look.heads.over)
    found = found.filter(pl.col("suggest").is_in(["drop", "relabel", "edit"]))
    found = found.filter((pl.col("suggest") == "drop") | pl.col("value").is_not_null())
    found = found.filter(pl.Series(among[found["row"].to_numpy()]))
    return found.unique("id", keep="first", maintain_order=True).select(
        "id", "suggest", pl.when(pl.col("suggest") != "drop").then("value").alias("value"), "rule"
    )


def _say_decided(look: Look, ids: pl.Series) -> None:
    """Say how many of the rows somebody has decided already: what is decided now takes the place of that."""
    decided = int((look.heads.marks[look.view.positions(ids)] == SETTLED).sum())
    if decided:
        st.warning(
            f"{decided:,} of these rows {'is' if decided == 1 else 'are'} decided already; this replaces what was "
            "decided.", icon=":material/warning:",
        )  # fmt: skip


def _same(look: Look, listed: Positions) -> pl.DataFrame:
    ids = look.view.rows["id"].gather(listed)
    return pl.DataFrame({"id": ids}).with_columns(
        suggest=pl.lit(None, pl.String), value=pl.lit(None, pl.String), rule=pl.lit(None, pl.String)
    )
