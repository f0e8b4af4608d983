"""Eval set: is it sound, frozen, covered, and how often was it looked at?"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import streamlit as st

from ...curate.review.worklist import Filter
from ...curate.wording import counted, shell
from ...evaluate.evalsets.ageing import Status, status
from ...evaluate.evalsets.evalset import EvalSet
from ...evaluate.runs.finding import find_evalsets, places_of
from . import links
from .addressed import tell_unknown
from .context import desk, folder, guarded, in_commands
from .named_folders import by_name
from .plain import in_code, plain, short

PREFIX = "e."
"""Of the parameters of this page in the address."""

_STRATA = 200  # lines of the table; more are counted


def page() -> None:
    """Draw the eval sets beside the set, or, where there is none, what stands in its eval splits."""
    found = by_name(find_evalsets(places_of(folder())), home=folder().parent)
    if not found:
        _splits()
        st.info(
            f"No eval set is beside this set. `vetset evalset build {in_code(in_commands())}` chooses rows that stand for the "
            "whole, and takes out of the training data what is too close to them."
        )
        return
    tell_unknown(f"{PREFIX}set", list(found))
    name = st.selectbox("Eval set", list(found), key=f"{PREFIX}set", bind="query-params", width=300)
    _one(found[name])


@st.cache_resource(max_entries=4, show_spinner=False)
def _status(place: str, stamps: tuple[int, ...]) -> Status:
    return status(EvalSet.open(place))


@guarded
def _one(place: Path) -> None:
    files = [place / name for name in ("evalset.json", "rows.parquet", "touches.jsonl")]
    found = _status(str(place), tuple(path.stat().st_mtime_ns for path in files if path.is_file()))
    evalset, of = found.evalset, found.evalset.manifest
    if evalset.digest is None:
        st.warning(f"It is not frozen, so no run on it can be compared: `vetset evalset freeze {in_code(str(place))}`.")
    else:
        frozen = f"Frozen {plain(str(of.get('frozen_at'))[:16])} UTC by {plain(of.get('frozen_by'), 60)}"
        st.caption(f"{frozen}, version {of.get('version')}, digest {plain(evalset.digest[:16])}")
    for sentence in found.rot:
        st.warning(plain(sentence), icon=":material/history_toggle_off:")
    with st.container(horizontal=True):
        for part in found.parts:
            rows = int((evalset.rows["part"] == part.sight.part).sum())
            looked = f"{counted(len(part.looks), 'look')}"
            st.metric(
                f"Part {part.sight.part}", counted(rows, "row"), looked, delta_color="off", delta_arrow="off", border=True,
                help=f"The next candidate is tested at {part.alpha:.4g}: every look costs",
            )  # fmt: skip
    st.subheader("What it sees", anchor=False)
    for part in found.parts:
        st.markdown(plain(part.sight.sentence))
    _strata(evalset)
    _looked(found)
    st.caption("Held against newer rows and against the training data")
    st.code(
        f"vetset evalset status {shell(place)} --against NEWER.jsonl --train {shell(in_commands())}",
        language="bash",
    )


def _strata(evalset: EvalSet) -> None:
    st.subheader("Strata", anchor=False)
    counts = (
        evalset.rows.group_by("stratum")
        .agg(
            pl.len().alias("rows"), pl.col("weight").sum().alias("stands"), (pl.col("part") == "ship").sum().alias("ship"),
            (pl.col("tags").list.len() > 0).sum().alias("edge"),
        )
        .sort("stands", "stratum", descending=[True, False], nulls_last=True)
    )  # fmt: skip
    shown = counts.head(_STRATA)
    told = shown.with_columns(
        pl.Series("stratum", [short(name or "", 80) for name in shown["stratum"]], dtype=pl.String)
    )
    st.dataframe(
        told, hide_index=True, height=min(38 + 35 * max(told.height, 1), 320), alt="Strata, those that stand for most rows first",
        column_config={
            "stratum": st.column_config.TextColumn("Stratum", width="medium"),
            "rows": st.column_config.NumberColumn("Rows", width="small"),
            "stands": st.column_config.NumberColumn("Stand for", format="%.0f", width="small"),
            "ship": st.column_config.NumberColumn("In ship", width="small"),
            "edge": st.column_config.NumberColumn("Edge cases", width="small"),
        },
    )  # fmt: skip
    if counts.height > _STRATA:
        st.caption(f"{counts.height - _STRATA:,} more strata are not shown.")


def _looked(found: Status) -> None:
    looks = [one for part in found.parts for one in part.looks]
    if not looks:
        st.caption("Nobody has looked at it yet.")
        return
    st.subheader("Looks", anchor=False)
    told = pl.DataFrame(
        {
            "at": [one.at[:16].replace("T", " ") for one in looks],
            "by": [short(one.by, 60) for one in looks],
            "part": [one.part for one in looks],
            "candidate": [short(one.candidate, 80) for one in looks],
        },
        schema=dict.fromkeys(("at", "by", "part", "candidate"), pl.String),
    )
    st.dataframe(told.sort("at", descending=True), hide_index=True, alt="Looks at the eval set, the latest first")


def _splits() -> None:
    """Draw what the eval splits of the set hold."""
    look = desk().look()
    train = look.view.manifest.get("train", "train")
    rows = look.view.rows.select("split", "label", "source").filter(pl.col("split") != train)
    if not rows.height:
        st.info(f"No row stands in an eval split; run `vetset split {in_code(in_commands())} --ratios 0.8,0.1,0.1`.")
        return
    st.caption("Rows that stand in eval splits today; nothing has frozen them.")
    for split, many in (
        rows["split"].value_counts(sort=True).sort("count", "split", descending=[True, False]).iter_rows()
    ):
        links.to_rows(f"{plain(split, 40)}: {counted(many, 'row')}", Filter("rows", split=(split,)), icon="quiz")
