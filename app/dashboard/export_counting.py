"""What an export would write, counted by another process and kept: of tabs that ask for the same, one has it counted."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import streamlit as st

from ...curate.review import aside
from ...curate.review.desk import Look
from ...curate.vetset_toml import settings_file
from .context import folder, told

_AT_ONCE = 100_000  # rows: of more, somebody asks for the count first, since it takes a minute
_MOST = 32  # counts that are kept
_keeping = threading.Lock()
_counting: dict[Any, threading.Lock] = {}


def counted_for(look: Look, options: dict[str, Any]) -> dict[str, Any] | None:
    """Return what an export would write; of a large set only once somebody asks."""
    settings = settings_file(told().config, folder())
    asked = (look.view.key, look.seq, tuple(options.values()), _stamp(settings), _stamp(folder() / "manifest.json"))
    if (found := _known().get(asked)) is None:
        rows = look.view.rows.height
        if rows > _AT_ONCE and not st.button(
            "Count what would ship", type="primary", icon=":material/calculate:", key="exporting-count",
            help=f"Another process goes through {rows:,} rows; it takes a minute",
        ):  # fmt: skip
            st.caption(
                "A set of this size is counted when you ask for it; a decision or another format asks for it anew."
            )
            return None
        with st.spinner("Another process counts what would ship…", show_time=True):
            found = _once(asked, options)
    return found


def _once(asked: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return what an export would write; of tabs that ask for the same one has it counted, and the others wait."""
    known: dict[Any, dict[str, Any]] = _known()
    try:
        with _counting.setdefault(asked, threading.Lock()):
            found = known.get(asked)
            if found is None:
                found = aside.ask("review.export_preview", told_aside(options, None))
                with _keeping:
                    while len(known) >= _MOST:
                        known.pop(next(iter(known)))
                    known[asked] = found
            return found
    finally:
        _counting.pop(asked, None)  # who waits has it, and who comes later finds what was counted


def told_aside(options: dict[str, Any], out: Path | None) -> dict[str, Any]:
    """Return what the process is told that counts, or, with a folder, writes."""
    return {**options, "folder": str(folder()), "config": told().config, "out": None if out is None else str(out)}


@st.cache_resource
def _known() -> dict[Any, dict[str, Any]]:
    return {}


def _stamp(path: Path | None) -> tuple[int, int] | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size)
