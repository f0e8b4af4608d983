"""A folder beside the set where a read puts its files; those of reads that were killed are swept away.

A read holds an advisory lock on a file in its folder. The system lets go of it when the process ends, however it ends, so
a folder whose lock can be taken belongs to nobody. Numbers of processes would not do: they are used again, in a container
every run may have the same one, and not every system lets one ask.
"""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import UsageError

_YOUNG = 60  # seconds: between making the folder and locking it, it holds no lock that could be asked


@contextmanager
def working_folder(out: Path) -> Iterator[Path]:
    """Give a new folder beside ``out``, which goes when the block ends.

    Raises:
        UsageError: none can be made there.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for stray in out.parent.glob(f".{glob.escape(out.name)}.reading-*"):
            if not _is_held(stray):
                shutil.rmtree(stray, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.reading-", dir=out.parent))
    except OSError as error:
        why = (error.strerror or "it can't be written").lower()
        raise UsageError(f"{out}: nothing can be written in its folder ({why}); name another place with -o.") from error
    try:
        handle = os.open(folder / ".unheld", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            os.rename(folder / ".unheld", folder / ".lock")  # under its name it has never been without a holder
            yield folder
        finally:
            os.close(handle)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_held(folder: Path) -> bool:
    """Whether a read that is alive works in ``folder``."""
    try:
        handle = os.open(folder / ".lock", os.O_RDWR)
    except FileNotFoundError:
        return folder.exists() and time.time() - folder.stat().st_mtime < _YOUNG
    except OSError:
        return True  # another user's
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
