"""Where one tab is on a page that goes from one thing to settle to the next."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from uuid import uuid4

import numpy as np
import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.worklist import Positions


@dataclass
class Seat:
    """Where one tab is.

    A press that comes while another is worked on cuts that short at its next use of ``st.session_state``; this object changes
    without such a use, so that what was written and what was left agree.
    """

    holder: str = field(default_factory=lambda: uuid4().hex)
    """Of leases: this tab."""
    at: str | None = None
    """The id of the row that names what is at hand."""
    left: str | None = None
    """What was just settled: the one after it is to be drawn."""
    queue: Hashable = None
    """What was listed: where that changes to something without what is at hand, its first is drawn."""
    saw: Look | None = None
    """What is drawn. Here and in no button's arguments: Streamlit keeps those of everything that was ever drawn."""
    every: Positions = field(default_factory=lambda: np.zeros(0, np.int64))
    """The rows of its queue, where it goes from row to row; here for the same reason."""
    opened: Look | None = None
    """What the reviewer saw who opened the dialog."""

    def leave(self, name: str) -> None:
        """Have the one after this drawn."""
        self.left = name

    def go(self, name: str) -> None:
        """Have this one drawn."""
        self.at, self.left = name, None

    def arrive(self, named: str | None) -> None:
        """Have what an address names drawn, whatever is listed."""
        if named:
            self.go(named)
            self.queue = None

    def lists(self, queue: Hashable, *, at_hand: bool) -> bool:
        """Note what is listed; returns whether what is at hand is drawn: it is listed, too, or the list is no other one."""
        stays = at_hand or self.queue in (None, queue)
        self.queue = queue
        return stays

    def start_again(self) -> None:
        """Have the first one drawn that is open; a dialog that was cut short before it closed shows what is left."""
        self.at = self.left = self.opened = None

    def takes(self, name: str) -> bool:
        """Say whether a press means what is drawn: a second one, before the next was drawn, meant the one that was left."""
        return name == self.at != self.left

    def looked(self, look: Look) -> Look:
        """Return what the reviewer saw who opened the dialog, or this moment, where the set was read anew since."""
        return self.opened if self.opened is not None and self.opened.view.key == look.view.key else look


def seat(page: str) -> Seat:
    """Return the seat of this session at a page."""
    return st.session_state.setdefault(f"{page}-seat", Seat())
