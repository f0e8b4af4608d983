"""The file ``decisions.db``: its tables, how it is opened, the questions asked of it, and its errors as sentences."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .. import sqlite_errors
from ..disk import flush
from ..errors import DataError, UsageError, quote

# One tuple of statements a version; ``PRAGMA user_version`` counts those that have run. Add, never change.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE decision (
            seq INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, at TEXT NOT NULL, reviewer TEXT NOT NULL,
            row_id TEXT NOT NULL, content TEXT NOT NULL,
            action TEXT NOT NULL CHECK (action IN ('keep', 'drop', 'relabel', 'edit', 'skip', 'undo')),
            value TEXT CHECK ((value IS NOT NULL) = (action IN ('relabel', 'edit'))), reason TEXT,
            undoes INTEGER UNIQUE CHECK ((undoes IS NOT NULL) = (action = 'undo')),
            batch TEXT NOT NULL, rule TEXT)""",
        # UNIQUE indexes uid and undoes; without an index on undoes and on batch the undo of a batch of 50,000 did
        # not end in 10 minutes.
        "CREATE INDEX decision_row ON decision (row_id, seq)",
        "CREATE INDEX decision_batch ON decision (batch)",
        "CREATE INDEX decision_reviewer ON decision (reviewer, seq)",
        """CREATE TRIGGER decision_no_update BEFORE UPDATE ON decision
            BEGIN SELECT RAISE(ABORT, 'decisions are append-only: undo is a new line'); END""",
        """CREATE TRIGGER decision_no_delete BEFORE DELETE ON decision
            BEGIN SELECT RAISE(ABORT, 'decisions are append-only: undo is a new line'); END""",
        # INSERT OR REPLACE deletes without firing a delete trigger (recursive_triggers is off by default).
        """CREATE TRIGGER decision_no_replace BEFORE INSERT ON decision
            WHEN EXISTS (SELECT 1 FROM decision WHERE seq = NEW.seq OR uid = NEW.uid OR undoes = NEW.undoes)
            BEGIN SELECT RAISE(ABORT, 'decisions are append-only: this line stands already'); END""",
        """CREATE VIEW live AS SELECT * FROM decision AS d WHERE action <> 'undo'
            AND NOT EXISTS (SELECT 1 FROM decision AS u WHERE u.undoes = d.seq)""",
    ),
)


# keep, drop and skip speak of the whole row, so nothing before them counts; an edit and a relabel after them add up.
STANDING = """
    WITH whole AS (SELECT row_id, max(seq) AS seq FROM live WHERE action IN ('keep', 'drop', 'skip') GROUP BY row_id),
    change AS (
        -- With max(), SQLite takes the bare columns from the line that holds the maximum (documented).
        SELECT l.row_id, content, action, value, reviewer, at, reason, max(l.seq) AS seq, batch, rule
        FROM live AS l LEFT JOIN whole AS w ON w.row_id = l.row_id
        WHERE action IN ('relabel', 'edit') AND l.seq > coalesce(w.seq, 0) GROUP BY l.row_id, action)
    SELECT * FROM change
    UNION ALL
    SELECT row_id, content, action, value, reviewer, at, reason, seq, batch, rule FROM live
    WHERE seq IN (SELECT seq FROM whole) AND row_id NOT IN (SELECT row_id FROM change)
    ORDER BY seq"""
"""The decisions that stand, the columns of ``ledger.HEADS``."""


STANDING_OF = (
    STANDING.replace("WITH whole", "WITH asked AS (SELECT value FROM json_each(?)), whole")
    .replace("FROM live WHERE action", "FROM live WHERE row_id IN asked AND action")
    .replace("        WHERE action IN", "        WHERE l.row_id IN asked AND action IN")
)
"""The same of the rows whose ids a JSON array names: the index on rows finds them, however long the log is."""


def open_file(path: Path, wait: float) -> tuple[sqlite3.Connection, str | None]:
    """Open for writing, making and migrating the file as needed; returns the connection and a warning or ``None``."""
    made = not path.exists()
    connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        warning = use_wal(connection, wait)
        connection.execute("PRAGMA synchronous=FULL")
        # KiB; the default of 2 MB spills a batch of 50,000 into the WAL page by page: 2.9 CPU s instead of 1.5.
        connection.execute("PRAGMA cache_size=-32000")
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    if made:
        flush(path.parent)  # SQLite flushes the folder for its journals, not for a new database
    return connection, warning


