"""Whether compiled loops are to be had. numba is a dependency, but a new Python or a rare machine may have no build of it yet."""

from __future__ import annotations

from functools import cache


@cache
def compiled() -> bool:
    """Say whether numba can be imported; without it the same sets and joins are made by numpy, some 15 times slower."""
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True
