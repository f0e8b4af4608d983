"""An index in one SQLite file that only grows.

Three things stand in it: each distinct set of shingles once (``sketch``), where it stands (``standing``), and the bands. A
table with one line a band would be a B-tree of 21 entries a row, of which each addition touches every page. So the bands
stand in segments, as columns: for each band the sorted keys of the segment's rows, and beside them the rows. A check reads
168 bytes a row and nothing else; an addition writes a segment of its own and merges those before it that are no larger
than itself, so that a million rows added one by one make some 20 segments.

The journal is SQLite's rollback journal, not the WAL: an index is written seldom and copied often, and so it is one file
when nobody writes, readable on a disk that is read-only; and an addition, which is all new pages, is written once, not twice.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from .. import sqlite_errors
from ..errors import DataError, UsageError
from ..wording import shell
from . import signatures
from .signatures import DAMAGED, U32, Settings
from .stores import STANDING, Batch, Ints

_OURS = 0x76736978  # PRAGMA application_id: "vsix"
_WAIT = 120.0  # seconds for another writer: its transaction is one batch, a few seconds of a slow disk
_QUERIES = 1_000  # rows whose suspects are made at a time: at most a million pairs
_CROWD = 4  # times the suspects of a row: so many rows of one band are looked at, the first of the segment
# An addition is several writes, and of those the first may stand when a later one fails.
_PASSING = {
    "SQLITE_FULL": "stands on a disk that is full; free some space",
    "SQLITE_BUSY": "is in use by another process; wait for it to end",
    "SQLITE_LOCKED": "is in use by another process; wait for it to end",
    "SQLITE_IOERR": "can't be read or written, for the disk fails or a limit is reached; mend that",
}
_LARGEST = 1 << 22  # rows of a segment: 16 MB a band, far from the 1 GB of a value
_TABLES = (
    "CREATE TABLE head (settings TEXT NOT NULL)",
    "CREATE TABLE addition (id INTEGER PRIMARY KEY, at TEXT NOT NULL)",
    "CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL, split TEXT NOT NULL, UNIQUE (name, split))",
    "CREATE TABLE file (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE sketch (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, evidence BLOB NOT NULL)",
    """CREATE TABLE standing (
        sketch INTEGER NOT NULL, source INTEGER NOT NULL, content TEXT NOT NULL, part INTEGER NOT NULL,
        file INTEGER NOT NULL, line INTEGER, addition INTEGER NOT NULL,
        PRIMARY KEY (sketch, source, content)) WITHOUT ROWID""",
    "CREATE TABLE segment (first INTEGER PRIMARY KEY, count INTEGER NOT NULL)",
    "CREATE TABLE band (segment INTEGER, number INTEGER, keys BLOB, members BLOB, PRIMARY KEY (segment, number))",
)


@dataclass(frozen=True)
class FileStore:
    """An open index file."""

    path: Path
    connection: sqlite3.Connection
    settings: Settings

    @classmethod
    def opened(cls, path: Path, new: Callable[[], Settings] | None) -> Self:
        """Open the file at ``path``; with ``new``, for writing, and make it where it is missing."""
        if path.is_dir():
            raise UsageError(f"{path} is a folder; an index is a file, such as {path / 'kept.index'}.")
        if new is None and not path.exists():
            raise UsageError(f"{path}: no such index; make one with `vetset index add {shell(path)} NAME.vet`.")
        if not path.parent.is_dir():
            raise UsageError(f"{path.parent} is no folder; make it first.")
        with _plain_errors(path):
            # A check opens for writing too, where it may: what a kill has cut off has to be rolled back before it is read.
            mode = "rw" if new is None else "rwc"
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_WAIT, isolation_level=None
            )
            try:
                connection.execute(f"PRAGMA query_only={new is None}")
                connection.execute("PRAGMA synchronous=EXTRA")  # the folder too, once the journal is gone
                connection.execute("PRAGMA cache_size=-64000")  # KiB: a batch stays in memory until it is committed
                return cls(path, connection, _head(connection, path, new))
            except BaseException:
                connection.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def write(self, batch: Batch) -> npt.NDArray[np.bool_]:
        """Keep a batch in one transaction; where nothing in it is new, not a byte of the file changes."""
        run = self.connection.execute
        with _plain_errors(self.path):
            run("BEGIN IMMEDIATE")
            try:
                handles, fresh = self._add_sketches(batch)
                new = self._add_standings(batch, handles)
                if fresh.size:
                    self._add_segment(int(handles[fresh[0]]), batch.signed[fresh])
                run("COMMIT" if new.any() else "ROLLBACK")
            except BaseException:
                if self.connection.in_transaction:
                    run("ROLLBACK")
                raise
        return new

    def suspects(
        self, signed: U32, limit: int, apart_from: Sequence[str] = ()
    ) -> Generator[tuple[Ints, Ints], None, None]:
        """Yield query numbers and handles that share a band; see ``Store``. Nobody can commit until all are taken."""
        wanted = signatures.band_keys(signed, self.settings)
        sharing = signatures.loops().sharing
        with _plain_errors(self.path):
            self.connection.execute("BEGIN")  # all segments as they stand at one moment
            try:
                counted = self._counted(apart_from) if apart_from else None
                for first, count in self.connection.execute(
                    "SELECT first, count FROM segment ORDER BY first"
                ).fetchall():
                    lows, highs = np.empty(wanted.shape, np.int64), np.empty(wanted.shape, np.int64)
                    members = np.empty((len(wanted), count), np.uint32)
                    for number, keys, band in self._bands(first, count):
                        kept = slice(None) if counted is None else counted[first + band.astype(np.int64)]
                        lows[number] = np.searchsorted(keys[kept], wanted[number], "left")
                        highs[number] = np.searchsorted(keys[kept], wanted[number], "right")
                        members[number, : band[kept].size] = band[kept]
                    # Where a template fills a band, each query would meet all of it: the time would grow with its square.
                    np.minimum(highs, lows + _CROWD * limit, out=highs)
                    for low in range(0, len(signed), _QUERIES):
                        part = slice(low, low + _QUERIES)
                        queries, found = sharing(lows[:, part].copy(), highs[:, part].copy(), members, limit)
                        yield queries + low, found + first
            finally:
                self.connection.execute("ROLLBACK")

    def _counted(self, apart_from: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Say of each handle whether it stands under another name than these."""
        last = self.connection.execute("SELECT coalesce(max(first + count), 0) FROM segment").fetchone()[0]
        flags = np.zeros(last, np.bool_)
        sql = """SELECT DISTINCT sketch FROM standing WHERE source IN
            (SELECT id FROM source WHERE name NOT IN (SELECT value FROM json_each(?)))"""
        handles = np.array(self.connection.execute(sql, [json.dumps(list(apart_from))]).fetchall(), np.int64).ravel()
        flags[handles[(handles >= 0) & (handles < last)]] = True
        return flags

    def evidence(self, handles: Ints) -> tuple[list[bytes], list[bytes]]:
        """Return the key of each set and its evidence."""
        sql = "SELECT id, key, evidence FROM sketch WHERE id IN (SELECT value FROM json_each(?))"
        with _plain_errors(self.path):
            found = {line[0]: line[1:] for line in self.connection.execute(sql, [json.dumps(handles.tolist())])}
        unit = 8 if self.settings.exact else 4 * self.settings.parameters[0].size
        if len(found) != len(set(handles.tolist())) or any(not _whole(held, None, unit) for _, held in found.values()):
            raise DataError(f"{self.path} lacks rows that its bands name; {DAMAGED}")
        return [found[handle][0] for handle in handles.tolist()], [found[handle][1] for handle in handles.tolist()]

    def standings(self, handles: Ints, apart_from: Sequence[str]) -> pl.DataFrame:
        """Return where sets stand; see ``Store``."""
        # With min(), SQLite takes the bare columns from the line that holds the minimum (documented).
        sql = """SELECT s.sketch, s.part, source.name, nullif(source.split, ''), s.content, file.name, s.line, addition.at,
                s.times FROM (
                    SELECT sketch, part, source, content, file, line, min(addition * 4294967296 + coalesce(line, 0)),
                        addition, count(*) AS times
                    FROM standing WHERE sketch IN (SELECT value FROM json_each(?)) GROUP BY sketch, part, source) AS s
                JOIN source ON source.id = s.source JOIN file ON file.id = s.file JOIN addition ON addition.id = s.addition
            WHERE source.name NOT IN (SELECT value FROM json_each(?)) ORDER BY s.sketch, s.source, s.part"""
        with _plain_errors(self.path):
            lines = self.connection.execute(
                sql, [json.dumps(handles.tolist()), json.dumps(list(apart_from))]
            ).fetchall()
        return pl.DataFrame(lines, schema=STANDING, orient="row")

    def figures(self) -> dict[str, Any]:
        """Return what ``info`` tells."""
        sql = """SELECT source.name, nullif(source.split, ''), count(DISTINCT content), min(at), max(at)
            FROM standing JOIN source ON source.id = source JOIN addition ON addition.id = addition
            GROUP BY source ORDER BY source.name, source.split"""
        names = ("set", "split", "rows", "first", "last")
        with _plain_errors(self.path):
            sets = [dict(zip(names, line, strict=True)) for line in self.connection.execute(sql)]
            sketches = self.connection.execute("SELECT count(*) FROM sketch").fetchone()[0]
        return {"sketches": sketches, "bytes": self.path.stat().st_size, "sets": sets}

    def _add_sketches(self, batch: Batch) -> tuple[Ints, Ints]:
        """Keep the sets that are new; return the handle of each set of the batch, and the numbers of the new ones."""
        keys = batch.sketches.keys
        self._take_in("CREATE TEMP TABLE asked (number INTEGER PRIMARY KEY, key BLOB)", enumerate(keys))
        sql = "SELECT number, id FROM temp.asked JOIN sketch USING (key)"
        handles = np.full(len(keys), -1, np.int64)
        for number, handle in self.connection.execute(sql):
            handles[number] = handle
        fresh = np.flatnonzero(handles < 0)
        first = self.connection.execute("SELECT coalesce(max(id), 0) + 1 FROM sketch").fetchone()[0]
        handles[fresh] = first + np.arange(fresh.size)
        self.connection.executemany(
            "INSERT INTO sketch VALUES (?, ?, ?)",
            ((int(handles[at]), keys[at], batch.evidence(at, self.settings)) for at in fresh.tolist()),
        )
        return handles, fresh

    def _add_standings(self, batch: Batch, handles: Ints) -> npt.NDArray[np.bool_]:
        """Keep the standings that are new; return which they were."""
        sources = {
            split: self._numbered("source", (batch.name, split or ""))
            for split in batch.standings["split"].unique(maintain_order=True)
        }
        files = {name: self._numbered("file", (name,)) for name in batch.standings["file"].unique(maintain_order=True)}
        lines = (
            (at, int(handles[number]), sources[split], content, part, files[file], line)
            for at, (number, content, split, file, line, part) in enumerate(
                batch.standings.select(INCOMING_ORDER).iter_rows()
            )
        )
        columns = "sketch, source, content, part, file, line"
        self._take_in(f"CREATE TEMP TABLE incoming (at INTEGER PRIMARY KEY, {columns})", lines)
        new = np.zeros(batch.standings.height, np.bool_)
        stands = "standing USING (sketch, source, content)"
        sql = f"SELECT at FROM temp.incoming LEFT JOIN {stands} WHERE standing.part IS NULL"
        new[[line[0] for line in self.connection.execute(sql)]] = True
        addition = self.connection.execute("INSERT INTO addition (at) VALUES (?)", [batch.added]).lastrowid
        self.connection.execute(
            f"INSERT OR IGNORE INTO standing ({columns}, addition) SELECT {columns}, ? FROM temp.incoming", [addition]
        )
        return new

    def _add_segment(self, first: int, signed: U32) -> None:
        """Keep the bands of rows ``first`` and on, in one segment with those just before that are no larger."""
        run, end = self.connection.execute, first + len(signed)
        keys = signatures.band_keys(signed, self.settings)
        parts: list[tuple[int, int, dict[int, tuple[npt.NDArray[Any], npt.NDArray[Any]]]]] = [
            (first, len(signed), {number: (own, np.arange(own.size)) for number, own in enumerate(keys)})
        ]
        for start, count in run("SELECT first, count FROM segment ORDER BY first DESC").fetchall():
            if count > end - first or end - start > _LARGEST or start + count != first:
                break
            parts.append((start, count, {number: (held, rows) for number, held, rows in self._bands(start, count)}))
            run("DELETE FROM band WHERE segment = ?", [start])
            run("DELETE FROM segment WHERE first = ?", [start])
            first = start
        run("INSERT INTO segment VALUES (?, ?)", [first, end - first])
        for number in range(len(keys)):
            own = np.concatenate([bands[number][0] for _, _, bands in parts])
            members = np.concatenate([bands[number][1] + (start - first) for start, _, bands in parts])
            order = np.lexsort((members, own))
            stored = own[order].astype("<u4").tobytes(), members[order].astype("<u4").tobytes()
            run("INSERT INTO band VALUES (?, ?, ?, ?)", [first, number, *stored])

    def _bands(self, first: int, count: int) -> Iterator[tuple[int, U32, U32]]:
        """Yield number, keys and members of each band of a segment."""
        sql, seen = "SELECT number, keys, members FROM band WHERE segment = ? ORDER BY number", 0
        for number, keys, members in self.connection.execute(sql, [first]):
            if number != seen or not _whole(keys, 4 * count) or not _whole(members, 4 * count):
                break
            held = np.frombuffer(members, "<u4")
            if count and held.max() >= count:
                break
            seen += 1
            yield number, np.frombuffer(keys, "<u4"), held
        if seen != self.settings.bands:
            raise DataError(f"{self.path} lacks a band of its rows; {DAMAGED}")

    def _take_in(self, table: str, lines: Iterator[tuple[Any, ...]] | enumerate[bytes]) -> None:
        """Make a temporary table anew and fill it: joins with it ask once, not once a row."""
        name = table.split()[3]
        self.connection.execute(f"DROP TABLE IF EXISTS temp.{name}")
        self.connection.execute(table)
        count = len(self.connection.execute(f"PRAGMA temp.table_info({name})").fetchall())
        self.connection.executemany(f"INSERT INTO temp.{name} VALUES ({', '.join('?' * count)})", lines)

    def _numbered(self, table: str, values: tuple[str, ...]) -> int:
        """Return the number of a source or a file, new where it is new."""
        columns = ("name", "split")[: len(values)]
        where = " AND ".join(f"{column} = ?" for column in columns)
        found = self.connection.execute(f"SELECT id FROM {table} WHERE {where}", values).fetchone()
        if found is not None:
            return found[0]
        marks = ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        return int(self.connection.execute(sql, values).lastrowid or 0)


