"""Why a row failed: the model can't do it, was not told what it needed, or nobody could have answered it.

A failure is asked again with the document that answers it. Right now: the model can, so what failed is retrieval. Still wrong:
behaviour, which is what a fine-tune changes. No document answers it, or its reference is doubtful: data or product.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import polars as pl

from ...curate.errors import DataError, UsageError
from ...curate.messages import Said
from ...curate.wording import counted, shell
from ..evalsets.evalset import reference
from ..models.calling import answer_all
from ..models.journal import Journal
from ..models.protocol import Answer, Model, Parameters, Request
from ..runs.asking import ask
from ..runs.final_answer import final_answer
from ..runs.prompts import Prompt
from ..runs.results import SCORE, Run
from ..scorers.case import Case, Scored, Scorer
from ..word_list import words
from .same_model import check_same_model

Cause = Literal["behavioural", "retrieval", "data", "unknown"]
CAUSES: tuple[Cause, ...] = ("behavioural", "retrieval", "data", "unknown")

_PLACE = "\ue000gold\ue000"  # characters that no text holds: the document goes there after all else is filled in
_LEAST = 3  # words beside the answer: "the answer is X" has as many
_COPIED = "what should answer it is hardly more than the answer itself"
_DOCUMENT = "Use these documents where they help.\n\n{context}\n\n{question}"


@dataclass(frozen=True)
class Judged:
    """Why each failure failed."""

    causes: dict[str, Cause]
    """By row id."""
    reasons: dict[str, str]
    """One clause each."""
    notes: tuple[str, ...] = ()


def judge_causes(
    failed: pl.DataFrame,
    rows: pl.DataFrame,
    run: Run,
    *,
    model: Model,
    scorer: Scorer,
    gold: Mapping[str, str | None],
    rag: Run | None = None,
    doubtful: Collection[str] = (),
    threshold: float = 1.0,
    journal: Journal | str | Path | None = None,
) -> Judged:
    """Ask failures again with the document that answers them, and say why each failed.

    Args:
        failed: ``FAILED``.
        rows: of the eval set.
        run: that they failed in; its prompt and parameters are used again.
        model: the one that was run.
        scorer: that judged it.
        gold: the text that answers each row, by id; ``None`` or empty where no document does.
        rag: a run of the same rows with documents: what it has right is retrieval, and solved already.
        doubtful: ids of rows whose reference is doubtful, such as those that ``labels.suspect`` found.
        threshold: least score that is right.
        journal: where answers are kept; a file, so that the same command again asks nothing.

    Raises:
        DataError: a failed row is not in the eval set.
        UsageError: the model is another one than the run's.
    """
    known = {row["id"]: at for at, row in enumerate(rows.select("id").iter_rows(named=True))}
    warned = check_same_model(run, model)
    causes: dict[str, Cause] = {}
    reasons: dict[str, str] = {}
    right = {row["id"]: reference(row) for row in rows.select("id", "messages", "label").iter_rows(named=True)}

    def set_cause(row_id: str, cause: Cause, reason: str) -> None:
        causes[row_id], reasons[row_id] = cause, reason

    solved = _right(rag, threshold) if rag is not None else set()
    asked_again: list[str] = []
    for row_id, status in failed.select("id", "status").iter_rows():
        if row_id not in known:
            raise DataError(
                f"row {row_id} of {run.folder} is not in the eval set; name the one that it ran on with --on."
            )
        if status == "error":
            set_cause(row_id, "unknown", "there was no answer")
        elif row_id in doubtful:
            set_cause(row_id, "data", "its reference is doubtful")
        elif row_id in solved:
            set_cause(row_id, "retrieval", "retrieval has it right already")
        elif not (gold.get(row_id) or "").strip():
            set_cause(row_id, "data", "no document answers it")
        elif _hardly_more(gold[row_id] or "", right[row_id]):
            set_cause(row_id, "unknown", _COPIED)
        else:
            asked_again.append(row_id)
    again = rows[[known[row_id] for row_id in asked_again]]
    seconds, notes = _again(again, run, model, scorer, [gold[row_id] or "" for row_id in asked_again], journal)
    for row_id, second in zip(asked_again, seconds, strict=True):
        set_cause(row_id, *_judged(second, threshold))
    copied = sum(reason == _COPIED for reason in reasons.values())
    if copied:
        warned.append(
            f"{counted(copied, 'failure')} {'was' if copied == 1 else 'were'} not asked again: what --gold names for them is the "
            "answer and hardly a word more, and a model may copy that; name the document that it follows from."
        )
    return Judged(causes, reasons, (*warned, *notes))


def _hardly_more(gold: str, right: str | None) -> bool:
    """Say whether a text holds next to nothing but the answer: being right with it shows that a model can copy."""
    return (Counter(words(gold)) - Counter(words(right or ""))).total() < _LEAST


def gold_texts(rows: pl.DataFrame, gold: str) -> dict[str, str | None]:
    """Return the text that answers each row.

    Args:
        rows: of the eval set.
        gold: a column or key of ``extra`` that holds the text itself, or a folder of documents, of which a row's ``source`` names
            one (its id, its file name, or that without its ending).

    Raises:
        UsageError: no row has such a column, or there are no documents.
        DataError: a document can't be read.
    """
    from ..runs.documents import read_documents
    from ..runs.harness import gold_documents

    if not Path(gold).exists():
        return dict(zip(rows["id"], gold_documents(rows, gold), strict=True))
    texts = {}
    for document in read_documents(gold):
        for name in (Path(document.name).stem, document.name):
            texts[name] = document.text
    return {row_id: texts.get(source or "") for row_id, source in rows.select("id", "source").iter_rows()}


def _again(
    rows: pl.DataFrame,
    run: Run,
    model: Model,
    scorer: Scorer,
    gold: Sequence[str],
    journal: Journal | str | Path | None,
) -> tuple[list[Scored], list[str]]:
    """Return what the scorer says of each row when it is asked with its document."""
    if rows.is_empty():
        return [], []
    prompt, notes = _prompt(run)
    conversations = [
        tuple(_filled(said, document) for said in conversation)
        for conversation, document in zip(ask(prompt, rows).conversations, gold, strict=True)
    ]
    parameters = msgspec.convert(run.manifest.get("parameters") or {}, Parameters)
    requests = [Request(said, tools, parameters) for said, tools in zip(conversations, rows["tools"], strict=True)]
    answers = answer_all(model, requests, journal=journal, ids=rows["id"].to_list())
    cases = [
        Case(_text(answer, prompt), reference(row), answer.finish, answer.tool_calls, said, row["id"])
        for row, answer, said in zip(rows.iter_rows(named=True), answers, conversations, strict=True)
    ]
    return scorer.score(cases), notes


def _judged(second: Scored, threshold: float) -> tuple[Cause, str]:
    if second.status == "error":
        return "unknown", "there was no answer the second time"
    if second.status == "truncated":  # a setting and no behaviour
        return "unknown", "cut off the second time; run it again with more --max-tokens"
    if second.status == "ok" and (second.score or 0.0) >= threshold:
        return "retrieval", "right with the document that answers it"
    return "behavioural", "not right with the document that answers it either"


def _prompt(run: Run) -> tuple[Prompt, list[str]]:
    """Return the run's prompt with a place for the document."""
    told: Mapping[str, Any] = run.manifest.get("prompt") or {}
    system, user = told.get("system"), told.get("user") or "{question}"
    if "{context}" not in user and "{context}" not in (system or ""):
        user = _DOCUMENT.replace("{question}", user)
    user, system = user.replace("{context}", _PLACE), system.replace("{context}", _PLACE) if system else system
    notes = ["the examples of the run's prompt are left out of the second asking."] if told.get("examples") else []
    labels = tuple(told.get("labels") or ())
    return Prompt(
        str(told.get("name") or "again"), system=system, user=user, labels=labels, mark=told.get("mark")
    ), notes


