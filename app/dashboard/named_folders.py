"""Folders that can be chosen on a page, by names that differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .plain import short


def by_name(folders: Iterable[Path], *, home: Path) -> dict[str, Path]:
    """Return folders by the shortest end of their path that no other one has, in their order.

    Args:
        folders: runs, eval sets.
        home: one in this folder goes by its own name; any other by its folder's too, and as far up as it takes.
    """
    told = list(dict.fromkeys(folders))
    parts = {path: 1 if path.parent == home else 2 for path in told}
    while longer := _longer(parts):
        parts |= longer
    found: dict[str, Path] = {}
    for path in told:
        name, number = _name(path, parts[path]), 1
        while name in found:  # masked, two whole paths can be one
            number += 1
            name = f"{_name(path, parts[path])} ({number})"
        found[name] = path
    return found


def _longer(parts: dict[Path, int]) -> dict[Path, int]:
    """Return one part more for each of those that share a name and have more parts."""
    times = Counter(_name(path, count) for path, count in parts.items())
    return {
        path: count + 1 for path, count in parts.items() if times[_name(path, count)] > 1 and count < len(path.parts)
    }


def _name(path: Path, parts: int) -> str:
    return short("/".join(path.parts[-parts:]).replace("//", "/"))
