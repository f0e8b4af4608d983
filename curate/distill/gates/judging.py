"""Made rows that judges find bad, or on which they disagree.

A judge whose agreement with people was never measured may be worse than a coin, and one that rejects all that is unusual would
narrow the set without anybody seeing it; so its word sends a row to a person and does no more. Nor does it wave a row
through: that it finds a row good ends nothing, and the gates behind it look all the same.
"""

from __future__ import annotations

import polars as pl

from ...calls import Answer
from ...errors import UsageError
from ...wording import counted
from .gate import Batch, Severity, Vote, of_lines, without_answer
from .wanted import Judging

JUDGE = "distill.judge"


def find_bad(batch: Batch, options: Judging) -> pl.DataFrame:
    """Find made rows by the votes on them.

    The mean of the calibrated votes under ``least`` rejects; of votes that were not calibrated it sends the row to review, as do
    votes further apart than ``apart``, and rows on which no vote could be read. A row for which a call failed is not judged.
    """
    if batch.judge is None:
        return of_lines([])
    votes = batch.judge(batch.made)
    if len(votes) != batch.made.height:
        raise UsageError(
            f"the judge gave votes on {len(votes):,} of {batch.made.height:,} rows; one list each is needed."
        )
    if any(not vote.calibrated for some in votes for vote in some):
        batch.say(
            "a judge was never held against people (`vetset judge`), so what it finds bad goes to review and is not rejected"
        )
    lines = []
    for row_id, some in zip(batch.made["id"], votes, strict=True):
        failed = without_answer(row_id, [Answer(finish="error", error=vote.error) for vote in some if vote.error])
        if failed is not None:
            lines.append(failed)
            continue
        severity, score, note = _verdict(some, options)
        if note:
            lines.append({"id": row_id, "verdict": severity, "score": score, "note": note})
    return of_lines(lines, JUDGE)


def _verdict(votes: list[Vote], options: Judging) -> tuple[Severity, float | None, str]:
    scores = [vote.score for vote in votes if vote.score is not None]
    if not scores:
        return "review", None, "No judge's verdict on it could be read."
    mean, span = sum(scores) / len(scores), max(scores) - min(scores)
    measured = [vote.score for vote in votes if vote.score is not None and vote.calibrated]
    told = f"{counted(len(scores), 'vote')}, mean {mean:.2f}"
    if measured and sum(measured) / len(measured) < options.least:
        return "reject", mean, f"Judged bad ({told}, under {options.least:g})."
    if mean < options.least:
        return "review", mean, f"Judged bad by votes that were not calibrated ({told}, under {options.least:g})."
    if span > options.apart:
        return "review", mean, f"The judges disagree ({told}, from {min(scores):.2f} to {max(scores):.2f})."
    if len(scores) * 2 < len(votes):
        return "review", mean, f"Most verdicts on it could not be read ({told} of {len(votes)})."
    return "pass", mean, f"{told}."
