"""Rows and a prompt to conversations: what is sent to the model, row by row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ...curate.embed.encoding import row_texts
from ...curate.errors import DataError
from ...curate.messages import Said
from ..evalsets.evalset import question
from .examples import choose, example_turns
from .prompts import Prompt
from .retrieval import Library, Retrieved, judge, search

_PLACES = re.compile(r"\{(question|labels|context)\}")


@dataclass(frozen=True)
class Asked:
    """What is sent."""

    conversations: list[tuple[Said, ...]]
    """(n) one a row, ending before the answer."""
    retrieval: Retrieved | None = None
    """How often the right document was found, where it is known."""


def ask(
    prompt: Prompt, rows: pl.DataFrame, *, gold: Sequence[str | None] | None = None, cache: Path | None = None
) -> Asked:
    """Set the prompt around the question of each row.

    Args:
        prompt: the words, and where examples and documents come from.
        rows: n rows of an eval set.
        gold: of each row the document that answers it, where that is known.
        cache: a folder to keep vectors in.

    Raises:
        DataError: a row asks nothing.
    """
    questions = [question(row) for row in rows.select("messages").iter_rows(named=True)]
    for said, row_id in zip(questions, rows["id"], strict=True):
        if not said:
            raise DataError(
                f"row {row_id} of the eval set asks nothing: it holds one assistant turn alone; take it out."
            )
    contexts, retrieval = _contexts(prompt, rows, gold, cache)
    shots = _shots(prompt, rows, cache)
    plain = prompt.system is None and prompt.user == "{question}"
    if plain and shots is None:
        return Asked(questions, retrieval)
    labels = "\n".join(f"- {label}" for label in prompt.labels)
    system = None if prompt.system is None or "{context}" in prompt.system else _filled(prompt.system, "", labels, "")
    conversations = []
    for at, said in enumerate(questions):
        context = contexts[at] if contexts is not None else ""
        told = system if prompt.system is None or system is not None else _filled(prompt.system, "", labels, context)
        conversations.append(_around(prompt, said, told, labels, context, shots[at] if shots is not None else ()))
    return Asked(conversations, retrieval)


def _around(
    prompt: Prompt, said: tuple[Said, ...], system: str | None, labels: str, context: str, shots: Sequence[Said]
) -> tuple[Said, ...]:
    own = [turn for turn in said if turn.role in ("system", "developer")]
    turns = [turn for turn in said if turn.role not in ("system", "developer")]
    if system:
        joined = "\n\n".join([*(turn.content for turn in own if turn.content), system])
        own = [Said("system", joined)]
    last = next((at for at in range(len(turns) - 1, -1, -1) if turns[at].role == "user"), None)
    if last is not None and prompt.user != "{question}":
        turns[last] = Said("user", _filled(prompt.user, turns[last].content or "", labels, context))
    return (*own, *shots, *turns)


def _filled(template: str, asked: str, labels: str, context: str) -> str:
    # In one go: a question that says "{labels}" itself is a text like any other.
    values = {"question": asked, "labels": labels, "context": context}
    return _PLACES.sub(lambda found: values[found[1]], template)


def _contexts(
    prompt: Prompt, rows: pl.DataFrame, gold: Sequence[str | None] | None, cache: Path | None
) -> tuple[list[str] | None, Retrieved | None]:
    if prompt.library is None:
        return None, None
    found = search(prompt.library, row_texts(rows, "input").to_list(), cache=cache)
    contexts = [_context(prompt.library, ranking, prompt.budget) for ranking in found]
    return contexts, judge(prompt.library, found, gold) if gold is not None else None


def _context(library: Library, ranking: Sequence[int], budget: int) -> str:
    """Return the best pieces while they fit; the first is cut where it alone is too long."""
    parts, left = [], budget
    for at in ranking:
        piece = library.pieces[at]
        part = f"[{piece.document}]\n{piece.text}"
        if len(part) > left and parts:
            break
        parts.append(part[:left])
        left -= len(part) + 2
    return "\n\n".join(parts)


def _shots(prompt: Prompt, rows: pl.DataFrame, cache: Path | None) -> list[list[Said]] | None:
    if prompt.shots is None:
        return None
    chosen = choose(prompt.shots, rows, cache=cache)
    turns = example_turns(prompt.shots.pool, sorted({at for row in chosen for at in row}))
    return [[turn for at in row for turn in turns[at]] for row in chosen]
