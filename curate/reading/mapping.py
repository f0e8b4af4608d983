"""What the columns of a source mean: what the user said, the plan that comes of it, and how a column is found in a record."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

from ..errors import DataError, UsageError, quote
from ..labels.targets import Kind


class NoText(DataError):
    """Nothing in the records can be taken for a text."""


SHAPES: dict[str, tuple[str, ...]] = {
    "text": ("text",),
    "text-label": ("text", "label"),
    "prompt-completion": ("prompt", "completion", "system", "tools"),
    "alpaca": ("instruction", "input", "output", "system", "history"),
    "sharegpt": ("conversations", "system", "tools"),
    "messages": ("messages", "tools", "system"),
    "preference": (
        "prompt",
        "instruction",
        "input",
        "messages",
        "conversations",
        "chosen",
        "rejected",
        "system",
        "tools",
    ),
    "kto": ("prompt", "completion", "messages", "label", "system", "tools"),
}
"""Each wire shape and the parts that it may have."""

SPLIT_WORDS = {
    "train": "train", "training": "train", "dev": "dev", "valid": "validation", "validation": "validation", "val": "validation",
    "test": "test", "testing": "test", "eval": "eval", "evaluation": "eval", "heldout": "eval",
}  # fmt: skip
"""Words in a file's name that tell which official split it is."""

SAMPLE = 1000
"""Records that a guess looks at, from all over the source."""

COMMON = ("group", "time", "annotator", "split", "source", "license", "origin")
"""Parts that a row of any shape may have."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the user said about the columns; ``None`` means: guess. ``"none"`` means: there is none.

    Each is a column (nested as ``meta.url``, a part of it as ``meta.url~github.com/([^/]+/[^/]+)``); ``source``,
    ``license``, ``split`` and ``origin`` may also be a constant; that of ``license`` is for rows without one of their
    own. With ``format="prompt-completion"``, ``text`` is the prompt and ``label`` the completion.
    ``text`` may name several columns, with commas between; they are joined by a blank line.
    """

    text: str | None = None
    label: str | None = None
    group: str | None = None
    time: str | None = None
    annotator: str | None = None
    split: str | None = None
    source: str | None = None
    license: str | None = None
    origin: str | None = None
    format: str | None = None

    def said(self) -> dict[str, str]:
        """Return what was set."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}


@dataclass(frozen=True)
class Plan:
    """How the records of one source become rows."""

    shape: str
    columns: dict[str, str]
    """Part to column; ``text`` may hold several, with commas between."""
    constants: dict[str, str] = field(default_factory=dict)
    day_first: bool = False
    reasons: list[str] = field(default_factory=list)
    """One sentence a guess, for people."""
    targets: Kind | None = None
    """Whether the label column holds several labels a row, or shares of them."""


def official_split(split: str | None) -> str | None:
    """Return the usual word for a split where the source writes it in another case (``TRAIN``, ``Valid``)."""
    return None if split is None else SPLIT_WORDS.get(split.strip().lower(), split)


def split_of_name(file: str) -> str | None:
    """Return the official split that a file's name tells of.

    >>> split_of_name("docs_issues_training.jsonl"), split_of_name("tickets.csv")
    ('train', None)
    """
    words = re.split(r"[^a-z]+", file.lower())
    found = [SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS]
    return found[-1] if found else None


def text_columns(said: str, known: Iterable[str]) -> list[str]:
    """Return the columns that ``text`` names, commas between; a column whose own name holds a comma is whole.

    >>> text_columns("title,body", ["title", "body"]), text_columns("Ticket, text", ["Ticket, text"])
    (['title', 'body'], ['Ticket, text'])
    """
    columns, steps = set(known), said.split(",")
    found: list[str] = []
    while steps:
        whole = (count for count in range(len(steps), 1, -1) if ",".join(steps[:count]) in columns)
        count = next(whole, 1)
        found.append(",".join(steps[:count]))
        steps = steps[count:]
    return found


@lru_cache(maxsize=64)
def taken_from(said: str) -> tuple[str, re.Pattern[str] | None]:
    """Return the column and the pattern of ``column~pattern``; the pattern's first group is what is taken.

    >>> taken_from("meta.url~github.com/([^/]+/[^/]+)")[0]
    'meta.url'

    Raises:
        UsageError: the pattern is none, or has no group.
    """
    path, tilde, pattern = said.partition("~")
    if not tilde:
        return said, None
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{quote(said)}: {quote(pattern)} is not a regular expression ({error}).") from error
    if compiled.groups < 1:
        raise UsageError(f"{quote(said)}: put the part to take in brackets, such as meta.url~github.com/([^/]+/[^/]+).")
    return path, compiled


def value(record: Mapping[str, Any], path: str) -> Any:
    """Return what stands at ``path`` (``meta.url``) in a record, or ``None``; a column whose own name has dots wins."""
    if path in record:
        return record[path]
    path, pattern = taken_from(path)
    if pattern is not None:
        found = pattern.search(as_text(value(record, path)) or "")
        return found.group(1) if found else None
    here: Any = record
    for step in path.split("."):
        if not isinstance(here, Mapping) or step not in here:
            return None
        here = here[step]
    return here


def as_text(item: Any) -> str | None:
    """Return a decoded scalar as text; null and NaN give ``None``."""
    if item is None or (isinstance(item, float) and math.isnan(item)):
        return None
    return item if isinstance(item, str) else str(item)
