"""What a request asks, in one text: how a canned or recorded answer is found."""

from __future__ import annotations

from .protocol import Request


def asked(request: Request) -> str:
    """Return the last turn of the user, white space at its ends aside; an empty text where there is none.

    >>> from ...curate.messages import Said
    >>> asked(Request((Said("system", "Be brief."), Said("user", "2 + 2? "))))
    '2 + 2?'
    """
    said = (turn.content for turn in reversed(request.messages) if turn.role == "user" and turn.content is not None)
    return next(said, "").strip()
