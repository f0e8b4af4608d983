"""Names of runs: files may have them, and no part, rung or model writes over another's."""

from __future__ import annotations

from ...curate.errors import UsageError, quote

_MODEL, _RUNG = 70, 20  # characters: with the part under 100, which every file system and most tables take


def default_name(model: str, rung: str, part: str) -> str:
    """Return the name of a run that was given none.

    >>> default_name("org/model", "few-shot", "ship")
    'org-model-few-shot-ship'
    """
    return plain_name(f"{model[:_MODEL]}-{rung[:_RUNG]}-{part}")


def plain_name(name: str) -> str:
    """Return a name that a file may have: those of models hold slashes and colons.

    Raises:
        UsageError: nothing is left of it.
    """
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip("-.")
    if not plain:
        raise UsageError(f"--name {quote(name)} has no letter or digit in it; give one.")
    return plain[:100]
