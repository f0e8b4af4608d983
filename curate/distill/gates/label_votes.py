"""Made rows for which the teacher itself, asked without being told, gives another label than the one that was meant."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl

from ...calls import Request
from ...embed.encoding import row_texts
from ...errors import UsageError, quote
from ...labels.targets import kind_of_labels
from ...masking import mask
from ...text import fold
from ..asking import DATA, ask, block, read
from ..draft import Draft, Fault
from ..task import Task
from .gate import Batch, Severity, of_lines, without_answer
from .wanted import LabelVotes

VOTES = "distill.label"

_SYSTEM = f"You label texts. {DATA}"
_FIELDS = {"label": "the one label of the list that fits the text best, exactly as it is written there"}
_LONGEST = 20_000  # characters of a text
_NAME = 40


def find_outvoted(batch: Batch, options: LabelVotes) -> pl.DataFrame:
    """Find made rows whose label the teacher does not give back (self-consistency: Wang and others 2023).

    It is shown the text and all labels, in another order for every vote, and not which one was meant. A row for which another
    label has most of the votes is rejected; one whose label has too few votes, and no other has more, goes to review, as does
    one on which no vote could be read. Rows whose label is shares of several have no one label to be asked for.
    """
    if batch.ask is None:
        return of_lines([])
    rows = batch.made.filter(pl.col("label").is_not_null())
    if kind_of_labels(rows["label"]) == "shares":
        return of_lines([])
    labels = sorted({*batch.task.labels, *rows["label"]})
    if len(labels) < 2 or rows.is_empty():
        return of_lines([])
    requests = [
        _request(batch.task, labels, row_id, said, vote)
        for row_id, said in zip(rows["id"], row_texts(rows), strict=True)
        for vote in range(options.votes)
    ]
    answers = batch.ask(requests)
    if len(answers) != len(requests):
        raise UsageError(
            f"the teacher was asked {len(requests):,} times and gave {len(answers):,} answers; one each is needed."
        )
    named = {fold(label): label for label in labels}
    lines = []
    for at, (row_id, label) in enumerate(rows.select("id", "label").iter_rows()):
        replies = answers[at * options.votes : (at + 1) * options.votes]
        if (failed := without_answer(row_id, replies)) is not None:
            lines.append(failed)
            continue
        own = [read(batch.task, answer, _FIELDS) for answer in replies]
        votes = Counter(said for one in own if (said := _named(one, named)) is not None)
        severity, note = _verdict(votes, label, options)
        if severity != "pass":
            share = votes[label] / max(votes.total(), 1)
            lines.append({"id": row_id, "verdict": severity, "score": share, "note": note})
    return of_lines(lines, VOTES)


def _request(task: Task, labels: list[str], row_id: str, said: str, vote: int) -> Request:
    order = np.random.default_rng([vote, *row_id.encode()]).permutation(len(labels))
    told = [f"- {labels[at]}" + (f": {task.about[labels[at]]}" if labels[at] in task.about else "") for at in order]
    listed = "\n".join(told)
    asked = f"{task.instruction}\n\nLabels:\n{listed}\n\n{block('text', said[:_LONGEST])}\n\nWhich of these labels fits the text?"
    return ask(task, Draft({}, vote), asked.strip(), fields=_FIELDS, system=_SYSTEM, sample=vote)


def _named(said: dict[str, str] | Fault, named: dict[str, str]) -> str | None:
    """Return the label that a reply names; ``None`` where it names none, or can't be read."""
    if isinstance(said, Fault):
        return None
    return named.get(fold(said["label"]).strip(" -\"'`*."))


def _verdict(votes: Counter[str], label: str, options: LabelVotes) -> tuple[Severity, str]:
    if not votes:
        return "review", "The teacher was asked for its label, and no vote could be read."
    share = votes[label] / votes.total()
    first, most = min(votes.items(), key=lambda one: (-one[1], one[0]))
    if most > votes[label] and most * 2 > votes.total():
        return (
            "reject",
            f"The teacher labels it {quote(mask(first[:200]), _NAME)} in {most} of {votes.total()} votes, and not as was meant.",
        )
    if share < options.agree:
        return "review", f"The teacher gives the label that was meant in {votes[label]} of {votes.total()} votes."
    return "pass", ""
