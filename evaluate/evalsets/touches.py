"""Who looked at an eval set: a line a scored candidate, appended and flushed to disk, never changed.

Each line holds the digest of the line before, so that one that is cut out or changed is missed; the first is written when the
set is frozen, so that a file that is gone is missed, too.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from ...curate.errors import DataError, UsageError, quote
from .evalset import TOUCHES_FILE, VERSIONS, EvalSet, Part
from .fresh_part import fresh_part
from .seen import answers_digest, manifest_digest, pins_weights, results_digest, unanswered

MOST_LOOKS = 20
"""Candidates that one ship part may be asked about: the best of 20 has to be surer than one in 800, which few rows can say."""


@dataclass(frozen=True)
class Touch:
    """One look: a candidate that was scored on a part."""

    at: str
    """UTC, ISO 8601."""
    by: str
    candidate: str
    """Its digest (``candidate_digest``)."""
    part: str
    run: str | None
    """Path or name of the run."""
    version: int
    digest: str | None
    """Of the eval set; ``None`` where it was not frozen."""
    rung: str | None = None
    """Which rung of the ladder it was; ``None`` for a candidate."""
    results: str | None = None
    """Digest of the results (``seen.results_digest``); ``None`` in lines of an older vetset."""
    answers: str | None = None
    """Digest of the answers (``seen.answers_digest``), where the candidate's name does not pin its weights."""
    lacks: tuple[str, ...] = ()
    """Rows without an answer, of which ``answers`` knows nothing."""
    manifest: str | None = None
    """Digest of what of the run's manifest decides (``seen.manifest_digest``); ``None`` in lines of an older vetset."""
    look: str | None = None
    """The ``answers`` of the first line of this look, which this one completes."""

    @property
    def seen(self) -> str | None:
        """What tells two looks of one candidate apart; ``None`` where one candidate is one look."""
        return self.look or self.answers


