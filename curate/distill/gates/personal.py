"""Made rows that hold personal data or secrets: invented, remembered by the teacher, or copied from a seed."""

from __future__ import annotations

from collections import Counter

import polars as pl

from ...privacy.finding import find
from ...privacy.found import NAMES
from .gate import Batch, of_lines
from .wanted import Gate


def find_personal(batch: Batch, _: Gate) -> pl.DataFrame:
    """Find made rows with personal data or secrets of a structured kind (``privacy``), also beside the row: in a rationale.

    What stands in a row's parents, too, is not the teacher's doing: such a row is for review, and its parent as well. All
    else is rejected; that an account was invented can't be seen, and a model learns to give it all the same.
    """
    seeds = dict(zip(batch.real["id"], _texts(batch.real), strict=True))
    ids, parents_of = batch.made["id"].to_list(), batch.made["parents"].to_list()
    lines = []
    for row_id, parents, text, beside in zip(ids, parents_of, _texts(batch.made), batch.beside, strict=True):
        said = "\n\n".join([text, *beside])
        found = {(kind, said[start:end]) for kind, start, end in find(said)}
        if not found:
            continue
        given = {one for one in found if any(one[1] in seeds.get(parent, "") for parent in parents or ())}
        told = found - given or given
        kind = next(name for name in NAMES if any(one[0] == name for one in told))
        what = _listed(Counter(one[0] for one in told))
        note = f"Holds {what}, which {'stands in its seed' if told == given else 'no seed of it holds'}."
        severity = "review" if told == given else "reject"
        lines.append({"id": row_id, "gate": f"privacy.{kind}", "verdict": severity, "score": 1.0, "note": note})
    return of_lines(lines)


def _listed(kinds: Counter[str]) -> str:
    return " and ".join(NAMES[kind] + (f" ({kinds[kind]})" if kinds[kind] > 1 else "") for kind in NAMES if kinds[kind])


def _texts(rows: pl.DataFrame) -> list[str]:
    """Return all that stands in each row."""
    said = pl.col("messages").list.eval(
        pl.concat_str(
            pl.element().struct.field("content").fill_null(""),
            pl.element().struct.field("tool_calls").fill_null(""),
            separator="\n",
        )
    )
    whole = pl.concat_str(
        said.list.join("\n"), pl.col("rejected").fill_null(""), pl.col("label").fill_null(""), separator="\n"
    )
    return rows.select(whole.alias("text"))["text"].to_list()
