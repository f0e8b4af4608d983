"""Audit: one row in full beside the queue that it stands in, decided by a key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import chain

import numpy as np
import polars as pl
import streamlit as st

from ...curate.decisions.decision import Action, Decision
from ...curate.review.desk import Look
from ...curate.review.worklist import Filter, Positions, Reviewed, found_by, onward, still
from . import acting, bulk, editing, gaining, labels, map, neighbours, queue_list, record
from .addressed import row_asked
from .audit_filter import PREFIX
from .choosing import choose
from .context import ARRIVED, desk, guarded
from .plain import named, plain
from .presses import heard, safely
from .reviewer import reviewer
from .seat import Seat, seat

_PAGE = "audit"
_DIALOG = acting.DIALOG
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
    position = _current(look, seated, every, listed)
    queue_list.progress(look, every, begun=begun.size, rule=wanted.rule)
    acting.show_notice()
    if position is None:
        queue_list.nothing_left(look, every, listed)
        st.button("Undo", key="undo", shortcut="U", icon=":material/undo:", on_click=_undo)
        return
    row_id = look.view.rows["id"][position]
    seated.go(row_id)
    st.query_params[f"{PREFIX}row"] = row_id
    row, queue = st.columns([3, 2], gap="medium")  # on a narrow screen the row stands over its queue
    with row:
        _row(look, position, wanted, listed)
    with queue:
        queue_list.draw(look, listed, position, rule=wanted.rule, on_pick=_go)


def _current(look: Look, seated: Seat, every: Positions, listed: Positions) -> int | None:
    """Return the row to show, and lease it: that at hand or in the address, or the next that nobody else looks at."""
    at, left = seated.at, seated.left
    if left is not None:
        st.session_state[acting.REASON] = ""
    wanted: list[str] | chain[str] = [at] if at and (look.view.positions([at]) >= 0).all() else []
    if left is not None:
        wanted = chain(_ids(look, onward(every, look.heads, int(look.view.positions([left])[0]))), _ids(look, listed))
    elif not wanted:
        wanted = chain(_ids(look, listed))
    free = desk().leases.take(wanted, holder=seated.holder, reviewer=reviewer())
    if free is None and left is None and at and isinstance(wanted, list) and wanted:
        free = at  # asked for by its address: shown, although somebody else looks at it, too
    return None if free is None else int(look.view.positions([free])[0])


def _ids(look: Look, positions: Iterable[int]):  # noqa: ANN202 - a generator: leases read as far as they need
    ids = look.view.rows["id"]
    return (ids[int(position)] for position in positions)


def _row(look: Look, position: int, wanted: Filter, listed: Positions) -> None:
    row = look.view.row(position)
    found = record.findings(look.view, position)
    asked = found.filter(found_by(wanted.rule)) if wanted.rule not in ("", "rows") else found.clear()
    rule: str | None = next(iter(asked["rule"]), None)
    suggestion = labels.suggestion(found, row, first=rule)
    _held(row["id"])
    opened = st.session_state.get(_DIALOG)
    _actions(row["id"], rule, suggestion, look.seq, quiet=opened is not None)
    _moves(row["id"], listed.size, quiet=opened is not None)
    if opened == "edit":
        editing.dialog(row, rule=rule, seen=look.seq, done=_leave)
    elif opened == "bulk":
        bulk.dialog(look, listed, rule=wanted.rule, done=_start_again)
    with st.container(border=True):
        heads = look.heads.frame.filter(pl.col("row_id") == row["id"])
        record.show(look.view, position, heads=heads, key="audit")
        record.reasons(found, first=wanted.rule)
    near = neighbours.find(look, position, found)
    labels.keys(
        look, row, suggestion, near=near["label"].drop_nulls().to_list(),
        on_pick=partial(_label, row["id"], row["label"], rule, look.seq), quiet=opened is not None,
    )  # fmt: skip
    st.text_input(
        "Why", key=acting.REASON, on_change="ignore", max_chars=500, placeholder="for the log; may stay empty"
    )
    neighbours.show(look, row["text"], near, on_pick=_go)
    history = desk().ledger.history(row["id"])
    if history.height:
        st.caption("Decided before")
        record.decided(history)


def _moves(row_id: str, listed: int, *, quiet: bool) -> None:
    """Draw the ways to other rows, and what opens a dialog."""
    key = heard(quiet=quiet)
    with st.container(horizontal=True, gap="small"):
        st.button("Back", key=f"back-{row_id}", shortcut=key("K"), on_click=_step, args=(row_id, -1))
        st.button("Next", key=f"next-{row_id}", shortcut=key("J"), on_click=_step, args=(row_id, 1))
        st.button("Undo", key="undo", shortcut=key("U"), icon=":material/undo:", on_click=_undo)
        st.button(
            "Edit", key=f"edit-{row_id}", shortcut=key("E"), icon=":material/edit:", on_click=_open, args=("edit",)
        )
        st.button(
            f"All {listed:,}", key="bulk", shortcut=key("B"), icon=":material/select_all:", on_click=_open,
            args=("bulk",), help="Decide every row of this filter at once",
        )  # fmt: skip


@safely
def _open(dialog: str) -> None:
    st.session_state[_DIALOG] = dialog


def _actions(row_id: str, rule: str | None, suggestion: labels.Suggestion | None, seen: int, *, quiet: bool) -> None:
    """Draw what can be done; the row is a part of each button's key, so that a late press never lands on the next row."""
    key = heard(quiet=quiet)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Accept", key=f"accept-{row_id}", shortcut=key("A"), type="primary", icon=":material/check:",
            on_click=_decide, args=(row_id, "keep", None, rule, seen), help="The row is right as it is",
        )  # fmt: skip
        if suggestion is not None:
            st.button(
                f"Use {plain(suggestion.said, 32)}", key=f"use-{labels.token(suggestion.value or '')}-{row_id}",
                shortcut=key("S"), icon=":material/lightbulb:",
                on_click=_decide, args=(row_id, suggestion.action, suggestion.value, rule, seen), help=suggestion.help,
            )  # fmt: skip
        st.button(
            "Drop", key=f"drop-{row_id}", shortcut=key("D"), icon=":material/delete:",
            on_click=_decide, args=(row_id, "drop", None, rule, seen), help="Leave it out of what is exported",
        )  # fmt: skip
        st.button(
            "Skip", key=f"skip-{row_id}", shortcut=key("N"), icon=":material/skip_next:",
            on_click=_decide, args=(row_id, "skip", None, rule, seen), help="Not now: it comes back at the end of the queue",
        )  # fmt: skip


