"""What a ``vetset.toml`` names and the set does not have: mostly a slip of the pen, which would go unseen."""

from __future__ import annotations

import msgspec
import polars as pl

from ..errors import quote
from ..labels.targets import has_any
from ..masking import mask
from .wanted import Wanted


def slips(wanted: Wanted, rows: pl.DataFrame) -> list[str]:
    """Return a sentence for each column of drift that no row has, and each edge case's label that none has.

    Args:
        wanted: what is asked.
        rows: of the set.
    """
    if rows.is_empty():
        return []
    absent = [column for column in wanted.drift if not _has_field(rows["extra"], column)]
    said = [
        f"[labels] drift: no row has a column {_name(column)}, so nothing is looked for along it" for column in absent
    ]
    for case in wanted.edge_cases:
        said += [
            f"edge case {_name(case.name)}: no row has the label {_name(label)}"
            for label in case.label
            if not has_any(rows["label"], [label]).any()
        ]
    return said


def _has_field(extra: pl.Series, column: str) -> bool:
    """Whether a further field goes by this name, or by its first step where it is nested; a text that quotes it counts too."""
    names = {msgspec.json.encode(name).decode() + ":" for name in (column, column.partition(".")[0])}
    return any(extra.str.contains(name, literal=True).any() for name in names)


def _name(text: str) -> str:
    return quote(mask(text), 30)
