"""Whether an answer fits a JSON schema of the user's, by jsonschema; nothing is fetched, whatever the schema refers to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ...curate.errors import DataError, UsageError, quote
from ...curate.json_in_text import NoJson
from .answers import settle
from .case import Case, Scored
from .json_answers import canonical, parsed

if TYPE_CHECKING:
    from jsonschema.protocols import Validator


def schema_scorer(path: str) -> partial[list[Scored]]:
    """Return the scorer of a schema file.

    Raises:
        UsageError: the file can't be read, is no schema, or refers to another document.
    """
    return partial(score_schema, validator=read_schema(path))


def score_schema(cases: Sequence[Case], *, validator: Validator) -> list[Scored]:
    """Score 1 where the answer holds JSON that fits the schema, 0 where it does not, or a whole answer holds no JSON.

    Raises:
        DataError: the schema refers to what it does not hold.
    """
    found: list[Scored | None] = []
    for case in cases:
        try:
            value = parsed(case)
            found.append(Scored(float(_fits(validator, value)), prediction=canonical(value)))
        except (NoJson, RecursionError):
            found.append(None)
    return settle(cases, found, else_=lambda _: Scored(0.0))


def _fits(validator: Validator, value: Any) -> bool:
    from referencing.exceptions import Unresolvable

    try:
        return validator.is_valid(value)
    except Unresolvable as error:
        raise DataError(
            f"the schema refers to {quote(error.ref)}, which it does not hold; nothing is fetched: put it under $defs."
        ) from error
    except OverflowError:
        return False  # a number past a float


def read_schema(path: str | Path) -> Validator:
    """Return the validator of a schema file; the draft is the one that ``$schema`` names, else 2020-12.

    Raises:
        UsageError: the file can't be read, is no schema, or refers to another document.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for
    from referencing import Registry

    if not str(path):
        raise UsageError("`schema` needs a file; write schema:FILE, with a JSON schema in it.")
    try:
        schema = msgspec.json.decode(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path} can't be read ({error.strerror}); write schema:FILE, with a JSON schema in it."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON ({quote(error, 80)}); give a JSON schema.") from error
    kind = validator_for(schema, default=Draft202012Validator) if isinstance(schema, dict) else Draft202012Validator
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise UsageError(
            f"{path} is no JSON schema: {quote(error.message, 100)} at {quote(error.json_path)}; mend it there."
        ) from error
    named = set(_values(schema, "$id"))
    for target in _values(schema, "$ref"):
        document = target.partition("#")[0]
        if document and not any(one.rstrip("#").endswith(document) for one in named):
            raise UsageError(
                f"{path} refers to {quote(target)}, another document; nothing is fetched: put what it holds under $defs."
            )
    _resolve(path, schema, kind)
    return kind(schema, registry=Registry())  # an empty registry: jsonschema's own would fetch over the net


def _resolve(path: str | Path, schema: Any, kind: Any) -> None:
    """Look up what the schema refers to within itself: a run that was paid for must not end there."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with

    if len(list(_values(schema, "$id"))) > ("$id" in schema if isinstance(schema, dict) else 0):
        return  # documents within the document have roots of their own: jsonschema finds its way when it meets them
    resource = specification_with(kind.META_SCHEMA["$schema"].rstrip("#")).create_resource(schema)
    resolver = Registry().with_resource("", resource).resolver()
    for target in _values(schema, "$ref"):
        try:
            resolver.lookup(f"#{target.partition('#')[2]}")
        except Unresolvable as error:
            raise UsageError(
                f"{path} refers to {quote(target)}, which it does not hold; add it, or mend the name."
            ) from error


def _values(schema: Any, key: str) -> Iterator[str]:
    if isinstance(schema, dict):
        for name, value in schema.items():
            if name == key and isinstance(value, str):
                yield value
            else:
                yield from _values(value, key)
    elif isinstance(schema, list):
        for one in schema:
            yield from _values(one, key)
