"""Every error that vetset raises on purpose, and how a user's data is quoted in one.

    VetsetError
    ├── UsageError    (ValueError)    the call is wrong: an option, a name, a path                  exit 64
    ├── DataError     (ValueError)    the input can't be used: file, row and column are in the text exit 65
    ├── StaleError    (RuntimeError)  what was computed belongs to other rows; run the verb again    exit 65
    ├── GateError     (RuntimeError)  the data falls short of a gate                                 exit 1
    └── MissingExtra  (ImportError)   an optional dependency is not installed                        exit 64

Each says, in one sentence, what was expected, what came and the next step.
"""

from __future__ import annotations


class VetsetError(Exception):
    """The root of the tree; ``exit_code`` is what the command line answers with."""

    exit_code = 70


class UsageError(VetsetError, ValueError):
    """The call is wrong: an option, a name, a path."""

    exit_code = 64


class DataError(VetsetError, ValueError):
    """The input can't be used; the sentence names file, row and column."""

    exit_code = 65


class StaleError(VetsetError, RuntimeError):
    """What was computed belongs to other rows than those that stand now."""

    exit_code = 65


class GateError(VetsetError, RuntimeError):
    """The data falls short of a gate that was asked for."""

    exit_code = 1


class MissingExtra(VetsetError, ImportError):
    """An optional dependency is not installed; the sentence holds the command that installs it."""

    exit_code = 64


def quote(text: object, limit: int = 60) -> str:
    r"""Return at most ``limit`` characters of a user's text, on one line, with nothing that a terminal would obey.

    >>> quote("first\nsecond")
    "'first\\nsecond'"
    >>> quote("x" * 100, limit=10)
    "'xxxxxxxxxx…'"
    """
    whole = str(text)
    head = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in whole[:limit])
    return f"'{head[:limit]}{'…' if len(whole) > limit or len(head) > limit else ''}'"
