"""A question and its answer from a document, which is a row's text; the words that hold the answer have to stand there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...calls import Request
from ...messages import Said
from ...text import fold
from ..asking import ask, block, read
from ..draft import Draft, Fault, Made, Replies, Step
from ..task import Task
from .drawing import drawn
from .kind import Kind
from .options import option, whole
from .turns import SEED
from .wording import axes_in_words, parts

GROUNDING = "distill.grounding"
"""The gate for an answer that the document does not hold."""

_SYSTEM = "You write questions that a document answers."
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")

OPTIONS: Mapping[str, Any] = {
    "quote": True,  # without it nothing here tells an answer from an invention
    "with_document": False,  # True: the row is the document and the question, as a reader has them
    "characters": 6000,  # of a document at once, some 1,500 tokens; of a longer one each draft draws a part
}


def _make(task: Task) -> Step:
    quoted, with_document = (option(task, OPTIONS, name) for name in ("quote", "with_document"))
    most = whole(task, OPTIONS, "characters", least=100, most=1_000_000)
    fields = {
        "question": "a question that can be understood without seeing the document",
        "answer": "its answer, in your words",
    } | ({"quote": "the words of the document that hold the answer, copied exactly"} if quoted else {})

    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        document = passage(draft, task.seeds(draft)[0].text, most=most)
        if not document.strip():
            return Fault(SEED, "The row has no text that could be asked about.")
        if not replies:
            return [ask(task, draft, _prompt(task, draft, document), fields=fields, system=_SYSTEM)]
        found = read(task, replies[0][0], fields)
        if isinstance(found, Fault):
            return found
        question = f"{document.strip()}\n\n{found['question']}" if with_document else found["question"]
        made = Made((Said("user", question), Said("assistant", found["answer"])), label=draft.label)
        if not quoted:
            return made
        if not stands(found["quote"], document):
            return Fault(GROUNDING, "The words that were to be quoted do not stand in the document.")
        return Made(made.messages, label=made.label, extra={"quote": found["quote"]})

    return step


def stands(quote: str, document: str) -> bool:
    """Say whether a quote stands in a document, case and white space aside; parts around an ellipsis stand in order.

    >>> stands("paid … in May", "It was Paid  back in may."), stands("paid in May", "It was paid back in May.")
    (True, False)
    """
    place, whole_text = 0, fold(document)
    pieces = [piece.strip(" \"'") for piece in re.split(r"\.{3}", fold(quote))]  # NFKC makes three dots of an ellipsis
    for piece in filter(None, pieces):
        place = whole_text.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return any(pieces)


def passage(draft: Draft, document: str, *, most: int) -> str:
    """Return a part of a document, from the beginning of a paragraph; all of it where it is short enough."""
    if len(document) <= most:
        return document
    starts = [0, *(found.end() for found in _PARAGRAPH.finditer(document))]
    last = len(document) - most  # a part that begins later would be shorter
    early = [start for start in starts if start <= last]
    begin = (
        drawn(draft, early, salt="passage")
        if len(early) > 1
        else drawn(draft, range(0, last + 1, most), salt="passage")
    )
    return document[begin : begin + most]


def _prompt(task: Task, draft: Draft, document: str) -> str:
    return parts(
        task.instruction,
        block("document", document),
        axes_in_words(task, draft.cell, but=()),
        "Write one question that this document answers, and its answer. Use nothing but the document.",
    )


QUESTIONS = Kind("a question and its answer, from a document", _make, draws="row", options=OPTIONS)
