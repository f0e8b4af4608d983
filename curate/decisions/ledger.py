"""The ledger: what was decided about each row, by whom, when and why; nothing in it is ever changed or removed.

One SQLite file, ``decisions.db``, in the set's folder. A decision is a line, and so is its undoing: undo names the
line that it takes back, and the decision before it stands again. What stands for a row is its *head*: the last
decision, or the last edit and the last relabel together.

WAL with ``synchronous=FULL``: a decision that ``decide`` has returned is on the disk (40 kills of 4 writers lost none;
an fsync costs about 10 ms, which no reviewer sees). ``BEGIN IMMEDIATE`` takes the write lock before anything is read,
so the check for conflicts and the write are one step, and writers queue instead of failing half-way.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any
from uuid import uuid4

import polars as pl

from .. import parts
from ..errors import UsageError, quote
from ..wording import shell
from .decision import Conflict, Decision, Outcome, check, check_reviewer
from .ledger_file import (
    STANDING,
    STANDING_OF,
    append,
    known_uids,
    last_seq,
    lines_to_undo,
    open_file,
    open_readonly,
    plain_errors,
    touched_by_others,
)

LOG = pl.Schema(
    {
        "seq": pl.Int64,  # 1, 2, 3, ... in the order of writing
        "uid": pl.String,  # given by whoever decides: the same uid twice is one decision
        "at": pl.String,  # UTC, ISO 8601 with microseconds: sorts as text
        "reviewer": pl.String,
        "row_id": pl.String,
        "content": pl.String,  # the content hash of the row decided on: the id up to its "-"
        "action": pl.String,
        "value": pl.String,  # the new label, or the new messages as a JSON array
        "reason": pl.String,
        "undoes": pl.Int64,  # the seq that this line takes back
        "batch": pl.String,  # what was decided in one go, and can be undone in one go
        "rule": pl.String,  # the rule or queue that brought the row up
    }
)
"""Columns of the log."""

HEADS = pl.Schema(
    {
        name: LOG[name]
        for name in ("row_id", "content", "action", "value", "reviewer", "at", "reason", "seq", "batch", "rule")
    }
)
"""Columns of a frame of heads: one line a row, or two where an edit and a relabel both stand."""


class Ledger:
    """The open ledger of one set. May be shared by threads; processes each open their own.

    >>> from tempfile import mkdtemp
    >>> with Ledger.open(mkdtemp()) as ledger:
    ...     done = ledger.decide([Decision("8a0f-0", "drop", reason="spam")], reviewer="ann")
    ...     ledger.head()["action"].to_list(), ledger.undo(done.seqs, reviewer="ann").seqs
    (['drop'], (2,))
    """

    def __init__(self, path: Path, *, readonly: bool, wait: float) -> None:
        """Use ``Ledger.open``."""
        self.path = path
        self.readonly = readonly
        self.warning: str | None = None  # what can't be done here, for the user; known once the file is open
        self._wait = wait
        self._connection: sqlite3.Connection | None = None
        self._copy: TemporaryDirectory[str] | None = None
        self._noted = False
        self._opened: tuple[int, int] | None = None
        self._copied: list[tuple[int, int]] = []
        self._lock = threading.RLock()

    @classmethod
    def open(cls, folder: str | Path, *, wait: float = 10.0) -> Ledger:
        """Open the ledger of a set; ``decisions.db`` is made by the first write.

        A folder or file that may not be written to gives a read-only ledger (``readonly`` is true).

        Args:
            folder: the set.
            wait: seconds to wait for another process's write: far above the 4 s that a batch of 50,000 takes.

        Raises:
            UsageError: there is no such folder.
            DataError: the file is damaged, or lost, or a newer vetset made it.
        """
        path = Path(folder) / "decisions.db"
        if not path.parent.is_dir():
            raise UsageError(f"{folder}: no such set; make one with `vetset read FILE -o {shell(folder)}`.")
        readonly = not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK))
        ledger = cls(path, readonly=readonly, wait=wait)
        with ledger._lock, plain_errors(path):
            ledger._connect()
        return ledger

    def close(self) -> None:
        """Close the file; the ledger may be used again and opens it anew."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._copy is not None:
                self._copy.cleanup()
                self._copy = None

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def decide(
        self, decisions: Sequence[Decision], *, reviewer: str, expect: int | None = None, batch: str | None = None
    ) -> Outcome:
        """Write decisions as one batch: all that don't conflict, or, on an error, none.

        Args:
            decisions: of one row or many; of two on one row the later stands.
            reviewer: who decides.
            expect: the last ``seq`` that the reviewer has seen: a row that another reviewer has decided or undone since
                is a conflict and is not written. ``None`` writes over what stands.
            batch: a name for ``undo``; by default a new one.

        Raises:
            UsageError: a decision can't be one (unknown action, no value, a uid that stands for something else), the
                ledger is read-only, or another process held it for longer than ``wait``; nothing was written.
        """
        check_reviewer(reviewer)
        for decision in decisions:
            check(decision)
        if not decisions:
            return Outcome()
        batch = batch or uuid4().hex
        fresh: list[Decision] = []
        repeated: list[str] = []
        conflicts: list[Conflict] = []
        with self.writing() as connection:
            known = known_uids(connection, [decision.uid for decision in decisions])
            others = {} if expect is None else touched_by_others(connection, expect, reviewer)
            for decision in decisions:
                if _stands(decision, known):
                    repeated.append(decision.uid)
                elif decision.row_id in others:
                    conflicts.append(Conflict(decision.row_id, decision.uid, *others[decision.row_id]))
                else:
                    fresh.append(decision)
                known[decision.uid] = decision.what
            seq, at = last_seq(connection), now()
            append(
                connection,
                (
                    (
                        seq + i,
                        d.uid,
                        at,
                        reviewer,
                        d.row_id,
                        d.content,
                        d.action,
                        d.value,
                        d.reason,
                        None,
                        batch,
                        d.rule,
                    )
                    for i, d in enumerate(fresh, 1)
                ),
            )
        seqs = tuple(range(seq + 1, seq + 1 + len(fresh)))
        return Outcome(seqs, tuple(repeated), tuple(conflicts), batch)

    def undo(self, what: Sequence[int] | str, *, reviewer: str, reason: str | None = None) -> Outcome:
        """Take decisions back; each row's decision before stands again. What was taken back already is ``repeated``.

        Args:
            what: the ``seq`` of each decision, or the name of a batch.
            reviewer: who takes back; anyone may take back anyone's.
            reason: for the log.

        Raises:
            UsageError: there is no such batch or decision, or it is itself an undo (decide again instead).
        """
        check_reviewer(reviewer)
        batch = uuid4().hex
        with self.writing() as connection:
            lines = lines_to_undo(connection, what)
            live = [line for line in lines if not line[4]]
            seq, at = last_seq(connection), now()
            append(
                connection,
                (
                    (seq + i, uuid4().hex, at, reviewer, row_id, content, "undo", None, reason, undone, batch, None)
                    for i, (undone, _, row_id, content, _) in enumerate(live, 1)
                ),
            )
        seqs = tuple(range(seq + 1, seq + 1 + len(live)))
        return Outcome(seqs, tuple(uid for _, uid, _, _, taken in lines if taken), (), batch)

    def head(self, rows: Sequence[str] | None = None) -> pl.DataFrame:
        """Return what stands of each decided row, ``HEADS`` columns, in the order of ``seq``.

        One line a row: its last decision; or two, where the last edit and the last relabel since the last keep, drop
        or skip both stand.

        Args:
            rows: ids of the rows asked for; all by default.
        """
        if rows is None:
            return self._frame(STANDING, (), HEADS)
        return self._frame(STANDING_OF, (json.dumps(list(rows)),), HEADS)

    def log(self) -> pl.DataFrame:
        """Return every line, ``LOG`` columns, in the order of writing."""
        return self.since(0)

    def since(self, seq: int) -> pl.DataFrame:
        """Return the lines after ``seq``: what a page that holds the heads has to read to follow."""
        return self._frame("SELECT * FROM decision WHERE seq > ? ORDER BY seq", (seq,), LOG)

    def touched_since(self, seq: int) -> list[str]:
        """Return the ids of the rows that lines after ``seq`` speak of, each once."""
        sql = "SELECT DISTINCT row_id FROM decision WHERE seq > ?"
        return self._frame(sql, (seq,), pl.Schema({"row_id": pl.String}))["row_id"].to_list()

    def select(self, sql: str, parameters: tuple[Any, ...], schema: pl.Schema) -> pl.DataFrame:
        """Return what a query of the table ``decision`` says: a page of a long log costs what it shows.

        Args:
            sql: a constant of the caller's; what a person typed stands in ``parameters``.
            parameters: for its question marks.
            schema: of the columns that it selects.
        """
        return self._frame(sql, parameters, schema)

    def history(self, row_id: str) -> pl.DataFrame:
        """Return the lines of one row, undone ones and undos with them."""
        return self._frame("SELECT * FROM decision WHERE row_id = ? ORDER BY seq", (row_id,), LOG)

    def last_batch(self, reviewer: str) -> str | None:
        """Return the reviewer's latest batch that has something left to undo: what an Undo button takes back."""
        sql = "SELECT batch FROM live WHERE reviewer = ? ORDER BY seq DESC LIMIT 1"
        found = self._frame(sql, (reviewer,), pl.Schema({"batch": pl.String}))
        return found.item() if found.height else None

    def last(self) -> int:
        """Return the ``seq`` of the last line, 0 in an empty ledger: what ``expect`` takes."""
        with self._lock, plain_errors(self.path):
            connection = self._connect()
            return 0 if connection is None else last_seq(connection)

    def identity(self) -> tuple[int, int] | None:
        """Return what tells this file from another of the same name, put in its place; ``None`` before the first decision."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return (found.st_dev, found.st_ino) if found.st_size else None  # 0 bytes: a creation that a kill cut off

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock for one transaction, which is on the disk at the end or has not happened.

        Raises:
            UsageError: the ledger is read-only, the disk is full, or the lock was held for longer than ``wait``.
        """
        if self.readonly:
            raise UsageError(
                f"{self.path} can't be written, so nothing was decided; copy the set to a folder of yours."
            )
        with self._lock, plain_errors(self.path):
            connection = self._connect(create=True)
            assert connection is not None  # noqa: S101 -- create=True makes one
            if not self._noted:  # before the first decision, so that none can be lost unnoticed
                parts.note(self.path.parent, parts.DECISIONS)
                self._noted = True
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _frame(self, sql: str, parameters: tuple[Any, ...], schema: pl.Schema) -> pl.DataFrame:
        with self._lock, plain_errors(self.path):
            connection = self._connect()
            lines = [] if connection is None else connection.execute(sql, parameters).fetchall()
        return pl.DataFrame(lines, schema=schema, orient="row")

    def _connect(self, *, create: bool = False) -> sqlite3.Connection | None:
        file = self.identity()
        if self._connection is not None and (file != self._opened or (self._copy and self._copied != self._stamps())):
            self.close()  # it was taken away, or another put in its place, or the file that a copy was made of has grown
        if self._connection is not None:
            return self._connection
        if file is None:
            parts.miss_no_decisions(self.path.parent)
        if self.readonly and file is not None:
            self._opened, self._copied = file, self._stamps()
            self._connection, self._copy = open_readonly(self.path)
            self.warning = f"{self.path} can't be written: its decisions count, and no new ones can be made here."
        elif not self.readonly and (create or file is not None):
            self._connection, self.warning = open_file(self.path, self._wait)
            self._opened = self.identity()
        return self._connection

    def _stamps(self) -> list[tuple[int, int]]:
        """Return the time and size of the file and of the lines beside it, as far as they are there."""
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return [(found.st_mtime_ns, found.st_size) for file in files if file.exists() for found in [file.stat()]]


def now() -> str:
    """Return the time as the log writes it: UTC, ISO 8601, always with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _stands(decision: Decision, known: dict[str, tuple[str, str, str | None]]) -> bool:
    if known.get(decision.uid, decision.what) != decision.what:
        raise UsageError(f"uid {quote(decision.uid)} stands for another decision already; give each decision its own.")
    return decision.uid in known
