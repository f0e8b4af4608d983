"""What names an answer: SHA-256 over the model, the question and all that changes the answer, and over nothing else.

The version of a parser or scorer is not in it: an answer that was paid for stays good however it is read later. Of parameters
only those count that differ from their default, so a parameter that a later version adds leaves old keys as they are; a default
must therefore never change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import msgspec

from .protocol import Parameters, Request

_encode = msgspec.json.Encoder(order="deterministic").encode
_DEFAULTS = msgspec.structs.asdict(Parameters())


def keys(identity: Mapping[str, Any], requests: Iterable[Request]) -> Iterator[str]:
    """Yield the key of each request, 64 hex digits.

    >>> from ...curate.messages import Said
    >>> next(keys({"kind": "canned"}, [Request((Said("user", "2 + 2?"),))]))[:12]
    'b1987719059d'
    """
    start = sha256(b"[" + _encode(dict(identity)) + b",")
    tails: dict[tuple[str | None, Parameters, int], bytes] = {}  # a run has thousands of requests and few of these
    for request in requests:
        shared = (request.tools, request.parameters, request.sample)
        tail = tails.get(shared)
        if tail is None:
            tail = b"," + _encode([request.tools, _given(request.parameters), request.sample])[1:]
            tails[shared] = tail
        key = start.copy()
        key.update(_encode(request.messages))
        key.update(tail)
        yield key.hexdigest()


def _given(parameters: Parameters) -> dict[str, Any]:
    """Return what differs from its default; 1 and 1.0 are one temperature, but two texts in JSON."""
    given = msgspec.structs.asdict(parameters)
    for name in ("temperature", "top_p"):
        if given[name] is not None:
            given[name] = float(given[name])
    return {name: value for name, value in given.items() if value != _DEFAULTS[name]}
