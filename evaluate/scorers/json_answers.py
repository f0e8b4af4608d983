"""Whether an answer holds JSON, and JSON in one form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...curate.json_in_text import NoJson, read_json
from .answers import settle, spoken
from .case import Case, Scored


def canonical(value: Any) -> str:
    """Return a value as JSON text in one form: keys sorted, no spaces, whole floats as integers.

    >>> canonical({"b": 1.0, "a": True})
    '{"a":true,"b":1}'
    """
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def parsed(case: Case, *, strict: bool = False) -> Any:
    """Return the JSON that a case's answer holds.

    Raises:
        NoJson: there is none.
    """
    return read_json(spoken(case.output), strict=strict)


def score_json(cases: Sequence[Case], *, strict: bool = False) -> list[Scored]:
    """Score 1 where the answer holds JSON, 0 where a whole answer holds none: here that is what is measured.

    Args:
        cases: the answers.
        strict: the whole answer has to be JSON, without a code block around it.

    >>> [one.score for one in score_json([Case('{"a": 1}', None), Case('{"a": 1', None)])]
    [1.0, 0.0]
    """
    found: list[Scored | None] = []
    for case in cases:
        try:
            found.append(Scored(1.0, prediction=canonical(parsed(case, strict=strict))))
        except (NoJson, RecursionError):
            found.append(None)
    return settle(cases, found, else_=lambda _: Scored(0.0))
