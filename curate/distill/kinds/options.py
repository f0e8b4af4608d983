"""The options of a kind: what a recipe gives under ``[plan.options]``, held against the kind's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import UsageError, quote
from ..task import Task

_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", list: "a list"}


def option(task: Task, options: Mapping[str, Any], name: str) -> Any:
    """Return an option, or what holds without it.

    Args:
        task: the work.
        options: those of the kind, with what holds where they are not given.
        name: of the option.

    Raises:
        UsageError: it is of another type than its default.
    """
    default = options[name]
    given = task.options.get(name, default)
    if isinstance(default, float) and type(given) is int:
        return float(given)
    if type(given) is not type(default):
        raise UsageError(
            f"plan.options.{name} is {quote(given)}; it takes {_WORDS[type(default)]}"
            + (f", such as {default}." if default not in ("", []) else ".")
        )
    return given


def whole(task: Task, options: Mapping[str, Any], name: str, *, least: int, most: int) -> int:
    """Return an option that is a whole number within bounds.

    Raises:
        UsageError: it is not.
    """
    given = option(task, options, name)
    if not least <= given <= most:
        raise UsageError(f"plan.options.{name} is {given}; it takes {least} to {most}.")
    return given


def share(task: Task, options: Mapping[str, Any], name: str) -> float:
    """Return an option that is a share, from 0 to 1.

    Raises:
        UsageError: it is not.
    """
    given = option(task, options, name)
    if not 0 <= given <= 1:
        raise UsageError(f"plan.options.{name} is {given}; it takes a share from 0 to 1.")
    return given


def choice(task: Task, options: Mapping[str, Any], name: str, *, of: tuple[str, ...]) -> str:
    """Return an option that is one of some words.

    Raises:
        UsageError: it is another.
    """
    given = option(task, options, name)
    if given not in of:
        raise UsageError(f"plan.options.{name} is {quote(given)}; it takes {' or '.join(of)}.")
    return given
