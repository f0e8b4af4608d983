"""The rows of a cluster one below the other: the one that stays in full, of the others what tells them from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import streamlit as st

from ...curate.review.cluster_list import Clusters
from ...curate.review.desk import Look
from ...curate.review.worklist import Positions
from ...curate.wording import counted
from .cluster_page import LIKENESS
from .differing import against, spoken, whole
from .plain import named, plain

HEAD = 50
"""Rows of a cluster that are shown at the most."""

_AT_ONCE = 6  # rows that are shown at first: each is compared with the one that stays, which takes some milliseconds

_DIGITS = 9


def cards(
    look: Look, clusters: Clusters, number: int, marked: int, *, quiet: bool, on_mark: Callable[[str], None]
) -> None:
    """Draw the rows of a cluster, the marked one first.

    Args:
        look: of this moment.
        clusters: of the rule.
        number: of the cluster.
        marked: place of the row that stays.
        quiet: a dialog is open, so no key is heard.
        on_mark: is told the id of another row that is to stay.
    """
    places = np.arange(clusters.bounds[number], clusters.bounds[number + 1])
    name = look.view.rows["id"][int(clusters.table["key"][number])]
    most = HEAD if st.session_state.get(f"more-{clusters.rule}-{name}") else _AT_ONCE
    others = _each_label_first(look, clusters, places[places != marked])[: most - 1]
    st.markdown(f"**{counted(places.size, 'row')}**{_mix(look, clusters, number)}")
    shown = [marked, *others.tolist()]
    rows = [look.view.row(int(position)) for position in clusters.rows[shown]]
    other_rules = _other_rules(look, clusters, shown)
    stands = _stands(look, [row["id"] for row in rows])
    stayer = spoken(rows[0])
    for nth, (place, row) in enumerate(zip(shown, rows, strict=True)):
        with st.container(border=True, gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                if place == marked:
                    st.badge("Stays", icon=":material/push_pin:", color="green")
                else:
                    st.button(
                        "Keep this one", key=f"mark-{clusters.rule}-{row['id']}", on_click=on_mark, args=(row["id"],),
                        shortcut=str(nth) if nth <= _DIGITS and not quiet else None, icon=":material/push_pin:",
                    )  # fmt: skip
                st.markdown(_facts(row, clusters, place, stands.get(row["id"])))
            st.html(whole(stayer) if place == marked else against(spoken(row), stayer))
            if place in other_rules:
                st.caption(f":material/flag: also found by {plain(', '.join(other_rules[place]))}")
    left = places.size - len(shown)
    if left:
        st.caption(f"{counted(left, 'more row')} of this cluster are not shown; what you decide holds for them, too.")
    if len(shown) > 1:
        st.caption("Underlined: only this row has it. Struck out: only the row that stays has it.")


def _each_label_first(look: Look, clusters: Clusters, places: Positions) -> Positions:
    """Return places so that one row of every label stands before the second of any."""
    labels = pl.DataFrame({"label": look.view.rows["label"].gather(clusters.rows[places])})
    turn = labels.select(pl.int_range(pl.len()).over("label")).to_series().to_numpy()
    return places[np.argsort(turn, kind="stable")]


def _mix(look: Look, clusters: Clusters, number: int) -> str:
    """Count the labels of the cluster, then its splits, where there are several."""
    rows = look.view.rows.select("label", "split")[clusters.rows[clusters.places(number)]]
    said = ""
    for name in ("label", "split"):
        counts = rows[name].value_counts(sort=True).sort("count", name, descending=[True, False])
        if counts.height > 1:
            listed = " · ".join(
                f"{many:,} × {plain(value or '(none)', 40)}" for value, many in counts.head(6).iter_rows()
            )
            said += f" · {name}s: {listed}" + (f" and {counts.height - 6} more" if counts.height > 6 else "")
    return said


def _facts(row: dict[str, object], clusters: Clusters, place: int, stands: str | None) -> str:
    """Return the facts of a row as one line: elements are what a page is slow by."""
    facts = [f"**{plain(row['label'], 60)}**"] if row["label"] is not None else []
    facts += [plain(row[name], 40) for name in ("split", "source", "annotator", "group") if row[name] is not None]
    facts.append(f"{plain(str(row['file']).rpartition('/')[2], 40)} line {row['line']}")
    score = clusters.score[place]
    if clusters.rule in LIKENESS and not np.isnan(score):
        facts.append(f"{score:.0%} alike")
    if stands is not None:
        facts.append(f":green-badge[:material/task_alt: {stands}]")
    return " · ".join(facts)


def _stands(look: Look, ids: list[str]) -> dict[str, str]:
    """Return what was decided of rows, in words."""
    heads = look.heads.frame.filter(pl.col("row_id").is_in(ids))
    return {
        head["row_id"]: f"{head['action']} by {named(head['reviewer'], 30)}" for head in heads.iter_rows(named=True)
    }


def _other_rules(look: Look, clusters: Clusters, places: list[int]) -> dict[int, list[str]]:
    """Return which rules, those on copies apart, found the rows at these places: a decision settles their findings, too."""
    rows = clusters.rows[places]
    found = look.view.found_on(rows)
    found = found.filter(  # not in one go: of a million findings that would compare a million names
        (pl.col("rule") != clusters.rule)
        & ~pl.col("rule").str.starts_with("duplicates.")
        & (pl.col("rule") != "licences.unknown")  # speaks of the source, not of this row
    )
    by_row = dict(found.group_by("row").agg(pl.col("rule").unique().sort()).iter_rows())
    return {place: by_row[row] for place, row in zip(places, rows.tolist(), strict=True) if row in by_row}
