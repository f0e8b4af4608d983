"""A run as far as what is kept brings it: nobody is asked, and what would be asked next is gathered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...curate.calls import Answer, Request
from ...curate.distill.budget import REFUSED, unasked
from ...curate.distill.outcome import Outcome
from ...curate.distill.prepared import Helpers, gates_of
from ...curate.distill.rounds import run_rounds
from ..models.journal import Journal
from ..models.keys import keys
from ..models.reuse import Known
from .opened import Opened

_NOBODY = Answer(finish="error", error=f"{REFUSED}nobody is asked now.")


@dataclass
class Kept:
    """Answers that are known, in the place of a teacher."""

    opened: Opened
    answers: Mapping[str, Answer]
    known: Known | None = None
    missing: dict[str, Request] = field(default_factory=dict)
    """Calls whose answer is not known, by key, in the order in which they would be sent."""
    pairs: dict[str, tuple[Request, Answer]] = field(default_factory=dict)
    """Those whose answer is."""

    def __call__(self, requests: Sequence[Request]) -> list[Answer]:
        """Return known answers; all others are refused, and remembered."""
        found = []
        for key, request in zip(keys(self.opened.teacher.identity(), requests), requests, strict=True):
            answer = self.answers.get(key)
            if answer is None and self.known is not None:
                taken = self.known.find({key: request}, self.answers).get(key)
                answer = None if taken is None else taken.answer
            if answer is None:
                self.missing.setdefault(key, request)
            else:
                self.pairs[key] = (request, answer)
            found.append(answer or _NOBODY)
        return found


@dataclass(frozen=True)
class Ahead:
    """Where a run stands, and what comes next."""

    outcomes: Sequence[Outcome]
    missing: dict[str, Request]
    pairs: dict[str, tuple[Request, Answer]]

    @property
    def settled(self) -> list[Outcome]:
        """The drafts that came to an end by what is known."""
        return [outcome for outcome in self.outcomes if outcome.fate != "failed"]


def look_ahead(
    opened: Opened, journal: Journal | None, *, helpers: Helpers | None = None, known: Known | None = None
) -> Ahead:
    """Return where a run stands by its journal, and the calls that it would make next.

    Args:
        opened: the recipe.
        journal: of the run; ``None`` where there is none yet.
        helpers: what the gates ask.
        known: answers of other runs.
    """
    prepared = opened.prepared
    kept = Kept(opened, journal.answers if journal is not None else {}, known)
    judge = gates_of(prepared, opened.origin, kept, helpers=helpers)
    outcomes = run_rounds(prepared.cells, prepared.step, kept, judge, is_refused=unasked)
    return Ahead(outcomes, kept.missing, kept.pairs)
