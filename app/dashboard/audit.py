"""Audit: one row in full beside the queue that it stands in, decided by a key."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.worklist import Filter, Positions, Reviewed, found_by, still
from . import acting, bulk, editing, gaining, going, labels, map, neighbours, queue_list, record, row_acts
from .addressed import row_asked
from .audit_filter import PREFIX
from .choosing import choose
from .context import ARRIVED, desk, guarded
from .seat import seat

_PAGE = "audit"
_FIRST = ("labels.suspect", "labels.conflict", "labels.", "outputs.", "duplicates.")


def page() -> None:
    """Draw the page."""
    here = desk()
    look = here.look()
    if st.session_state[ARRIVED]:
        seat(_PAGE).arrive(row_asked(look, f"{PREFIX}row"))
    wanted, reviewed = choose(look, rule=_first_rule(look))
    _work(wanted, reviewed)


def _first_rule(look: Look) -> str:
    found = look.view.findings["rule"].unique(maintain_order=True).to_list()
    return next((name for start in _FIRST for name in found if name.startswith(start)), "")


@st.fragment
@guarded
def _work(wanted: Filter, reviewed: Reviewed) -> None:
    """Draw the queue and the row at hand; a key press runs this and nothing else."""
    here = desk()
    look = here.look()
    ranks, inside = gaining.ranks(look, wanted), map.area_of(look, wanted)
    every = here.pick(look, wanted, ranks=ranks, inside=inside)
    begun = here.pick(replace(look, heads=replace(look.heads, over=frozenset())), wanted, ranks=ranks, inside=inside)
    listed = still(every, look.heads, reviewed)
    seated = seat(_PAGE)
    seated.saw, seated.every = look, every
    at_hand = seated.at is not None and bool(np.isin(look.view.positions([seated.at]), listed).all())
    if not seated.lists((wanted, reviewed), at_hand=at_hand):
        seated.at = None
    position = going.at_hand(look, seated, every, listed)
    queue_list.progress(look, every, begun=begun.size, rule=wanted.rule)
    acting.show_notice()
    if position is None:
        queue_list.nothing_left(look, every, listed)
        row_acts.undo_button(_PAGE)
        return
    row_id = look.view.rows["id"][position]
    seated.go(row_id)
    st.query_params[f"{PREFIX}row"] = row_id
    row, queue = st.columns([3, 2], gap="medium")  # on a narrow screen the row stands over its queue
    with row:
        _row(look, position, wanted, listed)
    with queue:
        queue_list.draw(look, listed, position, rule=wanted.rule, on_pick=partial(row_acts.go, _PAGE))


def _row(look: Look, position: int, wanted: Filter, listed: Positions) -> None:
    row = look.view.row(position)
    found = record.findings(look.view, position)
    asked = found.filter(found_by(wanted.rule)) if wanted.rule not in ("", "rows") else found.clear()
    rule: str | None = next(iter(asked["rule"]), None)
    suggestion = labels.suggestion(found, row, first=rule)
    going.say_held(seat(_PAGE), row["id"])
    opened = st.session_state.get(acting.DIALOG)
    row_acts.buttons(_PAGE, row["id"], rule, suggestion, look.seq, quiet=opened is not None)
    row_acts.moves(_PAGE, row["id"], listed.size, quiet=opened is not None)
    if opened == "edit":
        editing.dialog(row, rule=rule, seen=look.seq, done=partial(row_acts.leave, _PAGE))
    elif opened == "bulk":
        bulk.dialog(look, listed, rule=wanted.rule, done=partial(row_acts.start_again, _PAGE))
    with st.container(border=True):
        heads = look.heads.frame.filter(pl.col("row_id") == row["id"])
        record.show(look.view, position, heads=heads, key="audit")
        record.reasons(found, first=wanted.rule)
    near = neighbours.find(look, position, found)
    labels.keys(
        look, row, suggestion, near=near["label"].drop_nulls().to_list(),
        on_pick=partial(row_acts.label, _PAGE, row["id"], row["label"], rule, look.seq), quiet=opened is not None,
    )  # fmt: skip
    st.text_input(
        "Why", key=acting.REASON, on_change="ignore", max_chars=500, placeholder="for the log; may stay empty"
    )
    neighbours.show(look, row["text"], near, on_pick=partial(row_acts.go, _PAGE))
    history = desk().ledger.history(row["id"])
    if history.height:
        st.caption("Decided before")
        record.decided(history)