INCOMING_ORDER = ("number", "content", "split", "file", "line", "part")


def _head(connection: sqlite3.Connection, path: Path, new: Callable[[], Settings] | None) -> Settings:
    """Return the settings that stand in the file; make them where it is new."""
    if _kind(connection, path) == 0:
        if new is None:
            raise UsageError(f"{path} is empty; add a set with `vetset index add {shell(path)} NAME.vet`.")
        settings = new()
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _kind(connection, path) == 0:  # asked again: another process may have been first
                for table in _TABLES:
                    connection.execute(table)
                connection.execute("INSERT INTO head VALUES (?)", [settings.to_json()])
                connection.execute(f"PRAGMA application_id={_OURS}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    found = connection.execute("SELECT settings FROM head").fetchall()
    if len(found) != 1:
        raise DataError(f"{path} has no head; {DAMAGED}")
    return Settings.from_json(found[0][0], str(path))


def _kind(connection: sqlite3.Connection, path: Path) -> int:
    """Return the mark of an index, 0 for a file in which nothing stands yet; refuse all others."""
    kind = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if kind != _OURS and (kind or tables):
        raise UsageError(f"{path} is a database, but no index of vetset's; name another file.")
    return kind


def _whole(value: object, length: int | None, unit: int = 1) -> bool:
    """Say whether a value is bytes of a length; files come from strangers too."""
    return isinstance(value, bytes) and len(value) % unit == 0 and length in (None, len(value))


def _plain_errors(path: Path) -> AbstractContextManager[None]:
    """Turn SQLite's errors that a user can meet into sentences; all others are faults of vetset's and pass."""

    def of_an_index(name: str, error: sqlite3.DatabaseError) -> UsageError | DataError | None:
        for prefix, what in _PASSING.items():
            if name.startswith(prefix):
                return UsageError(f"{path} {what}; then run the command again: what it added before stands.")
        if name.startswith("SQLITE_NOTADB"):
            return DataError(f"{path} is no index, or its first bytes are damaged; name another file.")
        marks = ("no such table", "no such column", "Could not decode")
        if name.startswith("SQLITE_CORRUPT") or any(mark in str(error) for mark in marks):
            return DataError(f"{path} can't be read ({error}); {DAMAGED}")
        if name in ("SQLITE_READONLY_ROLLBACK", "SQLITE_READONLY_RECOVERY"):
            return UsageError(
                f"{path} holds an addition that was cut off, which can't be taken back in a place that is read-only; run "
                "`vetset index info` once as a user who may write there."
            )
        return None

    return sqlite_errors.plain_errors(path, of_an_index)
