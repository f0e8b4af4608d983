"""Two rows side by side, one of an eval split and the one it leaks to, with the words that tell them apart."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.leak_matrix import OUTSIDE
from .differing import against, spoken, whole
from .plain import named, plain

_LIKE = ("leakage.near", "leakage.meaning", "leakage.ngram", "leakage.contained", "leakage.masked", "leakage.short")
"""Rules that name one row of several that may be alike: the next check names the next."""


def show(look: Look, pair: pl.DataFrame) -> None:
    """Draw the pair, ``Leaks.pairs`` of one line, and why it was found."""
    row = look.view.row(pair["row"][0])
    others = look.view.found_on(pair["row"][0])
    st.markdown(f":material/flag: **{plain(pair['rule'][0])}**: {plain(pair['note'][0], 600)}")
    more = [name for name in others["rule"].unique().sort() if name not in (pair["rule"][0], "licences.unknown")]
    if more:
        st.caption(f"Also found by {plain(', '.join(more))}; a decision on the row settles these, too.")
    if pair["of"][0] == OUTSIDE:
        with st.container(border=True):
            _facts(look, row)
            st.html(whole(spoken(row)))
        st.caption(
            "The other side is a row of the eval file, which is not a part of this set: only this row can be decided."
        )
        return
    if pair["rule"][0] in _LIKE:
        st.caption("Shown is the row that shares the most; more may share it. Check again once it is dropped.")
    peer = look.view.row(pair["peer"][0])
    left, right = st.columns(2, gap="small")
    with left, st.container(border=True):
        _facts(look, row)
        st.html(against(spoken(row), spoken(peer)))
    with right, st.container(border=True):
        _facts(look, peer)
        st.html(whole(spoken(peer)))
    st.caption("Underlined: only the first has it. Struck out: only the second has it.")


def _facts(look: Look, row: dict[str, Any]) -> None:
    facts = [f"**{plain(row['split'] or '(no split)', 40)}**"]
    facts += [plain(row[name], 60) for name in ("label", "source", "group") if row[name] is not None]
    if row["time"] is not None:
        facts.append(plain(f"{row['time']:%Y-%m-%d %H:%M}"))
    facts.append(f"{plain(str(row['file']).rpartition('/')[2], 40)} line {row['line']}")
    for head in look.heads.frame.filter(pl.col("row_id") == row["id"]).iter_rows(named=True):
        facts.append(f":green-badge[:material/task_alt: {head['action']} by {named(head['reviewer'], 30)}]")
    st.markdown(" · ".join(facts))
