"""A file's lines on the disk a moment after they were written, many for one flush, while the writer goes on."""

from __future__ import annotations

import os
import threading

_sync = getattr(os, "fdatasync", os.fsync)  # macOS has the latter alone


class Flusher:
    """Flushes a file from a thread of its own: a flush takes 1 to 30 ms, in which a client would read no reply."""

    def __init__(self, handle: int, *, every: float) -> None:
        """Take over the flushing of an open file.

        Args:
            handle: the file; closed by its owner, after ``close``.
            every: least seconds between two flushes.
        """
        self._handle = handle
        self._every = every
        self._written = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed: OSError | None = None

    def wrote(self) -> None:
        """Say that something was written.

        Raises:
            OSError: an earlier flush failed: what was written since the one before may not be on the disk.
        """
        if self._failed is not None:
            raise self._failed
        self._written.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
            self._thread.start()

    def flush(self) -> None:
        """Wait until all that was written is on the disk."""
        if self._failed is not None:
            raise self._failed
        _sync(self._handle)

    def close(self) -> None:
        """Flush, and end the thread."""
        self._ended.set()
        self._written.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self.flush()

    def _run(self) -> None:
        while True:
            self._written.wait()
            if self._ended.is_set():
                return
            self._written.clear()
            try:
                _sync(self._handle)
            except OSError as error:  # told at the next write
                self._failed = error
                return
            self._ended.wait(self._every)