def candidate_digest(identity: Mapping[str, Any]) -> str:
    """Return what tells a candidate from another: SHA-256 of what decides its answers, 16 hex digits.

    Args:
        identity: JSON values, such as ``{"model": ..., "prompt": ..., "parameters": ...}`` of a run's manifest.

    >>> candidate_digest({"model": "a", "prompt": None}) == candidate_digest({"prompt": None, "model": "a"})
    True
    """
    whole = json.dumps(identity, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def touch(
    evalset: EvalSet,
    *,
    candidate: str,
    part: Part,
    run: str | None = None,
    by: str | None = None,
    at: str | None = None,
    rung: str | None = None,
    results: pl.DataFrame | None = None,
    identity: Mapping[str, Any] | None = None,
    manifest: Mapping[str, Any] | None = None,
) -> Touch:
    """Note that a candidate was scored on a part; when this returns, the line is on the disk.

    Args:
        evalset: the set.
        candidate: its digest; the same candidate scored again is a line, and no other look.
        part: ``dev`` or ``ship``.
        run: path or name of the run.
        by: who looked; your user name for ``None``.
        at: when, UTC in ISO 8601; now for ``None``.
        rung: which rung of the ladder it was, where it is none of the candidates.
        results: what is about to be read; its digest is kept, so that ``compare`` refuses a file that was edited since.
        identity: of the model. Where it does not pin the weights, as behind a name of a server, other answers are another look.
        manifest: that is about to be written; a digest of what of it decides is kept, for the same reason as ``results``.

    Raises:
        UsageError: the part is none, or the folder can't be written: a look that can't be noted must not be taken.
        DataError: the ledger is damaged.
    """
    if part not in ("dev", "ship"):
        raise UsageError(f"{quote(part)} is no part of an eval set; it has dev and ship.")
    known = touches(evalset)  # a ledger that is gone or damaged is not begun anew: all looks would be forgotten
    if _ledger(evalset).parent != evalset.folder:
        raise UsageError(f"{evalset.folder} is an old version, kept to be read; run on the set that it belongs to.")
    found = Touch(
        at or now(), by or user(), candidate, part, run, int(evalset.manifest.get("version", 1)), evalset.digest, rung,
        None if results is None else results_digest(results),
        manifest=None if manifest is None else manifest_digest(manifest),
    )  # fmt: skip
    if results is not None and identity is not None and not pins_weights(identity):
        earlier = [one for one in known if (one.candidate, one.part) == (candidate, part)]
        found = replace(
            found, answers=answers_digest(results), lacks=unanswered(results), look=_completed(earlier, results)
        )
    _append(evalset.folder, {name: value for name, value in found.__dict__.items() if value not in (None, ())})
    return found


def _completed(earlier: list[Touch], results: pl.DataFrame) -> str | None:
    """Return the look that these results repeat or complete: all that it had answers to has the same ones still.

    Only the last line of a look is held against them: a first run with one answer would else be completed by any checkpoint
    that answers this one alike.
    """
    last = {one.seen: one for one in earlier if one.seen is not None}
    same = (one for one in last.values() if answers_digest(results, but=one.lacks) == one.answers)
    return next((one.seen for one in same), None)


def note_frozen(folder: Path, *, version: int, digest: str, at: str, by: str) -> None:
    """Begin the ledger of a version."""
    _append(folder, {"at": at, "by": by, "frozen": digest, "version": version})


def touches(evalset: EvalSet) -> list[Touch]:
    """Return all looks at any version, in the order in which they were taken.

    Raises:
        DataError: the ledger is gone, though the set is frozen, or a line was changed or cut out.
    """
    path = _ledger(evalset)
    if not path.is_file():
        if evalset.digest is None:
            return []
        raise DataError(
            f"{path} is gone, and with it how often {evalset.name} was looked at; put it back from a copy, or take "
            f"rows that nobody has looked at: {fresh_part(evalset)}."
        )
    lines = [line for line in _lines(path) if "candidate" in line]
    try:
        return [_touch(line) for line in lines]
    except KeyError as error:
        raise DataError(f"{path} has a look without all of its fields; {_advice(path)}") from error


def _ledger(evalset: EvalSet) -> Path:
    """Return the ledger's place; that of an old version is the one of the set it belongs to."""
    folder = evalset.folder.resolve()
    return (folder.parent.parent if folder.parent.name == VERSIONS else evalset.folder) / TOUCHES_FILE


def looks(evalset: EvalSet, part: Part) -> list[Touch]:
    """Return the looks that were taken at the rows that a part holds now: the first of each candidate, in order.

    A version that kept some of these rows counts, so that a refresh of a few rows forgets no look; rungs of the ladder that are
    no candidates don't count. Behind one name of a server other weights may stand every day: there each set of other answers is
    a look, those that were called a baseline too, since whoever picked the best of them has looked at all.
    """
    since, until = int(evalset.manifest.get("since", {}).get(part, 1)), int(evalset.manifest.get("version", 1))
    here = [one for one in touches(evalset) if one.part == part and since <= one.version <= until]
    candidates = {one.candidate for one in here if one.rung is None}
    first: dict[tuple[str, str | None], Touch] = {}
    for one in here:
        if one.rung is None or (one.candidate in candidates and one.seen is not None):
            first.setdefault((one.candidate, one.seen), one)
    told = {
        candidate for candidate, seen in first if seen is not None
    }  # lines of an older vetset may be of the same look
    return [one for (candidate, seen), one in first.items() if seen is not None or candidate not in told]


def now() -> str:
    """Return the time, UTC in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def user() -> str:
    """Return the name of who is at work."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _advice(path: Path) -> str:
    """Return what to do about a damaged ledger."""
    fresh = fresh_part(EvalSet(path.parent))
    return f"it was changed by hand or by a broken disk: put it back from a copy, or take a fresh part with {fresh}."


def _append(folder: Path, line: dict[str, Any]) -> None:
    path = folder / TOUCHES_FILE
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    except OSError as error:
        raise UsageError(
            f"{path} can't be written ({error.strerror}), so a look could not be noted; give a folder that you may write to."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # two runs that end at once: each needs the other's line
        whole, torn = _split(path.read_bytes())
        if torn:  # cut off by a kill before it was acknowledged
            os.ftruncate(handle, sum(len(item) + 1 for item in whole))
        chained = {**line, "after": _of(whole[-1]) if whole else None}
        os.write(handle, json.dumps(chained, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    folder_handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(folder_handle)  # the name, where this was the first line
    finally:
        os.close(folder_handle)


def _touch(line: Mapping[str, Any]) -> Touch:
    return Touch(
        at=line["at"], by=line["by"], candidate=line["candidate"], part=line["part"], run=line.get("run"),
        version=line["version"], digest=line.get("digest"), rung=line.get("rung"), results=line.get("results"),
        answers=line.get("answers"), lacks=tuple(line.get("lacks", ())), look=line.get("look"),
        manifest=line.get("manifest"),
    )  # fmt: skip


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines; one that a kill cut off at the end was never acknowledged, and is left out."""
    found, last = [], None
    for number, line in enumerate(_split(path.read_bytes())[0], 1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path} line {number} is no JSON; {_advice(path)}") from error
        if not isinstance(entry, dict) or entry.get("after") != last:
            raise DataError(f"{path} line {number} does not follow the line before it; {_advice(path)}")
        last = _of(line)
        found.append(entry)
    return found


def _split(content: bytes) -> tuple[list[bytes], bytes]:
    *whole, torn = content.split(b"\n")
    return whole, torn


def _of(line: bytes) -> str:
    return sha256(line).hexdigest()[:16]
