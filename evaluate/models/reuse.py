"""Answers of other journals that a run may take over, so that nothing is paid for twice.

An answer counts where its key is that of a call: the same model, messages and parameters, whatever parser or scorer reads it.
What else may count is the user's word alone: ``same_as`` names further identities of the same model, such as the same weights
behind another address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...curate.errors import DataError, UsageError
from .journal_lines import HEADER, read_line
from .keys import keys
from .openai_address import base_url
from .protocol import Answer, Request

OWN = "same_as"
"""Origin of an answer that stands in the run's own journal, under another identity."""


@dataclass(frozen=True)
class Taken:
    """An answer that is taken over."""

    answer: Answer
    origin: str
    """The journal, as it was named, or ``OWN``."""


@dataclass(frozen=True)
class Known:
    """What other journals know.

    Attributes:
        answers: by key.
        same_as: further identities of the model, under whose keys answers count too.
    """

    answers: Mapping[str, Taken]
    same_as: Sequence[Mapping[str, Any]] = ()

    def find(self, requests: Mapping[str, Request], own: Mapping[str, Answer]) -> dict[str, Taken]:
        """Return what may be taken over, by the key of the call.

        Args:
            requests: the calls that the run's journal lacks, by key.
            own: answers of the run's journal, for those under another identity.
        """
        found = {name: self.answers[name] for name in requests if name in self.answers}
        for identity in self.same_as:
            lacking = [name for name in requests if name not in found]
            for name, other in zip(lacking, keys(identity, (requests[name] for name in lacking)), strict=True):
                if other in self.answers:
                    found[name] = self.answers[other]
                elif other in own:
                    found[name] = Taken(own[other], OWN)
        return found


def open_known(paths: Iterable[str | Path], *, same_as: Sequence[Mapping[str, Any]] = ()) -> Known:
    """Return what journals know, read only: none is made, locked or changed. The first that knows a call has the word.

    Args:
        paths: of the journals.
        same_as: further identities of the model (``Model.identity()`` or ``elsewhere``).

    Raises:
        UsageError: one is missing, can't be read, or is no journal.
        DataError: a newer vetset wrote it.
    """
    found: dict[str, Taken] = {}
    for path in paths:
        for key, answer in read_answers(path).items():
            found.setdefault(key, Taken(answer, str(path)))
    return Known(found, tuple(same_as))


def read_answers(path: str | Path) -> dict[str, Answer]:
    """Return the answers of a journal by key, without opening it for writing; lines that can't be read are passed over.

    Raises:
        UsageError: it is missing, can't be read, or is no journal.
        DataError: a newer vetset wrote it.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read ({error.strerror}); reuse names journals of earlier runs.") from error
    lines = [read.line for read in map(read_line, filter(None, text.split(b"\n"))) if read.line is not None]
    if not any(line.journal is not None for line in lines):
        raise UsageError(
            f"{path} is no journal of vetset's; reuse names journals of earlier runs, such as NAME.distill/calls.jsonl."
        )
    answers: dict[str, Answer] = {}
    for line in lines:
        if line.journal is not None and line.journal != HEADER:
            raise DataError(f"{path} is written as {line.journal!r}, this vetset reads {HEADER!r}; update vetset.")
        if line.answered is None or line.answer is None or line.answer.finish == "error":
            continue
        if line.anew:
            answers[line.answered] = line.answer
        else:
            answers.setdefault(line.answered, line.answer)
    return answers


def elsewhere(identity: Mapping[str, Any], url: str) -> dict[str, Any]:
    """Return the identity of the same served model at another address, for ``same_as``.

    Raises:
        UsageError: the model is behind no server, or the address can't be used.

    >>> elsewhere({"kind": "openai", "url": "http://a:8000/v1", "model": "m"}, "http://b:8000/v1")["url"]
    'http://b:8000/v1'
    """
    if identity.get("kind") != "openai":
        raise UsageError(
            f"same_as names addresses of the same model, and this teacher is no server ({identity.get('kind')}); leave it out."
        )
    return {**identity, "url": base_url(url)}
