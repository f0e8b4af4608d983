"""Duplicates: which copy stays? One cluster in full beside the list of all, settled by a key; or all of them by one rule."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Literal, cast

import numpy as np
import polars as pl
import streamlit as st

from ...curate.review.cluster_list import CLUSTERED, Clusters, list_clusters, onward, rules_with_clusters, state, to_do
from ...curate.review.desk import Look
from ...curate.review.heads import SETTLED, UNDECIDED, Marks
from ...curate.review.keeping import decisions, keep_all, keep_one, marked_first, replaced, skip
from ...curate.review.worklist import Filter, Positions
from ...curate.rules import RULES
from ...curate.wording import counted
from . import acting, cluster_page, duplicates_policy, links
from .addressed import row_asked, tell_unknown
from .cluster_cards import cards
from .context import ARRIVED, desk, guarded, in_commands
from .plain import in_code, named, plain
from .presses import heard, safely
from .reviewer import reviewer
from .seat import Seat, seat

PREFIX = "d."
"""Of the parameters of this page in the address."""

_PAGE = "duplicates"
_SEEN = ("Open", "Settled", "All")
_Way = Literal["one", "each", "relabel", "all", "skip"]
_SAID = {
    "duplicates.exact": "Same input and same answer, character for character.",
    "duplicates.normalised": "The same but for case, width and white space.",
    "duplicates.near": "Near copies: most runs of five words are the same.",
    "duplicates.semantic": "An encoder takes them for the same.",
    "duplicates.contained": "The text of one stands inside of the other.",
    "duplicates.boilerplate": "They share lines that repeat over rows, and need not be copies: look before you drop one.",
    "labels.conflict": "Same input, different answers: no model can learn both.",
    "labels.near_conflict": "Nearly the same input, different labels.",
}


def page() -> None:
    """Draw the page."""
    look = desk().look()
    rules = rules_with_clusters(look.view)
    if not rules:
        _nothing_found(look)
        return
    tell_unknown(f"{PREFIX}rule", rules)
    tell_unknown(f"{PREFIX}seen", _SEEN)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rule = st.selectbox("Found by", rules, key=f"{PREFIX}rule", bind="query-params", width=260)
        seen = st.segmented_control(
            "Clusters", _SEEN, key=f"{PREFIX}seen", bind="query-params", default="Open", required=True
        )
    st.caption(_SAID[rule])
    if st.session_state[ARRIVED]:
        seat(_PAGE).arrive(row_asked(look, f"{PREFIX}cluster"))
    _work(rule, cast("str", seen or "Open"))


def _nothing_found(look: Look) -> None:
    name = in_code(in_commands())
    if not look.view.checked:
        st.info(f"Nothing was checked yet: run `vetset check {name}`; this page follows by itself.")
        return
    ran = look.view.manifest.get("checked") or []
    missing = [rule for rule in CLUSTERED if rule not in ran and rule != "duplicates.semantic"]
    if missing:
        st.info(f"Not every rule on copies has run: `vetset check {name} --select duplicates,labels` looks for them.")
    else:
        st.success(
            f"No row is a copy of another, and no copies disagree: {counted(look.view.rows.height, 'row')} looked at."
        )


@st.cache_resource(max_entries=4, show_spinner="Listing clusters…")
def _clusters(key: str, rule: str, _look: Look) -> Clusters:
    return list_clusters(_look.view, rule)


@st.fragment
@guarded
def _work(rule: str, seen: str) -> None:
    """Draw the list and the cluster at hand; a key press runs this and nothing else."""
    look = desk().look()
    clusters = _clusters(look.view.key, rule, look)
    marks = state(clusters, look.view, look.heads)
    listed = _listed(marks, seen)
    number = _current(look, clusters, marks, listed, seat(_PAGE), queue=(rule, seen))
    _progress(clusters, marks)
    acting.show_notice()
    if number is None:
        st.query_params.pop(f"{PREFIX}cluster", None)
        _nothing_left(clusters, look, seen, listed)
        st.button("Undo", key="undo", shortcut="U", icon=":material/undo:", on_click=_undo, args=(rule,))
        return
    name = _name(look, clusters, number)
    seat(_PAGE).go(name)
    st.query_params[f"{PREFIX}cluster"] = name
    at_hand, beside = st.columns([3, 2], gap="medium")  # on a narrow screen the cluster stands over the list
    with at_hand:
        _cluster(look, clusters, marks, number)
    with beside:
        cluster_page.draw(
            look, clusters, marks, listed, number, on_pick=lambda other: _go(_name(look, clusters, other))
        )
        if clusters.alone:
            alone = "stands" if clusters.alone == 1 else "stand"
            st.caption(f"{counted(clusters.alone, 'more row')} found by this rule {alone} in no cluster of two.")
            links.to_rows("Open what the rule found in Audit", Filter(rule), icon="rate_review")


def _listed(marks: Marks, seen: str) -> Positions:
    if seen == "Open":
        return to_do(marks)
    return np.flatnonzero(marks == SETTLED) if seen == "Settled" else np.arange(marks.size)


def _current(
    look: Look, clusters: Clusters, marks: Marks, listed: Positions, seated: Seat, *, queue: tuple[str, str]
) -> int | None:
    """Return the cluster to show, and lease its first row: the one at hand, or the next that is free."""
    here, left = _numbered(look, clusters, seated.at), _numbered(look, clusters, seated.left)
    if not seated.lists(queue, at_hand=here is not None and here in listed):
        here = None
    if left is not None:
        st.session_state[acting.REASON] = ""
    wanted = chain(listed)
    if left is not None:
        wanted = chain(onward(marks, left), listed)
    elif here is not None:
        wanted = chain([here])
    offered: dict[str, int] = {}
    first = desk().leases.take(_firsts(look, clusters, wanted, offered), holder=seated.holder, reviewer=reviewer())
    if first is not None:
        return offered[first]
    return here if left is None else None


def _numbered(look: Look, clusters: Clusters, name: str | None) -> int | None:
    """Return the number of the cluster that a row names, or, as after another check, that holds the row."""
    if name is None:
        return None
    place = int(look.view.positions([name])[0])
    number = clusters.named(place)
    return clusters.holding(place) if number is None else number


def _firsts(look: Look, clusters: Clusters, numbers: chain[int], offered: dict[str, int]) -> Iterator[str]:
    """Yield the id of each cluster's first row as it is asked for, and note whose it is."""
    ids = look.view.rows["id"]
    for number in numbers:
        first = ids[int(clusters.rows[clusters.bounds[number]])]
        offered[first] = int(number)
        yield first


