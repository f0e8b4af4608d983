"""A row changed as little as possible so that it gets another label: it looks like the one and is the other.

Such pairs are contrast sets (Gardner et al. 2020), and counterfactually augmented data (Kaushik et al. 2020). The axis
``confused_with`` names the label that the new row looks like, and that the row which is changed has; the axis ``label`` the one
that it gets. Without them, a draft draws the label that it gets: of those that ``pairs`` names for the row's, or of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ...calls import Request
from ...errors import UsageError, quote
from ...text import fold
from ..asking import ask, block, read
from ..draft import Draft, Fault, Made, Replies, Step
from ..seeds import Seed
from ..task import Task
from .drawing import drawn
from .kind import Kind
from .likeness import COPY, changed, copied
from .options import option, share
from .turns import SEED, asked_anew, last_asked
from .wording import axes_in_words, named, parts

CHANGE = "distill.change"
"""The gate for a change that is larger than asked for."""

_SYSTEM = "You change examples so that they get another label."
_FIELDS = {"text": "the changed message"}
_REAL = Fault(COPY, "It is another of the real rows.")

OPTIONS: Mapping[str, Any] = {
    "pairs": [],  # [["card_lost", "card_stolen"]]: labels that are taken for one another, either way
    "change": 0.6,  # most of the words, by Dice's measure; beyond it the row no longer looks like the other label's
}


def _make(task: Task) -> Step:
    most, partners = share(task, OPTIONS, "change"), _partners(task)

    @cache
    def known() -> frozenset[str]:
        return frozenset(fold(seed.text) for seed in task.rows.values())

    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        seed = task.seeds(draft)[0]
        text, target = last_asked(seed), _target(draft, seed, partners)
        if text is None or seed.label is None or target is None:
            return Fault(SEED, "The row has no text or no label, or its label is the one that it was to get.")
        if not replies:
            return [ask(task, draft, _prompt(task, draft, seed, text, target), fields=_FIELDS, system=_SYSTEM)]
        found = read(task, replies[0][0], _FIELDS)
        if isinstance(found, Fault):
            return found
        moved = changed(found["text"], text)
        if moved > most:
            return Fault(CHANGE, f"{moved:.0%} of the words were changed, and at most {most:.0%} were to be.")
        extra = {"looks_like": seed.label, "changed": round(moved, 3)}
        made = Made(asked_anew(seed, found["text"]), label=target, extra=extra)
        return copied(found["text"], text) or (_REAL if fold(found["text"]) in known() else made)

    return step


def _target(draft: Draft, seed: Seed, partners: Mapping[str, list[str]]) -> str | None:
    """Return the label that the new row gets; ``None`` where there is none but the row's own."""
    if draft.label is not None:
        return draft.label if draft.label != seed.label else None
    possible = [label for label in partners.get(seed.label or "", []) if label != seed.label]
    return drawn(draft, possible, salt="label") if possible else None


def _partners(task: Task) -> dict[str, list[str]]:
    pairs = option(task, OPTIONS, "pairs")
    if not pairs:
        return {label: list(task.labels) for label in task.labels}
    found: dict[str, list[str]] = {}
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and all(label in task.labels for label in pair)):
            raise UsageError(f"plan.options.pairs has {quote(pair)}; it takes lists of two labels of the set.")
        for label, other in (pair, pair[::-1]):
            found.setdefault(label, []).append(other)
    return found


def _prompt(task: Task, draft: Draft, seed: Seed, text: str, target: str) -> str:
    return parts(
        task.instruction,
        block("message", text),
        f"Its label is {named(task, seed.label or '')}.",
        axes_in_words(task, draft.cell, but=("label", "confused_with")),
        f"Change as few words as you can, so that the label of the message is {named(task, target)} beyond doubt. It must still "
        "read like a message that a person would write.",
    )


HARD_NEGATIVES = Kind(
    "a row changed a little, so that its label is another",
    _make,
    draws="row",
    needs="label",
    drawn_by="confused_with",
    options=OPTIONS,
    same_text=True,
)
