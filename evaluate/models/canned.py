"""A model whose answers are written down beforehand, for tests, demonstrations, and the cost of everything around a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from ...curate.errors import DataError, UsageError, quote
from .asked import asked
from .protocol import Answer, Request

OTHERWISE = "*"
"""The question under which the answer to all other questions stands."""

Given = str | Answer


class CannedModel:
    """A model that looks its answers up, or computes them.

    Attributes:
        name: for people.
        asked: every request that came, in order.
    """

    def __init__(
        self,
        answers: Mapping[str, Given | Sequence[Given]] | Callable[[Request], Given],
        *,
        name: str = "canned",
        revision: str = "",
    ) -> None:
        """Make a model.

        Args:
            answers: by what is asked (the last turn of the user), ``*`` for all else; several for a question are its samples, in
                turn. Or a function of the request.
            name: for people.
            revision: which function this is: code has no digest, so a journal trusts this word.
        """
        self.name = name
        self.asked: list[Request] = []
        self._answers = answers
        self._identity: dict[str, Any] = {"kind": "canned", "name": name, "revision": revision}
        if not callable(answers):
            self._identity["digest"] = sha256(msgspec.json.encode(dict(answers), order="deterministic")).hexdigest()

    def identity(self) -> Mapping[str, Any]:
        """Return the name, the revision, and of a table its digest."""
        return self._identity

    def answer(self, requests: Sequence[Request], done: Callable[[int, Answer], None], /) -> None:
        """Answer all requests, in order; a question that the table lacks is an error of that call."""
        for place, request in enumerate(requests):
            self.asked.append(request)
            given = self._answers(request) if callable(self._answers) else self._look_up(self._answers, request)
            done(place, Answer(text=given) if isinstance(given, str) else given)

    def _look_up(self, answers: Mapping[str, Given | Sequence[Given]], request: Request) -> Given:
        question = asked(request)
        given = answers.get(question, answers.get(OTHERWISE))
        if given is None or (not isinstance(given, str | Answer) and not given):
            return Answer(finish="error", error=f"{self.name} has no answer to {quote(question)}.")
        return given if isinstance(given, str | Answer) else given[request.sample % len(given)]


_decode = msgspec.json.Decoder(dict[str, str | Answer | list[str | Answer]]).decode


def open_canned(path: str | Path) -> CannedModel:
    """Return the canned model of a JSON file: an object of questions and answers.

    An answer is a text, an object with the fields of ``Answer``, or a list of these: one a sample.

    Raises:
        UsageError: there is no such file.
        DataError: it holds something else.
    """
    path = Path(path)
    try:
        answers = _decode(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path} can't be read ({error.strerror}); give a JSON file of questions and answers."
        ) from error
    except msgspec.MsgspecError as error:
        raise DataError(
            f'{path}: {error}; a canned model is a JSON object such as {{"2 + 2?": "4", "{OTHERWISE}": "I don\'t know"}}.'
        ) from error
    return CannedModel(answers, name=path.stem)
