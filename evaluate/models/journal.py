"""The journal: every answer on disk before anybody is told of it, so that no call is lost and none is paid for twice.

An append-only file of JSON lines. A line goes out in one ``write`` to a file opened with ``O_APPEND``, which the kernel sets at
its end: processes append side by side without a lock. ``kill -9`` loses nothing that was acknowledged, since the kernel has it;
the disk has it at most ``FLUSH`` seconds later, for all lines of that time together, and at the end.

Before a call is sent that costs something, a line says so. What was sent and never answered by the process that sent it is
``unsettled``: it may have been paid for.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from ...curate.distill.budget import Former, Vain
from ...curate.distill.spending import Spent, spent_on
from ...curate.errors import DataError, UsageError
from ...curate.wording import counted
from .flushing import Flusher
from .journal_lines import HEADER, Line, read_line, write_line
from .protocol import Answer

FLUSH = 0.2
"""Seconds that a line may wait for the disk. A flush takes 1 to 30 ms: one a line would cap a journal at 100 lines a second."""

BATCH = "batch"
"""Who sends the calls of a batch file, which one process writes and another reads back."""

_HEADER = b"\n" + write_line(Line(journal=HEADER))


@dataclass(frozen=True)
class Unsettled:
    """A call that was sent by a process which never wrote its answer: it crashed, was killed, or works on it still."""

    key: str
    by: str
    at: float
    """When it was sent first, in seconds since 1970."""
    tries: int
    most: Spent | None = None
    """The most that one try can take; ``None`` where an older vetset sent it."""


class Journal:
    """An opened journal.

    Attributes:
        answers: what is known, by key; answers with ``finish="error"`` are not, so that a later run asks again.
        damaged: lines that can't be read: their answers, if they were any, are asked for again.
        torn: whether a kill cut the last line off, which is no damage: nobody was told of it.
        settled: what the answers took, those too that others have taken the place of; not those taken over from elsewhere.
    """

    def __init__(self, path: str | Path, *, flush: float = FLUSH) -> None:
        """Open a journal; it is made where there is none.

        Args:
            path: the file.
            flush: seconds that a line may wait for the disk.

        Raises:
            UsageError: it can't be written, or is a file of another kind, which is left as it is.
            DataError: a newer vetset wrote it.
        """
        self.path = Path(path)
        self.answers: dict[str, Answer] = {}
        self.damaged, self.torn = 0, False
        self.by = os.urandom(4).hex()
        self.settled = Spent()
        self._asked: dict[tuple[str, str], Unsettled] = {}
        self._in_vain: dict[tuple[str, str], Vain] = {}
        self._read_to = 0
        self._handle = self._open()
        self._flusher = Flusher(self._handle, every=flush)
        try:
            self.read()
        except BaseException:
            os.close(self._handle)
            raise

    def __enter__(self) -> Journal:
        """Return the journal."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    @property
    def note(self) -> str | None:
        """A sentence on lines that can't be read or are cut off and calls without an answer; ``None`` where there are none."""
        calls = self.sent_in_vain()
        if self.damage is None:
            return None if calls is None else f"{self.path}: {calls}."
        return self.damage if calls is None else f"{self.damage.removesuffix('.')}; {calls}."

    @property
    def damage(self) -> str | None:
        """A sentence on lines that can't be read or are cut off; ``None`` where there are none."""
        parts = []
        if self.damaged:
            are = "is" if self.damaged == 1 else "are"
            parts.append(
                f"{counted(self.damaged, 'line')} can't be read and {are} passed over; what stood there is asked again"
            )
        if self.torn:
            parts.append("its last line was cut off by a kill; what stood there is asked again")
        return f"{self.path}: {'; '.join(parts)}." if parts else None

    def sent_in_vain(self, keys: Collection[str] | None = None) -> str | None:
        """Return in words how many calls were sent and never answered; ``None`` where there are none.

        Args:
            keys: of the calls that are meant; all for ``None``.
        """
        found = {one.key for one in self.unsettled() if one.by != BATCH} - self.answers.keys()
        if keys is not None:
            found &= set(keys)
        if not found:
            return None
        were, it = ("was", "it") if len(found) == 1 else ("were", "they")
        return (
            f"{counted(len(found), 'call')} {were} sent and never answered, by a run that was cut off or is at work; {it} may "
            "have been paid for"
        )

    def read(self) -> None:
        """Take in what stands in the file, or what others have appended since."""
        start = self._read_to
        with self.path.open("rb") as file:
            file.seek(start)
            text = file.read()
        if not text:
            return
        lines = text.split(b"\n")
        last = read_line(lines[-1])
        if last.kind == "torn" or (start and last.line is None):  # maybe being written: looked at again next time
            self._read_to -= len(lines.pop())
            self.torn |= last.kind == "torn" and not start  # later it is another's, who writes it now
        self._read_to += len(text)
        found = [read_line(line) for line in lines if line]
        if start == 0 and not any(read.line for read in found) and not _HEADER.startswith(text[: len(_HEADER)]):
            raise UsageError(f"{self.path} is no journal of vetset's; name another file, this one is left as it is.")
        for read in found:
            if read.line is not None:
                self._take(read.line)
        self.damaged += sum(read.kind == "damaged" for read in found)

    def write_asked(self, key: str, most: Spent | None = None, *, batch: bool = False) -> None:
        """Write down that a call is sent now.

        Args:
            key: of the call.
            most: that it can take.
            batch: it goes into a batch file.
        """
        tokens = None if most is None else (most.prompt, most.completion)
        line = Line(asked=key, by=BATCH if batch else self.by, at=round(time.time(), 3), most=tokens)
        self._append(line)
        self._take(line)

    def write_unsent(self, key: str, *, batch: bool = False) -> None:
        """Write down that the last try of a call can't have cost anything: nobody was there, or it was turned away."""
        line = Line(unsent=key, by=BATCH if batch else self.by)
        self._append(line)
        self._take(line)

    def write_answer(
        self, key: str, answer: Answer, *, anew: bool = False, taken: str | None = None, batch: bool = False
    ) -> None:
        """Write down an answer; when this returns, no kill of this process can lose it.

        Args:
            key: of the call.
            answer: that came.
            anew: it takes the place of one that is known, which nobody could make use of.
            taken: where it was taken over from, which cost nothing.
            batch: it came out of a batch file.
        """
        line = Line(answered=key, by=BATCH if batch else self.by, answer=answer, anew=anew, taken=taken)
        self._append(line)
        self._take(line)

    def unsettled(self) -> list[Unsettled]:
        """Return what was sent and never answered by its sender, in order of sending; this process's own calls too."""
        return sorted(self._asked.values(), key=lambda call: (call.at, call.key))

    def in_batch(self) -> dict[str, Unsettled]:
        """Return the calls that stand in batch files and were not read back, by key."""
        return {one.key: one for one in self._asked.values() if one.by == BATCH}

    def former(self) -> Former:
        """Return what all that stands here took, and which calls may have been paid for without an answer, for an account."""
        vain = [*self._in_vain.values(), *(Vain(one.key, one.at, one.tries, one.most) for one in self.unsettled())]
        return Former(self.settled, tuple(vain))

    def flush(self) -> None:
        """Wait until all that was written is on the disk.

        Raises:
            UsageError: the disk does not take it.
        """
        try:
            self._flusher.flush()
        except OSError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Flush, and close the file.

        Raises:
            UsageError: the disk does not take it.
        """
        if self._handle < 0:
            return
        try:
            self._flusher.close()
        except OSError as error:
            raise self._lost(error) from error
        finally:
            os.close(self._handle)
            self._handle = -1

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            if os.fstat(handle).st_size == 0:  # two may do so at once: a second header does no harm
                os.write(handle, _HEADER)
        except OSError as error:
            raise UsageError(
                f"{self.path} can't be written ({error.strerror}); name a file in a folder that you may write to."
            ) from error
        return handle

    def _lost(self, error: OSError) -> UsageError:
        return UsageError(
            f"{self.path} can't be brought to the disk ({error.strerror}); see to the disk and run it again: what was written "
            "last may be asked again."
        )

    def _take(self, line: Line) -> None:
        if line.answered is not None and line.answer is not None:
            self._settle(line.answered, line.answer, line)
            if line.anew and line.answer.finish != "error":
                self.answers[line.answered] = line.answer
            elif line.answer.finish != "error":
                self.answers.setdefault(line.answered, line.answer)  # the first stands, as whoever read it was told
        elif line.asked is not None:
            sender = (line.by, line.asked)
            before = self._asked.get(sender)
            self._asked[sender] = Unsettled(
                line.asked,
                line.by,
                before.at if before else line.at,
                before.tries + 1 if before else 1,
                Spent(1, *line.most) if line.most is not None else None,
            )
        elif line.unsent is not None:
            sender = (line.by, line.unsent)
            before = self._asked.pop(sender, None)
            if before is not None and before.tries > 1:  # an earlier try did go out
                self._asked[sender] = replace(before, tries=before.tries - 1)
        elif line.journal is not None and line.journal != HEADER:
            raise DataError(f"{self.path} is written as {line.journal!r}, this vetset reads {HEADER!r}; update vetset.")

    def _settle(self, key: str, answer: Answer, line: Line) -> None:
        """Take note of what an answer took, and of tries before it that brought none and may have been paid for."""
        asked = self._asked.pop((line.by, key), None)
        failed = answer.finish == "error"
        if asked is not None and (tries := asked.tries - (0 if failed else 1)):
            before = self._in_vain.get((line.by, key))
            self._in_vain[line.by, key] = Vain(key, None, tries + (before.tries if before else 0), asked.most)
        if not failed and line.taken is None:
            self.settled += spent_on(answer, asked.most if asked is not None and asked.most is not None else Spent())

    def _append(self, line: Line) -> None:
        text = b"\n" + write_line(line)
        try:
            # Cut short on a full disk, the rest would come to stand behind what others wrote meanwhile: the line again, whole.
            if os.write(self._handle, text) < len(text) and os.write(self._handle, text) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._flusher.wrote()
        except OSError as error:
            raise UsageError(
                f"{self.path} can't be written any more ({error.strerror}); make room and run it again: every answer up to "
                "here is kept."
            ) from error
