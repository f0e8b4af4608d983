"""A function of the user's that says whether an answer is right: ``verify:MODULE:FUNCTION``, or ``verify:FILE.py:FUNCTION``.

This imports the user's module, because the user named it on the command line, and runs it as the user. vetset itself never
executes what a model wrote. A function that does, such as one that runs generated code against tests, needs a sandbox of its
own: a container without a network, limits on time and memory.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from ...curate.errors import UsageError, quote
from .answers import settle, spoken
from .case import Case, Scored

Verifier = Callable[[Case], bool | float | None]
"""A case to whether its answer is right, a score from 0 to 1, or ``None`` where nothing in it can be scored."""


def verifier_scorer(option: str) -> partial[list[Scored]]:
    """Return the scorer of a function; its module is imported now.

    Raises:
        UsageError: there is no such module or function, or importing it fails.
    """
    place, _, name = option.rpartition(":")
    if not place or not name:
        raise UsageError(
            "`verify` needs a module and a function; write verify:MODULE:FUNCTION or verify:FILE.py:FUNCTION."
        )
    function = getattr(_module(place), name, None)
    if not callable(function):
        raise UsageError(f"{place} has no function {quote(name, 40)}; check the name after the last colon.")
    return partial(score_verified, function=function)


def score_verified(cases: Sequence[Case], *, function: Callable[[Case], Any]) -> list[Scored]:
    """Score what the function says of each answer; it is not asked of answers that were never given.

    Raises:
        UsageError: the function fails on a case, or returns something else than a truth value, a number from 0 to 1, or None.
    """
    found: list[Scored | None] = []
    for case in cases:
        if case.finish == "error" or (not spoken(case.output).strip() and not case.tool_calls):
            found.append(None)
            continue
        try:
            said = function(case)
        except Exception as error:
            raise UsageError(
                f"the verifier fails on row {quote(case.id)} with {type(error).__name__}: {quote(error, 80)}; mend it, or let it "
                "return None where nothing can be scored."
            ) from error
        found.append(None if said is None else Scored(_score(said, case)))
    return settle(cases, found)


def _score(said: object, case: Case) -> float:
    try:
        score = float(said)  # pyright: ignore[reportArgumentType]  # numbers of numpy, too
    except (TypeError, ValueError):
        score = math.nan
    if not 0 <= score <= 1:
        raise UsageError(
            f"the verifier returns {quote(said, 40)} for row {quote(case.id)}; let it return True or False, a score from "
            "0 to 1, or None."
        )
    return score


def _module(place: str) -> ModuleType:
    try:
        if not place.endswith(".py"):
            return importlib.import_module(place)
        spec = importlib.util.spec_from_file_location(f"vetset_verifier_{Path(place).stem}", place)
        if spec is None or spec.loader is None or not Path(place).is_file():
            raise UsageError(f"{place} is no file; write verify:FILE.py:FUNCTION.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up there
        spec.loader.exec_module(module)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"importing {place} fails with {type(error).__name__}: {quote(error, 80)}; mend it, or write "
            "verify:FILE.py:FUNCTION for a file."
        ) from error
    return module
