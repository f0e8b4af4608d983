"""What a kind of plan is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..draft import Step
from ..task import Task

Draws = Literal["examples", "row", "each", "nothing"]
"""The rows that a draft is made from: a block of examples with the cell's label (of all where it has none); one row of these, in
turn; one row of these, each once (the plan has as many drafts as there are rows); none."""

Needs = Literal["anything", "label", "no label", "answer", "tools"]
"""What a row has to have to be drawn."""


@dataclass(frozen=True)
class Kind:
    """One kind of plan."""

    says: str
    """What it makes, in a line."""
    make: Callable[[Task], Step]
    draws: Draws
    needs: Needs = "anything"
    options: Mapping[str, Any] = field(default_factory=dict)
    """Its keys under ``[plan.options]``, with what holds where they are not given; a value of another type is refused."""
    same_text: bool = False
    """Its rows say what their seed says, or nearly, on purpose (labels, rationales, a few words changed): they are not held
    against real rows as duplicates."""
    calls: Callable[[Task], int] = lambda _: 1
    """Most calls a draft."""
    usual: Callable[[Task], int] | None = None
    """Calls that a draft takes as a rule, where that is fewer than the most: what a plan is reckoned with."""
    drawn_by: str = "label"
    """The axis whose value is the label of the rows that are drawn; without that axis they are drawn of all."""
    needs_with: Mapping[str, Needs] = field(default_factory=dict)
    """What a row has to have where the recipe gives an option, by the option."""


def needed(kind: Kind, options: Mapping[str, Any]) -> Needs:
    """Return what a row has to have to be drawn, under the options of a recipe."""
    for name, needs in kind.needs_with.items():
        if options.get(name):
            return needs
    return kind.needs
