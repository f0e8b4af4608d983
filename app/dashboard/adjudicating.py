"""Texts on which people differ, one at a time: all votes, and the one label that a key gives it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from ...curate.agreement.disagreements import ruled
from ...curate.agreement.report import Report
from ...curate.agreement.reviewers import ADJUDICATED
from ...curate.decisions.decision import Decision
from ...curate.review.desk import Look
from ...curate.review.worklist import Filter
from ...curate.wording import counted
from . import acting, links, record
from .agreement_tables import Chosen
from .labels import DIGITS
from .plain import plain, short

_AT = "agreement-at"


def draw(
    look: Look, report: Report, listed: pl.DataFrame, left: Sequence[str], chosen: Chosen, *, reviewers: bool
) -> None:
    """Draw the difference at hand.

    Args:
        look: of this moment.
        report: the votes.
        listed: ``item, row, place`` of the texts that differ.
        left: those of them that are not settled.
        chosen: what they are narrowed to.
        reviewers: whether reviewers differ, who have decided the rows already.
    """
    every = listed["item"].unique(maintain_order=True).to_list()
    who = f" between {plain(chosen.one, 40)} and {plain(chosen.other, 40)}" if chosen.one else ""
    st.subheader(f"Differences{who}", anchor=False)
    if not every:
        st.success("They say the same of every text.", icon=":material/check_circle:")
        return
    done = len(every) - len(left)
    st.progress(done / len(every), text=f"{done:,} of {counted(len(every), 'difference')} settled")
    acting.show_notice()
    if not left:
        st.success(f"All settled: {counted(len(every), 'text')}.")
        st.button("Undo", key="undo", shortcut="U", icon=":material/undo:", on_click=_undo, args=(listed,))
        return
    item = _current(every, left)
    st.session_state[_AT] = item
    rows = listed.filter(pl.col("item") == item)
    places = rows["place"].to_list()
    mine = look.view.rows[places].select("id", "label")
    heads = look.heads.frame.filter(pl.col("row_id").is_in(mine["id"].implode()))
    _buttons(look, report, item, mine, heads, left, reviewers=reviewers)
    with st.container(border=True):
        _votes(report, item, chosen)
        record.show(look.view, places[0], heads=heads, key="agreement")
    st.text_input(
        "Why", key=acting.REASON, on_change="ignore", max_chars=500, placeholder="for the log; may stay empty"
    )
    if mine.height > 1:
        copies = "its copy" if mine.height == 2 else f"the other {mine.height - 1}"
        st.caption(f"This text is {mine.height} rows, one a vote: a label keeps one of them and drops {copies}.")
    links.to_rows(
        "Open in Audit", Filter("rows", ids=tuple(mine["id"].to_list()[:50])), reviewed="all", icon="open_in_new"
    )


def _current(every: Sequence[str], left: Sequence[str]) -> str:
    """Return the text at hand, or the next open one behind it."""
    at = str(st.session_state.get(_AT))
    if at in left:
        return at
    if at in every:
        behind = set(every[every.index(at) + 1 :])
        return next((item for item in left if item in behind), left[0])
    return left[0]


def _votes(report: Report, item: str, chosen: Chosen) -> None:
    votes = report.votes.filter(pl.col("item") == item)
    first = pl.col("annotator").is_in([chosen.one, chosen.other])
    with st.container(horizontal=True, gap="small"):
        for _, annotator, label in pl.concat([votes.filter(first), votes.filter(~first)]).head(40).iter_rows():
            st.badge(f"{plain(annotator, 40)}: {plain(label, 60)}", icon=":material/person:", color="violet")
        for _, label, share in report.views.filter(pl.col("item") == item).iter_rows():
            st.badge(
                f"classifier: {plain(label, 60)} {share:.0%}", icon=":material/smart_toy:", color="gray",
                help="What the texts and votes of all others say; not of this one",
            )  # fmt: skip
    if votes.height > 40:
        st.caption(f"40 of {votes.height:,} votes.")


def _buttons(
    look: Look,
    report: Report,
    item: str,
    mine: pl.DataFrame,
    heads: pl.DataFrame,
    left: Sequence[str],
    *,
    reviewers: bool,
) -> None:
    """Draw the labels on digits; the text is a part of each button's key, so that a late press never lands on the next."""
    rows = [(row, label) for row, label in mine.iter_rows()]
    out = heads.filter(pl.col("action") == "drop")["row_id"].to_list()

    seen = look.seq  # and not the look itself: Streamlit keeps what a button calls, of every text that was drawn

    def rule(label: str) -> None:
        reason = st.session_state.get(acting.REASON) or None
        _decide(ruled(rows, label, out=() if reviewers else out, reason=reason, reviewers=reviewers), seen)

    def chosen() -> None:
        label = st.session_state[f"rule-other-{item}"]
        if label is not None:  # what was chosen before is only taken off
            rule(label)

    known = list(report.summary["labels"])
    with st.container(horizontal=True, gap="small"):
        for digit, label in enumerate(_offered(report, item, known), 1):
            st.button(
                plain(short(label, 28)), key=f"rule-{digit}-{item}", shortcut=str(digit), on_click=rule, args=(label,),
                help=plain(label) if len(label) > 28 else None, disabled=label == "(edit)" and reviewers,
            )  # fmt: skip
        if len(known) > DIGITS:
            st.selectbox(
                "Other label", known, index=None, key=f"rule-other-{item}", placeholder="another label",
                format_func=lambda label: short(label, 80), label_visibility="collapsed", width=220,
                on_change=chosen,
            )  # fmt: skip
    undecided = [row for row, _ in rows if row not in set(heads["row_id"])]
    at = left.index(item)
    before, behind = left[at - 1], left[(at + 1) % len(left)]
    with st.container(horizontal=True, gap="small"):
        st.button("Back", key=f"back-{item}", shortcut="K", on_click=_go, args=(before,))
        st.button("Next", key=f"next-{item}", shortcut="J", on_click=_go, args=(behind,))
        st.button(
            "Skip", key=f"skip-{item}", shortcut="N", icon=":material/skip_next:", on_click=_skip,
            args=(undecided, behind, look.seq), help="Not now: it comes back at the end",
        )  # fmt: skip
        st.button("Undo", key="undo", shortcut="U", icon=":material/undo:", on_click=_undo,
                  args=(report.members,))  # fmt: skip


