"""The order by what there is to gain: asked for, told of while it is made, and taken from what stands meanwhile."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.gain import ask_gain, gain_path, open_gain
from ...curate.review.worklist import Filter
from ...curate.wording import counted
from .plain import plain


def ranks(look: Look, wanted: Filter) -> pl.DataFrame | None:
    """Return ``id``, the first first, where the filter asks for that order and one stands; draws how it stands."""
    if wanted.order != "gain":
        return None
    making = ask_gain(look.view, look.heads)
    path = str(gain_path(look.view, look.heads))
    found = _opened(path, making.done, look)
    if found is None:
        _opened.clear(path, making.done, look)  # one that was damaged is made again: not to be remembered as none
        st.caption(
            f":material/hourglass: The order is being worked out; until then, the worst first. {plain(making.said)}"
        )
        return None
    frame, figures = found
    said = f"Rests on {counted(figures['fitted_with'], 'answer')}"
    if figures["precision"]:
        share = figures["precision"]["all"]
        said += f" · {share:.0%} of {counted(figures['decided'], 'label')} reviewed were wrong"
    st.caption(said if making.done else f"{said} · worked out again now: {plain(making.said)}")
    return frame


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(path: str, done: bool, _look: Look) -> tuple[pl.DataFrame, dict[str, Any]] | None:
    return open_gain(_look.view)
