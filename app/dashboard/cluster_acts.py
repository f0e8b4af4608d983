"""What can be done with the cluster at hand: its buttons, and what each of them writes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
import streamlit as st

from ...curate.review.cluster_list import Clusters, to_do
from ...curate.review.desk import Look
from ...curate.review.heads import Marks
from ...curate.review.keeping import decisions, keep_all, keep_one, marked_first, replaced, skip
from . import acting, cluster_names, duplicates_policy
from .context import desk
from .plain import plain
from .presses import heard, safely
from .seat import seat

_Way = Literal["one", "each", "relabel", "all", "skip"]


def acts(look: Look, clusters: Clusters, number: int, marked: int, name: str, *, quiet: bool) -> None:
    """Draw what can be done; the cluster is a part of each button's key, so that a late press never lands on the next one."""
    key = heard(quiet=quiet)
    label = look.view.rows["label"][int(clusters.rows[marked])]
    on_labels = clusters.rule.startswith("labels.")
    at_hand = (clusters.rule, name, look.seq)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Keep marked, drop other answers" if on_labels else "Keep marked, drop the others",
            key=f"keep-{name}", shortcut=key("A"), type="primary", icon=":material/check:",
            on_click=_settle, args=("one", *at_hand),
            help="One batch; rows that answer as the marked one does stay" if on_labels else "One batch, one undo",
        )  # fmt: skip
        if on_labels and label is not None:
            st.button(
                f"Give all {plain(label, 28)}", key=f"relabel-{name}", shortcut=key("S"), icon=":material/label:",
                on_click=_settle, args=("relabel", *at_hand),
                help="The other rows are given the label of the marked one; none is dropped",
            )  # fmt: skip
        elif clusters.table["splits"][number] > 1:
            st.button(
                "Keep one in each split", key=f"each-{name}", shortcut=key("S"), icon=":material/call_split:",
                on_click=_settle, args=("each", *at_hand),
                help="The marked row, and the first of each other split. That they leak stays open.",
            )  # fmt: skip
        st.button(
            "Keep all", key=f"all-{name}", shortcut=key("L"), icon=":material/done_all:",
            on_click=_settle, args=("all", *at_hand),
            help="They are no copies, or are meant to be: settles every finding of these rows",
        )  # fmt: skip
        st.button(
            "Skip", key=f"skip-{name}", shortcut=key("N"), icon=":material/skip_next:",
            on_click=_settle, args=("skip", *at_hand),
            help="Not now: it comes back at the end of the list",
        )  # fmt: skip


def moves(look: Look, clusters: Clusters, marks: Marks, number: int, name: str, *, quiet: bool) -> None:
    """Draw the ways to other clusters, and what opens the dialog."""
    key = heard(quiet=quiet)
    left = to_do(marks).size
    before, behind = (
        cluster_names.name_of(look, clusters, min(max(at, 0), len(clusters) - 1)) for at in (number - 1, number + 1)
    )
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Back", key=f"back-{name}", shortcut=key("K"), on_click=go, args=(before,),
            disabled=number == 0,
        )  # fmt: skip
        st.button(
            "Next", key=f"next-{name}", shortcut=key("J"), on_click=go, args=(behind,),
            disabled=number + 1 >= len(clusters),
        )  # fmt: skip
        st.button("Undo", key="undo", shortcut=key("U"), icon=":material/undo:", on_click=undo, args=(clusters.rule,))
        st.button(
            f"All {left:,} open", key="policy", shortcut=key("B"), icon=":material/select_all:", on_click=_open,
            disabled=not left, help="Settle every open cluster of this rule at once",
        )  # fmt: skip


@safely
def _open() -> None:
    seated = seat(cluster_names.PAGE)
    seated.opened = seated.saw
    st.session_state[acting.DIALOG] = "policy"


def marked_now(look: Look, clusters: Clusters, number: int) -> int:
    """Return the place of the row that is marked to stay: by hand, else the one that is proposed."""
    at = st.session_state.get(f"marked-{clusters.rule}-{cluster_names.name_of(look, clusters, number)}")
    places = clusters.places(number)
    if at is not None:
        there = np.flatnonzero(clusters.rows[places] == look.view.positions([at])[0])
        if there.size:
            return places.start + int(there[0])
    return marked_first(look.view, look.heads, clusters, number)


@safely
def mark(row_id: str, *, rule: str, name: str) -> None:
    """Have a row of the cluster stay."""
    st.session_state[f"marked-{rule}-{name}"] = row_id


@safely
def _settle(way: _Way, rule: str, name: str, seen: int) -> None:
    """Settle the cluster that a row names; that row stays that is marked now: a digit may have marked another than was drawn."""
    seated = seat(cluster_names.PAGE)
    look = seated.saw
    if look is None or not seated.takes(name):
        return
    clusters = cluster_names.clusters_of(look.view.key, rule, look)
    number = cluster_names.numbered(look, clusters, name)
    if number is None:
        return
    plan = _planned(way, look, clusters, number)
    if plan.is_empty():
        seated.leave(name)
        acting.notice("done", "Nothing was left to decide in this cluster.")
        return
    reason = st.session_state.get(acting.REASON) or None
    written = decisions(look.view, plan, rule=rule, reason=reason)
    outcome = acting.decide(written, seen=seen, done=lambda: seated.leave(name))
    if outcome is not None and not outcome.conflicts:
        duplicates_policy.tell(plan, replaced(look.view, look.heads, plan))


def _planned(way: _Way, look: Look, clusters: Clusters, number: int) -> pl.DataFrame:
    if way == "all":
        return keep_all(look.heads, clusters, number)
    if way == "skip":
        return skip(look.heads, clusters, number)
    marked = marked_now(look, clusters, number)
    return keep_one(look.view, look.heads, clusters, marked, each_split=way == "each", relabel=way == "relabel")


@safely
def go(name: str) -> None:
    """Have the cluster drawn that a row names."""
    seat(cluster_names.PAGE).go(name)


@safely
def undo(rule: str) -> None:
    """Take back the last batch of this tab, and draw what it was on."""
    back = acting.undo()
    if not back:
        return
    look = desk().look()
    clusters = cluster_names.clusters_of(look.view.key, rule, look)
    number = clusters.holding(int(look.view.positions([back[0]])[0]))
    if number is not None:
        go(cluster_names.name_of(look, clusters, number))