def _progress(clusters: Clusters, marks: Marks) -> None:
    done, size = int((marks == SETTLED).sum()), len(clusters)
    rows = int(clusters.rows.size)
    said = f"{done:,} of {counted(size, 'cluster')} settled · {counted(rows, 'row')} in them"
    st.progress(done / size if size else 0.0, text=said)


def _nothing_left(clusters: Clusters, look: Look, seen: str, listed: Positions) -> None:
    if not len(clusters):
        st.info(f"What {plain(clusters.rule)} found stands in no cluster of two rows.")
        links.to_rows(f"Open {counted(clusters.alone, 'row')} in Audit", Filter(clusters.rule), icon="rate_review")
    elif listed.size:
        st.info("Others are looking at the clusters that are left; wait a moment, or choose another rule.")
    elif seen == "Settled":
        st.info("No cluster of this rule is settled yet.")
    else:
        others = [
            name for name in rules_with_clusters(look.view) if name != clusters.rule and _has_open_rows(look, name)
        ]
        apply = f"`vetset export {in_code(in_commands())}` applies it."
        then = f"Rows are open under {plain(', '.join(others))}." if others else apply
        st.success(f"Every cluster of this rule is settled. {then}")


def _has_open_rows(look: Look, rule: str) -> bool:
    found = look.view.findings.filter(pl.col("rule_order") == list(RULES).index(rule))
    return bool((look.heads.marks[found["row"].to_numpy()] == UNDECIDED).any())


