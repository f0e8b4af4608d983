"""What a draft draws by lot: the same at every run, and independent of which row it is made from."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

from ..draft import Draft

Thing = TypeVar("Thing")


def drawn(draft: Draft, things: Sequence[Thing], *, salt: str = "") -> Thing:
    """Return one of some things.

    Not by the draft's index: rows come in turn, so where things and rows share a divisor each row would meet few of them.

    Args:
        draft: the draft.
        things: at least one.
        salt: what is drawn, so that two draws of a draft differ.
    """
    return shuffled(draft, things, salt=salt)[0]


def shuffled(draft: Draft, things: Sequence[Thing], *, salt: str = "") -> list[Thing]:
    """Return things in an order by lot."""
    order = sorted(range(len(things)), key=lambda at: sha256(f"{draft.id}\n{salt}\n{at}".encode()).digest())
    return [things[at] for at in order]
