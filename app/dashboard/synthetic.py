"""Synthetic: which of the rows that a teacher wrote are good? One beside the rows it was made from, decided by a key."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
import streamlit as st

from ...curate.distill.fates import newest
from ...curate.distill.waiting import REVIEW
from ...curate.review.desk import Look
from ...curate.review.synthetic import Asked, Beside, beside, doubts, made_rows, queue
from ...curate.review.worklist import Positions, Reviewed, still
from ...curate.wording import counted
from . import acting, bulk, editing, going, labels, notyet, queue_list, record, row_acts, synthetic_facts, synthetic_row
from .addressed import row_asked, tell_unknown
from .context import ARRIVED, desk, guarded
from .seat import seat
from .synthetic_filter import PREFIX, VIEW, choose

_PAGE = "synthetic"
_VIEWS = {"Rows": "rows", "Grid": "grid", "Diversity": "diversity", "Spend and terms": "spend"}


def page() -> None:
    """Draw the page."""
    look = desk().look()
    made = _made(_key(look), look)
    if made.is_empty():
        notyet.say(
            (
                "the rows that a teacher wrote, those under review first, each beside the rows it was made from",
                "what each gate said of a row, and how far the judges are apart",
                "how full each cell of the grid is, and how diverse the rows are beside the real ones",
                "what was spent, and what the teacher's terms say",
            ),
            "vetset distill RECIPE",
            "A row is synthetic where it has its lineage under `distill` in its extra fields.",
        )
        return
    if st.session_state[ARRIVED]:
        seat(_PAGE).arrive(row_asked(look, f"{PREFIX}row"))
    tell_unknown(VIEW, _VIEWS)
    chosen = st.segmented_control(
        "Shown", list(_VIEWS), key=VIEW, bind="query-params", default="Rows", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    view = _VIEWS[chosen or "Rows"]
    asked, reviewed = choose(made, look.view.rows_key, reviewed=view == "rows")
    if view == "rows":
        _work(asked, reviewed)
    else:
        synthetic_facts.draw(view, look, made, asked)


def _key(look: Look) -> str:
    """Return what tells these rows, with what the newest run says of them, from others."""
    return f"{look.view.rows_key}{sorted(newest(look.view.manifest).items()) or ''}"


@st.cache_resource(max_entries=2, show_spinner="Reading the lineage of synthetic rows…")
def _made(key: str, _look: Look) -> pl.DataFrame:
    return made_rows(_look.view)


@st.cache_resource(max_entries=16, show_spinner=False)
def _queue(key: str, asked: Asked, _made: pl.DataFrame) -> Positions:
    found = queue(_made, asked)
    found.flags.writeable = False  # all who ask are given this one
    return found


@st.fragment
@guarded
def _work(asked: Asked, reviewed: Reviewed) -> None:
    """Draw the queue and the row at hand; a key press runs this and nothing else."""
    look = desk().look()
    made = _made(_key(look), look)
    every = _queue(_key(look), asked, made)
    listed = still(every, look.heads, reviewed)
    seated = seat(_PAGE)
    seated.saw, seated.every = look, every
    at_hand = seated.at is not None and bool(np.isin(look.view.positions([seated.at]), listed).all())
    if not seated.lists((asked, reviewed), at_hand=at_hand):
        seated.at = None
    position = going.at_hand(look, seated, every, listed)
    queue_list.progress(look, every, begun=every.size, rule="")
    acting.show_notice()
    if position is None:
        _nothing_left(every, listed)
        row_acts.undo_button(_PAGE)
        return
    row_id = look.view.rows["id"][position]
    seated.go(row_id)
    st.query_params[f"{PREFIX}row"] = row_id
    row, seeds = st.columns([3, 2], gap="medium")  # on a narrow screen the row stands over its seeds
    of = beside(look.view, position)
    with row:
        _row(look, position, of, listed)
    with seeds:
        if of is None:
            st.caption("This row is not synthetic.")  # asked for by the address
        else:
            synthetic_row.seeds(look, position, of)
        queue_list.draw(
            look, listed, position, rule="", on_pick=partial(row_acts.go, _PAGE), scored=partial(doubts, made)
        )  # how far its judges are apart


def _row(look: Look, position: int, of: Beside | None, listed: Positions) -> None:
    row = look.view.row(position)
    found = record.findings(look.view, position)
    rule = REVIEW if of is not None and of.lineage.fate == "review" else None
    suggestion = labels.suggestion(found, row)
    going.say_held(seat(_PAGE), row["id"])
    opened = st.session_state.get(acting.DIALOG)
    row_acts.buttons(_PAGE, row["id"], rule, suggestion, look.seq, quiet=opened is not None)
    row_acts.moves(_PAGE, row["id"], listed.size, quiet=opened is not None)
    if opened == "edit":
        editing.dialog(row, rule=rule, seen=look.seq, done=partial(row_acts.leave, _PAGE))
    elif opened == "bulk":
        bulk.dialog(look, listed, rule="", done=partial(row_acts.start_again, _PAGE))
    if of is None:
        with st.container(border=True):
            record.show(look.view, position, heads=look.heads.frame.filter(pl.col("row_id") == row["id"]), key=_PAGE)
    else:
        synthetic_row.show(look, position, of, found=found)
    near = [] if of is None else look.view.rows["label"].gather(of.seeds).drop_nulls().to_list()
    labels.keys(
        look, row, suggestion, near=near,
        on_pick=partial(row_acts.label, _PAGE, row["id"], row["label"], rule, look.seq), quiet=opened is not None,
    )  # fmt: skip
    st.text_input(
        "Why", key=acting.REASON, on_change="ignore", max_chars=500, placeholder="for the log; may stay empty"
    )
    history = desk().ledger.history(row["id"])
    if history.height:
        st.caption("Decided before")
        record.decided(history)


def _nothing_left(every: Positions, listed: Positions) -> None:
    if not every.size:
        st.info("No synthetic row is found by this filter; clear it.")
    elif listed.size:
        st.info("Others are looking at the rows that are left; wait a moment, or choose another filter.")
    else:
        st.success(f"Nothing is left under this filter: {counted(every.size, 'row')} decided.")
