"""The dialog in which all open clusters of a rule are settled alike: what stays, how many go, some to see, one batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl
import streamlit as st

from ...curate.decisions.decision import Outcome
from ...curate.review.cluster_list import Clusters
from ...curate.review.desk import Look
from ...curate.review.keeping import Keep, decisions, keep_by
from ...curate.review.worklist import Positions
from ...curate.wording import counted
from . import acting, sampled
from .plain import named
from .reviewer import reviewer

_DONE = {"keep": "kept", "drop": "dropped", "relabel": "relabelled", "skip": "put off"}


@st.dialog("Settle all open clusters", width="large", on_dismiss=acting.close_dialog)
def dialog(look: Look, clusters: Clusters, numbers: Positions, *, done: Callable[[], None]) -> None:
    """Draw it.

    Args:
        look: of the moment at which it was opened: what others decided since is not written over.
        clusters: of the rule.
        numbers: of the open ones.
        done: is called once it is written; must not use ``st.session_state``.
    """
    if clusters.rule == "duplicates.boilerplate":
        st.info("These rows share lines and are no copies of each other: which of them go is decided one by one.")
        return
    on_labels = clusters.rule.startswith("labels.")
    ways = _ways(look, on_labels=on_labels)
    keep = st.radio("Which row stays", list(ways), format_func=ways.__getitem__, key="policy-keep")
    relabel, each_split = False, False
    if on_labels:
        others = ["Drop them", "Give them its label"] if look.view.labels else ["Drop them"]
        relabel = st.radio("Rows with another answer", others, key="policy-others") == "Give them its label"
    else:
        numbers, each_split = _narrowed(look, clusters, numbers)
    with st.spinner("Counting…"):
        plan = keep_by(look.view, look.heads, clusters, numbers, keep=keep, each_split=each_split, relabel=relabel)
    st.markdown(f"**{counted(numbers.size, 'cluster')}: {spelt(plan) or 'nothing to decide'}.**")
    _show_sample(look, plan)
    reason = st.text_input("Why", key="policy-why", max_chars=500)
    if st.button(f"Decide {counted(plan.height, 'row')}", type="primary", disabled=plan.is_empty(), key="policy-go"):
        why = f"{ways[keep]}: {reason}" if reason else ways[keep]
        with st.spinner(f"Writing {counted(plan.height, 'decision')}…"):
            written = decisions(look.view, plan, rule=clusters.rule, reason=why)
            outcome = acting.decide(written, seen=look.seq, done=done)
        closed(outcome, plan, done=done)


def closed(outcome: Outcome | None, plan: pl.DataFrame, *, done: Callable[[], None]) -> None:
    """Close the dialog that wrote a plan; where nothing could be written it stays as it is, and says so."""
    if outcome is None:
        acting.show_notice()
        return
    if outcome.conflicts:
        done()  # all the others are written
    else:
        tell(plan)
    acting.close_dialog()
    st.rerun()


def spelt(plan: pl.DataFrame) -> str:
    """Say how many rows of a plan are kept, dropped, relabelled."""
    counts = dict(plan.group_by("action").len().iter_rows())
    return ", ".join(f"{counts[action]:,} {word}" for action, word in _DONE.items() if action in counts)


def tell(plan: pl.DataFrame, stood: Mapping[str, int] | None = None) -> None:
    """Have the page say what a plan did.

    Args:
        plan: as written.
        stood: whose decisions it took the place of, and how many rows' each (``keeping.replaced``).
    """
    said = spelt(plan)
    said = f"{said[:1].upper()}{said[1:]} · U takes {'all of it' if plan.height > 1 else 'it'} back"
    others = [
        f"{'a decision' if rows == 1 else f'{rows:,} decisions'} of {named(who, 60)}"
        for who, rows in (stood or {}).items()
        if who != reviewer()
    ]
    if others:
        acting.notice("warning", f"{said}. This replaced {' and '.join(others)}.")
    else:
        acting.notice("done", said)


def _ways(look: Look, *, on_labels: bool) -> dict[Keep, str]:
    """Return the ways to choose that this set has the columns for."""
    ways: dict[Keep, str] = {} if on_labels else {"rule": "What the check would keep"}
    if look.view.labels:
        ways["majority"] = "A row with the label that most of them have"
    ways |= {"longest": "The longest", "first": "The first in the files"}
    if look.view.rows["time"].null_count() < look.view.rows.height:
        ways["newest"] = "The newest"
    return ways


def _narrowed(look: Look, clusters: Clusters, numbers: Positions) -> tuple[Positions, bool]:
    """Let clusters be left out whose labels disagree, and one row stay in each split; returns which clusters, and whether."""
    table = clusters.table[numbers]
    odd = int((table["labels"] > 1).sum())
    if odd and st.checkbox(
        f"Leave {counted(odd, 'cluster')} in which labels disagree to a person", value=True, key="policy-odd"
    ):
        numbers = numbers[table["labels"].to_numpy() == 1]
    across = int((clusters.table[numbers]["splits"] > 1).sum())
    if not across:
        return numbers, False
    how = st.radio(
        f"{counted(across, 'cluster')} stand in several splits",
        [
            "Keep one row in each split: that one repeats the other stays open, as a leak",
            "Keep one row of all: an eval row stays before one of train",
        ],
        key="policy-splits",
    )
    return numbers, how.startswith("Keep one row in each")


def _show_sample(look: Look, plan: pl.DataFrame) -> None:
    if plan.is_empty():
        return
    going = plan.filter(pl.col("action") != "keep") if (plan["action"] != "keep").any() else plan
    some = going[sampled.spread(going.height)]
    st.caption(f"{some.height} of them, spread over all:")
    becomes = [value or _DONE[action] for action, value in some.select("action", "value").iter_rows()]
    sampled.rows(look, some["row"].to_list(), becomes)
