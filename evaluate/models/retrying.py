"""What of a failed call: wait and ask again, give the call up, or stop all of them.

Pauses are those of "full jitter": a uniform draw up to a bound that doubles with each try, so that clients that failed
together don't come back together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from ...curate.errors import quote
from ...curate.masking import mask
from .openai_wire import error_fields, error_text

Kind = Literal["busy", "passing", "final", "filtered", "stop"]
"""``busy``: too many calls (429); ``passing``: a fault that another try may not meet; ``final``: this request will never do;
``filtered``: the server's filter answered; ``stop``: no request will do."""

LONGEST = 30.0
"""Seconds that a pause may last at most, where the server asks for none."""


@dataclass(frozen=True)
class Fault:
    """Why a call brought no answer."""

    kind: Kind
    why: str
    """Part of a sentence, with nothing in it that a terminal would obey."""
    wait: float | None = None
    """Seconds after which the server wants to be asked again, where it says so."""
    crowded: bool = False
    """Fewer calls at once would help."""
    unreached: bool = False
    """Nobody was there: nothing can have been paid."""
    wants_field: bool = False
    """The server knows the cap on the answer's length by its other name."""

    @property
    def free(self) -> bool:
        """Say whether nothing can have been paid: nobody was there, or the call was turned away before any work (429, 401)."""
        return self.unreached or self.kind in ("busy", "stop")


def pause(tries: int, first: float, draw: Callable[[], float]) -> float:
    """Return the seconds to wait after a number of failed tries.

    Args:
        tries: that have failed, from 1.
        first: the bound of the first pause.
        draw: gives a number from 0 to 1.

    >>> [pause(tries, 0.5, lambda: 1.0) for tries in (1, 2, 3, 9)]
    [0.5, 1.0, 2.0, 30.0]
    """
    return draw() * min(LONGEST, first * 2 ** min(tries - 1, 30))


def asked_to_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that ``Retry-After`` names, as a number or a date (RFC 9110, section 10.2.3).

    A date is read by the server's own clock where the reply tells it. ``retry-after-ms`` is more exact where it is given.

    >>> asked_to_wait({"Retry-After": "Wed, 21 Oct 2026 07:28:05 GMT", "Date": "Wed, 21 Oct 2026 07:28:00"}, datetime.now(UTC))
    5.0
    """
    for name, unit in (("retry-after-ms", 1000.0), ("Retry-After", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / unit
        except ValueError:
            at = _date(value)
            if at is None:
                continue
            seconds = (at - (_date(headers.get("Date", "")) or now)).total_seconds()
        if seconds < float("inf"):  # and no NaN
            return max(0.0, seconds)
    return None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_PASSING = frozenset((408, 409, 423, 425, 499))
_STOPS = {
    401: "the key is not taken (401)",
    402: "the account has to be paid for (402)",
    403: "the key may not do this (403)",
    404: "there is no such model or address (404)",
}
_SPENT = frozenset(("insufficient_quota", "billing_hard_limit_reached", "billing_not_active"))


def fault_of(
    status: int, headers: Mapping[str, str], body: bytes, *, answered: bool, secret: str | None = None
) -> Fault:
    """Return what a reply other than 200 means.

    Args:
        status: of the reply.
        headers: of the reply.
        body: of the reply.
        answered: whether this server has answered a call before: then a 403 is about the one request (moderation), not the key.
        secret: the key, taken out of what the server says.
    """
    why = said(status, body, secret)
    wait = (
        asked_to_wait(headers, datetime.now(UTC)) if "Retry-After" in headers or "retry-after-ms" in headers else None
    )
    fields = error_fields(body)
    codes = {str(fields.get("code")), str(fields.get("type"))}
    if 300 <= status < 400:
        target = quote(mask(headers.get("Location", "")), 200)
        return Fault(
            "stop", f"it sends on to {target} ({status}), which is not followed: give that address if you trust it"
        )
    if status == 429:
        return Fault("stop" if codes & _SPENT else "busy", why, wait, crowded=True)
    if status in _PASSING or status >= 500:
        return Fault("passing", why, wait, crowded=status in (503, 504, 529))
    if "content_filter" in codes:
        return Fault("filtered", why)
    if status in _STOPS and not (status == 403 and answered):
        return Fault("stop", f"{_STOPS[status]}: {why}")
    return Fault("final", why, wants_field="max_completion_tokens" in (error_text(body) or ""))


def said(status: int, body: bytes, secret: str | None) -> str:
    """Return what the server says, masked and cut, or the status alone."""
    text = error_text(body)
    if text is None:
        return f"status {status}"
    if secret:
        text = text.replace(secret, "[key]")
    return f"status {status}, {quote(mask(text), 200)}"
