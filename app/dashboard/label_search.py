"""A box in which any label is found by typing a part of its name, reached by the key L and left by Enter or Escape.

Streamlit's own widgets can't be focused by a key, and a key pressed while a dialog opens would decide the row behind it. So this
one thing is written for the browser: nothing but text nodes is made of the labels, which are a user's data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from streamlit.components import v2

_MOST = 2_000  # labels that travel to the browser, some 40 bytes each at every key press
_HERE = Path(__file__).parent
_BOX = v2.component(
    "vetset-label-search",
    html='<div class="vetset-labels"><input role="combobox" aria-autocomplete="list" autocomplete="off" spellcheck="false">'
    '<ul role="listbox" hidden></ul></div>\n',
    css=(_HERE / "label_search.css").read_text(encoding="utf-8"),
    js=(_HERE / "label_search.js").read_text(encoding="utf-8"),
    isolate_styles=False,  # a key typed into a shadow root looks to the page like one that was typed nowhere
)


def label_search(labels: Sequence[str], *, row_id: str, on_pick: Callable[[str], None]) -> None:
    """Draw the box.

    Args:
        labels: to choose from, as they are, the commonest first; of those after ``_MOST`` the box says to type them whole.
        row_id: of the row at hand: a choice that arrives late, for another row, is let go.
        on_pick: is told the label; it may be a new one, which the box says, and asks Enter for twice.
    """
    key = "label-search"

    def picked() -> None:
        choice = st.session_state[key].picked
        if isinstance(choice, dict) and choice.get("row") == row_id and isinstance(choice.get("label"), str):
            on_pick(choice["label"])

    _BOX(
        key=key,
        data={"labels": list(labels[:_MOST]), "cut": len(labels) > _MOST, "row": row_id},
        on_picked_change=picked,
    )