def use_wal(connection: sqlite3.Connection, wait: float) -> str | None:
    """Set the journal to WAL; where the file system can't (a network share), to DELETE, and return what that costs."""
    deadline = time.monotonic() + wait
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            # Two processes that both make the file collide here, and SQLite does not wait by itself.
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    if mode == "wal":
        return None
    connection.execute("PRAGMA journal_mode=DELETE")
    return (
        "the file system of this folder has no shared memory for SQLite's WAL (a network share?): decisions are safe, "
        "but readers and writers wait for each other; decide from one machine at a time."
    )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection, path) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    for statements in MIGRATIONS[_version(connection, path) :]:  # asked again: another process may have been first
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise DataError(f"{path} has format {version}, this vetset reads up to {len(MIGRATIONS)}; update vetset.")
    return version


def open_readonly(path: Path) -> tuple[sqlite3.Connection | None, TemporaryDirectory[str] | None]:
    """Open without writing; ``None`` where the file holds no table yet.

    SQLite must make ``-shm`` beside a WAL file even to read it. Where it may not, a copy is read, with the lines that
    still stand in ``-wal``: ``immutable=1`` would miss those.
    """
    copy = None
    try:
        connection = _connect_uri(path)
    except sqlite3.OperationalError:
        copy = TemporaryDirectory(prefix="vetset-")
        for name in (path.name, f"{path.name}-wal"):
            if path.with_name(name).exists():
                shutil.copyfile(path.with_name(name), Path(copy.name) / name)
        connection = _connect_uri(Path(copy.name) / path.name)
    version = _version(connection, path)
    if version == len(MIGRATIONS):
        return connection, copy
    connection.close()
    if version == 0:
        return None, copy
    raise DataError(f"{path} has the older format {version} and can't be written; open it once where it can.")


def _connect_uri(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def plain_errors(path: Path) -> AbstractContextManager[None]:
    """Turn SQLite's errors that a user can meet into sentences; all others are faults of vetset's and pass."""

    def damaged(name: str, error: sqlite3.DatabaseError) -> DataError | None:
        if not name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return None
        return DataError(
            f"{path} is damaged ({error}); move it away and take the decisions in again from decisions.jsonl."
        )

    return sqlite_errors.plain_errors(path, damaged)


def last_seq(connection: sqlite3.Connection) -> int:
    """Return the last line's ``seq``, 0 where there is none."""
    return connection.execute("SELECT coalesce(max(seq), 0) FROM decision").fetchone()[0]


def append(connection: sqlite3.Connection, lines: Iterable[Sequence[Any]]) -> None:
    """Add lines to the log, their values in the order of ``ledger.LOG``."""
    connection.executemany(
        """INSERT INTO decision (seq, uid, at, reviewer, row_id, content, action, value, reason, undoes, batch, rule)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        lines,
    )


def known_uids(connection: sqlite3.Connection, uids: Sequence[str]) -> dict[str, tuple[str, str, str | None]]:
    """Return ``(row_id, action, value)`` of those uids that stand in the log."""
    sql = "SELECT uid, row_id, action, value FROM decision WHERE uid IN (SELECT value FROM json_each(?))"
    return {uid: (row_id, action, value) for uid, row_id, action, value in connection.execute(sql, [json.dumps(uids)])}


def touched_by_others(connection: sqlite3.Connection, seq: int, reviewer: str) -> dict[str, tuple[Any, ...]]:
    """Return ``seq, reviewer, action, value, at`` of rows whose last line is after ``seq`` and another reviewer's.

    An undo counts: it, too, changed what the reviewer saw.
    """
    sql = "SELECT row_id, max(seq), reviewer, action, value, at FROM decision WHERE seq > ? GROUP BY row_id"
    return {line[0]: line[1:] for line in connection.execute(sql, [seq]) if line[2] != reviewer}


def lines_to_undo(connection: sqlite3.Connection, what: Sequence[int] | str) -> list[tuple[Any, ...]]:
    """Return ``seq, uid, row_id, content, taken back already`` of each decision that is meant."""
    columns = "SELECT seq, uid, row_id, content, EXISTS (SELECT 1 FROM decision u WHERE u.undoes = d.seq), action"
    if isinstance(what, str):
        lines = connection.execute(f"{columns} FROM decision d WHERE batch = ? ORDER BY seq", [what]).fetchall()
        if not lines:
            raise UsageError(f"there is no batch {quote(what)} in the log; `vetset decisions` lists them.")
    else:
        wanted = "SELECT DISTINCT value FROM json_each(?)"
        lines = connection.execute(
            f"{columns} FROM decision d WHERE seq IN ({wanted}) ORDER BY seq", [json.dumps(list(what))]
        ).fetchall()
        missing = sorted(set(what) - {line[0] for line in lines})
        if missing:
            raise UsageError(f"there is no decision {missing[0]} in the log, so nothing was undone.")
    if any(line[5] == "undo" for line in lines):
        raise UsageError("an undo can't be undone; decide again instead.")
    return [line[:5] for line in lines]
