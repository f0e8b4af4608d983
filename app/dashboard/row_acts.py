"""What a key does to the row at hand, on every page that goes from row to row: the same keys, the same decisions."""

from __future__ import annotations

import streamlit as st

from ...curate.decisions.decision import Action, Decision
from . import acting, going, labels
from .plain import plain
from .presses import heard, safely
from .seat import seat


def buttons(
    page: str, row_id: str, rule: str | None, suggestion: labels.Suggestion | None, seen: int, *, quiet: bool
) -> None:
    """Draw what can be done; the row is a part of each button's key, so that a late press never lands on the next row.

    Args:
        page: whose seat it is.
        row_id: the row at hand.
        rule: that brought it up, for the log.
        suggestion: for it.
        seen: the ledger's last line when the row was drawn.
        quiet: a dialog is open, so no key is heard.
    """
    key = heard(quiet=quiet)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Accept", key=f"accept-{row_id}", shortcut=key("A"), type="primary", icon=":material/check:",
            on_click=decide, args=(page, row_id, "keep", None, rule, seen), help="The row is right as it is",
        )  # fmt: skip
        if suggestion is not None:
            st.button(
                f"Use {plain(suggestion.said, 32)}", key=f"use-{labels.token(suggestion.value or '')}-{row_id}",
                shortcut=key("S"), icon=":material/lightbulb:", on_click=decide,
                args=(page, row_id, suggestion.action, suggestion.value, rule, seen), help=suggestion.help,
            )  # fmt: skip
        st.button(
            "Drop", key=f"drop-{row_id}", shortcut=key("D"), icon=":material/delete:",
            on_click=decide, args=(page, row_id, "drop", None, rule, seen), help="Leave it out of what is exported",
        )  # fmt: skip
        st.button(
            "Skip", key=f"skip-{row_id}", shortcut=key("N"), icon=":material/skip_next:",
            on_click=decide, args=(page, row_id, "skip", None, rule, seen),
            help="Not now: it comes back at the end of the queue",
        )  # fmt: skip


def moves(page: str, row_id: str, listed: int, *, quiet: bool) -> None:
    """Draw the ways to other rows, and what opens a dialog.

    Args:
        page: whose seat it is.
        row_id: the row at hand.
        listed: rows of the filter.
        quiet: a dialog is open, so no key is heard.
    """
    key = heard(quiet=quiet)
    with st.container(horizontal=True, gap="small"):
        st.button("Back", key=f"back-{row_id}", shortcut=key("K"), on_click=_step, args=(page, row_id, -1))
        st.button("Next", key=f"next-{row_id}", shortcut=key("J"), on_click=_step, args=(page, row_id, 1))
        undo_button(page, quiet=quiet)
        st.button(
            "Edit", key=f"edit-{row_id}", shortcut=key("E"), icon=":material/edit:", on_click=_open, args=("edit",)
        )
        st.button(
            f"All {listed:,}", key="bulk", shortcut=key("B"), icon=":material/select_all:", on_click=_open,
            args=("bulk",), help="Decide every row of this filter at once",
        )  # fmt: skip


def undo_button(page: str, *, quiet: bool = False) -> None:
    """Draw the way back."""
    st.button(
        "Undo", key="undo", shortcut=heard(quiet=quiet)("U"), icon=":material/undo:", on_click=_undo, args=(page,)
    )


@safely
def decide(page: str, row_id: str, action: Action, value: str | None, rule: str | None, seen: int) -> None:
    """Decide the row, and leave it."""
    seated = seat(page)
    if not seated.takes(row_id):
        return
    reason = st.session_state.get(acting.REASON) or None
    acting.decide(
        [Decision(row_id, action, value, reason=reason, rule=rule)], seen=seen, done=lambda: seated.leave(row_id)
    )


@safely
def label(page: str, row_id: str, has: str | None, rule: str | None, seen: int, wanted: str) -> None:
    """Give a row a label; the one that it has accepts it."""
    if wanted == has:
        decide(page, row_id, "keep", None, rule, seen)
    else:
        decide(page, row_id, "relabel", wanted, rule, seen)


@safely
def leave(page: str, row_id: str) -> None:
    """Go on to the next row."""
    seat(page).leave(row_id)


@safely
def start_again(page: str) -> None:
    """Go to the first row that is open."""
    seat(page).start_again()


@safely
def go(page: str, row_id: str) -> None:
    """Go to a row."""
    seat(page).go(row_id)


@safely
def _open(dialog: str) -> None:
    st.session_state[acting.DIALOG] = dialog


@safely
def _step(page: str, row_id: str, by: int) -> None:
    going.step(seat(page), row_id, by)


@safely
def _undo(page: str) -> None:
    seated = seat(page)
    back = acting.undo()
    if back:
        seated.go(back[0])
