"""The rows that are most like the one at hand, each with the words that differ."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.nearest import nearest
from ...curate.review.sketch import Sketch, ask_sketch, open_sketch, sketch_path
from .differing import against
from .plain import plain
from .record import cut

NEAR = pl.Schema(
    {"position": pl.Int64, "similarity": pl.Float64, "copies": pl.Int64, "how": pl.String, "label": pl.String}
)
"""Columns of ``find``: how many rows say it, and in words why it is shown."""

_NAMED, _NEAREST = 3, 5
_PIECE = 1_500  # characters of a text that a neighbour is compared by


def find(look: Look, position: int, found: pl.DataFrame) -> pl.DataFrame:
    """Return rows like the one at ``position``, ``NEAR``: those that its findings name, then the nearest texts."""
    named = found.drop_nulls("peer").unique("peer", keep="first", maintain_order=True).head(_NAMED)
    places = look.view.positions(named["peer"].to_list())
    peers = pl.DataFrame(
        {"position": places, "how": named["rule"]}, schema={"position": pl.Int64, "how": pl.String}
    ).with_columns(similarity=pl.lit(None, pl.Float64), copies=pl.lit(1, pl.Int64))
    sketch = _sketch(look)
    near = pl.DataFrame(schema={"position": pl.Int64, "how": pl.String, "similarity": pl.Float64, "copies": pl.Int64})
    if sketch is not None:
        like = nearest(look.view, sketch, position, k=_NEAREST).filter(~pl.col("same"))
        near = like.select(
            pl.col("position").cast(pl.Int64),
            pl.lit("nearest").alias("how"),
            "similarity",
            pl.col("copies").cast(pl.Int64),
        )
    every = pl.concat([peers.select(near.columns), near]).filter(
        (pl.col("position") >= 0) & (pl.col("position") != position)
    )
    every = every.unique("position", keep="first", maintain_order=True)
    return every.with_columns(label=look.view.rows["label"].gather(every["position"])).select(NEAR.names())


def show(look: Look, text: str | None, near: pl.DataFrame, *, on_pick: Callable[[str], None]) -> None:
    """Draw them beside ``text``; a click on one goes there."""
    making = None if _sketch(look) is not None else ask_sketch(look.view)
    if near.is_empty() and making is None:
        return
    st.markdown("**Nearest rows**")
    if making is not None:
        st.caption(f"Rows alike are shown once texts can be compared. {plain(making.said)}")
    for row in near.iter_rows(named=True):
        row_id = look.view.rows["id"][row["position"]]
        other = look.view.rows["text"][row["position"]] or ""
        with st.container(border=True):
            label = "" if row["label"] is None else f":blue-badge[:material/label: {plain(row['label'], 40)}] "
            st.button(
                f"{label}{_how(row['how'], row['similarity'], row['copies'])}", key=f"near-{row_id}", type="tertiary",
                icon=":material/open_in_full:", on_click=on_pick, args=(row_id,), help="Open this row",
            )  # fmt: skip
            st.html(against(cut(other, _PIECE), cut(text or "", _PIECE)))
    if not near.is_empty():
        st.caption("Struck through: only in the row at hand. Underlined: only in this one.")


@st.cache_resource(max_entries=2, show_spinner=False)
def _opened(path: str, _look: Look) -> Sketch | None:
    return open_sketch(_look.view)


def _sketch(look: Look) -> Sketch | None:
    path = sketch_path(look.view)
    if not path.exists():
        return None
    found = _opened(str(path), look)
    if found is None:  # damaged, and made again by now or soon: that there was none is not to be remembered
        _opened.clear(str(path), look)
    return found


def _how(how: str, similarity: float | None, copies: int) -> str:
    said = "nearest" if how == "nearest" else f"named by {plain(how)}"
    alike = "" if similarity is None else f" · {similarity:.0%} alike"
    return f"{said}{alike}" + (f" · {copies:,} rows say it" if copies > 1 else "")