def _filled(said: Said, document: str) -> Said:
    if said.content is None or _PLACE not in said.content:
        return said
    return Said(said.role, said.content.replace(_PLACE, document), said.tool_calls, said.tool_call_id)


def _text(answer: Answer, prompt: Prompt) -> str | None:
    return (
        final_answer(answer.text, prompt.mark) if prompt.mark is not None and answer.text is not None else answer.text
    )


def _right(run: Run, threshold: float) -> set[str]:
    """Return the rows that a run has right."""
    scored = pl.when(pl.col("status") == "ok").then(pl.col(SCORE + run.scorers[0])).fill_null(0.0)
    means = run.results.group_by("id").agg(scored.mean().alias("score"))
    return set(means.filter(pl.col("score") >= threshold)["id"])


def doubtful_rows(folder: str | Path) -> set[str]:
    """Return the rows of a set whose label is suspect, as its last check has it.

    Raises:
        UsageError: there is no set, or it was never checked for that.
    """
    from ...curate.dataset import Dataset

    dataset = Dataset.open(folder)
    if dataset.findings is None:
        raise UsageError(f"{folder} was not checked yet; run `vetset check {shell(folder)} --select labels.suspect`.")
    return set(dataset.findings.filter(pl.col("rule") == "labels.suspect")["id"])
