"""Which sets stand (nearly) inside a larger one that is not alike to them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ..errors import UsageError
from .forest import power
from .listing import whole_numbers
from .shingles import Sets

Ints = npt.NDArray[np.int64]
_WEIGHTS = np.round(1000 * (8 - np.log2(np.maximum(np.arange(256), 1)))).astype(np.int64)
_WEIGHTS[255] = 0  # as far as is counted


@dataclass(frozen=True)
class Inside:
    """Sets that stand inside another; p of them, by rising row."""

    row: Ints
    """The contained one; of equal sets the first."""
    outer: Ints
    """The containing one: that which shares most, of such the smallest, of equal sets the first."""
    common: Ints
    """Shingles that both have."""
    first: Ints
    """Place in the outer set, in the order of its text, of the first shingle that is shared."""
    last: Ints
    """Place of the last one."""
    cut: int
    """Sets that were given up at ``limit``."""


def inside(sets: Sets, *, containment: float = 0.9, alike: float = 0.8, least: int = 8, limit: int = 100_000) -> Inside:
    """Find each set of which a share of at least ``containment`` stands in a larger one that is not alike to it.

    The share is asked for twice: of the shingles, and of their weight. A shingle that stands once or twice weighs eight,
    one less for each time that its count doubles, and nothing from 255 on: two rows of one long template, each with a
    short question of its own, share nine tenths of their shingles and nothing that matters.

    Exact but for ``limit``: no such set is missed, and none is reported that is not.

    Args:
        sets: the sets.
        containment: shingles shared over shingles of the contained set, over 0, at most 1. One edit in 45 words leaves 0.9.
        alike: pairs with a Jaccard index of at least this much are left out; they are near-duplicates.
        least: shingles that a contained set has at least: eight are twelve words. Shorter ones ("I would like to book a
            flight") are how people speak, not copies.
        limit: shingles of a set that are looked up at most, over all that it is held against: a thousand sets for one of
            a hundred words, if the nearest misses are many. Rows that are all beginnings of one text would take for ever.

    Raises:
        UsageError: a share out of bounds.
    """
    from . import containing_kernels as kernels
    from .prefix_kernels import first_of_equal

    for name, share in (("containment", containment), ("alike", alike)):
        if not 0 < share <= 1:
            raise UsageError(f"{name} is over 0 and at most 1, not {share}.")
    share, near = (Fraction(*whole_numbers(x)) for x in (containment, alike))
    equal = first_of_equal(sets.sizes, sets.sums, np.full(power(2 * len(sets.sizes)), -1, np.int64))
    distinct = np.flatnonzero(equal == np.arange(len(equal)))
    order = distinct[np.argsort(sets.sizes[distinct], kind="stable")]
    starts, sizes = sets.starts[order], sets.sizes[order]
    needed = np.where(sizes >= least, -(-sizes * share.numerator // share.denominator), 0)
    cells = np.zeros(max(power(8 * int(sizes.sum())) // 4, 64), np.uint8)
    asked = np.zeros(order.size, np.bool_)
    kernels.mark_twice(sets.hashes, starts, sizes, cells)
    kernels.could_be_inside(sets.hashes, starts, sizes, needed, cells, sets.counts, _WEIGHTS, asked)
    # Sharing a share c of itself and yet not alike (J < t) asks for a size of at least c (1 + t) / t - 1 times its own.
    factor = max(share * (1 + near) / near - 1, Fraction(0))
    smallest = np.maximum(sizes * factor.numerator // factor.denominator, sizes + 1)
    best = np.full((order.size, 2), -1, np.int64)
    slots = np.zeros(power(2 * int(sizes.max(initial=4))), np.uint64)
    _, cut = kernels.find_containing(
        sets.hashes, starts, sizes, needed, asked, sets.counts, _WEIGHTS, share.numerator, share.denominator,
        smallest, near.numerator, near.denominator, limit, slots, best,
    )  # fmt: skip
    inner = np.flatnonzero(best[:, 0] >= 0)
    outer = best[inner, 0]
    places = np.empty((inner.size, 2), np.int64)
    kernels.places_inside(sets.hashes, starts, sizes, inner, outer, slots, places)
    rows = order[inner]
    by_row = np.argsort(rows)
    return Inside(
        rows[by_row], order[outer][by_row], best[inner, 1][by_row], places[by_row, 0], places[by_row, 1], int(cut)
    )
