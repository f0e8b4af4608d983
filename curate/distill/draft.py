"""A draft: one row that is planned. What it becomes is decided by a pure function of it and of what the teacher replied."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from ..calls import Answer, Request
from ..messages import Said

Cell = Mapping[str, str]
"""Value of each axis of the grid, ``{"label": "refund", "tone": "angry"}``; empty where the plan has no axis."""


@dataclass(frozen=True)
class Draft:
    """One planned row.

    Nothing of it hangs on how many rows are asked for: who asks for more later finds the first ones where they were.
    """

    cell: Cell
    index: int
    """Which of its cell's drafts with these parents it is, from 0."""
    parents: tuple[str, ...] = ()
    """Ids of the rows that it is made from; examples that the teacher is shown are parents, too."""

    @cached_property
    def id(self) -> str:
        """``d-`` and 12 hex digits of what it is."""
        told = json.dumps([self.index, dict(self.cell), self.parents], ensure_ascii=False, sort_keys=True)
        return f"d-{sha256(told.encode()).hexdigest()[:12]}"

    @property
    def label(self) -> str | None:
        """The label that the row is meant to have, where the grid has that axis."""
        return self.cell.get("label")


@dataclass(frozen=True)
class Made:
    """A row as the replies make it, before any gate looked."""

    messages: tuple[Said, ...]
    label: str | None = None
    rejected: str | None = None
    tools: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What has no column: the rationale, votes, the worse answer's origin; JSON values."""


@dataclass(frozen=True)
class Fault:
    """Why the replies make no row: the gate that says so, and a sentence."""

    gate: str
    why: str


Replies = tuple[tuple[Answer, ...], ...]
"""What came back so far, wave by wave, each in the order in which it was asked for."""

Step = Callable[[Draft, Replies], "list[Request] | Made | Fault"]
"""What to ask next, or what has come of it. Called with no reply first. Pure: a changed reader of replies costs no call."""
