"""The face of a room: names are imported when they are asked for, as all of a room takes a second and one file of it a tenth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(face: dict[str, Any], homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    Args:
        face: the package's ``globals()``; what was asked for once stands there.
        homes: each name and the module that it comes from, as ``.module`` within the package.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {face['__name__']!r} has no attribute {name!r}")
        face[name] = value = getattr(import_module(homes[name], face["__name__"]), name)
        return value

    return find, lambda: sorted(homes)
