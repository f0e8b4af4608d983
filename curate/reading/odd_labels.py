"""What a label column holds that is neither one word a row, nor sets of labels, nor shares of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..wording import counted


def odd_labels(values: Sequence[Any]) -> str | None:
    """Say in counts why lists and objects of a sample are no sets of labels and no shares; ``None`` where none is among them.

    >>> odd_labels([{"a": -1, "b": 2}, {"a": 0}])
    '2 objects: numbers below 0 in 1, none over 0 in 1'
    >>> odd_labels([["a"], 3, "b"])
    '1 list, 1 number, 1 text'

    Args:
        values: decoded labels; null ones don't count.
    """
    values = [value for value in values if value not in (None, "")]
    kinds = Counter(_kind(value) for value in values)
    if not kinds["list"] + kinds["object"]:
        return None
    held = [counted(kinds[kind], kind) for kind in ("list", "object", "number", "text") if kinds[kind]]
    held += [f"{kinds['truth']:,} true or false"] if kinds["truth"] else []
    numbers = [_numbers(value) for value in values if isinstance(value, Mapping)]
    below = sum(bool(of) and min(of) < 0 for of in numbers if of is not None)
    none = sum(
        not any(share > 0 for share in of) and not any(share < 0 for share in of) for of in numbers if of is not None
    )
    other = sum(of is None for of in numbers)
    faults = [
        f"numbers below 0 in {below:,}" if below else "",
        f"none over 0 in {none:,}" if none else "",
        f"other things than numbers in {other:,}" if other else "",
    ]
    why = ", ".join(filter(None, faults))
    return ", ".join(held) + (f": {why}" if why else "")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, (int, float)):
        return "number"
    return "list" if isinstance(value, list) else "object" if isinstance(value, Mapping) else "text"


def _numbers(shares: Mapping[str, Any]) -> list[float] | None:
    """Return the numbers of an object; ``None`` where something else is among them."""
    given = [share for share in shares.values() if share is not None]
    good = all(isinstance(share, (int, float)) and not isinstance(share, bool) for share in given)
    return given if good else None
