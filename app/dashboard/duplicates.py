"""Duplicates: which copy stays? One cluster in full beside the list of all, settled by a key; or all of them by one rule."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import cast

import numpy as np
import polars as pl
import streamlit as st

from ...curate.review.cluster_list import CLUSTERED, Clusters, onward, rules_with_clusters, state, to_do
from ...curate.review.desk import Look
from ...curate.review.heads import SETTLED, UNDECIDED, Marks
from ...curate.review.worklist import Filter, Positions
from ...curate.rules import RULES
from ...curate.wording import counted
from . import acting, cluster_acts, cluster_names, cluster_page, duplicates_policy, links
from .addressed import row_asked, tell_unknown
from .cluster_cards import cards
from .context import ARRIVED, desk, guarded, in_commands
from .plain import in_code, named, plain
from .reviewer import reviewer
from .seat import Seat, seat

PREFIX = "d."
"""Of the parameters of this page in the address."""

_SEEN = ("Open", "Settled", "All")

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
        seat(cluster_names.PAGE).arrive(row_asked(look, f"{PREFIX}cluster"))
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


@st.fragment
@guarded
def _work(rule: str, seen: str) -> None:
    """Draw the list and the cluster at hand; a key press runs this and nothing else."""
    look = desk().look()
    clusters = cluster_names.clusters_of(look.view.key, rule, look)
    marks = state(clusters, look.view, look.heads)
    listed = _listed(marks, seen)
    number = _current(look, clusters, marks, listed, seat(cluster_names.PAGE), queue=(rule, seen))
    _progress(clusters, marks)
    acting.show_notice()
    if number is None:
        st.query_params.pop(f"{PREFIX}cluster", None)
        _nothing_left(clusters, look, seen, listed)
        st.button("Undo", key="undo", shortcut="U", icon=":material/undo:", on_click=cluster_acts.undo, args=(rule,))
        return
    name = cluster_names.name_of(look, clusters, number)
    seat(cluster_names.PAGE).go(name)
    st.query_params[f"{PREFIX}cluster"] = name
    at_hand, beside = st.columns([3, 2], gap="medium")  # on a narrow screen the cluster stands over the list
    with at_hand:
        _cluster(look, clusters, marks, number)
    with beside:
        cluster_page.draw(
            look,
            clusters,
            marks,
            listed,
            number,
            on_pick=lambda other: cluster_acts.go(cluster_names.name_of(look, clusters, other)),
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
    here, left = cluster_names.numbered(look, clusters, seated.at), cluster_names.numbered(look, clusters, seated.left)
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
    name = cluster_names.name_of(look, clusters, number)
    marked = cluster_acts.marked_now(look, clusters, number)
    for lease in desk().leases.held_by_others(seat(cluster_names.PAGE).holder):
        first = look.view.rows["id"][int(clusters.rows[clusters.bounds[number]])]
        if lease.row_id == first and lease.reviewer != reviewer():  # a tab reloaded is another holder
            st.info(f"{named(lease.reviewer, 60)} looks at this cluster, too.", icon=":material/visibility:")
    quiet = st.session_state.get(acting.DIALOG) is not None
    seat(cluster_names.PAGE).saw = look
    cluster_acts.acts(look, clusters, number, marked, name, quiet=quiet)
    cluster_acts.moves(look, clusters, marks, number, name, quiet=quiet)
    if st.session_state.get(acting.DIALOG) == "policy":
        saw = seat(cluster_names.PAGE).looked(look)
        duplicates_policy.dialog(
            saw, clusters, to_do(state(clusters, saw.view, saw.heads)), done=seat(cluster_names.PAGE).start_again
        )
    st.text_input(
        "Why", key=acting.REASON, on_change="ignore", max_chars=500, placeholder="for the log; may stay empty"
    )
    cards(
        look, clusters, number, marked, quiet=quiet, on_mark=partial(cluster_acts.mark, rule=clusters.rule, name=name)
    )
