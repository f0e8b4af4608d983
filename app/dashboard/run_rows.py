"""The rows of two runs: which were won and lost, and what was asked, right and answered in the one that is chosen."""

from __future__ import annotations

import polars as pl
import streamlit as st

from ...evaluate.evalsets.evalset import EvalSet
from ...evaluate.verdicts.pairing import Pairs
from ...evaluate.verdicts.verdict import Verdict
from . import differing, record
from .addressed import tell_unknown
from .plain import plain, short

_KINDS = {
    "Lost": "lost",
    "Won": "won",
    "Both right": "both",
    "Both wrong": "neither",
    "Not scored": "unscored",
    "All": "all",
}
_PAGE = 50
_GRID, _NUMBER, _KIND = "runs-grid", "r.page", "r.kind"


def draw(verdict: Verdict, pairs: Pairs, evalset: EvalSet | None) -> None:
    """Draw the list of rows and the one that is chosen.

    Args:
        verdict: of the two runs.
        pairs: their rows.
        evalset: for what was asked; without it rows are shown by their answers.
    """
    st.subheader("Row by row", anchor=False)
    rows = _marked(pairs)
    counts = dict(rows["kind"].value_counts().iter_rows()) | {"all": rows.height}
    tell_unknown(_KIND, _KINDS)
    st.caption(" · ".join(f"{shown.lower()} {counts.get(kind, 0):,}" for shown, kind in _KINDS.items()))
    # Without counts in the choices: the address would hold them, and an older link would open nothing.
    chosen = st.segmented_control(
        "Rows",
        list(_KINDS),
        key=_KIND,
        bind="query-params",
        default="Lost",
        required=True,
        label_visibility="collapsed",
    )
    kind = _KINDS[chosen or "Lost"]
    listed = rows if kind == "all" else rows.filter(pl.col("kind") == kind)
    if listed.is_empty():
        st.caption(f"No row of {verdict.gain.rows:,} is one of these.")
        return
    pages = -(-listed.height // _PAGE)
    number = min(st.session_state.get(_NUMBER, 1), pages)
    shown = listed.slice((number - 1) * _PAGE, _PAGE)
    picked = st.dataframe(
        _table(shown), key=f"{_GRID}-{kind}-{number}", hide_index=True, on_select="rerun", selection_mode="single-row",
        height=min(38 + 35 * shown.height, 360), alt="Rows of both runs",
        column_config={
            "reference": st.column_config.TextColumn("Right", width="small"),
            "baseline": st.column_config.TextColumn("Baseline answered", width="medium"),
            "candidate": st.column_config.TextColumn("Candidate answered", width="medium"),
            "id": st.column_config.TextColumn("Row", width="small"),
        },
    )  # fmt: skip
    if pages > 1:
        st.pagination(pages, key=_NUMBER, bind="query-params", max_visible_pages=5)
    at = picked["selection"]["rows"]
    _one(shown.row(at[0] if at and at[0] < shown.height else 0, named=True), evalset)


def _marked(pairs: Pairs) -> pl.DataFrame:
    """Return the rows with the kind of each: won, lost, both right, both wrong, or one that could not be scored."""
    one, other = pl.col("baseline"), pl.col("candidate")
    unscored = (pl.col("baseline_status") != "ok") | (pl.col("candidate_status") != "ok")
    kind = (
        pl.when(other > one).then(pl.lit("won"))
        .when(other < one).then(pl.lit("lost"))
        .when(unscored).then(pl.lit("unscored"))
        .when(one > 0.5).then(pl.lit("both"))
        .otherwise(pl.lit("neither"))
    )  # fmt: skip
    return pairs.rows.with_columns(kind.alias("kind"))


def _table(rows: pl.DataFrame) -> pl.DataFrame:
    def told(which: str) -> list[str]:
        pairs = zip(rows[f"{which}_output"], rows[f"{which}_status"], strict=True)
        return [
            short(output or "", 120) if status == "ok" else f"({status}) {short(output or '', 100)}"
            for output, status in pairs
        ]

    return pl.DataFrame(
        {
            "reference": [short(text or "", 80) for text in rows["reference"]],
            "baseline": told("baseline"),
            "candidate": told("candidate"),
            "id": rows["id"],
        },
        schema=dict.fromkeys(("reference", "baseline", "candidate", "id"), pl.String),
    )


def _one(row: dict[str, str | None], evalset: EvalSet | None) -> None:
    """Draw what was asked, what is right, and both answers with what differs."""
    with st.container(border=True):
        st.caption(plain(row["id"]))
        asked = None if evalset is None else evalset.rows.filter(pl.col("id") == row["id"])
        if asked is not None and asked.height:
            messages = asked.row(0, named=True)["messages"]
            last = messages[:-1] if messages and messages[-1]["role"] == "assistant" else messages
            record.turns(last, key=f"run-{row['id']}")
        else:
            st.caption("The eval set is not at hand, so what was asked can't be shown.")
        st.caption("Right")
        st.html(differing.whole(record.cut(row["reference"] or "(nothing was noted)", 4_000)))
        one, other = (record.cut(row[f"{which}_output"] or "(no answer)", 4_000) for which in ("baseline", "candidate"))
        left, right = st.columns(2)
        with left:
            st.caption(f"Baseline · {plain(row['baseline_status'])}")
            st.html(differing.whole(one))
        with right:
            st.caption(f"Candidate · {plain(row['candidate_status'])}; what differs is underlined or struck out")
            st.html(differing.against(other, one))
