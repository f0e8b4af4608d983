"""Export: what exactly ships, what holds it back, what a format loses, and one button that writes it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ...curate.formats.wire import FORMATS
from . import export_counting, export_shown, export_writing
from .addressed import tell_unknown
from .context import desk, guarded, in_commands
from .plain import in_code, plain

_HELD = {"leave out": "hold", "write all the same": "keep", "write nothing": "refuse"}


def page() -> None:
    """Draw the page."""
    look = desk().look()
    if not look.view.rows.height:
        st.info(
            f"This set holds no row, so nothing can be exported. Read a file into it: `vetset read FILE -o {_name()}`."
        )
        return
    options = _options()
    _ship(options)


def _options() -> dict[str, Any]:
    tell_unknown("x.format", FORMATS)
    tell_unknown("x.held", _HELD)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        form = st.selectbox(
            "Format", list(FORMATS), key="x.format", bind="query-params", width=220,
            help="What trainer reads it stands below",
        )  # fmt: skip
        held = st.selectbox(
            "Rows on which a blocking finding stands", list(_HELD), key="x.held", bind="query-params", width=280
        )
        extra = st.toggle("The source's other fields, too", key="x.extra", bind="query-params")
    st.caption(plain(f"{form}: {FORMATS[form].what}"))
    return {"format": form, "held": _HELD[held], "extra": extra}


@st.fragment
@guarded
def _ship(options: dict[str, Any]) -> None:
    """Draw what would be written, and the button; writing runs this and nothing else."""
    look = desk().look()
    found = export_counting.counted_for(look, options)
    if found is None:
        export_writing.done()
        return
    export_shown.counts(found)
    gates, last = st.columns(2, gap="medium")
    with gates:
        export_shown.gates(look, found, options)
        export_shown.synthetic(found)
        export_shown.losses(found)
    with last:
        export_shown.files(found)
        export_shown.difference(found, options)
    export_writing.write(found, options)
    export_writing.done()


def _name() -> str:
    """Return the set's name as it stands in a command, between the marks of code."""
    return in_code(in_commands())
