"""Calls within a budget: all that fit are sent, and each other one says why it was not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from ..calls import Answer, Request
from .budget import Account, refused
from .spending import Spent

_encode = msgspec.json.Encoder().encode


class AskAll(Protocol):
    """Asks for all requests and returns the answers in order; see ``evaluate.models.calling.answer_all``."""

    def __call__(
        self,
        requests: Sequence[Request],
        *,
        before: Callable[[int, Request], str | None],
        told: Callable[[int, Answer], None],
        unsent: Callable[[int], None],
    ) -> list[Answer]:
        """Answer all requests; ``before`` is asked of each sending, ``unsent`` told of those that can't have cost anything."""
        ...


def within(
    ask_all: AskAll,
    account: Account,
    requests: Sequence[Request],
    *,
    told: Callable[[int, Answer], None] | None = None,
    at_once: int | None = None,
) -> list[Answer]:
    """Return the answer to each request, in order; what the budget does not allow is never sent (``budget.refused``).

    What is known already costs nothing, however little is left. All requests go out together first: while there is room, nothing
    is slower than without a budget. Those that found no room beside the calls then under way are asked again when these are
    settled, as many as fit together; a call is refused for good only where it does not fit with nothing under way.

    Args:
        ask_all: asks, keeps and tells; it may answer from what it knows.
        account: of the budget.
        requests: the calls.
        told: is told the place and the answer of each call that was asked for now, or refused for good.
        at_once: requests that are handed over together, at most; for a model that does not say when it sends each (a local one),
            so that its time is kept to.
    """
    answers: dict[int, Answer] = {}
    size = at_once or max(1, len(requests))
    left: list[int] = []
    for start in range(0, len(requests), size):
        left += _asked(ask_all, account, requests, range(start, min(start + size, len(requests))), answers, told)
    while left:
        places, later = _fitting(account, requests, left, answers, told)
        # Where the first ask_all keeps no answers, what is the same is asked once all the same: it stands together.
        left = sorted(_asked(ask_all, account, requests, places, answers, told) + later) if places else later
    return [answers[place] for place in range(len(requests))]


def _asked(
    ask_all: AskAll,
    account: Account,
    requests: Sequence[Request],
    places: Sequence[int],
    answers: dict[int, Answer],
    told: Callable[[int, Answer], None] | None,
) -> list[int]:
    """Ask for the requests at certain places; return those that found no room."""
    most: dict[int, Spent] = {}

    def before(at: int, request: Request) -> str | None:
        if at not in most:
            most[at] = account.most_of(request)
        return account.reserve(at, most[at])

    def tell(at: int, answer: Answer) -> None:
        account.settle(at, answer)
        if told is not None and not refused(answer):
            told(places[at], answer)

    try:
        found = ask_all([requests[place] for place in places], before=before, told=tell, unsent=account.release)
    finally:
        account.lose_all()
    answers.update(zip(places, found, strict=True))
    return [place for place in places if refused(answers[place])]


def _fitting(
    account: Account,
    requests: Sequence[Request],
    left: Sequence[int],
    answers: dict[int, Answer],
    told: Callable[[int, Answer], None] | None,
) -> tuple[list[int], list[int]]:
    """Return the places of requests that fit together now, and of those that may fit later; the others are refused for good."""
    places: list[int] = []
    later: list[int] = []
    decided: dict[bytes, list[int] | str] = {}
    taken = Spent()
    for place in left:
        name = _encode(requests[place])
        if name not in decided:
            most = account.most_of(requests[place])
            why = account.room_for(most)
            if why is not None:
                decided[name] = why
            elif account.room_for(taken + most) is None:
                taken += most
                decided[name] = places
            else:
                decided[name] = later
        found = decided[name]
        if isinstance(found, str):
            answers[place] = Answer(finish="error", error=found)
            if told is not None:
                told(place, answers[place])
        else:
            found.append(place)
    return places, later
