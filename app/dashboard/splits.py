"""Splits: does the test leak, do groups cross? Leaks from split to split, pair by pair, and what the splits are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import polars as pl
import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.leak_matrix import (
    BETWEEN,
    NONE,
    Leaks,
    matrix,
    to_do,
)
from ...curate.review.worklist import Positions
from ...curate.wording import counted
from . import acting, leak_acts, leak_batch, leak_pair, leaks_found, split_facts
from .addressed import row_asked, tell_unknown
from .context import ARRIVED, desk, guarded, in_commands
from .plain import in_code, named, plain, short
from .reviewer import reviewer
from .seat import Seat, seat

PREFIX = "s."
"""Of the parameters of this page in the address."""

_ANY = "any leak"


def page() -> None:
    """Draw the page."""
    look = desk().look()
    table = split_facts.table(look)
    if table.filter(pl.col("split") != NONE).is_empty():
        name = in_code(in_commands())
        st.info(f"No row is in a split yet: `vetset split {name}` makes train, validation and test that share nothing.")
        if not _outside(look):
            split_facts.another(look)
            return
    split_facts.show_table(table)
    if st.session_state[ARRIVED]:
        seat(leaks_found.PAGE).arrive(row_asked(look, f"{PREFIX}row"))
    _leaks_between(look, table)
    split_facts.show_rest(look, table)


def _outside(look: Look) -> bool:
    return bool(look.view.manifest.get("against"))


def _leaks_between(look: Look, table: pl.DataFrame) -> None:
    st.subheader("Leaks", anchor=False)
    name = in_code(in_commands())
    ran = set(look.view.manifest.get("checked") or [])
    found = [rule for rule in BETWEEN if rule in set(leaks_found.rules_found(look.view.key, look))]
    if not ran & set(BETWEEN):
        st.info(f"Nobody looked for leaks yet: run `vetset check {name}`; this page follows by itself.")
    elif not found and table.height < 2 and not _outside(look):
        st.info(
            "There is one split, so nothing can leak from one to another. `vetset check "
            f"{name} --against EVAL.jsonl` holds the set against an eval file; `vetset split {name}` splits it."
        )
    elif not found:
        st.success(f"No row of an eval split leaks: {counted(len(ran & set(BETWEEN)), 'rule')} looked at all pairs.")
    else:
        tell_unknown(f"{PREFIX}rule", [_ANY, *found])
        with st.container(horizontal=True, vertical_alignment="bottom"):
            rule = st.selectbox("Found by", [_ANY, *found], key=f"{PREFIX}rule", bind="query-params", width=260)
        if _outside(look):
            files = ", ".join(short(str(path).rpartition("/")[2], 60) for path in look.view.manifest["against"])
            st.caption(
                f"Checked against {plain(files)} too: rows of that file are not in this set and can't be dropped here."
            )
        _work("" if rule == _ANY else rule)


@st.fragment
@guarded
def _work(rule: str) -> None:
    """Draw the matrix and the pair at hand; a key press runs this and nothing else."""
    look = desk().look()
    leaks = leaks_found.leaks_of(look.view.key, rule, look)
    cells = matrix(leaks, look.heads)
    _draw_matrix(cells)
    names = {
        f"{short(split, 40)} in {short(of, 40)}": (split, of)
        for split, of in cells.sort("split", "of").select("split", "of").iter_rows()
    }
    first = f"{short(cells['split'][0], 40)} in {short(cells['of'][0], 40)}"
    if st.session_state[ARRIVED]:
        tell_unknown(f"{PREFIX}cell", names)
    named = _cell_named(look, leaks, names)
    if named is not None:
        st.session_state[f"{PREFIX}cell"] = named
    chosen = st.segmented_control(
        "Pairs", list(names), key=f"{PREFIX}cell", bind="query-params", default=first, required=True, format_func=plain
    )
    split, of = names[cast("str", chosen or first)]
    cell = leaks.cell(split, of)
    left = to_do(cell, look.heads)
    done = cell.height - left.size
    st.progress(
        done / cell.height,
        text=f"{done:,} of {counted(cell.height, 'leak')} of {plain(split, 40)} in {plain(of, 40)} settled",
    )
    acting.show_notice()
    at = _current(look, cell, left, seat(leaks_found.PAGE))
    if at is None:
        st.query_params.pop(f"{PREFIX}row", None)
        if left.size:
            st.info("Others are looking at the leaks that are left of this cell; wait a moment, or choose another.")
        else:
            st.success("Every leak of this cell is settled. Choose another, or check again after the next split.")
        st.button("Undo", key="undo", shortcut="U", icon=":material/undo:", on_click=leak_acts.undo)
        return
    name = look.view.rows["id"][cell["row"][at]]
    seat(leaks_found.PAGE).go(name)
    st.query_params[f"{PREFIX}row"] = name
    _pair(look, cell, left, at)


def _cell_named(look: Look, leaks: Leaks, names: dict[str, tuple[str, str]]) -> str | None:
    """Return the cell that holds the row that somebody came for by its address, where the address names another or none.

    An address is silent of the cell with the most open leaks, which is another one by now.
    """
    seated = seat(leaks_found.PAGE)
    if seated.queue is not None or seated.at is None:
        return None
    place = int(look.view.positions([seated.at])[0])
    found = leaks.pairs.filter(pl.col("row") == place).select("split", "of").rows()
    asked = names.get(st.query_params.get(f"{PREFIX}cell", ""))
    if not found or asked in found:
        return None
    return next(name for name, cell in names.items() if cell == found[0])


def _draw_matrix(cells: pl.DataFrame) -> None:
    """Draw rows that leak by the split that they leak to; a cell says how many are open, of how many."""
    said = pl.DataFrame(
        [
            (short(split, 40), f"in {short(of, 40)}", f"{rows:,}" if left == rows else f"{left:,} open of {rows:,}")
            for split, of, rows, left in cells.iter_rows()
        ],
        schema=["split", "of", "said"], orient="row",
    )  # fmt: skip
    wide = (
        said.pivot("of", index="split", values="said", aggregate_function="first")
        .sort("split")
        .rename({"split": "rows of"})
    )
    st.dataframe(
        wide, hide_index=True, placeholder="–", alt="Rows that leak, by their split and the split that they leak to"
    )


def _current(look: Look, cell: pl.DataFrame, left: Positions, seated: Seat) -> int | None:
    """Return the line of the cell to show, and lease its row: the one at hand, or the next that is free."""
    rows = cell["row"]
    here, gone = _line(look, rows, seated.at), _line(look, rows, seated.left)
    seated.lists(True, at_hand=True)
    if gone is not None:
        st.session_state[acting.REASON] = ""
    lines = [here] if here is not None and gone is None else []
    order = left if gone is None else [*left[left > gone], *left[left <= gone]]
    offered: dict[str, int] = {}

    def ids() -> Iterator[str]:
        for line in lines or order:
            row_id = look.view.rows["id"][rows[int(line)]]
            offered[row_id] = int(line)
            yield row_id

    free = desk().leases.take(ids(), holder=seated.holder, reviewer=reviewer())
    return offered[free] if free is not None else (lines[0] if lines else None)


def _line(look: Look, rows: pl.Series, name: str | None) -> int | None:
    return None if name is None else rows.index_of(int(look.view.positions([name])[0]))


def _pair(look: Look, cell: pl.DataFrame, left: Positions, at: int) -> None:
    pair = cell[at]
    name = look.view.rows["id"][pair["row"][0]]
    for lease in desk().leases.held_by_others(seat(leaks_found.PAGE).holder):
        if lease.row_id == name and lease.reviewer != reviewer():  # a tab reloaded is another holder
            st.info(f"{named(lease.reviewer, 60)} looks at this pair, too.", icon=":material/visibility:")
    quiet = st.session_state.get(acting.DIALOG) is not None
    seat(leaks_found.PAGE).saw = look
    leak_acts.acts((look.seq, look.view.key), pair, name, quiet=quiet)
    leak_acts.moves(look, cell, left.size, name, at, quiet=quiet)
    if st.session_state.get(acting.DIALOG) == "leaks":
        saw = seat(leaks_found.PAGE).looked(look)
        leak_batch.dialog(saw, cell[to_do(cell, saw.heads)], done=seat(leaks_found.PAGE).start_again)
    st.text_input(
        "Why", key=acting.REASON, on_change="ignore", max_chars=500, placeholder="for the log; may stay empty"
    )
    leak_pair.show(look, pair)
