"""Which columns of a set may hold the labels of one annotator each: told by their values, which are labels of the set."""

from __future__ import annotations

from ..review.view import View
from .records import extra_columns, extra_names

_SAMPLE = 500  # rows that are looked at
_MOST = 60  # columns that are offered; a set of a thousand is none of votes


def vote_columns(view: View) -> list[str]:
    """Return the columns that may be named: that of the label, and the further ones of the source, in their order."""
    names = extra_names(view.rows.head(_SAMPLE).select("extra"))
    return [*_label_column(view), *names][:_MOST]


def guessed_columns(view: View) -> list[str]:
    """Return the columns that hold labels of the set and nothing else, two at the least, or none.

    Where two further columns do, the set's own label is most likely what was made of them; where one does, it is the label's
    other annotator.
    """
    known = set(view.labels)
    if len(known) < 2:
        return []
    rows = view.rows.head(_SAMPLE)
    found = extra_columns(rows.select("extra"), extra_names(rows.select("extra"))[:_MOST])
    alike = [
        column.name for column in found
        if column.null_count() < len(column) and set(column.drop_nulls().unique()) <= known and column.n_unique() > 1
    ]  # fmt: skip
    return alike if len(alike) > 1 else [*_label_column(view), *alike] if alike else []


def _label_column(view: View) -> list[str]:
    """Return the name that the label's column has in the source."""
    inputs = view.manifest.get("inputs") or [{}]
    name = (inputs[0].get("columns") or {}).get("label")
    labelled = view.rows["label"].null_count() < view.rows.height
    return [name if isinstance(name, str) else "label"] if labelled else []