def _offered(report: Report, item: str, known: list[str]) -> list[str]:
    """Return the labels that stand on digits: few labels keep their digit, of many those that were given here."""
    if len(known) <= DIGITS:
        return known
    given = (
        report.votes.filter(pl.col("item") == item)["label"]
        .value_counts(sort=True)
        .sort("count", "label", descending=[True, False])
    )
    seen = report.views.filter(pl.col("item") == item)["label"]
    return list(dict.fromkeys([*given["label"], *seen]))[:DIGITS]


def _decide(decisions: Sequence[Decision], seen: int) -> None:
    outcome = acting.decide(decisions, seen=seen)
    if outcome is not None and not outcome.conflicts:
        st.session_state[acting.REASON] = ""
        if len(decisions) > 1:
            first, copies = decisions[0], len(decisions) - 1
            said = f"Relabelled to {plain(short(first.value, 40))}" if first.action == "relabel" else "Kept"
            rest = f"{copies} copies" if copies > 1 else "1 copy"
            acting.notice("done", f"{said}: one row of this text; {rest} dropped · U takes all of it back")


def _skip(undecided: Sequence[str], behind: str, seen: int) -> None:
    _go(behind)
    if undecided:
        acting.decide([Decision(row, "skip", rule=ADJUDICATED) for row in undecided], seen=seen)


def _go(item: str) -> None:
    st.session_state[_AT] = item


def _undo(members: pl.DataFrame) -> None:
    back = acting.undo()
    if back:
        of = members.filter(pl.col("row").is_in(back))["item"]
        if of.len():
            st.session_state[_AT] = of[0]
