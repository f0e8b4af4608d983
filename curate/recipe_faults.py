"""What is wrong with a recipe, in words: each key by its dotted name, with what was likely meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError


def faults(error: ValidationError, keys_of: Callable[[list[str]], Iterable[str]]) -> str:
    """Return a sentence without its full stop on all that pydantic found.

    Args:
        error: of ``model_validate``.
        keys_of: names of the tables above a key (``["plan"]``) to the keys that may stand there.
    """
    return "; ".join(_fault(one, keys_of) for one in error.errors())


def _fault(found: Any, keys_of: Callable[[list[str]], Iterable[str]]) -> str:
    key = ".".join(str(part) for part in found["loc"])
    if found["type"] == "extra_forbidden":
        *above, last = [part for part in found["loc"] if isinstance(part, str)]
        near = get_close_matches(last, list(keys_of(above)), n=1, cutoff=0.6)
        return f"{key} is no key of a recipe" + (f" (did you mean {near[0]}?)" if near else "")
    if found["type"] == "missing":
        return f"{key} is missing"
    message = found["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}" if key else message
