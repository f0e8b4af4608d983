"""JSON answers held against a JSON reference field by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from ...curate.errors import DataError, UsageError, quote
from ...curate.json_in_text import NoJson, read_json
from ...curate.masking import mask
from ...curate.text import fold
from .answers import settle, wanted
from .case import Case, Scored
from .json_answers import canonical, parsed

_DEEPEST = 50

FIELDS = pl.Schema(
    {
        "field": pl.String,
        "rows": pl.Int64,  # whose reference has the field
        "answered": pl.Int64,  # of these, with an answer that holds JSON
        "right": pl.Int64,
        "wrong": pl.Int64,
        "missing": pl.Int64,  # the answer holds JSON without the field
        "invented": pl.Int64,  # the answer has the field and the reference has not
        "accuracy": pl.Float64,  # right / answered
    }
)
"""Columns of the figures of fields."""


def field_names(option: str) -> tuple[str, ...]:
    """Return the fields that ``fields:a,b.c`` names; none stands for all.

    Raises:
        UsageError: a name is empty or repeated.
    """
    names = tuple(name.strip() for name in option.split(",")) if option else ()
    if "" in names or len(set(names)) < len(names):
        raise UsageError(f"fields:{quote(option, 60)[1:-1]} names a field twice or none; write fields:a,b.c.")
    return names


def score_fields(cases: Sequence[Case], *, names: Sequence[str] = ()) -> list[Scored]:
    """Score the share of fields in which the answer is the reference.

    Fields are those of the reference and those that the answer adds, inner objects by their paths (``address.city``); with
    ``names`` these alone. Texts are equal when they are the same text (``curate.text.fold``), numbers by their value, lists
    and all else as JSON.

    Raises:
        DataError: a reference is no JSON object, or lacks all fields that were named.

    >>> score_fields([Case('{"a": "X", "b": 1}', '{"a": "x", "b": 2}')])[0].score
    0.5
    """
    found: list[Scored | None] = []
    for case in cases:
        right = _reference(case, names)
        answer = _answered(case, right)
        if answer is None:
            found.append(None)
            continue
        fields = [name for name in names if name in right] or sorted(right.keys() | answer.given.keys())
        equal = len(answer.equal.intersection(fields))
        found.append(Scored(equal / len(fields) if fields else 1.0, prediction=answer.canonical))
    return settle(cases, found)


def field_figures(cases: Sequence[Case], *, names: Sequence[str] = ()) -> pl.DataFrame:
    """Return of each field how often it was right, wrong, missing or invented (``FIELDS``), the worst first.

    >>> field_figures([Case('{"a": 1}', '{"a": 1, "b": 2}')]).select("field", "right", "missing").rows()
    [('b', 0, 1), ('a', 1, 0)]
    """
    counts: dict[str, dict[str, int]] = {}

    def count(field: str, *kinds: str) -> None:
        of = counts.setdefault(field, dict.fromkeys(("rows", "answered", "right", "wrong", "missing", "invented"), 0))
        for kind in kinds:
            of[kind] += 1

    for case in cases:
        right = _reference(case, names)
        answer = _answered(case, right)
        given = {} if answer is None else answer.given
        for name in [name for name in names if name in right] or right:
            if answer is None:
                count(name, "rows")
            elif name not in given:
                count(name, "rows", "answered", "missing")
            else:
                count(name, "rows", "answered", "right" if name in answer.equal else "wrong")
        for name in given.keys() - right.keys():
            if not names or name in names:
                count(name, "invented")
    table = pl.DataFrame(
        [{"field": field, **of, "accuracy": None} for field, of in counts.items()], schema=FIELDS
    ).with_columns(accuracy=pl.when(pl.col("answered") > 0).then(pl.col("right") / pl.col("answered")))
    return table.sort("accuracy", "invented", "field", descending=[False, True, False], nulls_last=True)


def _reference(case: Case, names: Sequence[str]) -> dict[str, Any]:
    text = wanted(case, "fields")
    try:
        value = read_json(text, strict=True)
    except NoJson:
        value = None
    if not isinstance(value, dict):
        raise DataError(
            f"row {quote(case.id)}: its reference {quote(mask(text[:200]), 40)} is no JSON object, and `fields` compares "
            "objects; give it one, or take another scorer."
        )
    fields = flatten(value)
    if names and not any(name in fields for name in names):
        raise DataError(
            f"row {quote(case.id)}: its reference has none of the fields {quote(', '.join(names), 80)}; it has "
            f"{quote(', '.join(fields), 80)}."
        )
    return fields


class _Answer(NamedTuple):
    """The object that an answer holds."""

    given: dict[str, Any]
    equal: frozenset[str]
    """Names of the fields that are as in the reference."""
    canonical: str


def _answered(case: Case, right: dict[str, Any]) -> _Answer | None:
    """Return the object of an answer; ``None`` where it holds none, or one that is nested too deeply to be compared."""
    if case.finish == "error":
        return None
    try:
        value = parsed(case)
        if not isinstance(value, dict):
            return None
        given = flatten(value)
        equal = frozenset(name for name in right.keys() & given.keys() if same(right[name], given[name]))
        return _Answer(given, equal, canonical(value))
    except (NoJson, RecursionError):
        return None


def flatten(value: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Return the fields of an object, those of objects within it by their path; an empty object is a field.

    >>> flatten({"a": {"b": 1, "c": {}}, "d": [2]})
    {'a.b': 1, 'a.c': {}, 'd': [2]}
    """
    found: dict[str, Any] = {}
    for key, one in value.items():
        if isinstance(one, dict) and one and depth < _DEEPEST:
            found |= flatten(one, f"{prefix}{key}.", depth + 1)
        else:
            found[f"{prefix}{key}"] = one
    return found


def same(one: Any, other: Any) -> bool:
    """Say whether two JSON values are the same: texts folded, numbers by value, and ``true`` is not 1.

    >>> same(["A ", 1], ["a", 1.0]), same(True, 1), same("5", 5)
    (True, False, False)
    """
    if isinstance(one, str) and isinstance(other, str):
        return one == other or fold(one) == fold(other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    return (type(one) is type(other) and one == other) or (_is_number(one) and _is_number(other) and one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
