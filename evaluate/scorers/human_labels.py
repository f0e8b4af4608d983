"""Answers that people have labelled, read from JSON lines: what a judge is calibrated on.

    {"id": "t1", "question": "Where is my card?", "output": "On its way.", "human": "pass"}

``human`` is pass or fail, 1 to 5, or (with a ``second`` answer) first, second or tie, as the rubric has it; ``question`` a text
or a list of messages; ``reference`` what is right, where that is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ...curate.errors import DataError, UsageError, quote
from ...curate.messages import Said
from .case import Case

_KEYS = {"id", "question", "output", "second", "reference", "human"}


@dataclass(frozen=True)
class Labelled:
    """Answers with people's labels."""

    cases: list[Case]
    human: list[str]
    others: list[Case] | None
    """Of pairs, the second answers."""


def read_labelled(path: str | Path) -> Labelled:
    """Return the labelled answers of a file of JSON lines.

    Raises:
        UsageError: the file can't be read.
        DataError: a line is no such object; the sentence names it.
    """
    path = Path(path)
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(f"{path} can't be read ({error.strerror}); give JSON lines with output and human.") from error
    cases, others, human = [], [], []
    for number, line in enumerate(lines, 1):
        if line.strip():
            at = f"{path} line {number}"
            told = _object(line, at)
            question, name = _question(told, at), str(told.get("id", number))
            reference = _text(told, "reference", at, needed=False)
            cases.append(Case(_text(told, "output", at), reference, question=question, id=name))
            if "second" in told:
                others.append(Case(_text(told, "second", at), reference, question=question, id=name))
            if told.get("human") is None:
                raise DataError(
                    f"{at} has no label of a person's; add human: pass or fail, 1 to 5, or first, second, tie."
                )
            human.append(str(told["human"]))
    if others and len(others) < len(cases):
        raise DataError(
            f"{path}: only {len(others):,} of {len(cases):,} lines have a second answer; give all one, or none."
        )
    return Labelled(cases, human, others or None)


def _object(line: bytes, at: str) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{at} is not JSON ({quote(error, 60)}); write one object a line.") from error
    if not isinstance(told, dict):
        raise DataError(f'{at} is no object; write {{"output": "...", "human": "pass"}}.')
    if unknown := sorted(told.keys() - _KEYS):
        raise DataError(f"{at} has the key {quote(unknown[0], 40)}; use {', '.join(sorted(_KEYS))}.")
    return told


def _text(told: dict[str, Any], key: str, at: str, *, needed: bool = True) -> str | None:
    value = told.get(key)
    if not isinstance(value, str) and (needed or value is not None):
        raise DataError(f"{at}: {key} is {'missing' if value is None else 'no text'}; give the whole text of it.")
    return value


def _question(told: dict[str, Any], at: str) -> tuple[Said, ...]:
    asked = told.get("question")
    if asked is None:
        return ()
    if isinstance(asked, str):
        return (Said("user", asked),)
    turns: list[Any] = asked if isinstance(asked, list) else [None]
    if not all(isinstance(turn, dict) and isinstance(turn.get("role"), str) for turn in turns):
        raise DataError(f"{at}: question is neither a text nor a list of messages with role and content.")
    return tuple(Said(turn["role"], str(turn.get("content") or "")) for turn in turns)
