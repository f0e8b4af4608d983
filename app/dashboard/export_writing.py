"""The button that writes an export, and what the last writing came to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from ...curate.errors import VetsetError
from ...curate.exports.provenance import our_files
from ...curate.review import aside
from ...curate.review.export_preview import place_beside, usual_place
from ...curate.wording import counted, shell
from . import export_counting
from .context import folder
from .plain import plain, short
from .reviewer import reviewer

_DONE = "exporting-done"


def write(found: Mapping[str, Any], options: dict[str, Any]) -> None:
    """Draw the folder and the one button; it has no key, so that no slip presses it."""
    st.subheader("Write", anchor=False)
    given = st.text_input(
        "Folder, beside the set",
        usual_place(folder()).name,
        key="x.folder",
        bind="query-params",
        max_chars=200,
        width=420,
    )
    try:
        place = place_beside(folder(), given)
        there = sorted(our_files(place)) if place.is_dir() else []
    except VetsetError as error:
        st.error(plain(error), icon=":material/error:")
        place, there = None, []
    if place is not None:
        st.caption(plain(str(place)))
    waiver = _waiver(found)
    if waiver:
        options = {**options, "waive_terms": waiver}
    if st.button(
        "Write vetted files", type="primary", icon=":material/ios_share:", key="exporting-write",
        disabled=place is None or found["stops"] is not None or waiver == "",
    ) and place is not None:  # fmt: skip
        if there:
            _confirm(place, there, options)
        else:
            _run(place, options)


def _waiver(found: Mapping[str, Any]) -> str | None:
    """Draw which terms are closed and ask why rows may be written; return "" until somebody says so, None where none are."""
    if found["closed"] is None:
        return None
    st.warning(f"{plain(found['closed'][:1].upper() + found['closed'][1:])}.", icon=":material/gavel:")
    reason = st.text_input(
        "Why these rows may be written all the same", key="exporting-waiver", max_chars=300, width=620,
        placeholder="what allows it, such as a contract, or a model that does not compete",
        help="It stands in provenance.json, in the card and in the set's history, with your name",
    )  # fmt: skip
    return f"{reason.strip()} by {reviewer()}" if reason.strip() else ""


@st.dialog("Replace the earlier export?")
def _confirm(place: Path, there: list[str], options: dict[str, Any]) -> None:
    st.write(
        f"{plain(place.name)} holds an export of {counted(len(there), 'file')}: they are replaced all together, or not at all."
    )
    st.caption(plain(", ".join(there[:12]) + (" …" if len(there) > 12 else "")))
    if st.button("Replace", type="primary", key="exporting-replace", icon=":material/ios_share:"):
        _run(place, options)
        st.rerun()


def _run(place: Path, options: dict[str, Any]) -> None:
    """Write the files by another process, and keep what came of it for the page."""
    with st.spinner("Another process writes the files…", show_time=True):
        try:
            st.session_state[_DONE] = aside.ask("review.export_preview", export_counting.told_aside(options, place))
        except VetsetError as error:
            st.session_state[_DONE] = {"error": str(error)}


def done() -> None:
    """Draw what the last writing came to."""
    done = st.session_state.get(_DONE)
    if done is None:
        return
    if "error" in done:
        st.error(f"Nothing was written: {plain(done['error'])}", icon=":material/error:")
        return
    rows = counted(done["counts"]["written"], "row")
    st.success(
        f"{rows} written to {plain(done['folder'])}, whole and flushed to the disk.", icon=":material/check_circle:"
    )
    st.dataframe(
        pl.DataFrame(
            {
                "file": [short(file["name"], 80) for file in done["files"]],
                "rows": [file["rows"] for file in done["files"]],
                "bytes": [file["bytes"] for file in done["files"]],
                "sha256": [file["sha256"] for file in done["files"]],
            }
        ),
        hide_index=True, alt="Files that were written", height="content" if len(done["files"]) < 9 else 320,
        column_config={name: st.column_config.NumberColumn(format="localized") for name in ("rows", "bytes")},
    )  # fmt: skip
    for note in done["notes"]:
        st.caption(plain(note))
    st.caption("Next, wherever the files go:")
    st.code(f"vetset verify {shell(done['folder'])}", language="bash")
