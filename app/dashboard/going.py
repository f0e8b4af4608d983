"""Which row a reviewer has at hand on a page that goes from row to row, who else looks at it, and the steps between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.worklist import Positions, onward
from . import acting
from .context import desk
from .plain import named
from .reviewer import reviewer
from .seat import Seat


def at_hand(look: Look, seated: Seat, every: Positions, listed: Positions) -> int | None:
    """Return the row to show, and lease it: that at hand or in the address, or the next that nobody else looks at.

    Args:
        look: of this moment.
        seated: where the tab is.
        every: the rows of the queue, whatever was decided of them.
        listed: those that are shown.
    """
    at, left = seated.at, seated.left
    if left is not None:
        st.session_state[acting.REASON] = ""
    wanted: list[str] | chain[str] = [at] if at and (look.view.positions([at]) >= 0).all() else []
    if left is not None:
        wanted = chain(_ids(look, onward(every, look.heads, int(look.view.positions([left])[0]))), _ids(look, listed))
    elif not wanted:
        wanted = chain(_ids(look, listed))
    free = desk().leases.take(wanted, holder=seated.holder, reviewer=reviewer())
    if free is None and left is None and at and isinstance(wanted, list) and wanted:
        free = at  # asked for by its address: shown, although somebody else looks at it, too
    return None if free is None else int(look.view.positions([free])[0])


def _ids(look: Look, positions: Iterable[int]) -> Iterator[str]:
    ids = look.view.rows["id"]
    return (ids[int(position)] for position in positions)  # leases read as far as they need


def say_held(seated: Seat, row_id: str) -> None:
    """Say who else looks at a row."""
    for lease in desk().leases.held_by_others(seated.holder):
        if lease.row_id == row_id and lease.reviewer != reviewer():  # a tab reloaded is another holder
            st.info(f"{named(lease.reviewer, 60)} looks at this row, too.", icon=":material/visibility:")


def step(seated: Seat, row_id: str, by: int) -> None:
    """Go so many rows on from one, or back; no further than the queue's ends."""
    if seated.saw is None:
        return
    view, every = seated.saw.view, seated.every
    place = np.flatnonzero(every == view.positions([row_id])[0])
    if place.size:
        at = int(np.clip(place[0] + by, 0, every.size - 1))
        seated.go(view.rows["id"][int(every[at])])
