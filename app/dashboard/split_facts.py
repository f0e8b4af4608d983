"""What the splits are made of: rows, labels, groups that cross, times that overlap, sources; and how to make others."""

from __future__ import annotations

import polars as pl
import streamlit as st

from ...curate.leakage.later import TimeFigures
from ...curate.review.desk import Look
from ...curate.review.leak_matrix import NONE, crossing, sources, split_table, times
from ...curate.review.worklist import Filter
from ...curate.wording import counted, shell
from . import links
from .context import in_commands
from .plain import in_code, plain, short

_GROUPS = 20  # that are listed; all are counted


@st.cache_data(max_entries=8, show_spinner=False)
def _table(key: str, _look: Look) -> pl.DataFrame:
    return split_table(_look.view)


@st.cache_data(max_entries=8, show_spinner="Looking for groups that cross…")
def _crossing(key: str, _look: Look) -> tuple[pl.DataFrame, int, int]:
    found = crossing(_look.view)
    return found.head(_GROUPS), found.height, int(found["eval_rows"].sum())


@st.cache_data(max_entries=8, show_spinner=False)
def _times(key: str, _look: Look) -> dict[str, TimeFigures]:
    return times(_look.view)


@st.cache_data(max_entries=8, show_spinner=False)
def _sources(key: str, _look: Look) -> pl.DataFrame:
    return sources(_look.view)


def table(look: Look) -> pl.DataFrame:
    """Return ``leak_matrix.split_table`` of this moment."""
    return _table(look.view.key, look)


def show_table(found: pl.DataFrame) -> None:
    """Draw the splits, a line each, and links to their rows."""
    shown = found.with_columns(split=pl.Series([short(name, 60) for name in found["split"]], dtype=pl.String))
    shown = shown.drop([name for name in ("labels", "groups") if not found[name].sum()])
    st.dataframe(
        shown, hide_index=True, alt="Splits with their rows",
        column_config={
            "split": "Split", "rows": st.column_config.NumberColumn("Rows", format="localized"),
            "share": st.column_config.NumberColumn("Share", format="percent"), "labels": "Labels",
            "groups": st.column_config.NumberColumn("Groups", format="localized"),
        },
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        for name in found["split"].head(6):
            if name != NONE:
                links.to_rows(f"Rows of {plain(name, 30)}", Filter("rows", split=(name,)), icon="rate_review")


def show_rest(look: Look, found: pl.DataFrame) -> None:
    """Draw groups, times, sources, and the way to other splits."""
    st.subheader("Groups that cross", anchor=False)
    _groups(look, found)
    st.subheader("Times", anchor=False)
    _overlap(look)
    _mix(look)
    st.subheader("Another split", anchor=False)
    another(look)


def _groups(look: Look, found: pl.DataFrame) -> None:
    name = in_code(in_commands())
    if not found["groups"].sum():
        st.info(
            f"No row has a group. Where rows of one person or conversation belong together, read them with "
            f"`vetset read SOURCE -o {name} --group COLUMN`."
        )
        return
    listed, groups, rows = _crossing(look.view.key, look)
    if not groups:
        st.success(
            f"No group stands in train and in another split: {counted(int(found['groups'].sum()), 'group')} looked at."
        )
        return
    st.warning(
        f"{counted(groups, 'group')} stand in train and in another split; {counted(rows, 'eval row')} of them can be known by "
        "heart from train.",
        icon=":material/warning:",
    )
    shown = listed.with_columns(
        group=pl.Series([short(group, 60) for group in listed["group"]], dtype=pl.String),
        splits=pl.Series([short(splits, 60) for splits in listed["splits"]], dtype=pl.String),
    )
    st.dataframe(
        shown, hide_index=True, alt="Groups that cross, those with the most eval rows first",
        column_config={"group": "Group", "splits": "Splits", "rows": "Rows", "eval_rows": "Eval rows"},
    )  # fmt: skip
    if groups > listed.height:
        st.caption(f"The first {listed.height} of {groups:,}.")
    links.to_rows("Open the eval rows", Filter("leakage.group"), icon="rate_review")


def _overlap(look: Look) -> None:
    figures = _times(look.view.key, look)
    if not figures:
        st.caption(
            "No two splits have ten rows with a time each, so nothing can be said. A column of times is read by `--time COLUMN`."
        )
        return
    for name, one in figures.items():
        by_time = (
            "it looks split by time"
            if one.later >= 0.9
            else "it is not split by time"
            if one.later < 0.6
            else "they overlap"
        )
        st.markdown(
            f"**{plain(name, 60)}**: a row of the first is later than one of the second with a chance of {one.later:.0%}; "
            f"{by_time}. Around {plain(f'{one.cut:%Y-%m-%d %H:%M}')}, {counted(one.train_after, 'train row')} stand after and "
            f"{counted(one.eval_before, 'eval row')} before."
        )


def _mix(look: Look) -> None:
    mixed = _sources(look.view.key, look)
    if mixed["source"].n_unique() < 2:
        return
    st.subheader("Sources in each split", anchor=False)
    shown = mixed.with_columns(
        source=pl.Series([short(name, 40) for name in mixed["source"]], dtype=pl.String),
        split=pl.Series([short(name, 40) for name in mixed["split"]], dtype=pl.String),
    )
    said = "; ".join(
        f"{split}: "
        + ", ".join(f"{source} {share:.0%}" for source, share in part.select("source", "share").head(3).iter_rows())
        for (split,), part in shown.group_by("split", maintain_order=True)
    )
    st.bar_chart(
        shown, x="split", y="share", color="source", horizontal=True, stack=True, x_label="Share of the split", y_label="",
        height=90 + 40 * shown["split"].n_unique(), alt=f"Sources of each split. {said}",
    )  # fmt: skip


def another(look: Look) -> None:
    """Say which command makes another split, and what it would do; a split is no decision on rows."""
    name = shell(in_commands())
    rows = look.view.rows
    by = [word for word, column in (("group", "group"), ("time", "time")) if rows[column].null_count() < rows.height]
    by += [] if "time" in by else ["duplicates"]
    st.markdown("To move rows between splits is to split anew; rows that were dropped stay out.")
    st.code(f"vetset split {name} --by {','.join([*by, 'near'])} --ratios 0.8,0.1,0.1", language="shell")
    whole = {"group": "groups", "time": "the order of time", "duplicates": "copies"}
    kept = ", ".join([*(whole[word] for word in by), "near copies"])
    st.caption(
        f"It places {counted(rows.height, 'row')} less those that were dropped so that no split breaks {kept}, keeps the "
        "shares of labels alike, says what a random split would have leaked, looks for leaks again, and stops with the reason "
        "where that can't be had. The official split stays on disk."
    )
