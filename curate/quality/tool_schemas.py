"""Do a call's arguments fit the tool's JSON schema? Schemas and arguments are untrusted.

The verdict is jsonschema's (Draft 2020-12), on a schema cut down to keywords whose check is linear and stays on this
machine: no ``pattern`` or ``format`` (a regex can be made to run for years), no ``$ref`` (one may point to the net, and
local ones can be nested so that they double at every step), no ``uniqueItems``. What is cut off allows anything.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ..errors import quote

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_TYPES: dict[str, set[type]] = {
    "string": {str},
    "boolean": {bool},
    "null": {type(None)},
    "object": {dict},
    "array": {list},
    "number": {int, float},
    "integer": {int},  # and 1.0, which jsonschema takes for one
}
_DEEPEST = 32  # levels of a schema; a tool that needs more is not checked
_PLAIN = {"type", "properties", "required", "enum", "items", "additionalProperties"}

Tools = dict[str, dict[str, Any] | None]
"""The tools that a row offers: name to the schema of its parameters, ``None`` where that is no schema."""


class NotASchema(ValueError):
    """A schema breaks the rules of JSON Schema: a type that does not exist, ``required`` that is no list."""


@lru_cache(maxsize=4096)  # sets repeat few texts of tools, but one of a million distinct ones must not fill the memory
def parse_tools(text: str) -> Tools | None:
    """Return the tools in ``text``; ``None`` where it is not a JSON list of named tools (or one such tool).

    >>> parse_tools('[{"name": "add", "parameters": {"type": "str"}}]')
    {'add': None}
    """
    try:
        listed = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return None
    listed = [listed] if isinstance(listed, dict) else listed
    if not isinstance(listed, list):
        return None
    schemas: Tools = {}
    for entry in listed:
        tool = entry.get("function", entry) if isinstance(entry, dict) else None
        if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
            return None
        schemas[tool["name"]] = _checkable(tool.get("parameters", tool.get("input_schema", {})))
    return schemas


def _checkable(schema: object) -> dict[str, Any] | None:
    try:
        cut = _cut({} if schema is None else schema)
    except NotASchema:
        return None
    return cut if isinstance(cut, dict) else {}


def _cut(schema: object, depth: int = 0) -> dict[str, Any] | bool:
    """Return the schema with none but the keywords that are checked, each of the form that the standard gives it.

    What is left allows at least what the whole schema allows, so a fault found is one: ``not`` goes, since cutting
    inside it would forbid more, and ``oneOf`` becomes ``anyOf``.
    """
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, dict) or depth > _DEEPEST:
        raise NotASchema
    if "$ref" in schema or "$dynamicRef" in schema:
        return {}
    # Readers that infer columns add nulls for the keywords that another tool has.
    kept = {word: _KEPT[word](value, depth) for word, value in schema.items() if word in _KEPT and value is not None}
    if schema.get("oneOf") is not None:
        kept["allOf"] = [*kept.get("allOf", []), {"anyOf": _cut_each(schema["oneOf"], depth)}]
    if "patternProperties" in schema:
        kept.pop("additionalProperties", None)
    if schema.get("nullable") is True and "type" in kept:  # OpenAPI's way of saying it
        kept = {"anyOf": [kept, {"type": "null"}]}
    return kept


def _cut_each(schemas: object, depth: int) -> list[dict[str, Any] | bool]:
    return [_cut(schema, depth + 1) for schema in _typed(schemas, list)]


def _typed(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        raise NotASchema
    return value


def _known_types(value: object) -> object:
    names = value if isinstance(value, list) else [value]
    if not names or any(not isinstance(name, str) or name not in _TYPES for name in names):
        raise NotASchema
    return value


_KEPT: dict[str, Callable[[Any, int], Any]] = {
    "type": lambda value, _: _known_types(value),
    "properties": lambda value, depth: {name: _cut(one, depth + 1) for name, one in _typed(value, dict).items()},
    "required": lambda value, _: [_typed(name, str) for name in _typed(value, list)],
    "enum": lambda value, _: _typed(value, list),
    "const": lambda value, _: value,
    **dict.fromkeys(("items", "additionalProperties"), lambda value, depth: _cut(value, depth + 1)),
    **dict.fromkeys(("anyOf", "allOf", "prefixItems"), _cut_each),
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), lambda value, _: _typed(value, int | float)
    ),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        lambda value, _: _typed(value, int),
    ),
}
"""Keyword to what checks its form. No ``pattern``, ``format``, ``uniqueItems``: see the top of the file."""


def misfit(arguments: dict[str, Any], schema: dict[str, Any]) -> str | None:
    """Return how the arguments break a schema of ``Tools``, in a few words; ``None`` where they fit.

    >>> misfit({"city": 5}, {"properties": {"city": {"type": "string"}}, "required": ["day"]})
    "'day' is missing"
    """
    if _plainly_fits(arguments, schema):
        return None
    from jsonschema import Draft202012Validator
    from referencing import Registry

    try:
        faults = list(Draft202012Validator(schema, registry=Registry()).iter_errors(arguments))
    except (RecursionError, OverflowError):
        return None  # nested past Python's stack, or a number past a float: not checked
    # The outermost fault first, what is missing before what is wrong.
    faults.sort(key=lambda fault: (len(fault.absolute_path), fault.validator != "required", fault.json_path))
    return _worded(faults[0]) if faults else None


def _plainly_fits(value: object, schema: dict[str, Any] | bool) -> bool:  # noqa: PLR0911  (one a keyword)
    """Return whether the value surely fits; False leaves it to jsonschema, which takes 70 us where this takes 1."""
    if isinstance(schema, bool):
        return schema
    if not schema.keys() <= _PLAIN:
        return False
    kinds = schema.get("type")
    if isinstance(kinds, str):
        if type(value) not in _TYPES[kinds]:
            return False
    elif kinds is not None and not any(type(value) in _TYPES[kind] for kind in kinds):
        return False
    if "enum" in schema and not (isinstance(value, str) and value in schema["enum"]):
        return False
    if isinstance(value, dict):
        inner = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                return False
        others = schema.get("additionalProperties", True)
        for name, item in value.items():
            if (name in inner or others is not True) and not _plainly_fits(item, inner.get(name, others)):
                return False
    elif isinstance(value, list) and "items" in schema:
        return all(_plainly_fits(item, schema["items"]) for item in value)
    return True


def _worded(fault: ValidationError) -> str:
    place = quote(".".join(map(str, fault.absolute_path)), 30) if fault.absolute_path else "the arguments"
    wanted: Any = fault.validator_value
    if fault.validator == "required":
        given = cast("dict[str, Any]", fault.instance)
        return f"{quote(next(name for name in wanted if name not in given), 30)} is missing"
    if fault.validator == "type":
        return f"{place} is not of type {' or '.join(wanted) if isinstance(wanted, list) else wanted}"
    if fault.validator == "enum":
        return f"{place} is none of the {len(wanted)} values allowed"
    if fault.validator == "additionalProperties":
        return f"{place} holds a name that the schema does not allow"
    return f"{place} breaks {fault.validator!r}"
