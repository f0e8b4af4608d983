"""SQLite's errors that a user can meet, as sentences; all others are faults of vetset's and pass as they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UsageError, VetsetError

Own = Callable[[str, sqlite3.DatabaseError], VetsetError | None]
"""What one kind of file says of an error before the sentences for all: told SQLite's name of it, and the error."""


@contextmanager
def plain_errors(path: Path, own: Own) -> Iterator[None]:
    """Turn SQLite's errors into sentences about the file at ``path``.

    Args:
        path: the file.
        own: what this kind of file says: of damage each advises something else.

    Raises:
        UsageError: it is in use, the disk is full, or it can't be opened or written.
        VetsetError: what ``own`` returns.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        told = own(name, error) or _of_the_place(path, name, error)
        if told is None:
            raise
        raise told from error


def _of_the_place(path: Path, name: str, error: sqlite3.DatabaseError) -> UsageError | None:
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return UsageError(f"{path} is in use by another process; nothing was written, try again.")
    if name.startswith("SQLITE_FULL"):
        return UsageError(f"{path}: the disk is full; nothing was written, free some space and try again.")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM", "SQLITE_AUTH")):
        return UsageError(f"{path} can't be opened or written ({error}); nothing was written.")
    return None
