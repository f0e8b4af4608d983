"""What an export would write, drawn: counts, gates, what is lost, files, and what differs from the last one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from ...curate.distill.teachers import WORDS
from ...curate.review.desk import Look
from ...curate.review.worklist import NONE, Filter
from ...curate.wording import counted
from . import links
from .context import in_commands
from .decisions import PREFIX
from .plain import in_code, plain, short

_FATES = {
    "read": "Read", "dropped": "Dropped", "held": "Held back", "unsplit": "In no split", "left_out": "No place in the format",
}  # fmt: skip


def counts(found: Mapping[str, Any]) -> None:
    """Draw how many rows ship, and what becomes of the others."""
    counts, changes = found["counts"], found["changes"]
    with st.container(horizontal=True):
        st.metric(
            "Ships",
            f"{counts['written']:,}",
            _share(counts),
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
        )
        for name, title in _FATES.items():
            if counts[name] or name in ("read", "dropped", "held"):
                st.metric(title, f"{counts[name]:,}", border=True, height="stretch")
    said = (
        f"Of those that ship {changes['as_read']:,} are as they were read, {changes['relabelled']:,} relabelled, "
        f"{changes['edited']:,} edited."
    )
    if counts["rejects"]:
        said += f" {counted(counts['rejects'], 'line')} could not be read at all."
    if counts["kept_blocking"]:
        said += f" {counted(counts['kept_blocking'], 'row')} ship though a blocking finding stands."
    st.caption(said)
    with st.container(horizontal=True, gap="small"):
        for name, many in (
            ("drop", counts["dropped"]),
            ("relabel", changes["relabelled"]),
            ("edit", changes["edited"]),
        ):
            if many:
                links.link("decisions", f"Who decided to {name}, and why", icon="history", **{f"{PREFIX}action": name})
        if counts["unsplit"]:
            links.to_rows(
                f"{counts['unsplit']:,} in no split", Filter("rows", split=(NONE,)), reviewed="all", icon="call_split"
            )


def _share(counts: Mapping[str, int]) -> str:
    if counts["written"] == counts["read"]:
        return "all rows read"
    return f"{min(counts['written'] / counts['read'], 0.999):.1%} of rows read"


def gates(look: Look, found: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Draw the rules that hold rows back."""
    st.subheader("Gates", anchor=False)
    if not look.view.checked:
        st.warning(
            f"Nothing was checked, so no gate can hold a row back. Run `vetset check {in_code(in_commands())}` first.",
            icon=":material/warning:",
        )
        return
    if not found["gates"]:
        st.success("No blocking finding stands.", icon=":material/check_circle:")
        return
    what = {"hold": "stay out", "keep": "are written all the same", "refuse": "stop the export"}[options["held"]]
    rows = counted(found["blocked"], "row")
    st.error(f"{rows} with findings that block {what if found['blocked'] > 1 else what.replace('stay', 'stays')}.",
             icon=":material/block:")  # fmt: skip
    for gate in found["gates"]:
        links.to_rows(
            f"{plain(gate['rule'])}: {counted(gate['rows'], 'row')}", Filter(gate["rule"]), icon="arrow_forward"
        )


def synthetic(found: Mapping[str, Any]) -> None:
    """Draw which of the rows to write a teacher wrote, and under which terms."""
    account = found["synthetic"]
    if account is None:
        return
    st.subheader("Synthetic rows", anchor=False)
    st.dataframe(
        pl.DataFrame(
            {
                "teacher": [short(one["teacher"], 80) for one in account["teachers"]],
                "rows": [one["rows"] for one in account["teachers"]],
                "training of other models": [WORDS[one["training"]] for one in account["teachers"]],
                "source": [short(one["source"] or "none", 120) for one in account["teachers"]],
                "looked up": [short(one["dated"] or "-", 20) for one in account["teachers"]],
            }
        ),
        hide_index=True, alt="Teachers and their terms", height="content" if len(account["teachers"]) < 9 else 320,
        column_config={"rows": st.column_config.NumberColumn(format="localized")},
    )  # fmt: skip


def losses(found: Mapping[str, Any]) -> None:
    """Draw what the format has no place for."""
    if not found["losses"] and not found["notes"]:
        return
    st.subheader("What to know", anchor=False)
    for loss in found["losses"]:
        st.markdown(f":material/{'remove_circle' if loss['kind'] == 'row' else 'info'}: {plain(loss['sentence'])}")
        if loss["kind"] == "row" and loss["example"]:
            links.to_rows(
                "The first of them", Filter("rows", ids=(loss["example"],)), reviewed="all", icon="arrow_forward"
            )
    for note in found["notes"]:
        st.markdown(f":material/info: {plain(note)}")


def files(found: Mapping[str, Any]) -> None:
    """Draw the files to be written."""
    st.subheader("Files", anchor=False)
    if found["stops"]:
        st.error(plain(found["stops"][:1].upper() + found["stops"][1:]), icon=":material/error:")
        return
    st.dataframe(
        pl.DataFrame(
            {
                "file": [short(file["name"], 80) for file in found["files"]],
                "split": [short(file["split"] or "none", 60) for file in found["files"]],
                "rows": [file["rows"] for file in found["files"]],
            }
        ),
        hide_index=True, alt="Files to be written", height="content" if len(found["files"]) < 9 else 320,
        column_config={"rows": st.column_config.NumberColumn(format="localized")},
    )  # fmt: skip


def difference(found: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Draw what differs from the last export."""
    st.subheader("Against the last export", anchor=False)
    last = found["last"]
    if last is None:
        st.caption(
            plain(found["last_lost"][:1].upper() + found["last_lost"][1:])
            if found["last_lost"]
            else "This is the first."
        )
        return
    names = {"added": "added", "gone": "gone", "changed": "with another label or text", "moved": "in another file"}
    if not any(last[kind] for kind in names):
        st.caption(f"The same rows with the same labels and texts as in {plain(last['folder'])}.")
    for kind, title in names.items():
        if last[kind]:
            ids = tuple(last["ids"][kind])
            said = f"{last[kind]:,} {title}" + (f" (the first {len(ids)})" if 0 < len(ids) < last[kind] else "")
            if ids:
                links.to_rows(said, Filter("rows", ids=ids), reviewed="all", icon="difference")
            else:
                st.caption(f"{said}; they are not in the set any more")
    if last["format"] != options["format"]:
        st.caption(plain(f"The last one was written as {last['format']}."))
