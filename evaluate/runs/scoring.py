"""Answers to results: each scorer sees all of them at once, and what can't be scored keeps a status of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from ...curate.errors import DataError
from ...curate.messages import Said
from ..evalsets.evalset import reference
from ..models.protocol import Answer
from ..scorers.answers import refusing, spoken
from ..scorers.case import Case, Scored, Scorer
from .final_answer import final_answer
from .results import RESULTS, SCORE

_READS_ALL = ("number", "judge")
"""Kinds of scorers that look for the final answer themselves, by more marks than one."""
_COPIED = ("part", "weight", "cluster", "label", "stratum", "group", "source", "tags")


def score(
    rows: pl.DataFrame,
    conversations: Sequence[tuple[Said, ...]],
    answers: Sequence[Answer],
    scorers: Sequence[Scorer],
    *,
    samples: int = 1,
    mark: str | None = None,
) -> pl.DataFrame:
    """Return the results of a run, one line a row and sample, without costs.

    Args:
        rows: n rows of an eval set.
        conversations: (n) what was asked.
        answers: (n * samples) those to one row next to each other.
        scorers: the primary one first; its status is the line's.
        samples: answers a row.
        mark: what the final answer follows (``final_answer``); the whole text counts for ``None``.

    Returns:
        ``RESULTS`` and a column ``score.NAME`` a scorer.

    Raises:
        DataError: a scorer gives another number of scores than it was given answers.
    """
    references = [reference(row) for row in rows.select("messages", "label").iter_rows(named=True)]
    ids = rows["id"].to_list()
    cases = [
        Case(
            answer.text,
            references[at // samples],
            answer.finish,
            answer.tool_calls,
            conversations[at // samples],
            ids[at // samples],
        )
        for at, answer in enumerate(answers)
    ]
    marked = cases if mark is None else _after(mark, cases)
    scored = {of.name: _scored(of, cases if of.spec.partition(":")[0] in _READS_ALL else marked) for of in scorers}
    first = scored[scorers[0].name]
    repeated = rows.select(pl.all().repeat_by(samples).explode()) if samples > 1 else rows
    told = pl.DataFrame(
        {
            "id": repeated["id"],
            "sample": list(range(samples)) * len(ids),
            "status": [one.status for one in first],
            "output": [answer.text if answer.text is not None else answer.tool_calls for answer in answers],
            "prediction": [one.prediction for one in first],
            "reference": [case.reference for case in cases],
            "error": [answer.error for answer in answers],
            "prompt_tokens": [answer.prompt_tokens for answer in answers],
            "completion_tokens": [answer.completion_tokens for answer in answers],
            "seconds": [answer.seconds for answer in answers],
            "cost": None,
            **{name: repeated[name] for name in _COPIED},
        },
        schema=RESULTS,
    )
    columns = [
        pl.Series(SCORE + name, [one.score if one.status == "ok" else None for one in found], dtype=pl.Float64)
        for name, found in scored.items()
    ]
    return told.with_columns(columns)


def _scored(scorer: Scorer, cases: Sequence[Case]) -> list[Scored]:
    found = scorer.score(cases)
    if len(found) != len(cases):
        raise DataError(
            f"the scorer {scorer.name} gave {len(found):,} scores for {len(cases):,} answers; it takes one an answer, in order."
        )
    # What is no answer is no wrong one, whatever a scorer of the user's own makes of it.
    return [
        Scored(None, "error") if case.finish == "error" and one.status != "error" else one
        for case, one in zip(cases, found, strict=True)
    ]


def _after(mark: str, cases: Sequence[Case]) -> list[Case]:
    """Return the cases with final answers alone; one that declines without a mark is left whole, to be seen to decline."""
    found = [None if case.output is None else final_answer(case.output, mark) for case in cases]
    missing = [at for at, one in enumerate(found) if one is None and cases[at].output is not None]
    for at, declined in zip(
        missing, refusing([spoken(cases[at].output) for at in missing]) if missing else [], strict=True
    ):
        if declined:
            found[at] = cases[at].output
    return [replace(case, output=output) for case, output in zip(cases, found, strict=True)]
