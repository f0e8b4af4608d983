"""The desk: one set as reviewers work on it, in one process: its frames, what stands, who looks at what.

A server holds one and all its pages share it. It follows what other processes write: new decisions at every look, new
findings or another split as soon as their files stand.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import polars as pl

from .. import parts
from ..dataset import Dataset
from ..decisions.decision import Decision, Outcome
from ..decisions.ledger import Ledger
from .heads import Heads, follow, read_heads
from .leases import Leases
from .view import View, is_prepared, manifest_state_of, open_view, state_of
from .worklist import Filter, Inside, Positions, pick

_KEPT = 64_000_000  # bytes of picked lists and what they were picked by; a list is 8 MB at a million rows at the most

_LARGE = 8_000_000  # bytes of rows.parquet, 20 times that in memory; to start a process takes longer than to read less


@dataclass(frozen=True)
class _Picked:
    found: Positions
    of: tuple[pl.DataFrame | None, Inside | None]
    """What the key names by its ``id``, which another object may have once this one is gone."""


def _size(picked: Collection[_Picked]) -> int:
    """Return the bytes that are kept; an order by gain or an area of the map may be larger than what it picks, and is shared."""
    ranks = {id(one.of[0]): one.of[0] for one in picked if one.of[0] is not None}
    inside = {id(one.of[1]): one.of[1] for one in picked if one.of[1] is not None}
    held = sum(int(of.estimated_size()) for of in ranks.values()) + sum(of.nbytes for of in inside.values())
    return held + sum(one.found.nbytes for one in picked)


@dataclass(frozen=True)
class Look:
    """One moment of a set: frames and decisions that belong together. A page takes one and draws all of itself from it."""

    view: View
    heads: Heads

    @property
    def seq(self) -> int:
        """The last line of the ledger that is taken into account: what ``Ledger.decide`` expects."""
        return self.heads.seq


class Desk:
    """An opened set for many reviewers; safe to share between threads."""

    def __init__(self, folder: str | Path, *, wait: float = 10.0) -> None:
        """Open the set at ``folder``.

        Args:
            folder: the set.
            wait: seconds that a decision waits for another process's (``Ledger.open``).

        Raises:
            VetsetError: there is no set, or a part of it is lost or damaged.
        """
        self.folder = Dataset.open(folder).folder  # first, so that nothing is written into a folder that is no set
        self._lock = threading.RLock()
        self._picked: OrderedDict[tuple[object, ...], _Picked] = OrderedDict()
        self._look: Look | None = None
        self.ledger = Ledger.open(self.folder)
        """For reading. A write holds its ledger while it waits, so this server writes by another: nobody's look waits."""
        self._writing = Ledger.open(self.folder, wait=wait)
        self.leases = Leases(self.folder)
        self.look()

    def look(self) -> Look:
        """Return the set as it stands now; costs next to nothing where nothing changed.

        Raises:
            VetsetError: a part of it is lost or damaged by now; when it is back, so is the next look.
        """
        with self._lock:
            if self._look is None or self._look.view.key != state_of(self.folder):
                view = self._opened()
                self._look = Look(view, read_heads(view, self.ledger))
                self._picked.clear()
                return self._look
            view, heads = self._look.view, self._look.heads
            if view.manifest_key != manifest_state_of(self.folder):
                view = view.told()
            now = follow(heads, view, self.ledger)
            if view is not self._look.view or now is not heads:
                self._look = Look(view, now)
            return self._look

    def pick(
        self, look: Look, wanted: Filter, *, ranks: pl.DataFrame | None = None, inside: Inside | None = None
    ) -> Positions:
        """Return the rows that a filter asks for (``worklist.pick``), from memory where it was asked before.

        ``ranks`` and ``inside`` are told by what object they are: give the same ones again, not equal ones.
        """
        over = look.heads.over
        key = (look.view.key, wanted, over, id(ranks), id(inside))
        with self._lock:
            if key in self._picked:
                self._picked.move_to_end(key)
                return self._picked[key].found
        found = pick(look.view, wanted, over=over, ranks=ranks, inside=inside)
        found.flags.writeable = False  # all who ask are given this one
        with self._lock:
            self._picked[key] = _Picked(found, (ranks, inside))
            while _size(self._picked.values()) > _KEPT:
                self._picked.popitem(last=False)
        return found

    def decide(self, decisions: Sequence[Decision], *, reviewer: str, seen: int) -> Outcome:
        """Write decisions that were made in sight of the ledger's line ``seen`` (``Ledger.decide``)."""
        return self._writing.decide(decisions, reviewer=reviewer, expect=seen)

    def undo(self, what: Sequence[int] | str, *, reviewer: str, reason: str | None = None) -> Outcome:
        """Take back decisions by their numbers, or a batch by its name (``Ledger.undo``)."""
        return self._writing.undo(what, reviewer=reviewer, reason=reason)

    def close(self) -> None:
        """Close the files; what is asked afterwards opens them anew."""
        self.ledger.close()
        self._writing.close()
        self.leases.close()

    def __enter__(self) -> Desk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> View:
        """Open the view; of a large set another process makes files that are missing: that takes much memory for once."""
        rows = self.folder / parts.ROWS
        if rows.is_file() and rows.stat().st_size > _LARGE and not is_prepared(self.folder):
            made = "import sys; from vetset.curate.review.view import open_view; open_view(sys.argv[1])"
            # -P: a file in the folder that the server was started in must not stand for a module.
            subprocess.run([sys.executable, "-P", "-c", made, str(self.folder)], check=False, capture_output=True)
        return open_view(self.folder)  # raises here what it raised there
