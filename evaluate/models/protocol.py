"""What every model is to vetset: requests in, answers out as they come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ...curate.calls import Answer, Finish, Parameters, Request

__all__ = ["Answer", "Finish", "Model", "Parameters", "Request"]


class Model(Protocol):
    """Anything that answers requests.

    A model decides by itself how many requests it works on at once: a server's client sends many, a local model makes batches by
    length.
    """

    @property
    def name(self) -> str:
        """For people: in tables and file names."""
        ...

    def identity(self) -> Mapping[str, Any]:
        """Return what decides an answer besides the request, as JSON values: weights, adapter, chat template, server."""
        ...

    def answer(self, requests: Sequence[Request], done: Callable[[int, Answer], None], /) -> None:
        """Answer all requests, in any order.

        Args:
            requests: the calls.
            done: is told the place of a request and its answer, once for each, as soon as it is there. An error of one call is an
                answer; what stops all of them (no such server, out of memory) is raised.
        """
        ...
