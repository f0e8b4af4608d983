"""One process at a time in the folder of a run: two would pay for every call twice."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...curate.errors import UsageError

LOCK = ".run.lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a run's folder; the kernel lets go of it when the process ends, however it does.

    Raises:
        UsageError: another process works there, or the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise UsageError(f"{folder} can't be written ({error.strerror}); name a folder of yours with -o.") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"another process is at work in {folder}, and two would pay for each call twice; wait for it, or name another "
                "folder with -o."
            ) from error
        yield
    finally:
        os.close(handle)
