"""What a candidate forgot, from the measurement beside its run to the two numbers that a gate looks at."""

from __future__ import annotations

from pathlib import Path

from ..stats.noninferiority import noninferior
from .evidence import Forgotten
from .forgetting import read_forgetting


def read_forgotten(folder: Path) -> Forgotten | None:
    """Return what the candidate of a run lost, ``None`` where nobody measured it.

    Both are paired: the same items, the same paragraphs; the ends are one-sided, at 95%. Where a model can't say how likely it
    finds a text, as those behind a server, the nats are ``None``.

    Raises:
        DataError: the file is damaged.
    """
    found = read_forgetting(folder)
    base, candidate = ([], []) if found is None else found.item_pairs()
    if found is None or not base:
        return None
    items = noninferior(base, candidate, margin=1.0)
    if not found.texts:
        return Forgotten(-items.gain, -items.low, None, None)
    one, other = found.text_pairs()
    nats = noninferior([-value for value in one], [-value for value in other], margin=1.0, bounded=False)
    return Forgotten(-items.gain, -items.low, -nats.gain, -nats.low)
