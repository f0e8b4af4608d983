"""The version of vetset that stands in manifests and provenance."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache  # one answer a process, whatever becomes of the environment's folder meanwhile
def version() -> str:
    """Return the installed version, or ``"0+unknown"`` when vetset runs from a folder that was never installed."""
    try:
        return metadata.version("vetset")
    except metadata.PackageNotFoundError:
        return "0+unknown"
