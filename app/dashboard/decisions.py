"""Decisions: who decided what, when and why; a batch is taken back as it was made, in one go."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from ...curate.decisions.decision import ACTIONS
from ...curate.decisions.history import summed
from ...curate.decisions.ledger_jsonl import export_jsonl
from ...curate.decisions.log_pages import PAGE, Asked, choices, find, lines, reasons
from ...curate.review.desk import Look
from ...curate.review.worklist import Filter
from ...curate.wording import counted
from . import acting, links, record
from .addressed import tell_unknown
from .context import desk, guarded
from .plain import named, plain, short

PREFIX = "l."
"""Of the parameters of this page, the log, in the address."""

_BATCH, _NUMBER, _LINES, _GRID = f"{PREFIX}batch", f"{PREFIX}page", f"{PREFIX}lines", "decisions-batches"
_ASKED = "undo-batch"  # the dialog


def page() -> None:
    """Draw the page."""
    _log()


@st.fragment
@guarded
def _log() -> None:
    here = desk()
    look = here.look()
    acting.show_notice()
    if here.ledger.readonly:
        st.warning(
            "This set can't be written: its decisions count, and none can be made or taken back here. Copy the set to a "
            "folder of yours.", icon=":material/lock:",
        )  # fmt: skip
    if not look.seq:
        st.info("Nothing was decided yet. What is decided on the page Audit is listed here, and can be taken back.")
        links.link("audit", "Begin in Audit", icon="rate_review")
        return
    gone = _gone(look.view.key, look.seq, look) if look.heads.stale else []
    asked = _filter(look)
    _tools(look, gone)
    found = _find(str(here.ledger.identity()), look.seq, asked, st.session_state.get(_NUMBER, 1))
    if not found.batches:
        st.info("No decision is found by this filter; choose another reviewer, action or rule, or clear the search.")
        return
    many = f"{found.batches:,} batch{'' if found.batches == 1 else 'es'}"
    st.caption(f"{many} with {counted(found.lines, 'line')}, the latest first")
    table = _summed(str(here.ledger.identity()), look.seq, look.view.key, found.names, gone)
    _batches(table, _reasons(str(here.ledger.identity()), look.seq, found.names))
    if found.batches > PAGE:
        st.pagination(-(-found.batches // PAGE), key=_NUMBER, bind="query-params", max_visible_pages=5)
    chosen = st.query_params.get(_BATCH)
    mine = _summed(str(here.ledger.identity()), look.seq, look.view.key, (chosen,), gone) if chosen else table.clear()
    if mine.height:
        _batch(look, mine.row(0, named=True), set(gone))
    elif chosen:
        st.warning(f"The address asks for the batch {plain(chosen, 60)}: the log has none of that name.")
        st.query_params.pop(_BATCH)
    else:
        st.caption("Choose a batch by the box at its left: its lines are shown here.")


def _filter(look: Look) -> Asked:
    known = _choices(str(desk().ledger.identity()), look.seq)
    for name, values in known.items():
        tell_unknown(f"{PREFIX}{name}", [short(value, 60) for value in values])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = {
            name: st.selectbox(
                title, known[name], index=None, key=f"{PREFIX}{name}", bind="query-params", placeholder="any",
                format_func=lambda value: short(value, 60), width=200, on_change=_first_page,
            )
            for name, title in (("reviewer", "Who"), ("action", "What"), ("rule", "Rule"))
        }  # fmt: skip
        text = st.text_input(
            "Why", key=f"{PREFIX}text", bind="query-params", type="search", placeholder="words of the reason", width=220,
            max_chars=200, on_change=_first_page,
        )  # fmt: skip
    return Asked(**{name: value or "" for name, value in picked.items()}, text=text or "")


def _first_page() -> None:
    st.session_state[_NUMBER] = 1


def _tools(look: Look, gone: Sequence[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Undo my last", key="undo", shortcut=None if st.session_state.get(acting.DIALOG) else "U",
            icon=":material/undo:", on_click=_undo, disabled=desk().ledger.readonly,
            help="Takes back the latest batch of this tab that still stands",
        )  # fmt: skip
        st.download_button(
            "Download decisions.jsonl", _jsonl, file_name="decisions.jsonl", mime="application/jsonl",
            icon=":material/download:", on_click="ignore", key="decisions-download",
            help="The whole log, the same bytes that `vetset decide --export` writes",
        )  # fmt: skip
    if gone:
        with st.expander(f"{counted(len(gone), 'row')} decided and gone", icon=":material/link_off:"):
            st.caption(
                "These rows changed at the source or left it since: what was decided of them stays in the log and applies to "
                "none. A changed row comes back with a new id, and is decided anew."
            )
            stale = desk().ledger.head(gone[:PAGE])
            st.dataframe(_stale(stale), hide_index=True, alt="Decisions whose row changed or left")
            if len(gone) > PAGE:
                st.caption(f"The first {PAGE} of {len(gone):,}.")


def _undo() -> None:
    acting.undo()


def _stale(heads: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "row": heads["row_id"], "what": [_said(head) for head in heads.iter_rows(named=True)],
            "who": [short(name, 60) for name in heads["reviewer"]], "when": heads["at"].str.slice(0, 16).str.replace("T", " "),
        },
        schema=dict.fromkeys(("row", "what", "who", "when"), pl.String),
    )  # fmt: skip


def _jsonl() -> bytes:
    """Return the log as the command writes it."""
    with tempfile.TemporaryDirectory(prefix="vetset-") as scratch:
        path = Path(scratch) / "decisions.jsonl"
        export_jsonl(desk().ledger, path)
        return path.read_bytes()


def _batches(table: pl.DataFrame, why: Mapping[str, tuple[str, int]]) -> None:
    told = list(table.iter_rows(named=True))
    shown = pl.DataFrame(
        {
            "when": [_when(batch["at"]) for batch in told],
            "who": [short(batch["reviewer"], 60) for batch in told],
            "what": [_what(batch) for batch in told],
            "rows": table["rows"],
            "state": [_state(batch) for batch in told],
            "why": [_why(why.get(batch["batch"])) for batch in told],
            "rules": [short(", ".join(batch["rules"]), 120) for batch in told],
        },
        schema={"when": pl.String, "who": pl.String, "what": pl.String, "rows": pl.Int64, "state": pl.String,
                "why": pl.String, "rules": pl.String},
    )  # fmt: skip
    names = table["batch"].to_list()
    chosen = st.query_params.get(_BATCH)
    st.session_state[_GRID] = {"selection": {"rows": [names.index(chosen)] if chosen in names else []}}
    st.dataframe(
        shown, key=_GRID, hide_index=True, on_select=lambda: _choose(names), selection_mode="single-row",
        height=min(38 + 35 * max(table.height, 1), 420),
        column_config={
            "when": st.column_config.TextColumn("When (UTC)", width=130),
            "who": st.column_config.TextColumn("Who", width="small"),
            "what": st.column_config.TextColumn("What", width=140),
            "rows": st.column_config.NumberColumn("Rows", format="localized", width="small"),
            "state": st.column_config.TextColumn("State", width="small"),
            "why": st.column_config.TextColumn("Why", width="medium"),
            "rules": st.column_config.TextColumn("Brought up by", width="medium"),
        },
        alt="Batches of decisions, the latest first",
    )  # fmt: skip


def _choose(names: Sequence[str]) -> None:
    rows = st.session_state[_GRID]["selection"]["rows"]
    if rows and rows[0] < len(names):
        st.query_params[_BATCH] = names[rows[0]]
    else:
        st.query_params.pop(_BATCH, None)
    st.session_state[_LINES] = 1


def _batch(look: Look, batch: Mapping[str, Any], gone: set[str]) -> None:
    """Draw one batch: what it did, the way to take it back, and its lines."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{_what(batch)}** by {named(batch['reviewer'], 80)}, {plain(_when(batch['at']))} UTC")
            left = sum(batch[action] for action in ACTIONS) - batch["undone"]
            st.button(
                "Undo this batch", key=f"undo-{batch['batch']}", icon=":material/undo:", on_click=_open,
                disabled=left == 0 or desk().ledger.readonly,
            )  # fmt: skip
            if st.session_state.get(acting.DIALOG) == _ASKED:
                _confirm(batch, left)
        if batch["undo"]:
            st.caption("An undo is not taken back: decide the rows again.")
        many = sum(batch[action] for action in (*ACTIONS, "undo"))
        number = min(st.session_state.get(_LINES, 1), -(-many // PAGE))
        told = lines(desk().ledger, batch["batch"], page=number)
        _lines(look, told, gone)
        if many > PAGE:
            st.pagination(-(-many // PAGE), key=_LINES, max_visible_pages=5)


def _lines(look: Look, told: pl.DataFrame, gone: set[str]) -> None:
    places = look.view.positions(told["row_id"])
    texts = look.view.rows["text"].gather([max(int(place), 0) for place in places]) if look.view.rows.height else None
    shown = pl.DataFrame(
        {
            "line": told["seq"],
            "row": told["row_id"],
            "what": [_said(line) for line in told.iter_rows(named=True)],
            "state": [
                "undone" if taken else "stale" if row in gone and action != "undo" else ""
                for row, action, taken in told.select("row_id", "action", "taken").iter_rows()
            ],
            "why": [short(why or "", 200) for why in told["reason"]],
            "text": [
                "(gone)" if place < 0 or texts is None else short(texts[number] or "", 120)
                for number, place in enumerate(places)
            ],
        },
        schema={"line": pl.Int64, **dict.fromkeys(("row", "what", "state", "why", "text"), pl.String)},
    )
    picked = st.dataframe(
        shown, key=f"lines-{told['seq'][0] if told.height else 0}", hide_index=True, on_select="rerun",
        selection_mode="single-row", height=min(38 + 35 * max(told.height, 1), 420),
        column_config={
            "line": st.column_config.NumberColumn("Line", width="small"),
            "row": st.column_config.TextColumn("Row", width="small"),
            "what": st.column_config.TextColumn("What", width="small"),
            "state": st.column_config.TextColumn("State", width="small"),
            "why": st.column_config.TextColumn("Why", width="medium"),
            "text": st.column_config.TextColumn("Text", width="large"),
        },
        alt="Lines of the batch, in the order of writing",
    )  # fmt: skip
    rows = list(dict.fromkeys(row for row, place in zip(told["row_id"], places, strict=True) if place >= 0))
    if rows:
        links.to_rows(
            "Open this row in Audit" if len(rows) == 1 else f"Open the {len(rows)} rows of these lines in Audit",
            Filter("rows", ids=tuple(rows)), reviewed="all", icon="rate_review",
        )  # fmt: skip
    chosen = picked["selection"]["rows"]
    if chosen and chosen[0] < told.height and places[chosen[0]] >= 0:
        row_id = told["row_id"][chosen[0]]
        links.to_rows("Open this row alone", Filter("rows", ids=(row_id,)), reviewed="all", icon="open_in_new")
        record.show(
            look.view,
            int(places[chosen[0]]),
            heads=look.heads.frame.filter(pl.col("row_id") == row_id),
            key="decisions",
        )
        record.decided(desk().ledger.history(row_id))


def _open() -> None:
    st.session_state[acting.DIALOG] = (
        _ASKED  # no key is heard meanwhile: U would take back another batch than the one asked of
    )


@st.dialog("Undo this batch?", on_dismiss=acting.close_dialog)
def _confirm(batch: Mapping[str, Any], left: int) -> None:
    st.write(
        f"{counted(left, 'decision')} by {named(batch['reviewer'], 80)} {'is' if left == 1 else 'are'} taken back; what was "
        "decided before of these rows stands again. The log keeps both."
    )
    if st.button("Undo", type="primary", key="undo-sure", icon=":material/undo:"):
        acting.undo_batch(batch["batch"])
        acting.close_dialog()
        st.rerun()


def _when(at: str) -> str:
    return at[:16].replace("T", " ")


def _what(batch: Mapping[str, Any]) -> str:
    return ", ".join(f"{batch[action]:,} {action}" for action in (*ACTIONS, "undo") if batch[action])


def _said(line: Mapping[str, Any]) -> str:
    return f"{line['action']} to {short(line['value'], 60)}" if line["action"] == "relabel" else line["action"]


def _state(batch: Mapping[str, Any]) -> str:
    acts = sum(batch[action] for action in ACTIONS)
    undone = "undone" if batch["undone"] == acts else f"{batch['undone']:,} undone"
    return ", ".join([undone] * bool(acts and batch["undone"]) + [f"{batch['stale']:,} stale"] * bool(batch["stale"]))


def _why(found: tuple[str, int] | None) -> str:
    if found is None:
        return ""
    return short(found[0], 120) + (f" (and {found[1] - 1:,} other)" if found[1] > 1 else "")


@st.cache_data(max_entries=4, show_spinner=False)
def _gone(key: str, seq: int, _look: Look) -> list[str]:
    decided = desk().ledger.head()["row_id"].unique(maintain_order=True)
    return decided.filter(pl.Series(_look.view.positions(decided) < 0)).to_list()


@st.cache_data(max_entries=16, show_spinner=False)
def _choices(file: str, seq: int) -> dict[str, list[str]]:
    return choices(desk().ledger)


@st.cache_data(max_entries=32, show_spinner=False)
def _reasons(file: str, seq: int, names: tuple[str, ...]) -> dict[str, tuple[str, int]]:
    return reasons(desk().ledger, names)


@st.cache_resource(max_entries=32, show_spinner=False)
def _find(file: str, seq: int, asked: Asked, number: int) -> Any:
    return find(desk().ledger, asked, page=number)


@st.cache_resource(max_entries=32, show_spinner=False)
def _summed(file: str, seq: int, key: str, names: tuple[str, ...], _gone: Sequence[str]) -> pl.DataFrame:
    told = summed(desk().ledger, names, gone=_gone)  # in the order of writing
    order = pl.DataFrame({"batch": names}, schema={"batch": pl.String})
    return order.join(told, on="batch", how="inner", maintain_order="left").select(told.columns)
