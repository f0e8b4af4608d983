"""Decisions as ``decisions.jsonl``: one line a decision in the order of writing, for git, a backup, a colleague.

The ledger only grows, so an export is the start of every later export, and a diff shows added lines only. Lines name
each other by ``uid``, never by number, and hold nothing of the machine: two ledgers with the same lines give the same
bytes, and lines taken in and put out again are the same bytes.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

import msgspec

from ..disk import write_whole
from ..errors import DataError, UsageError, quote
from .decision import Action, Conflict, Decision, Outcome, check, check_reviewer
from .ledger import Ledger
from .ledger_file import append, last_seq


class Line(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True, kw_only=True):
    """One line of the file; what is null is left out."""

    uid: str
    at: str
    reviewer: str
    row: str
    action: str
    value: str | None = None
    reason: str | None = None
    rule: str | None = None
    undoes: str | None = None  # the uid of the decision taken back
    batch: str


_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")


def export_jsonl(ledger: Ledger, path: str | Path) -> int:
    """Write the whole log to ``path``, whole or not at all; returns the number of lines."""
    log = ledger.log()
    uid_of = dict(zip(log["seq"], log["uid"], strict=True))
    lines = [
        msgspec.json.encode(
            Line(
                uid=line["uid"],
                at=line["at"],
                reviewer=line["reviewer"],
                row=line["row_id"],
                action=line["action"],
                value=line["value"],
                reason=line["reason"],
                rule=line["rule"],
                undoes=uid_of.get(line["undoes"]),
                batch=line["batch"],
            )
        )
        for line in log.iter_rows(named=True)
    ]
    text = b"".join(line + b"\n" for line in lines)

    def write(beside: Path) -> None:
        beside.write_bytes(text)

    try:
        write_whole(Path(path), write)
    except OSError as error:
        raise UsageError(f"{path} can't be written ({error.strerror}); give a path that you may write to.") from error
    return len(lines)


def import_jsonl(ledger: Ledger, path: str | Path) -> Outcome:
    """Take the lines of a file into the ledger, all or none; lines that it has already are ``repeated``.

    A row on which this ledger's last word is another reviewer's and unknown to the file is a conflict: the file's new
    lines on it stay out and are returned, for someone to decide.

    Raises:
        UsageError: there is no such file, or the ledger can't be written.
        DataError: a line can't be a decision, or says of a known uid something else than the ledger does; the
            sentence names file and line.
    """
    path = Path(path)
    lines = list(_read(path))
    if not lines:
        return Outcome()
    with ledger.writing() as connection:
        known = _known(connection, [uid for _, line in lines for uid in (line.uid, line.undoes) if uid])
        fresh, repeated = _sort(path, lines, known)
        conflicts = _conflicts(connection, fresh, {line.uid for _, line in lines})
        out = {conflict.row_id for conflict in conflicts}
        wanted = [line for line in fresh if line.row not in out]
        seq = last_seq(connection)
        seq_of = {uid: word.seq for uid, word in known.items()} | {x.uid: seq + i for i, x in enumerate(wanted, 1)}
        append(connection, (_values(line, seq_of) for line in wanted))
    return Outcome(tuple(range(seq + 1, seq + 1 + len(wanted))), tuple(repeated), conflicts)


def _values(line: Line, seq_of: dict[str, int]) -> tuple[str | int | None, ...]:
    who = (seq_of[line.uid], line.uid, line.at, line.reviewer, line.row, _decision(line).content)
    undoes = seq_of[line.undoes] if line.undoes else None
    return (*who, line.action, line.value, line.reason, undoes, line.batch, line.rule)


@dataclass
class _Word:
    """What the ledger, or the file so far, holds under a uid."""

    seq: int  # 0 for a line of the file
    what: tuple[str, str, str | None]
    taken_back: bool = False


def _read(path: Path) -> Iterator[tuple[int, Line]]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read ({error.strerror}); give a file that `vetset` exported.") from error
    for number, raw in enumerate(text.split(b"\n"), 1):
        if raw.strip():
            try:
                yield number, _checked(msgspec.json.decode(raw, type=Line))
            except (msgspec.DecodeError, UsageError, UnicodeDecodeError, RecursionError, ValueError) as error:
                raise DataError(
                    f"{path} line {number} is no decision ({quote(error, 150)}), so nothing was taken in; "
                    "mend or remove the line."
                ) from error


def _checked(line: Line) -> Line:
    check_reviewer(line.reviewer)
    if not _AT.fullmatch(line.at):
        raise UsageError(f"at {quote(line.at)} is not like 2026-01-31T09:30:00.000000+00:00")
    datetime.fromisoformat(line.at)
    if not line.batch:
        raise UsageError("batch is empty")
    if (line.action == "undo") != (line.undoes is not None):
        raise UsageError("undo, and only undo, names the decision that it undoes")
    if line.action == "undo" and line.value is not None:
        raise UsageError("undo takes no value")
    check(_decision(line))
    return line


def _decision(line: Line) -> Decision:
    # An undo has the limits of a skip: a row, no value.
    action = cast("Action", "skip" if line.action == "undo" else line.action)
    return Decision(line.row, action, line.value, line.reason, line.rule, line.uid)


def _sort(path: Path, lines: list[tuple[int, Line]], known: dict[str, _Word]) -> tuple[list[Line], list[str]]:
    """Return the lines that the ledger lacks and the uids that it has; ``known`` takes in the former."""
    fresh: list[Line] = []
    repeated: list[str] = []
    for number, line in lines:
        what = (line.row, line.action, line.value)
        word = known.get(line.uid)
        target = known.get(line.undoes) if line.undoes else None
        if word is not None and word.what != what:
            raise DataError(
                f"{path} line {number}: uid {quote(line.uid)} stands for another decision already; a decision is never "
                "changed, so nothing was taken in."
            )
        if line.undoes and (target is None or target.what[0] != line.row or target.what[1] == "undo"):
            raise DataError(
                f"{path} line {number} undoes {quote(line.undoes)}, which is no decision on this row in the ledger "
                "or on an earlier line, so nothing was taken in."
            )
        if word is not None or (target is not None and target.taken_back):  # taken back here and there: once is enough
            repeated.append(line.uid)
            continue
        if target is not None:
            target.taken_back = True
        known[line.uid] = _Word(0, what)
        fresh.append(line)
    return fresh, repeated


def _known(connection: sqlite3.Connection, uids: list[str]) -> dict[str, _Word]:
    sql = """SELECT uid, seq, row_id, action, value, EXISTS (SELECT 1 FROM decision u WHERE u.undoes = d.seq)
        FROM decision d WHERE uid IN (SELECT value FROM json_each(?))"""
    found = connection.execute(sql, [msgspec.json.encode(uids).decode()])
    return {uid: _Word(seq, (row, action, value), bool(taken)) for uid, seq, row, action, value, taken in found}


def _conflicts(connection: sqlite3.Connection, fresh: list[Line], in_file: set[str]) -> tuple[Conflict, ...]:
    sql = """SELECT row_id, max(seq), uid, reviewer, action, value, at FROM decision
        WHERE row_id IN (SELECT value FROM json_each(?)) GROUP BY row_id"""
    last_new = {line.row: line.reviewer for line in fresh}
    words = connection.execute(sql, [msgspec.json.encode(list(last_new)).decode()]).fetchall()
    standing = {
        row: (seq, reviewer, action, value, at)
        for row, seq, uid, reviewer, action, value, at in words
        if uid not in in_file and reviewer != last_new[row]
    }
    return tuple(Conflict(line.row, line.uid, *standing[line.row]) for line in fresh if line.row in standing)
