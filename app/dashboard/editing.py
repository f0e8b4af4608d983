"""The dialog in which a person changes what a row says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from ...curate.decisions.decision import Decision
from . import acting
from .context import desk
from .plain import plain


@st.dialog("Edit the row", width="large", on_dismiss=acting.close_dialog)
def dialog(row: Mapping[str, Any], *, rule: str | None, seen: int, done: Callable[[str], None]) -> None:
    """Draw the turns to change; what the source says stays, an export writes what stands here.

    Args:
        row: at hand, as read.
        rule: that brought it up.
        seen: the ledger's last line when the row was drawn.
        done: is told the row's id once it is written.
    """
    st.caption("Texts are shown whole here, secrets and personal data too. Turns that call tools keep their calls.")
    texts = {
        number: st.text_area(plain(message["role"], 20), message["content"] or "", key=f"turn-{number}-{row['id']}")
        for number, message in enumerate(row["messages"])
    }
    reason = st.text_input("Why", key=f"edit-why-{row['id']}", max_chars=500)
    again = f"edit-seen-{row['id']}"
    if st.button("Save the edit", type="primary", key=f"save-{row['id']}"):
        messages = [
            {name: value for name, value in message.items() if value is not None}
            | ({"content": texts[number]} if texts[number] or message["content"] is not None else {})
            for number, message in enumerate(row["messages"])
        ]
        value = json.dumps(messages, ensure_ascii=False)
        outcome = acting.decide(
            [Decision(row["id"], "edit", value, reason=reason or None, rule=rule)],
            seen=max(seen, st.session_state.get(again, 0)),
        )  # fmt: skip
        if outcome is not None and not outcome.conflicts:
            done(row["id"])
            acting.close_dialog()
            st.rerun()
        # What was typed stays: saved again, it replaces what others decided, which is told here.
        st.session_state[again] = desk().look().seq
        acting.show_notice()
