"""What a rung asks: the words that are set around a row's question, kept as text with their digest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal

import polars as pl

from ...curate.errors import UsageError
from .examples import Shots
from .retrieval import Library

RungName = Literal["plain", "bare", "few-shot", "rag", "reasoning"]
RUNGS: tuple[RungName, ...] = ("plain", "bare", "few-shot", "rag", "reasoning")
"""``plain`` is the row alone, as training rows stand: what a fine-tuned model is asked. The others, from the cheapest on,
are what it has to beat before it is worth its upkeep."""

MARK = "Answer:"
"""Begins the line that ends a reasoned answer."""
BUDGET = 4000
"""Characters of documents before a question, about 1,000 tokens: half of the smallest window in use (2,048)."""
MANY = 200
"""Labels up to which they are told one by one: about 1,000 tokens."""

_CLASS = (
    "Sort the user's text into one of the labels below. Answer with the label alone, spelt as it stands here, and nothing "
    "else.\n\nLabels:\n{labels}"
)
_THINK = (
    f"Think it through step by step first. Then end with one line that begins with {MARK!r} and holds the answer alone."
)
_DOCUMENTS = "Use these documents where they help.\n\n{context}\n\n{question}"


@dataclass(frozen=True)
class Prompt:
    """The words around a question, and what they are filled from."""

    name: str
    """A rung, or the name of the user's file."""
    system: str | None = None
    """Set after the row's own system message; ``{labels}`` and ``{context}`` are filled in."""
    user: str = "{question}"
    """The last user turn; ``{question}``, ``{labels}`` and ``{context}`` are filled in."""
    labels: tuple[str, ...] = ()
    mark: str | None = None
    """What follows it on its line, the last time, is the answer; all of it for ``None``."""
    shots: Shots | None = None
    library: Library | None = None
    budget: int = BUDGET

    def said(self) -> dict[str, Any]:
        """Return what a manifest keeps: the words, where examples and documents come from, and the digest of all that."""
        kept: dict[str, Any] = {
            "name": self.name, "system": self.system, "user": self.user, "labels": list(self.labels), "mark": self.mark
        }  # fmt: skip
        if self.shots is not None:
            kept["examples"] = self.shots.said()
        if self.library is not None:
            kept["documents"] = self.library.said() | {"budget": self.budget}
        return kept | {"digest": digest_of(kept)}


def digest_of(kept: dict[str, Any]) -> str:
    """Return the SHA-256 of what is asked, without the paths that it was read from."""
    told = {key: {k: v for k, v in value.items() if k not in ("source", "folder")} if isinstance(value, dict) else value
            for key, value in kept.items()}  # fmt: skip
    return sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def prompt_for(
    rung: RungName,
    *,
    labels: Sequence[str] = (),
    shots: Shots | None = None,
    library: Library | None = None,
    budget: int = BUDGET,
) -> Prompt:
    """Return what a rung asks.

    Args:
        rung: ``plain``: the row alone; ``bare``: the question, and the labels where there are any; ``few-shot``:
            with solved examples before it; ``rag``: with documents before it; ``reasoning``: with the wish to think first.
        labels: of a labelled set; told one by one up to 200, for a model can't guess how yours are spelt.
        shots: where examples come from; needed by ``few-shot``.
        library: the documents; needed by ``rag``.
        budget: characters of documents before a question.

    Raises:
        UsageError: no such rung, or what it needs is missing.
    """
    if rung not in RUNGS:
        raise UsageError(f"--rung {rung} is none; give {', '.join(RUNGS[:-1])} or {RUNGS[-1]}, or --prompt FILE.")
    if rung == "plain":
        return Prompt(rung)
    told = tuple(labels) if len(labels) <= MANY else ()
    bare = Prompt(rung, system=_CLASS if told else None, labels=told)
    if rung == "few-shot":
        if shots is None:
            raise UsageError("the rung few-shot takes its examples from training data; name it with --examples FILE.")
        return replace(bare, shots=shots)
    if rung == "rag":
        if library is None:
            raise UsageError("the rung rag searches your documents; name their folder with --documents DIR.")
        return replace(bare, user=_DOCUMENTS, library=library, budget=budget)
    if rung == "reasoning":
        system = (
            _CLASS.replace(" Answer with the label alone, spelt as it stands here, and nothing else.", "")
            if told
            else None
        )
        return replace(bare, system="\n\n".join([*([system] if system else []), _THINK]), mark=MARK)
    return bare


def labels_of(rows: pl.DataFrame) -> tuple[str, ...]:
    """Return the labels of a set, sorted; none where a row lacks one, or where more than half stand once and are answers.

    >>> from vetset.curate.dataset import frame
    >>> labels_of(frame([{"messages": str(i), "label": "ab"[i % 2]} for i in range(4)]))
    ('a', 'b')
    """
    column = rows["label"]
    if rows.is_empty() or column.null_count():
        return ()
    counts = column.value_counts()
    return tuple(sorted(counts["label"])) if 2 * (counts["count"] == 1).sum() <= rows.height else ()
