"""What an address asks for that is not there: told, since Streamlit takes it out of the address without a word."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from ...curate.review.desk import Look
from .plain import plain


def tell_unknown(key: str, choices: Collection[str]) -> None:
    """Say which values of a parameter are none of the choices; to be called before the widget of that key is drawn.

    Args:
        key: of the parameter, and of its widget.
        choices: as the address writes them.
    """
    strange = [value for value in st.query_params.get_all(key) if value and value not in choices]
    if strange:
        st.warning(
            f"The address asks for {plain(strange[0], 60)} by {plain(key)}, and there is none here; this page goes without.",
            icon=":material/link_off:",
        )


def row_asked(look: Look, key: str) -> str | None:
    """Return the row that a parameter names by its id or by how that begins, ``None`` where it names none.

    What is in no row, or begins several, is told and let go.
    """
    asked = st.query_params.get(key)
    if not asked:
        return None
    found = look.view.named(asked)
    if len(found) == 1:
        return found[0]
    many = "several rows begin so; give more of it" if found else "no row of this set has that id"
    st.warning(f"The address asks for the row {plain(asked, 60)}: {many}.", icon=":material/link_off:")
    return None
