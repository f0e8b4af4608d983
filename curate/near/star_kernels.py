"""The compiled loop that makes stars: each row of a component joins the closest row that is kept, or is kept itself."""

from __future__ import annotations

import numpy as np
from numba import njit

from .pair_kernels import could, fill, shared
from .prefix_kernels import ceiling

_ZERO = np.uint64(0)


@njit(cache=True, nogil=True)
def gather_stars(hashes, starts, sizes, bitmaps, members, bounds, slots, top, bottom, patience, keepers, common, left):
    """Give each row of each component a keeper that is alike to it, or make it a keeper itself.

    In the order of ``members`` every row joins the closest keeper before it that it is alike to (the first of equally close
    ones), or becomes one: no row is given up for one that it is not alike to, and no two keepers are alike.

    Args:
        hashes, starts, sizes, bitmaps, slots, top, bottom: as for ``link``.
        members: i64, the rows of all components, those of one component together, the best to keep first.
        bounds: i64 (components + 1), where each component starts in ``members``.
        patience: steps, some nanoseconds each, that are spent on a component before it is left: so many a row and 64 shingles.
        keepers: i64 (n), takes the keeper of each row, itself for keepers.
        common: i64 (n), takes the shingles shared with it.
        left: bool (components), takes which have too many keepers to hold every row against each: ``star_crowd`` is for them.
    """
    for component in range(bounds.size - 1):
        begin, end = bounds[component], bounds[component + 1]
        kept = np.empty(end - begin, np.int64)
        count = spent = allowed = 0
        for at in range(begin, end):
            allowed += patience * (1 + (sizes[members[at]] >> 6))
        left[component] = False
        for at in range(begin, end):
            spent += count
            if spent > allowed:
                left[component] = True
                break
            row = members[at]
            size = sizes[row]
            best, best_common = np.int64(-1), np.int64(0)
            mask = _ZERO
            for index in range(count):
                peer = kept[index]
                peer_size = sizes[peer]
                if min(size, peer_size) < ceiling(max(size, peer_size), top, bottom):
                    continue
                needed = ceiling(size + peer_size, top, top + bottom)
                if not could(bitmaps, row, peer, size + peer_size, needed):
                    continue
                if mask == _ZERO:
                    mask = fill(hashes, starts[row], size, slots)
                spent += peer_size >> 2
                found = shared(hashes, starts[peer], peer_size, slots, mask, needed)
                if found < needed:
                    continue
                better = best < 0
                if not better:
                    union, held = size + peer_size - found, size + sizes[best] - best_common
                    better = found * held > best_common * union
                if better:
                    best, best_common = peer, found
            if mask != _ZERO:
                for index in range(np.int64(mask) + 1):
                    slots[index] = _ZERO
            if best < 0:
                kept[count] = row
                count += 1
                best, best_common = row, size
            keepers[row], common[row] = best, best_common
