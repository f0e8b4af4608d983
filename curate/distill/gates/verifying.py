"""Made rows that fail a verifier of the recipe: a pattern, a JSON schema, a number, a function of the user's."""

from __future__ import annotations

import polars as pl

from ...errors import UsageError, quote
from ...masking import mask
from .gate import Batch, of_lines
from .wanted import Verify

VERIFY = "distill.verify"


def find_failing(batch: Batch, options: Verify) -> pl.DataFrame:
    """Find made rows that a verifier scores under what passes, or can score nothing in.

    A verifier that needs a reference says nothing of rows without one; how many these are is noted.
    """
    lines = []
    for name, check in batch.checks.items():
        said = check(batch.made)
        if len(said) != batch.made.height:
            raise UsageError(
                f"the verifier {quote(name, 40)} gave {len(said):,} scores for {batch.made.height:,} rows; one each is needed."
            )
        if unasked := sum(not one.asked for one in said):
            batch.say(f"{name} had no reference to hold {unasked:,} made rows against, and let them pass.")
        for row_id, one in zip(batch.made["id"], said, strict=True):
            if one.asked and (one.score is None or one.score < options.least):
                what = (
                    "finds nothing to score"
                    if one.score is None
                    else f"scores {one.score:.2f}, under {options.least:g}"
                )
                told = f": {quote(mask(one.note[:200]), 80)}" if one.note else ""
                lines.append(
                    {"id": row_id, "score": one.score, "note": f"The verifier {quote(name, 40)} {what}{told}."}
                )
    return of_lines(lines, VERIFY, severity="reject").unique("id", keep="first", maintain_order=True)