def _held(row_id: str) -> None:
    for lease in desk().leases.held_by_others(seat(_PAGE).holder):
        if lease.row_id == row_id and lease.reviewer != reviewer():  # a tab reloaded is another holder
            st.info(f"{named(lease.reviewer, 60)} looks at this row, too.", icon=":material/visibility:")


@safely
def _decide(row_id: str, action: Action, value: str | None, rule: str | None, seen: int) -> None:
    seated = seat(_PAGE)
    if not seated.takes(row_id):
        return
    reason = st.session_state.get(acting.REASON) or None
    acting.decide(
        [Decision(row_id, action, value, reason=reason, rule=rule)], seen=seen, done=lambda: seated.leave(row_id)
    )


@safely
def _label(row_id: str, has: str | None, rule: str | None, seen: int, label: str) -> None:
    """Give a row a label; the one that it has accepts it."""
    if label == has:
        _decide(row_id, "keep", None, rule, seen)
    else:
        _decide(row_id, "relabel", label, rule, seen)


@safely
def _leave(row_id: str) -> None:
    """Go on to the next row."""
    seat(_PAGE).leave(row_id)


@safely
def _start_again() -> None:
    seat(_PAGE).start_again()


@safely
def _go(row_id: str) -> None:
    seat(_PAGE).go(row_id)


@safely
def _step(row_id: str, by: int) -> None:
    seated = seat(_PAGE)
    if seated.saw is None:
        return
    view, every = seated.saw.view, seated.every
    place = np.flatnonzero(every == view.positions([row_id])[0])
    if place.size:
        at = int(np.clip(place[0] + by, 0, every.size - 1))
        _go(view.rows["id"][int(every[at])])


@safely
def _undo() -> None:
    seated = seat(_PAGE)
    back = acting.undo()
    if back:
        seated.go(back[0])
