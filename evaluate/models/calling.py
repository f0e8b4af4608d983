"""The answers to many requests: those that the journal knows from there, the others from the model, each written down first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from ...curate.distill.budget import WAITS
from ...curate.distill.spending import most_of
from ...curate.errors import UsageError
from .journal import Journal
from .keys import keys
from .protocol import Answer, Model, Request
from .reuse import Known

Before = Callable[[int, Request], str | None]
"""Is asked right before each sending, a further try too, with the request's place: ``None`` lets it go; a sentence says why it
may not, and becomes the error of its answer. A budget reserves here and settles when the answer is told."""


Told = Callable[[int, Answer], None]

Unsent = Callable[[int], None]
"""Is told the place of a sending that can't have cost anything: no connection was made, or it was turned away (429)."""

Again = Callable[[int, Answer], bool]


@runtime_checkable
class Sender(Model, Protocol):
    """A model that says of each request when it is about to be sent; its calls are written down before they can cost anything."""

    def send(
        self,
        requests: Sequence[Request],
        done: Callable[[int, Answer], None],
        before: Before,
        unsent: Callable[[int], None] | None = None,
        /,
    ) -> None:
        """Answer as ``Model.answer`` does, asking ``before`` right before each sending.

        ``unsent`` is told of a sending that can't have cost anything: no connection was made, or it was turned away.
        """
        ...


@runtime_checkable
class ByRow(Model, Protocol):
    """A model whose answers hang on the row and not on the request alone, such as a file of recorded outputs."""

    def of_rows(self, ids: Sequence[str], requests: Sequence[Request], /) -> Model:
        """Return a model that answers exactly these requests, in this order, each with what is recorded of its row."""
        ...


def answer_all(
    model: Model,
    requests: Sequence[Request],
    *,
    journal: Journal | str | Path | None = None,
    ids: Sequence[str] | None = None,
    before: Before | None = None,
    told: Told | None = None,
    again: Again | None = None,
    unsent: Unsent | None = None,
    known: Known | None = None,
) -> list[Answer]:
    """Return the answer to each request, in order; only what the journal lacks is asked for.

    Requests that are the same, sample index included, are asked once. A call that failed is an answer with ``finish="error"``; a
    later run asks it again. A call that stands in a batch file is not asked beside it (``budget.WAITS``).

    Args:
        model: who is asked.
        requests: the calls.
        journal: where answers are kept: an opened journal, or a file; without it nothing is kept, and a kill loses all.
        ids: the row of each request, for a model that answers by row (``recorded:FILE``).
        before: is asked right before each sending, for budgets; of a model that doesn't tell when it sends, once a request. What
            it forbids is not written into the journal.
        again: is asked of each answer that the journal knows, with the place of its request, whether it has to be asked for anew.
        told: is told each answer that was asked for now, once no kill can lose it; of requests that are the same, at the first.
        unsent: is told of each sending that can't have cost anything after all, for budgets.
        known: answers of other journals, which are taken over into this one before anything is asked.

    Raises:
        UsageError: the journal can't be written, or the model can't be asked at all.

    >>> from .canned import CannedModel
    >>> [answer.text for answer in answer_all(CannedModel({"*": "4"}), [Request(()), Request(())])]
    ['4', '4']
    """
    if ids is not None and len(ids) != len(requests):
        raise UsageError(f"there are {len(ids):,} ids for {len(requests):,} requests; give one for each.")
    if (
        isinstance(model, ByRow) and ids is not None
    ):  # what stands in a file needs no journal, and its rows have no key in common
        names = [str(place) for place in range(len(requests))]
        return _answers(model.of_rows(ids, requests), requests, names, None, before, told)
    names = list(keys(model.identity(), requests))
    if journal is None or isinstance(journal, Journal):
        return _answers(model, requests, names, journal, before, told, again, unsent, known)
    with Journal(journal) as opened:
        return _answers(model, requests, names, opened, before, told, again, unsent, known)


def _answers(
    model: Model,
    requests: Sequence[Request],
    names: Sequence[str],
    journal: Journal | None,
    before: Before | None,
    told: Told | None,
    again: Again | None = None,
    unsent: Unsent | None = None,
    known: Known | None = None,
) -> list[Answer]:
    """Return the answer of each name; what is not known is asked for at its first place."""
    own = journal.answers if journal is not None else {}
    found = {name: own[name] for name in names if name in own}
    stale: set[str] = set()
    if again is not None:
        stale = {name for place, name in enumerate(names) if name in found and again(place, found[name])}
        found = {name: answer for name, answer in found.items() if name not in stale}
    missing: dict[str, int] = {}
    for place, name in enumerate(names):
        if name not in found:
            missing.setdefault(name, place)
    if known is not None:
        lacking = {name: requests[place] for name, place in missing.items() if name not in stale}
        for name, taken in known.find(lacking, own).items():
            if journal is not None:
                journal.write_answer(name, taken.answer, taken=taken.origin)
            found[name] = taken.answer
            del missing[name]
    for name in (journal.in_batch().keys() & missing) if journal is not None else ():
        found[name] = Answer(
            finish="error", error=f"{WAITS}read back the file that the provider returned, or withdraw the batch."
        )
        del missing[name]
    if missing:
        found |= _ask(model, requests, missing, journal, before, told, unsent)
        if journal is not None:
            journal.flush()
    none = Answer(finish="error", error=f"{model.name} gave no answer.")
    return [found.get(name, none) for name in names]


def _ask(
    model: Model,
    requests: Sequence[Request],
    missing: dict[str, int],
    journal: Journal | None,
    before: Before | None,
    told: Told | None,
    unsent: Unsent | None = None,
) -> dict[str, Answer]:
    names, places = list(missing), list(missing.values())
    found: dict[str, Answer] = {}
    kept_back: set[int] = set()

    def send(at: int, request: Request) -> str | None:
        refused = before(places[at], request) if before is not None else None
        if refused is not None:
            kept_back.add(at)
        elif journal is not None:
            journal.write_asked(names[at], most_of(request))
        return refused

    def never_left(at: int) -> None:
        if journal is not None:
            journal.write_unsent(names[at])
        if unsent is not None:
            unsent(places[at])

    def done(at: int, answer: Answer) -> None:
        if names[at] in found:
            return
        # Of a call that is kept back nothing is settled: what an earlier try of it cost stays open.
        if journal is not None and at not in kept_back:
            journal.write_answer(names[at], answer, anew=names[at] in journal.answers)
        found[names[at]] = answer
        if told is not None:
            told(places[at], answer)

    wanted = [requests[place] for place in places]
    if isinstance(model, Sender):
        model.send(wanted, done, send, never_left)
        return found
    let: list[int] = []
    for at, request in enumerate(wanted):
        refused = before(places[at], request) if before is not None else None
        if refused is None:
            let.append(at)
        else:
            kept_back.add(at)
            done(at, Answer(finish="error", error=refused))
    model.answer([wanted[at] for at in let], lambda at, answer: done(let[at], answer))
    return found
