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

from .errors import DataError, UsageError, quote

Writer = Callable[[Path], object]
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
def locked(folder: Path, *, make: bool = False) -> Iterator[None]:
    """Hold the folder's write lock; waits for another writer to end, and finishes what a killed one has left.

    Unfinished, the ``.next`` files of a committed change would be written over by a new one: half of each would stand.

    Args:
        folder: may not be locked by this thread already; it would wait for itself.
        make: make the folder where it is missing, also when another writer takes it away in the meantime.

    Raises:
        UsageError: the folder can't be written.
    """
    handle = None
    try:
        try:
            handle = _acquire(folder, fcntl.LOCK_EX, make=make)
            _finish(folder)
        except OSError as error:
            raise UsageError(
                f"{folder} can't be written ({error.strerror}); give a folder that you may write to."
            ) from error
        yield
    finally:
        if handle is not None:
            os.close(handle)


def writable(folder: Path) -> bool:
    """Say whether a change of the folder's files could be written: some folders are another user's, or on a read-only disk."""
    if not os.access(folder, os.W_OK | os.X_OK):  # a lock that may be opened says nothing of the files beside it
        return False
    try:
        os.close(_open_lock(folder))
    except OSError:
        return False
    return True


def remove_empty(folder: Path) -> None:
    """Take away a folder that holds nothing but its lock. The caller holds ``locked(folder)``."""
    with contextlib.suppress(OSError):
        if {item.name for item in folder.iterdir()} <= {".lock"}:
            (folder / ".lock").unlink(missing_ok=True)
            folder.rmdir()


def replace_together(folder: Path, files: Mapping[str, Writer | None]) -> None:
    """Replace several files of ``folder`` as one change; ``None`` removes a file.

    After a kill at any moment, ``recover`` leaves the folder with all of the change or with none of it. Where a writer
    raises, nothing has changed. The caller holds ``locked(folder)``.
    """
    try:
        for name, writer in files.items():
            if writer is not None:
                beside = folder / f".{name}.next"
                writer(beside)
                flush(beside)
        flush(folder)  # the names, too, before the commit that counts on them
        plan = {name: writer is not None for name, writer in files.items()}
        write_whole(folder / _COMMIT, lambda path: path.write_text(json.dumps(plan), encoding="utf-8"))
    except BaseException:
        if not (folder / _COMMIT).exists():  # else it has happened, and the next to come finishes it
            _sweep(folder)
        raise
    _finish(folder)


def recover(folder: Path) -> None:
    """Finish or throw away a change that a kill cut off; does nothing while a live writer holds the folder.

    A change that has been committed but not finished is waited for, since reading before its end would mix two
    states. A folder that may not be written to is left as it is.

    Raises:
        UsageError: a committed change would have to be finished in a folder that may not be written to.
        DataError: the list of changes is damaged.
    """
    committed = (folder / _COMMIT).exists()
    if not committed and not _strays(folder):
        return
    try:
        handle = _acquire(folder, fcntl.LOCK_EX if committed else fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            _finish(folder)
        finally:
            os.close(handle)
    except BlockingIOError:
        pass  # a writer is at work; what stands under the real names is whole
    except OSError as error:
        if (folder / _COMMIT).exists():  # half of the change may stand under the real names
            raise UsageError(
                f"{folder} holds a change that was cut off half-way and can't be finished ({error.strerror}); "
                "open it once as a user who may write there."
            ) from error


def _open_lock(folder: Path) -> int:
    return os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)


def _acquire(folder: Path, operation: int, *, make: bool = False) -> int:
    """Return a handle that holds the lock; ``remove_empty`` may take the file away while one waits for it."""
    while True:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = _open_lock(folder)
        except FileNotFoundError:
            if not make or (folder / ".lock").is_symlink():  # else it was taken away just now
                raise
            continue
        try:
            fcntl.flock(handle, operation)
            with contextlib.suppress(FileNotFoundError):
                # A lock on a file that has gone, or was made anew, excludes nobody.
                if os.path.samestat(os.fstat(handle), os.stat(folder / ".lock")):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _finish(folder: Path) -> None:
    commit = folder / _COMMIT
    if commit.exists():
        for name, stays in _plan(commit).items():
            beside = folder / f".{name}.next"
            if not stays:
                (folder / name).unlink(missing_ok=True)
            elif beside.exists():  # gone: it was renamed before the kill
                os.replace(beside, folder / name)
        flush(folder)
        commit.unlink()
        flush(folder)
    _sweep(folder)


def _plan(commit: Path) -> dict[str, bool]:
    """Return the list of changes; a set may come from a stranger, so a name must not lead out of its folder."""
    try:
        plan = json.loads(commit.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{commit} is damaged ({type(error).__name__}); {_ADVICE}") from error
    if not isinstance(plan, dict):
        raise DataError(f"{commit} is no list of changes; {_ADVICE}")
    for name in plan:
        if Path(name).name != name or name in ("", "..") or "\0" in name:
            raise DataError(f"{commit} names {quote(name)}, which is no file of the folder; {_ADVICE}")
    return plan


_ADVICE = "vetset did not write it so: remove it, and trust the folder only if you know where it comes from."


def _sweep(folder: Path) -> None:
    for stray in _strays(folder):
        stray.unlink(missing_ok=True)


def _strays(folder: Path) -> list[Path]:
    """Return what killed writers left: each ``.next`` (only the lock's holder writes one) and dead ``.part``."""
    return [*folder.glob(".*.next"), *(part for part in folder.glob(".*.part[0-9]*") if not _alive(part))]


def _alive(part: Path) -> bool:
    """Return whether another process is writing the file, as far as the number in its name says."""
    pid = part.suffix.removeprefix(".part")
    if not pid.isdigit() or int(pid) == os.getpid():  # in a container every run may have the same number
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
