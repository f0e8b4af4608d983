"""The text of a row, as pieces: which turns of it are compared."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from .. import text

Part = Literal["text", "input", "target"]


def row_pieces(rows: pl.DataFrame, part: Part = "text") -> tuple[pl.Series, npt.NDArray[np.int64]]:
    """Return the turns of all rows that are compared, and where each row's begin: what ``shingled`` takes.

    System prompts are left out: hundreds of rows share them word for word, and rows would be alike by them alone. So are
    labels, tools and rejected replies.

    Args:
        rows: the rows (``dataset.ROWS``), n of them.
        part: every turn; those before the target, or the target itself where nothing comes before it (plain text);
            or the target alone.

    Returns:
        The contents (strings), and (n + 1) i64, the first piece of each row.
    """
    turns = text.turns(rows).select("row", "is_target", "role", "content").filter(pl.col("role") != "system")
    if part == "input":
        asked = pl.col("is_target").not_().any().over("row")
        turns = turns.filter(~pl.col("is_target") | ~asked)
    elif part == "target":
        turns = turns.filter("is_target")
    bounds = np.searchsorted(turns["row"].to_numpy(), np.arange(len(rows) + 1)).astype(np.int64)
    return turns["content"].fill_null(""), bounds
