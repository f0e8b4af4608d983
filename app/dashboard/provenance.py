"""Provenance: may I use each row, and where is it from?"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import polars as pl
import streamlit as st

from ...curate.exports.life import LOST
from ...curate.licence_terms import Class, Terms
from ...curate.review import sources, trail
from ...curate.review.desk import Look
from ...curate.review.gates import unknown_licences, unlicensed
from ...curate.wording import counted, shell
from . import links, record
from .context import desk, in_commands
from .plain import plain, short

_SHOWN = 12  # groups that are drawn as lines; the rest stand in a table
_ICONS: dict[Class, tuple[str, Literal["green", "blue", "orange", "red"]]] = {
    "free": ("check_circle", "green"), "attribution": ("check_circle", "green"), "share-alike": ("sync", "blue"),
    "own": ("badge", "blue"), "read": ("menu_book", "orange"), "no-derivatives": ("edit_off", "orange"),
    "no-commercial": ("money_off", "orange"), "unknown": ("block", "red"),
}  # fmt: skip


def page() -> None:
    """Draw the page."""
    look = desk().look()
    _licences(look)
    _way(look)
    _files(look)
    left, right = st.columns(2, gap="large")
    with left:
        _rejects(look)
    with right:
        _exports(look)
    _steps(look)
    _life(look)


@st.cache_data(max_entries=4, show_spinner="Counting rows by licence…")
def _licensed(
    key: str, _look: Look
) -> tuple[list[sources.Licensed], dict[str | None, int], list[str], list[str], dict[str, int]]:
    return (
        sources.licensed(_look),
        unknown_licences(_look),
        sources.unlicensed_files(_look),
        sources.partly_licensed(_look),
        sources.origins(_look),
    )


def _licences(look: Look) -> None:
    st.subheader("Sources and licences", anchor=False)
    if not look.view.rows.height:
        st.info("This set has no rows: read a file into it.")
        _command("read FILE -o {}")
        return
    found, unknown, of_files, mixed, origins = _licensed(look.view.key, look)
    rows, files = sum(unknown.values()), look.view.rows["file"].n_unique()
    if rows:
        st.error(
            f"Nobody can say whether {rows:,} of {counted(look.view.rows.height, 'row')} may be trained on: no licence, or "
            "none that is known. Read the files again with one; decisions are kept.",
            icon=":material/block:",
        )
        if mixed:  # --license is said of every row of a read, and other rows of these files have theirs
            st.caption(
                f"Other rows of {plain(mixed[0], 80)} name a licence: fill in the column there for those that do not."
            )
        else:
            _command(f"read {' '.join(map(shell, trail.read_from(look.view.manifest)))} -o {{}} --license SPDX")
        if not mixed and (len(of_files) > 1 or rows < look.view.rows.height):
            st.caption(
                f"{counted(len(of_files), 'file')} of {counted(files, 'file')} without one. Name every source, and the options "
                "of the read before (under Steps): the set gets the rows of this read."
            )
        links.to_rows(f"Open {counted(rows, 'row')}", unlicensed(unknown), reviewed="all", icon="arrow_forward")
    else:
        st.success(
            f"The licence of every one of {counted(look.view.rows.height, 'row')} is known.",
            icon=":material/check_circle:",
        )
    for of in found[:_SHOWN]:
        _group(of)
    if found[_SHOWN:]:
        with st.expander(f"{len(found) - _SHOWN:,} more", icon=":material/more_horiz:"):
            _rest(found[_SHOWN:])
    st.caption(
        "Written by: " + " · ".join(f"{plain(name, 40)} {number:,}" for name, number in list(origins.items())[:_SHOWN])
        + (". Unknown means that no source says so." if "unknown" in origins else "")
    )  # fmt: skip
    st.caption("What a licence allows is a reading aid, and no legal advice.")


def _group(of: sources.Licensed) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        links.to_rows(f"**{of.rows:,}**", of.filter, reviewed="all", icon="arrow_forward", help="Open these rows")
        source = plain(of.source, 40) if of.source is not None else "no source named"
        st.markdown(f"{source} · {plain(of.license, 40) if of.license is not None else 'no licence'}", width="content")
        _terms(of.terms)
        st.caption(plain(of.terms.said), width="content")


def _terms(of: Terms) -> None:
    icon, colour = _ICONS[of.kind]
    st.badge(of.word, icon=f":material/{icon}:", color=colour)


def _rest(found: list[sources.Licensed]) -> None:
    st.dataframe(
        pl.DataFrame(
            [(short(of.source or "-", 60), short(of.license or "-", 60), of.terms.word, short(of.origin, 40), of.rows)
             for of in found],
            schema=["Source", "Licence", "Allows", "Written by", "Rows"], orient="row",
        ),
        hide_index=True, alt="Rows by source and licence",
    )  # fmt: skip


def _way(look: Look) -> None:
    st.subheader("Its way here", anchor=False)
    stages = trail.stages(look)
    nodes = "\n".join(f'  {of.verb}_["{of.verb}: {of.said}"]' for of in stages)
    arrows = "\n".join(
        f"  {first.verb}_ {'-->' if then.done else '-.->'} {then.verb}_" for first, then in pairwise(stages)
    )
    told = " → ".join(f"{of.verb}: {of.said}" for of in stages)
    st.mermaid_chart(f"flowchart LR\n{nodes}\n{arrows}", alt=told)
    st.caption(told)  # the chart shrinks with the window, until nobody can read it


def _files(look: Look) -> None:
    st.subheader("Files", anchor=False)
    found = sources.files(look)
    if found.is_empty():
        st.info("The manifest names no file that the rows were read from; read them again to have one.")
        return
    text = pl.Series([short(path, 200) for path in found["path"].fill_null("-")], dtype=pl.String)
    names = pl.Series(["none" if name is None else short(name, 60) for name in found["license"]], dtype=pl.String)
    st.dataframe(
        found.with_columns(path=text, license=names), hide_index=True, alt="Files that the rows were read from",
        column_config={
            "path": "File", "kind": "Kind", "rows": st.column_config.NumberColumn("Rows", format="localized"),
            "rejects": st.column_config.NumberColumn("Rejected", format="localized"),
            "bytes": st.column_config.NumberColumn("Size", format="bytes"),
            "sha256": st.column_config.TextColumn("SHA-256", width="small"), "license": "Licence given",
        },
    )  # fmt: skip


def _rejects(look: Look) -> None:
    st.subheader("Lines that were not read", anchor=False)
    found = sources.rejects(look)
    if found.lost is not None:
        st.warning(plain(found.lost), icon=":material/warning:")
    if not found.count:
        st.caption("None: every line became a row.")
        return
    st.markdown(f"{counted(found.count, 'line')} could not become a row.")
    if found.first:
        lines = [
            (
                f"{short(one.get('file', ''), 80)}:{one.get('line')}",
                short(one.get("reason", ""), 160),
                short(one.get("text", ""), 160),
            )
            for one in found.first
        ]
        st.dataframe(
            pl.DataFrame(lines, schema=["Where", "Why", "Text (masked)"], orient="row"), hide_index=True,
            alt="The first lines that were rejected",
        )  # fmt: skip
        if found.count > len(found.first):
            st.caption(f"The first {len(found.first)}; rejects.jsonl in the set holds all.")


def _exports(look: Look) -> None:
    st.subheader("Exports", anchor=False)
    found = trail.exports(look)
    if found.is_empty():
        st.caption("None was made from this set yet.")
        _command("export {} -o DIR")
        return
    shown = found.with_columns(
        pl.Series("path", [short(path, 120) for path in found["path"].fill_null("-")], dtype=pl.String),
        pl.Series("file", [short(name, 80) for name in found["file"]], dtype=pl.String),
        pl.when("there").then(pl.lit("yes")).otherwise(pl.lit("not where it was")).alias("there"),
    )
    st.dataframe(
        shown, hide_index=True, alt="Files of the exports that were made",
        column_config={
            "path": "Folder", "format": "Format", "rows": st.column_config.NumberColumn("Rows", format="localized"),
            "file": "File", "sha256": st.column_config.TextColumn("SHA-256", width="small"), "there": "Still there",
        },
    )  # fmt: skip
    links.link("exporting", "What would ship now", icon="ios_share")


def _steps(look: Look) -> None:
    st.subheader("Steps", anchor=False)
    found = trail.steps(look.view.manifest)
    if found.is_empty():
        st.caption("The manifest notes no step.")
        return
    cut = {name: [short(text or "", 600) for text in found[name]] for name in found.columns}
    st.dataframe(
        pl.DataFrame(cut, schema=dict.fromkeys(found.columns, pl.String)), hide_index=True,
        alt="Steps of the set, the first first",
        column_config={"verb": "Step", "version": "Version", "options": "Options", "counts": "Counts"},
    )  # fmt: skip


def _life(look: Look) -> None:
    st.subheader("The life of one row", anchor=False)
    wanted = st.text_input(
        "Row", key="p.row", bind="query-params", placeholder="its id, or how it begins", max_chars=80,
        help="Ids stand under each row in Audit, in `vetset findings` and in exports",
    )  # fmt: skip
    if not (wanted or "").strip():
        return
    told = trail.life(look.view, wanted.strip())
    row_id = told.row["id"]
    position = int(look.view.positions([row_id])[0])
    with st.container(border=True):
        sha256 = told.origin.get("sha256")
        st.markdown(
            f"Read from **{plain(told.origin['path'], 120)}** line {told.origin['line']}"
            + (f" (SHA-256 {plain(sha256[:16])}…)" if sha256 else "")
        )
        record.show(look.view, position, heads=look.heads.frame.filter(pl.col("row_id") == row_id), key="life")
        if told.official_split and told.official_split != told.row["split"]:
            st.caption(f"Its source puts it in the split {plain(told.official_split, 40)}.")
        record.reasons(record.findings(look.view, position))
        if not told.findings:
            st.caption("No rule says anything of it." if look.view.checked else "Nothing was checked yet.")
        record.decided(desk().ledger.history(row_id))
        if not told.decisions:
            st.caption("Nothing was decided of it.")
        for one in told.exports:
            place = f"{one.get('file')} record {one.get('record')}" if one.get("file") else one.get("why") or ""
            fate = one["fate"] if one["fate"] == LOST else str(one["fate"]).replace("_", " ")
            st.caption(f":material/ios_share: {plain(one['export'], 120)}: {plain(fate)} {plain(place, 120)}")
        if not told.exports:
            st.caption("No export holds it or left it out: none was made since it was read.")
        links.link("audit", "Decide it in Audit", icon="rate_review", **{"a.row": row_id, "a.rule": "every row"})


def _command(said: str) -> None:
    st.code(f"vetset {said.replace('{}', shell(in_commands()))}", language="bash", wrap_lines=True)
