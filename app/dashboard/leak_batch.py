"""The dialog in which all open leaks of a cell are settled alike: what goes, how many, some to see, one batch."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.keeping import decisions
from ...curate.review.leak_matrix import NONE, OUTSIDE, drop_eval_side, drop_train_side, keep_both
from ...curate.wording import counted
from . import acting, sampled
from .duplicates_policy import closed, spelt
from .plain import plain, short


def planned(look: Look, cell: pl.DataFrame, way: str, *, replace: bool = False) -> pl.DataFrame:
    """Return the plan of a way to settle pairs: ``train``, ``test`` or ``both``; ``replace`` as in ``drop_train_side``."""
    if way == "train":
        return drop_train_side(look.view, look.heads, cell, replace=replace)
    return drop_eval_side(look.heads, cell) if way == "test" else keep_both(look.heads, cell)


@st.dialog("Settle all open leaks of this cell", width="large", on_dismiss=acting.close_dialog)
def dialog(look: Look, cell: pl.DataFrame, *, done: Callable[[], None]) -> None:
    """Draw it.

    Args:
        look: of the moment at which it was opened: what others decided since is not written over.
        cell: its open pairs.
        done: is called once it is written; must not use ``st.session_state``.
    """
    outside = cell["of"][0] == OUTSIDE
    going = cell["split"][0] if outside else cell["of"][0]
    ways = {"train": "Drop these rows" if going == NONE else f"Drop from {plain(going, 40)}"}
    if not outside:
        ways["test"] = f"Drop from {plain(cell['split'][0], 40)}"
    ways["both"] = "Keep both"
    way = st.radio("What", list(ways), format_func=ways.__getitem__, key="leaks-way")
    with st.spinner("Counting…"):
        plan = planned(look, cell, way)
    st.markdown(f"**{counted(cell.height, 'leak')}: {spelt(plan) or 'nothing to decide'}.**")
    if way == "train":
        _say_kept(look, cell, plan)
    some = cell[sampled.spread(cell.height)]
    texts = look.view.rows["text"]
    st.caption(f"{some.height} of them, spread over all:")
    sampled.table(
        {
            "row": [short(text or "", 120) for text in texts.gather(some["row"])],
            "is like": [
                "(of another file)" if peer < 0 else short(texts[peer] or "", 120) for peer in some["peer"].to_list()
            ],
        },
        alt="A sample of the pairs",
    )
    reason = st.text_input("Why", key="leaks-why", max_chars=500)
    if st.button(f"Decide {counted(plan.height, 'row')}", type="primary", disabled=plan.is_empty(), key="leaks-go"):
        with st.spinner(f"Writing {counted(plan.height, 'decision')}…"):
            written = decisions(look.view, plan, rule=_rule(cell), reason=reason or None)
            outcome = acting.decide(written, seen=look.seq, done=done)
        closed(outcome, plan, done=done)


def _rule(cell: pl.DataFrame) -> str:
    """Return the rule of the pairs, or the one that found most of them: a decision names one."""
    return cell["rule"].value_counts(sort=True).sort("count", "rule", descending=[True, False])["rule"][0]


def _say_kept(look: Look, cell: pl.DataFrame, plan: pl.DataFrame) -> None:
    """Say how many rows that leak stay because somebody decided so."""
    stay = planned(look, cell, "train", replace=True).filter(pl.col("action") == "drop").height
    stay -= plan.filter(pl.col("action") == "drop").height
    if stay:
        st.caption(
            f"{counted(stay, 'row')} that somebody kept, relabelled or edited {'stays' if stay == 1 else 'stay'}: these leaks "
            "are left to a person."
        )
