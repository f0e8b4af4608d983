"""Answers of another tool as the results of a run: scores, and what ``vetset eval`` would say of each."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ..evalsets.evalset import reference
from ..runs.results import RESULTS, SCORE, Status
from ..scorers.answers import statuses
from ..scorers.case import Case
from .joining import Joined
from .record import Record
from .rescoring import Rescored

COPIED = ("part", "weight", "cluster", "label", "stratum", "group", "source", "tags")


def results_of(joined: Joined, primary: str, anew: Sequence[Rescored], first: str | None) -> pl.DataFrame:
    """Return the answers as a run has them, ``RESULTS`` and a column ``score.NAME`` a score.

    Args:
        joined: n answers and their rows.
        primary: the score whose status and prediction count, the tool's or one of vetset's own.
        anew: what vetset's scorers say of them; of two scores with one name theirs is kept.
        first: the tool's own score that says what of its answers could not be scored, where ``primary`` is none of the tool's.
    """
    right = [row["reference"] if "reference" in row else reference(row) for row in joined.rows]
    ours = {one.scorer.name: one.found for one in anew}
    logged = _statuses(joined.records, right, first if primary in ours else primary)
    found = ours.get(primary)
    told = logged if found is None else [one.status for one in found]
    taken = [one.prediction for one in (joined.records if found is None else found)]
    spelt = {row["label"].casefold(): row["label"] for row in joined.rows if row["label"]}
    frame = pl.DataFrame(
        {
            "id": [row["id"] for row in joined.rows],
            "sample": joined.samples,
            "status": told,
            "output": [record.output for record in joined.records],
            "prediction": [spelt.get((one or "").casefold(), one) for one in taken],
            "reference": right,
            **{
                name: [getattr(record, name) for record in joined.records]
                for name in ("error", "prompt_tokens", "completion_tokens", "seconds", "cost")
            },
            **{name: [row[name] for row in joined.rows] for name in COPIED},
        },
        schema=RESULTS,
    )
    values = {name: [one.score if one.status == "ok" else None for one in of] for name, of in ours.items()}
    for name in dict.fromkeys(name for record in joined.records for name in record.scores if name not in ours):
        values[name] = [
            record.scores.get(name) if status == "ok" else None
            for record, status in zip(joined.records, logged, strict=True)
        ]
    scores = [pl.Series(f"{SCORE}{name}", of, dtype=pl.Float64) for name, of in values.items()]
    return frame.with_columns(scores).sort("id", "sample")  # logs are written as answers come


def _statuses(records: Sequence[Record], right: Sequence[str | None], primary: str | None) -> list[Status]:
    """What ``vetset eval`` would say: an answer that scores is ``ok``, one that doesn't may be refused, cut off or not parsed."""
    cases = [Case(record.output, wanted, finish=record.finish) for record, wanted in zip(records, right, strict=True)]
    found = []
    for record, status in zip(records, statuses(cases), strict=True):
        score = record.scores.get(primary) if primary is not None else None
        if record.finish == "error":
            found.append("error")
        elif score:
            found.append("ok")
        elif status == "ok":
            found.append("unparsed" if record.unparsed or score is None else "ok")
        else:
            found.append(status)
    return found
