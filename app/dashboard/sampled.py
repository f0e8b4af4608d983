"""Some of what a dialog would decide, to see before it is decided: spread over all, never the first ones alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import streamlit as st

from ...curate.review.desk import Look
from .plain import short

_SHOWN = 5


def spread(count: int) -> npt.NDArray[np.int64]:
    """Return places of up to five of so many, the first and the last among them.

    >>> spread(3), spread(100)
    (array([0, 1, 2]), array([ 0, 24, 49, 74, 99]))
    """
    return np.unique(np.linspace(0, count - 1, min(_SHOWN, count)).astype(np.int64))


def rows(look: Look, positions: Sequence[int], becomes: Sequence[str]) -> None:
    """Draw rows with what becomes of them.

    Args:
        look: what the reviewer saw.
        positions: of the rows.
        becomes: a word or a label for each.
    """
    texts = look.view.rows.select("text", "label")[list(positions)]
    table(
        {
            "text": [short(text, 160) for text in texts["text"].fill_null("")],
            "label": [short(name or "", 60) for name in texts["label"]],
            "becomes": [short(word, 60) for word in becomes],
        },
        alt="A sample of the rows",
    )


def table(columns: Mapping[str, Sequence[str]], *, alt: str) -> None:
    """Draw a sample, a line each."""
    shown = pl.DataFrame(dict(columns), schema=dict.fromkeys(columns, pl.String))
    st.dataframe(shown, hide_index=True, alt=alt)
