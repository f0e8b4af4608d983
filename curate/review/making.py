"""Files that a page needs and that take seconds to make: another process makes them, and says how far it is.

That process has the memory and the libraries that making takes, and gives both back when it ends. It is nice to the server:
a key press comes first.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ..errors import VetsetError
from .view import View, open_view, place_of

What = Literal["sketch", "layout", "gain"]
Tell = Callable[[float, str], None]
"""Told the share that is done, 0 to 1, and a sentence."""

_started: dict[str, threading.Thread] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Making:
    """How the making of a file stands."""

    done: bool
    """The file is there."""
    share: float
    """Of the work, 0 to 1, as far as that can be told."""
    said: str
    """A sentence for who waits, or on why there will be none."""
    failed: bool = False


def ask(view: View, what: What, path: Path, *, again: bool = False) -> Making:
    """Say how far the making of ``path`` is, and begin it where nobody has; returns at once, so that a page can ask each second.

    Args:
        view: of the set; the other process opens the set anew.
        what: is to be made.
        path: of what is made.
        again: begin anew where it failed.
    """
    if path.exists():
        return Making(done=True, share=1.0, said="")
    told = _told(view, what, path)
    with _lock:
        begun = _started.get(str(path))
        if begun is not None and begun.is_alive():
            return told or Making(done=False, share=0.0, said=_FIRST)
        if told is not None and told.failed and not again:
            return told
        _status(view, what).unlink(missing_ok=True)
        _started[str(path)] = threading.Thread(target=_run, args=(view, what, path), daemon=True)
        _started[str(path)].start()
    return Making(done=False, share=0.0, said=_FIRST)


_FIRST = "Another process begins to read the rows."


def work(folder: str, what: What, asked: str) -> None:
    """Make a file, in the other process."""
    from . import gain, layout, sketch  # these ask this room to be run

    with suppress(OSError):
        os.nice(10)
    view = open_view(folder)
    makers = {
        "sketch": (sketch.sketch_path, sketch.make_sketch),
        "layout": (layout.layout_path, layout.make_layout),
        # its name tells how many decisions it rests on, which only who asks has counted
        "gain": (lambda _: Path(asked), partial(gain.make_gain, path=Path(asked))),
    }
    path_of, make = makers[what]
    path = path_of(view)

    def tell(share: float, said: str) -> None:
        _tell(view, what, path, {"share": share, "said": said, "failed": False})

    try:
        make(view, tell=tell)
    except (VetsetError, OSError, MemoryError) as error:
        why = str(error).rstrip(".") or type(error).__name__
        _tell(view, what, path, {"share": 0.0, "said": f"It could not be made: {why}.", "failed": True})


@contextmanager
def alone(view: View, what: What) -> Iterator[None]:
    """Wait until no other process makes the same; who comes second finds the file."""
    with (place_of(view.folder) / f"making-{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the kernel lets go of it when the process dies
        yield


def _run(view: View, what: What, path: Path) -> None:
    """Run the other process to its end, which a thread of its own waits for."""
    begin = f"import sys; from {__package__}.making import work; work(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-P", "-c", begin, str(view.folder), what, str(path)],  # -P: see ``Desk``
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode and not path.exists():
        said = f"It could not be made: the process that made it ended with {done.returncode}; memory may have run out."
        with suppress(OSError):
            _tell(view, what, path, {"share": 0.0, "said": said, "failed": True})


def _status(view: View, what: What) -> Path:
    return place_of(view.folder) / f"making-{what}.json"


def _tell(view: View, what: What, path: Path, told: dict[str, Any]) -> None:
    beside = _status(view, what).with_suffix(f".part{os.getpid()}")
    beside.write_text(json.dumps({"of": str(path), **told}), encoding="utf-8")
    os.replace(beside, _status(view, what))


def _told(view: View, what: What, path: Path) -> Making | None:
    try:
        told = json.loads(_status(view, what).read_text(encoding="utf-8"))
        if told["of"] != str(path):
            return None
        return Making(done=False, share=float(told["share"]), said=str(told["said"]), failed=bool(told["failed"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
