"""One batch of decisions: what it did, the way to take it back, and its lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from ...curate.decisions.decision import ACTIONS
from ...curate.decisions.log_pages import PAGE, lines
from ...curate.review.desk import Look
from ...curate.review.worklist import Filter
from ...curate.wording import counted
from . import acting, decision_words, links, record
from .context import desk
from .plain import named, plain, short

LINES = "l.lines"
"""Key of the page of lines that is shown."""

_ASKED = "undo-batch"  # the dialog


def draw(look: Look, batch: Mapping[str, Any], gone: set[str]) -> None:
    """Draw one batch: what it did, the way to take it back, and its lines."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            at = plain(decision_words.when(batch["at"]))
            st.markdown(f"**{decision_words.what(batch)}** by {named(batch['reviewer'], 80)}, {at} UTC")
            left = sum(batch[action] for action in ACTIONS) - batch["undone"]
            st.button(
                "Undo this batch", key=f"undo-{batch['batch']}", icon=":material/undo:", on_click=_open,
                disabled=left == 0 or desk().ledger.readonly,
            )  # fmt: skip
            if st.session_state.get(acting.DIALOG) == _ASKED:
                _confirm(batch, left)
        if batch["undo"]:
            st.caption("An undo is not taken back: decide the rows again.")
        many = sum(batch[action] for action in (*ACTIONS, "undo"))
        number = min(st.session_state.get(LINES, 1), -(-many // PAGE))
        told = lines(desk().ledger, batch["batch"], page=number)
        _lines(look, told, gone)
        if many > PAGE:
            st.pagination(-(-many // PAGE), key=LINES, max_visible_pages=5)


def _lines(look: Look, told: pl.DataFrame, gone: set[str]) -> None:
    places = look.view.positions(told["row_id"])
    texts = look.view.rows["text"].gather([max(int(place), 0) for place in places]) if look.view.rows.height else None
    shown = pl.DataFrame(
        {
            "line": told["seq"],
            "row": told["row_id"],
            "what": [decision_words.said(line) for line in told.iter_rows(named=True)],
            "state": [
                "undone" if taken else "stale" if row in gone and action != "undo" else ""
                for row, action, taken in told.select("row_id", "action", "taken").iter_rows()
            ],
            "why": [short(why or "", 200) for why in told["reason"]],
            "text": [
                "(gone)" if place < 0 or texts is None else short(texts[number] or "", 120)
                for number, place in enumerate(places)
            ],
        },
        schema={"line": pl.Int64, **dict.fromkeys(("row", "what", "state", "why", "text"), pl.String)},
    )
    picked = st.dataframe(
        shown, key=f"lines-{told['seq'][0] if told.height else 0}", hide_index=True, on_select="rerun",
        selection_mode="single-row", height=min(38 + 35 * max(told.height, 1), 420),
        column_config={
            "line": st.column_config.NumberColumn("Line", width="small"),
            "row": st.column_config.TextColumn("Row", width="small"),
            "what": st.column_config.TextColumn("What", width="small"),
            "state": st.column_config.TextColumn("State", width="small"),
            "why": st.column_config.TextColumn("Why", width="medium"),
            "text": st.column_config.TextColumn("Text", width="large"),
        },
        alt="Lines of the batch, in the order of writing",
    )  # fmt: skip
    rows = list(dict.fromkeys(row for row, place in zip(told["row_id"], places, strict=True) if place >= 0))
    if rows:
        links.to_rows(
            "Open this row in Audit" if len(rows) == 1 else f"Open the {len(rows)} rows of these lines in Audit",
            Filter("rows", ids=tuple(rows)), reviewed="all", icon="rate_review",
        )  # fmt: skip
    chosen = picked["selection"]["rows"]
    if chosen and chosen[0] < told.height and places[chosen[0]] >= 0:
        row_id = told["row_id"][chosen[0]]
        links.to_rows("Open this row alone", Filter("rows", ids=(row_id,)), reviewed="all", icon="open_in_new")
        record.show(
            look.view,
            int(places[chosen[0]]),
            heads=look.heads.frame.filter(pl.col("row_id") == row_id),
            key="decisions",
        )
        record.decided(desk().ledger.history(row_id))


def _open() -> None:
    st.session_state[acting.DIALOG] = (
        _ASKED  # no key is heard meanwhile: U would take back another batch than the one asked of
    )


@st.dialog("Undo this batch?", on_dismiss=acting.close_dialog)
def _confirm(batch: Mapping[str, Any], left: int) -> None:
    st.write(
        f"{counted(left, 'decision')} by {named(batch['reviewer'], 80)} {'is' if left == 1 else 'are'} taken back; what was "
        "decided before of these rows stands again. The log keeps both."
    )
    if st.button("Undo", type="primary", key="undo-sure", icon=":material/undo:"):
        acting.undo_batch(batch["batch"])
        acting.close_dialog()
        st.rerun()
