"""One synthetic row beside the rows that it was made from, and what each gate said of it."""

from __future__ import annotations

import json

import polars as pl
import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.synthetic import Beside
from ...curate.review.worklist import Filter
from ...curate.wording import counted
from . import links, record
from .differing import against, spoken, whole
from .plain import plain

_SEEDS = 5  # rows it was made from that are drawn; the rest is a click away
_GATES = 20
_MORE = 8_000  # characters of what has no column
_MARKS = {"pass": "check_circle", "review": "help", "reject": "block"}


def show(look: Look, position: int, beside: Beside, *, found: pl.DataFrame) -> None:
    """Draw the row: what it says, how it came to be, and the verdicts.

    Args:
        look: of this moment.
        position: of the row.
        beside: its lineage.
        found: findings on it.
    """
    row_id = look.view.rows["id"][position]
    with st.container(border=True):
        _badges(beside, look.view.rows["label"][position])
        record.show(look.view, position, heads=look.heads.frame.filter(pl.col("row_id") == row_id), key="synthetic")
        record.reasons(found, first="synthetic.review")
        _verdicts(beside)
        _how(beside)


def _badges(beside: Beside, label: str | None) -> None:
    of = beside.lineage
    badges = [
        ("orange", "help", "under review")
        if of.fate == "review"
        else ("green", "check_circle", "accepted by its gates")
    ]
    if beside.doubt is not None:
        badges.append(("violet", "balance", f"disagreement {beside.doubt:.0%}"))
    badges += [
        ("gray", "grid_view", f"{plain(axis, 30)} {plain(value, 40)}")
        for axis, value in list(of.cell.items())[:8]
        if axis != "label" or value != label
    ]
    st.markdown(" ".join(f":{colour}-badge[:material/{icon}: {told}]" for colour, icon, told in badges))
    if of.why:
        st.markdown(f":material/help: {plain(of.why, 600)}")


def _verdicts(beside: Beside) -> None:
    """Draw what the gates said, a line a gate: those that passed without a word in one."""
    told, silent = [], []
    for one in beside.lineage.verdicts[:_GATES]:
        name = plain(one.gate.removeprefix("distill."), 60)
        score = "" if one.score is None else f" {one.score:.2f}"
        if one.verdict == "pass" and not one.note and one.score is None:
            silent.append(name)
        else:
            note = f": {plain(one.note, 300)}" if one.note else ""
            told.append(f":material/{_MARKS[one.verdict]}: **{name}** {one.verdict}{score}{note}")
    if silent:
        told.append(f":material/check_circle: passed {', '.join(silent)}")
    if told:
        st.markdown("\n\n".join(told))


def _how(beside: Beside) -> None:
    of = beside.lineage
    told = [plain(of.teacher.model, 60)]
    told += [f"revision {plain(of.teacher.revision, 40)}"] if of.teacher.revision else []
    told += [f"run {plain(of.run, 60)}"] if of.run else []
    told += [plain(of.kind, 40)] if of.kind else []
    told += [plain(of.made, 20)] if of.made else []
    told += [f"{sum(of.tokens):,} tokens"] if of.tokens else []
    told += [f"{of.cost:.4g} {plain(of.currency or '', 10)}"] if of.cost is not None else []
    st.caption(" · ".join(told))
    if of.made_extra:
        with st.expander("More that it came with", icon=":material/data_object:"):
            text = json.dumps(of.made_extra, ensure_ascii=False, indent=2)
            st.code(record.cut(text, _MORE), language="json", wrap_lines=True)


def seeds(look: Look, position: int, beside: Beside) -> None:
    """Draw the rows that it was made from; of a single one the words that differ."""
    st.markdown("**Made from**")
    if not beside.seeds and not beside.lost:
        st.caption("It was made from no row: its cell alone was asked for.")
    one = len(beside.seeds) == 1 and not beside.lost
    mine = spoken(look.view.row(position)) if one else ""
    for place in beside.seeds[:_SEEDS]:
        row = look.view.row(place)
        with st.container(border=True):
            label = "" if row["label"] is None else f":blue-badge[:material/label: {plain(row['label'], 40)}]"
            facts = [label, *(plain(row[name], 40) for name in ("split", "source") if row[name] is not None)]
            st.markdown(" · ".join(filter(None, facts)) or "no label")
            st.html(against(spoken(row), mine) if one else whole(spoken(row)))
    if one:
        st.caption("Underlined: only in the row it was made from. Struck out: only in the synthetic one.")
    ids = look.view.rows["id"].gather(beside.seeds[:50]).to_list()
    if ids:
        more = len(beside.seeds) - _SEEDS
        said = f"Open {counted(len(beside.seeds), 'row')} in Audit" + (f" ({more} more)" if more > 0 else "")
        links.to_rows(said, Filter("rows", ids=tuple(ids)), reviewed="all", icon="open_in_new")
    if beside.lost:
        st.caption(
            f"{counted(len(beside.lost), 'row')} that it was made from "
            f"{'is' if len(beside.lost) == 1 else 'are'} not in this set: {plain(beside.lost[0], 40)}"
            + (" …" if len(beside.lost) > 1 else "")
        )
