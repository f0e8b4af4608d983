"""Who looks at which row now, so that two people at work do not get the same one.

A lease is a courtesy and no lock: it runs out by itself, and a decision is checked against the ledger, whoever held what. It
stands in a file of its own, ``leases.db``, which may be lost at any time: nothing of it is precious, and whatever is wrong
with it, nobody is kept from work.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .. import disk

Found = TypeVar("Found")

FOR = 120.0
"""Seconds that a lease lasts; every look at the row renews it. Far above what a decision takes (7 s), and short enough that a
row is free again soon after somebody went home."""

_WAIT = 0.5  # seconds for another process; its transactions take a millisecond

_MADE = """CREATE TABLE IF NOT EXISTS lease (
    row_id TEXT PRIMARY KEY, holder TEXT NOT NULL, reviewer TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID"""


@dataclass(frozen=True)
class Lease:
    """One row that somebody looks at."""

    row_id: str
    holder: str
    reviewer: str
    until: float


class Leases:
    """The leases of one set; may be shared by threads, and other processes hold theirs in the same file.

    In a folder that can't be written there are none: nobody can decide there either.
    """

    def __init__(self, folder: Path) -> None:
        """Use the file in ``folder``, which is made when the first lease is taken."""
        self.path = folder / "leases.db"
        self._works = disk.writable(folder)
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None

    def take(self, ids: Iterable[str], *, holder: str, reviewer: str) -> str | None:
        """Lease the first of ``ids`` that nobody else holds, letting go of what the holder held; ``None`` where all are held.

        Where nothing else is left, what the same person holds in another tab is free: one that was closed, or loaded anew, would
        lock its own reviewer out.

        Args:
            ids: of rows, the first wanted first; read only as far as needed.
            holder: of the lease: one tab of one person, who may have two open.
            reviewer: their name.
        """
        (wanted,), now = (
            itertools.tee(ids, 1),
            time.time(),
        )  # a copy of a tee starts where this one stands: at the first

        def take(file: sqlite3.Connection) -> str | None:
            others = _others(file, holder, now)
            free = _first_free(copy.copy(wanted), others)
            if free is None:
                free = _first_free(copy.copy(wanted), [lease for lease in others if lease.reviewer != reviewer])
            file.execute("DELETE FROM lease WHERE holder = ? OR NOT until BETWEEN ? AND ?", (holder, *_standing(now)))
            if free is not None:
                file.execute("INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?)", (free, holder, reviewer, now + FOR))
            return free

        return self._within(take, otherwise=lambda: next(wanted, None))

    def held_by_others(self, holder: str) -> list[Lease]:
        """Return the leases that stand and are not ``holder``'s, by row."""
        return self._within(lambda file: _others(file, holder, time.time()), otherwise=list)

    def close(self) -> None:
        """Close the file; the next look opens it anew. Leases stand until they run out."""
        with self._lock:
            self._drop()

    def _within(self, act: Callable[[sqlite3.Connection], Found], *, otherwise: Callable[[], Found]) -> Found:
        """Return what ``act`` does in one transaction, or ``otherwise`` where the file can't be had."""
        with self._lock:
            for _ in range(2 if self._works else 0):
                try:
                    file = self._connect()
                    file.execute("BEGIN IMMEDIATE")
                    found = act(file)
                    file.execute("COMMIT")
                except sqlite3.Error as error:
                    self._drop()
                    if not _is_damage(error):
                        break
                    self._remove()
                except BaseException:
                    self._drop()
                    raise
                else:
                    return found
        return otherwise()

    def _connect(self) -> sqlite3.Connection:
        if self._open is not None and self._opened == self._identity():
            return self._open
        self._drop()
        self._open = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        self._open.execute("PRAGMA journal_mode=WAL")
        self._open.execute("PRAGMA synchronous=OFF")  # a lost lease costs nothing, an fsync 10 ms a key press
        self._open.execute(_MADE)
        self._opened = self._identity()
        return self._open

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _drop(self) -> None:
        if self._open is not None:
            with contextlib.suppress(sqlite3.Error):
                self._open.close()  # takes back what was not committed
        self._open = None

    def _remove(self) -> None:
        for name in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                self.path.with_name(self.path.name + name).unlink()


def _first_free(ids: Iterable[str], others: list[Lease]) -> str | None:
    held = {lease.row_id for lease in others}
    return next((row_id for row_id in ids if row_id not in held), None)


def _is_damage(error: sqlite3.Error) -> bool:
    """Say whether a new file would do: bytes that are no database, or a table that is not this one."""
    name = getattr(error, "sqlite_errorname", "")
    return name == "SQLITE_ERROR" or name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_CONSTRAINT"))


def _standing(now: float) -> tuple[float, float]:
    """Return between which ends a lease stands; one that ends far ahead was written by a clock that has been set back."""
    return now, now + 2 * FOR


def _others(file: sqlite3.Connection, holder: str, now: float) -> list[Lease]:
    sql = (
        "SELECT row_id, holder, reviewer, until FROM lease WHERE until BETWEEN ? AND ? AND holder <> ? ORDER BY row_id"
    )
    return [Lease(*line) for line in file.execute(sql, (*_standing(now), holder))]
