"""Whether compiled loops are to be had. numba is a dependency, but a new Python or a rare machine may have no build of it yet."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path


@cache
def compiled() -> bool:
    """Say whether numba can be imported; without it the same sets and joins are made by numpy, some 15 times slower."""
    try:
        from numba.core import config
    except ImportError:
        return False
    drop_stale(Path(__file__).parent)
    try:
        from . import kernels  # noqa: F401 - numba looks for a place for what it compiles as soon as it reads a loop
    except RuntimeError:
        # Neither the package's folder nor the user's can be written, as in a container: compiled anew by every process, in a
        # folder of its own, since what lies where others can write is code that they could have written.
        folder = tempfile.mkdtemp(prefix="vetset-numba-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        config.CACHE_DIR = folder  # pyright: ignore[reportAttributeAccessIssue] - read from the environment at its import
    return True


def drop_stale(folder: Path) -> None:
    """Delete what was compiled before a file of loops changed.

    numba compiles a loop again when its own file changes, not when one does whose loops it calls: after a ``git pull`` beside an
    editable install, old and new loops would run together.
    """
    changed = max((file.stat().st_mtime for file in folder.glob("*kernels.py")), default=0.0)
    for kept in folder.glob("__pycache__/*.nbi"):
        with suppress(OSError):  # another process deletes it too, or holds it open on Windows
            if kept.stat().st_mtime < changed:
                kept.unlink()
