"""Files that are whole or not there: write beside, flush to disk, rename; several files as one.

A verb changes several files of a folder (rows, rejects, manifest). A kill between two renames would leave a set that
is half old and half new, so the change is written down first (a redo log of one file):

1. every new file is written whole under ``.NAME.next`` and flushed;
2. ``.commit.json``, the list of names, is written and renamed into place: from here the change has happened;
3. each ``.next`` is renamed onto its name, each removed file is unlinked, and ``.commit.json`` is removed.

``recover`` finishes step 3 after a kill, or throws away what never reached step 2. Writers hold ``.lock``
(``flock``: the kernel lets go of it when a process dies), so nobody recovers under a writer that is still alive.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from .errors import UsageError

Writer = Callable[[Path], None]
"""Writes one whole file at the path that it is given."""

_COMMIT = ".commit.json"


def flush(path: Path) -> None:
    """Wait until the bytes (or, of a folder, the names) at ``path`` are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, writer: Writer) -> None:
    """Write one file so that, at every moment, the old one or the new one stands there whole."""
    beside = path.with_name(f".{path.name}.part{os.getpid()}")
    try:
        writer(beside)
        flush(beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    flush(path.parent)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's write lock; waits for another writer to end."""
    try:
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise UsageError(
            f"{folder} can't be written ({error.strerror}); give a folder that you may write to."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def replace_together(folder: Path, files: Mapping[str, Writer | None]) -> None:
    """Replace several files of ``folder`` as one change; ``None`` removes a file.

    After a kill at any moment, ``recover`` leaves the folder with all of the change or with none of it.
    The caller holds ``locked(folder)``.
    """
    for name, writer in files.items():
        if writer is not None:
            beside = folder / f".{name}.next"
            writer(beside)
            flush(beside)
    plan = {name: writer is not None for name, writer in files.items()}
    write_whole(folder / _COMMIT, lambda path: path.write_text(json.dumps(plan), encoding="utf-8"))
    _finish(folder)


def recover(folder: Path) -> None:
    """Finish or throw away a change that a kill cut off; does nothing while a live writer holds the folder.

    A change that has been committed but not finished is waited for, since reading before its end would mix two
    states. A folder that may not be written to is left as it is.
    """
    committed = (folder / _COMMIT).exists()
    if not committed and not any(folder.glob(".*.next")) and not any(folder.glob(".*.part*")):
        return
    try:
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if committed else fcntl.LOCK_EX | fcntl.LOCK_NB)
        _finish(folder)
    except BlockingIOError:
        pass  # a writer is at work; what stands under the real names is whole
    finally:
        os.close(handle)


def _finish(folder: Path) -> None:
    commit = folder / _COMMIT
    if commit.exists():
        for name, stays in json.loads(commit.read_text(encoding="utf-8")).items():
            beside = folder / f".{name}.next"
            if not stays:
                (folder / name).unlink(missing_ok=True)
            elif beside.exists():  # gone: it was renamed before the kill
                os.replace(beside, folder / name)
        flush(folder)
        commit.unlink()
        flush(folder)
    for stray in [*folder.glob(".*.next"), *folder.glob(".*.part*")]:
        stray.unlink(missing_ok=True)