def _cluster(look: Look, clusters: Clusters, marks: Marks, number: int) -> None:
    """Draw the cluster at hand and what can be done with it."""
    name = _name(look, clusters, number)
    marked = _marked(look, clusters, number)
    for lease in desk().leases.held_by_others(seat(_PAGE).holder):
        first = look.view.rows["id"][int(clusters.rows[clusters.bounds[number]])]
        if lease.row_id == first and lease.reviewer != reviewer():  # a tab reloaded is another holder
            st.info(f"{named(lease.reviewer, 60)} looks at this cluster, too.", icon=":material/visibility:")
    quiet = st.session_state.get(acting.DIALOG) is not None
    seat(_PAGE).saw = look
    _acts(look, clusters, number, marked, name, quiet=quiet)
    _moves(look, clusters, marks, number, name, quiet=quiet)
    if st.session_state.get(acting.DIALOG) == "policy":
        saw = seat(_PAGE).looked(look)
        duplicates_policy.dialog(
            saw, clusters, to_do(state(clusters, saw.view, saw.heads)), done=seat(_PAGE).start_again
        )
    st.text_input(
        "Why", key=acting.REASON, on_change="ignore", max_chars=500, placeholder="for the log; may stay empty"
    )
    cards(look, clusters, number, marked, quiet=quiet, on_mark=partial(_mark, rule=clusters.rule, name=name))


def _acts(look: Look, clusters: Clusters, number: int, marked: int, name: str, *, quiet: bool) -> None:
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


def _moves(look: Look, clusters: Clusters, marks: Marks, number: int, name: str, *, quiet: bool) -> None:
    key = heard(quiet=quiet)
    left = to_do(marks).size
    before, behind = (_name(look, clusters, min(max(at, 0), len(clusters) - 1)) for at in (number - 1, number + 1))
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Back", key=f"back-{name}", shortcut=key("K"), on_click=_go, args=(before,),
            disabled=number == 0,
        )  # fmt: skip
        st.button(
            "Next", key=f"next-{name}", shortcut=key("J"), on_click=_go, args=(behind,),
            disabled=number + 1 >= len(clusters),
        )  # fmt: skip
        st.button("Undo", key="undo", shortcut=key("U"), icon=":material/undo:", on_click=_undo, args=(clusters.rule,))
        st.button(
            f"All {left:,} open", key="policy", shortcut=key("B"), icon=":material/select_all:", on_click=_open,
            disabled=not left, help="Settle every open cluster of this rule at once",
        )  # fmt: skip


@safely
def _open() -> None:
    seated = seat(_PAGE)
    seated.opened = seated.saw
    st.session_state[acting.DIALOG] = "policy"


def _name(look: Look, clusters: Clusters, number: int) -> str:
    return look.view.rows["id"][int(clusters.table["key"][number])]


def _marked(look: Look, clusters: Clusters, number: int) -> int:
    """Return the place of the row that is marked to stay: by hand, else the one that is proposed."""
    at = st.session_state.get(f"marked-{clusters.rule}-{_name(look, clusters, number)}")
    places = clusters.places(number)
    if at is not None:
        there = np.flatnonzero(clusters.rows[places] == look.view.positions([at])[0])
        if there.size:
            return places.start + int(there[0])
    return marked_first(look.view, look.heads, clusters, number)


@safely
def _mark(row_id: str, *, rule: str, name: str) -> None:
    st.session_state[f"marked-{rule}-{name}"] = row_id


@safely
def _settle(way: _Way, rule: str, name: str, seen: int) -> None:
    """Settle the cluster that a row names; that row stays that is marked now: a digit may have marked another than was drawn."""
    seated = seat(_PAGE)
    look = seated.saw
    if look is None or not seated.takes(name):
        return
    clusters = _clusters(look.view.key, rule, look)
    number = _numbered(look, clusters, name)
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
    marked = _marked(look, clusters, number)
    return keep_one(look.view, look.heads, clusters, marked, each_split=way == "each", relabel=way == "relabel")


@safely
def _go(name: str) -> None:
    seat(_PAGE).go(name)


@safely
def _undo(rule: str) -> None:
    back = acting.undo()
    if not back:
        return
    look = desk().look()
    clusters = _clusters(look.view.key, rule, look)
    number = clusters.holding(int(look.view.positions([back[0]])[0]))
    if number is not None:
        _go(_name(look, clusters, number))
