"""Decisions: who decided what, when and why; a batch is taken back as it was made, in one go."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from ...curate.decisions.history import summed
from ...curate.decisions.ledger_jsonl import export_jsonl
from ...curate.decisions.log_pages import PAGE, Asked, choices, find, reasons
from ...curate.review.desk import Look
from ...curate.wording import counted
from . import acting, decision_batch, decision_words, links
from .addressed import tell_unknown
from .context import desk, guarded
from .plain import plain, short

PREFIX = "l."
"""Of the parameters of this page, the log, in the address."""

_BATCH, _NUMBER, _GRID = f"{PREFIX}batch", f"{PREFIX}page", "decisions-batches"


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
        decision_batch.draw(look, mine.row(0, named=True), set(gone))
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
            "row": heads["row_id"], "what": [decision_words.said(head) for head in heads.iter_rows(named=True)],
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
            "when": [decision_words.when(batch["at"]) for batch in told],
            "who": [short(batch["reviewer"], 60) for batch in told],
            "what": [decision_words.what(batch) for batch in told],
            "rows": table["rows"],
            "state": [decision_words.state(batch) for batch in told],
            "why": [decision_words.why(why.get(batch["batch"])) for batch in told],
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
    st.session_state[decision_batch.LINES] = 1


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
