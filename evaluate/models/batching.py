"""Which requests go through a model together."""

from __future__ import annotations

from collections.abc import Sequence


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Return the places of all texts in batches of similar length, the longest first.

    A batch costs its rows times its longest text, for all are padded to it: texts of one length waste nothing. The longest come
    first, so that a budget that is too high fails at once and not after hours.

    Args:
        lengths: tokens of each text, with those that may be written.
        budget: most tokens of a batch, padding included; a text that is longer by itself goes alone.

    >>> batches([5, 90, 6, 40, 5], budget=100)
    [[1], [3, 2], [0, 4]]
    """
    found: list[list[int]] = []
    widest = 0
    for place in sorted(range(len(lengths)), key=lambda place: (-lengths[place], place)):
        if not found or (len(found[-1]) + 1) * widest > budget:
            found.append([])
            widest = max(1, lengths[place])
        found[-1].append(place)
    return found
