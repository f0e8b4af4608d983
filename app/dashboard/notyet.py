"""Pages whose data nothing makes yet: what they will show, and the command that will make it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def say(shows: Sequence[str], command: str, until: str) -> None:
    """Draw what a page would show.

    Args:
        shows: a line each; our own words.
        command: that makes the data.
        until: what can be done until then.
    """
    st.info(
        f"There is nothing to show yet. This page reads what `{command}` writes.", icon=":material/hourglass_empty:"
    )
    st.markdown("It will show")
    st.markdown("\n".join(f"- {line}" for line in shows))
    st.caption(until)
