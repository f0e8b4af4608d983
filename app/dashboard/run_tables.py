"""The tables of the page Runs: the gates of a verdict, and its slices."""

from __future__ import annotations

import polars as pl
import streamlit as st

from ...evaluate.verdicts.verdict import Verdict
from .plain import short


def gates(verdict: Verdict) -> None:
    """Draw the gates, those in the way first."""
    st.subheader("Gates", anchor=False)
    told = sorted(verdict.gates, key=lambda gate: gate.passes)
    shown = pl.DataFrame(
        {
            "gate": [gate.name for gate in told],
            "holds": [gate.mark for gate in told],
            "said": [short(gate.told, 300) for gate in told],
            "next": [short(gate.next or "", 200) if not gate.passes else "" for gate in told],
        }
    )
    st.dataframe(
        shown, hide_index=True, alt="Gates of the verdict, those in the way first",
        column_config={
            "gate": st.column_config.TextColumn("Gate", width="small"),
            "holds": st.column_config.TextColumn("Holds", width="small"),
            "said": st.column_config.TextColumn("What was found", width="large"),
            "next": st.column_config.TextColumn("Next", width="medium"),
        },
    )  # fmt: skip


def slices(verdict: Verdict) -> None:
    """Draw the slices, the worst first."""
    found = verdict.sliced.slices
    if not found:
        return
    st.subheader("Slices", anchor=False)
    shown = pl.DataFrame(
        {
            "slice": [short(f"{one.column} = {one.value}", 80) for one in found],
            "rows": [one.gain.rows for one in found],
            "baseline": [100 * one.gain.baseline for one in found],
            "candidate": [100 * one.gain.candidate for one in found],
            "gain": [100 * one.gain.gain for one in found],
            "interval": [f"{100 * one.gain.low:+.0f} to {100 * one.gain.high:+.0f}" for one in found],
            "worse": ["worse" if one.worse else "" for one in found],
        }
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        shown, hide_index=True, height=min(38 + 35 * len(found), 320), alt="Slices of the eval set, the worst first",
        column_config={
            "slice": st.column_config.TextColumn("Slice", width="medium"), "rows": number("Rows", width="small"),
            "baseline": number("Baseline %", format="%.1f", width="small"),
            "candidate": number("Candidate %", format="%.1f", width="small"),
            "gain": number("Gain", format="%+.1f", width="small"),
            "interval": st.column_config.TextColumn("95% interval", width="small"),
            "worse": st.column_config.TextColumn("By Holm", width="small"),
        },
    )  # fmt: skip
    if verdict.sliced.small:
        st.caption(f"{verdict.sliced.small} more have fewer than ten rows, and are too small to tell.")
