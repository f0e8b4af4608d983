"""What a kind of plan knows of the work: the task in words, the rows it may show, how the teacher is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..calls import Parameters
from .draft import Draft
from .seeds import Seed

Form = Literal["json", "plain"]
"""How the teacher is to answer: an object of a schema, or the bare text (small models write no JSON)."""


@dataclass(frozen=True)
class Task:
    """What decides what is asked, besides the draft."""

    instruction: str
    """What the rows are, in the user's words: "A message that a customer sends to a bank's support"."""
    rows: Mapping[str, Seed]
    """Every row that may be shown, by id."""
    labels: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    """What a value of an axis means, by value: ``{"refund": "wants money back"}``."""
    parameters: Parameters = Parameters(temperature=0.8, max_tokens=512)
    form: Form = "json"
    system: str | None = None
    """A system turn of the user's own, in place of that of the kind."""
    holds_schema: bool = True
    """Whether the teacher can be asked to hold its reply to a schema; a model that runs here can't, and is told in words."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The keys of ``[plan.options]``; a kind says which it knows."""

    def seeds(self, draft: Draft) -> list[Seed]:
        """Return the rows that a draft is made from."""
        return [self.rows[parent] for parent in draft.parents]
