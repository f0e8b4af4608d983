"""What can be done with the leak at hand: its buttons, and what each of them writes."""

from __future__ import annotations

import polars as pl
import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.keeping import decisions, replaced
from ...curate.review.leak_matrix import (
    NONE,
    OUTSIDE,
)
from . import acting, leak_batch, leaks_found
from .context import desk
from .duplicates_policy import tell
from .plain import plain
from .presses import heard, safely
from .seat import seat


def acts(seen: tuple[int, str], pair: pl.DataFrame, name: str, *, quiet: bool) -> None:
    """Draw what can be done; the row is a part of each button's key, so that a late press never lands on the next pair."""
    key = heard(quiet=quiet)
    outside = pair["of"][0] == OUTSIDE
    train = pair["split"][0] if outside else pair["of"][0]
    whole = f"{name}-{pair['of'][0]}"
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Drop this row" if train == NONE else f"Drop from {plain(train, 24)}", key=f"train-{whole}",
            shortcut=key("D"), type="primary", icon=":material/delete:", on_click=_write, args=(name, pair, "train", *seen),
            help="The row goes" if outside else "The row it is like goes, with all there that say the same; the eval row is kept",
        )  # fmt: skip
        if not outside:
            st.button(
                f"Drop from {plain(pair['split'][0], 24)}", key=f"test-{whole}", shortcut=key("T"),
                icon=":material/delete_sweep:", on_click=_write, args=(name, pair, "test", *seen), help="The eval row goes",
            )  # fmt: skip
        st.button(
            "Keep both", key=f"both-{whole}", shortcut=key("A"), icon=":material/done_all:", on_click=_write,
            args=(name, pair, "both", *seen), help="No leak, or one to live with: settles every finding of this row",
        )  # fmt: skip


def moves(look: Look, cell: pl.DataFrame, left: int, name: str, at: int, *, quiet: bool) -> None:
    """Draw the ways to other leaks, and what opens the dialog."""
    key = heard(quiet=quiet)
    ids, rows = look.view.rows["id"], cell["row"]
    before, behind = ids[rows[max(at - 1, 0)]], ids[rows[min(at + 1, rows.len() - 1)]]
    with st.container(horizontal=True, gap="small"):
        st.button("Back", key=f"back-{name}", shortcut=key("K"), on_click=go, args=(before,), disabled=at == 0)
        st.button(
            "Next", key=f"next-{name}", shortcut=key("J"), on_click=go, args=(behind,),
            disabled=at + 1 >= cell.height,
        )  # fmt: skip
        st.button("Undo", key="undo", shortcut=key("U"), icon=":material/undo:", on_click=undo)
        st.button(
            f"All {left:,} open", key="leaks", shortcut=key("B"), icon=":material/select_all:", on_click=_open,
            disabled=not left, help="Settle every open leak of this cell at once",
        )  # fmt: skip


@safely
def _open() -> None:
    seated = seat(leaks_found.PAGE)
    seated.opened = seated.saw
    st.session_state[acting.DIALOG] = "leaks"


@safely
def _write(name: str, pair: pl.DataFrame, way: str, seen: int, key: str) -> None:
    seated = seat(leaks_found.PAGE)
    look = seated.saw
    if look is None or look.view.key != key or not seated.takes(name):
        return  # a pair of rows as they stood before the set was read anew names other rows by now
    plan = leak_batch.planned(look, pair, way, replace=True)
    if plan.is_empty():
        seated.leave(name)
        acting.notice("done", "That is decided already.")
        return
    reason = st.session_state.get(acting.REASON) or None
    written = decisions(look.view, plan, rule=pair["rule"][0], reason=reason)
    outcome = acting.decide(written, seen=seen, done=lambda: seated.leave(name))
    if outcome is not None and not outcome.conflicts:
        tell(plan, replaced(look.view, look.heads, plan))


@safely
def go(name: str) -> None:
    """Have the leak drawn that a row names."""
    seat(leaks_found.PAGE).go(name)


@safely
def undo() -> None:
    """Take back the last batch of this tab, and draw the row of it that leaks."""
    back = acting.undo()
    if back:
        seat(leaks_found.PAGE).go(_told(back))


def _told(back: list[str]) -> str:
    """Return the row of a batch that was taken back of which leaks are told: an eval row, or that of an eval file."""
    look = desk().look()
    leaking = (
        set(leaks_found.leaks_of(look.view.key, "", look).pairs["row"].to_list()) if len(back) < 1_000 else set[int]()
    )
    places = look.view.positions(back)
    return next((row for row, place in zip(back, places.tolist(), strict=True) if place in leaking), back[0])
