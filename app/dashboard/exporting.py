"""Export: what exactly ships, what holds it back, what a format loses, and one button that writes it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from ...curate.errors import VetsetError
from ...curate.exports.provenance import our_files
from ...curate.formats.wire import FORMATS
from ...curate.review import aside
from ...curate.review.desk import Look
from ...curate.review.export_preview import place_beside, usual_place
from ...curate.review.worklist import NONE, Filter
from ...curate.vetset_toml import settings_file
from ...curate.wording import counted
from . import links
from .addressed import tell_unknown
from .context import desk, folder, guarded, in_commands, told
from .decisions import PREFIX
from .plain import in_code, plain, short

_AT_ONCE = 100_000  # rows: of more, somebody asks for the count first, since it takes a minute
_HELD = {"leave out": "hold", "write all the same": "keep", "write nothing": "refuse"}
_DONE = "exporting-done"
_MOST = 32  # counts that are kept
_keeping = threading.Lock()
_counting: dict[Any, threading.Lock] = {}
_FATES = {
    "read": "Read", "dropped": "Dropped", "held": "Held back", "unsplit": "In no split", "left_out": "No place in the format",
}  # fmt: skip


def page() -> None:
    """Draw the page."""
    look = desk().look()
    if not look.view.rows.height:
        st.info(
            f"This set holds no row, so nothing can be exported. Read a file into it: `vetset read FILE -o {_name()}`."
        )
        return
    options = _options()
    _ship(options)


def _options() -> dict[str, Any]:
    tell_unknown("x.format", FORMATS)
    tell_unknown("x.held", _HELD)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        form = st.selectbox(
            "Format", list(FORMATS), key="x.format", bind="query-params", width=220,
            help="What trainer reads it stands below",
        )  # fmt: skip
        held = st.selectbox(
            "Rows on which a blocking finding stands", list(_HELD), key="x.held", bind="query-params", width=280
        )
        extra = st.toggle("The source's other fields, too", key="x.extra", bind="query-params")
    st.caption(plain(f"{form}: {FORMATS[form].what}"))
    return {"format": form, "held": _HELD[held], "extra": extra}


@st.fragment
@guarded
def _ship(options: dict[str, Any]) -> None:
    """Draw what would be written, and the button; writing runs this and nothing else."""
    look = desk().look()
    found = _counted(look, options)
    if found is None:
        return
    _counts(found)
    gates, last = st.columns(2, gap="medium")
    with gates:
        _gates(look, found, options)
        _losses(found)
    with last:
        _files(found)
        _difference(found, options)
    _write(found, options)
    _done()


def _counted(look: Look, options: dict[str, Any]) -> dict[str, Any] | None:
    """Return what an export would write; of a large set only once somebody asks."""
    settings = settings_file(told().config, folder())
    asked = (look.view.key, look.seq, tuple(options.values()), _stamp(settings), _stamp(folder() / "manifest.json"))
    if (found := _known().get(asked)) is None:
        rows = look.view.rows.height
        if rows > _AT_ONCE and not st.button(
            "Count what would ship", type="primary", icon=":material/calculate:", key="exporting-count",
            help=f"Another process goes through {rows:,} rows; it takes a minute",
        ):  # fmt: skip
            st.caption(
                "A set of this size is counted when you ask for it; a decision or another format asks for it anew."
            )
            _done()
            return None
        with st.spinner("Another process counts what would ship…", show_time=True):
            found = _once(asked, options)
    return found


def _once(asked: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return what an export would write; of tabs that ask for the same one has it counted, and the others wait."""
    known: dict[Any, dict[str, Any]] = _known()
    try:
        with _counting.setdefault(asked, threading.Lock()):
            found = known.get(asked)
            if found is None:
                found = aside.ask("review.export_preview", _told(options, None))
                with _keeping:
                    while len(known) >= _MOST:
                        known.pop(next(iter(known)))
                    known[asked] = found
            return found
    finally:
        _counting.pop(asked, None)  # who waits has it, and who comes later finds what was counted


def _told(options: dict[str, Any], out: Path | None) -> dict[str, Any]:
    return {**options, "folder": str(folder()), "config": told().config, "out": None if out is None else str(out)}


@st.cache_resource
def _known() -> dict[Any, dict[str, Any]]:
    return {}


def _stamp(path: Path | None) -> tuple[int, int] | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size)


def _counts(found: Mapping[str, Any]) -> None:
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


def _gates(look: Look, found: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    st.subheader("Gates", anchor=False)
    if not look.view.checked:
        st.warning(
            f"Nothing was checked, so no gate can hold a row back. Run `vetset check {_name()}` first.",
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


def _losses(found: Mapping[str, Any]) -> None:
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


def _files(found: Mapping[str, Any]) -> None:
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


def _difference(found: Mapping[str, Any], options: Mapping[str, Any]) -> None:
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


def _write(found: Mapping[str, Any], options: dict[str, Any]) -> None:
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
    if st.button(
        "Write vetted files", type="primary", icon=":material/ios_share:", key="exporting-write",
        disabled=place is None or found["stops"] is not None,
    ) and place is not None:  # fmt: skip
        if there:
            _confirm(place, there, options)
        else:
            _run(place, options)


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
            st.session_state[_DONE] = aside.ask("review.export_preview", _told(options, place))
        except VetsetError as error:
            st.session_state[_DONE] = {"error": str(error)}


def _done() -> None:
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
    st.code(f"vetset verify {_quoted(done['folder'])}", language="bash")


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(path)


def _name() -> str:
    """Return the set's name as it stands in a command, between the marks of code."""
    return in_code(in_commands())
