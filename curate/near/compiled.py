"""Whether compiled loops are to be had. numba is a dependency, but a new Python or a rare machine may have no build of it yet."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache


@cache
def compiled() -> bool:
    """Say whether numba can be imported; without it the same sets and joins are made by numpy, some 15 times slower."""
    try:
        from numba.core import config
    except ImportError:
        return False
    try:
        from . import kernels  # noqa: F401 - numba looks for a place for what it compiles as soon as it reads a loop
    except RuntimeError:
        # Neither the package's folder nor the user's can be written, as in a container: compiled anew by every process, in a
        # folder of its own, since what lies where others can write is code that they could have written.
        folder = tempfile.mkdtemp(prefix="vetset-numba-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        config.CACHE_DIR = folder  # pyright: ignore[reportAttributeAccessIssue] - read from the environment at its import
    return True
