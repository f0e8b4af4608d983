"""Splits in time: where to cut so that each split comes after the one before, and no unit lies across a cut."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_GRID = 256  # candidate cuts looked at together; finer ones follow around the best


class Cuts(NamedTuple):
    """Where time is cut, and what that gives."""

    split: np.ndarray  # of each unit: 0, 1, ...; -1 lies across a cut
    at: np.ndarray  # index of the first moment of every split but the first


def cut(first: np.ndarray, last: np.ndarray, sizes: np.ndarray, targets: np.ndarray, *, scale: bool) -> Cuts | None:
    """Choose the cuts that meet ``targets`` best, by dynamic programming over candidate moments.

    Args:
        first: index of each unit's first moment among the distinct moments, 0 to D-1.
        last: index of its last moment.
        sizes: rows of each unit.
        targets: rows wanted in each split, in order of time.
        scale: the targets are shares of what can be placed, rather than numbers of rows.

    Returns:
        The cuts, or ``None`` where no cuts leave a whole unit to every split.
    """
    best: tuple[float, Cuts] | None = None
    wanted = targets * (sizes.sum() / targets.sum()) if scale else targets
    for _ in range(4 if scale else 1):  # units across a cut shrink what there is to share; settles in 2 or 3 rounds
        at = _search(first, last, sizes, wanted)
        if at is None:
            break
        found = Cuts(_sides(first, last, at), at)
        got = np.bincount(found.split + 1, weights=sizes, minlength=len(targets) + 1)
        goal = targets * (got[1:].sum() / targets.sum()) if scale else targets
        loss = float(got[0] + np.abs(got[1:] - goal).sum())
        if best is None or loss < best[0]:
            best = loss, found
        if got[0] == 0:
            break
        wanted = goal
    return best[1] if best else None


def _sides(first: np.ndarray, last: np.ndarray, at: np.ndarray) -> np.ndarray:
    side = np.searchsorted(at, first, side="right")
    return np.where(side == np.searchsorted(at, last, side="right"), side, -1)


def _search(first: np.ndarray, last: np.ndarray, sizes: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    moments = int(last.max()) + 1
    # Candidates stand at equal numbers of rows, not at equal steps of time: data comes in bursts.
    rows_before = np.cumsum(np.bincount(first, weights=sizes, minlength=moments))
    steps = (
        np.searchsorted(rows_before, np.linspace(0, rows_before[-1], _GRID)) if moments > _GRID else np.arange(moments)
    )
    grid = np.unique(np.concatenate([[0], steps, [moments]]))
    while True:
        at = _best_on(grid, first, last, sizes, wanted)
        if at is None or moments <= _GRID:
            return at
        index = np.searchsorted(grid, at)
        low, high = grid[index - 1], grid[np.minimum(index + 1, len(grid) - 1)]
        if (high - low <= 2).all():
            return at
        near = [np.linspace(a, b, _GRID // len(at)).astype(int) for a, b in zip(low, high, strict=True)]
        grid = np.unique(np.concatenate([[0, moments], at, *near]))


def _best_on(
    grid: np.ndarray, first: np.ndarray, last: np.ndarray, sizes: np.ndarray, wanted: np.ndarray
) -> np.ndarray | None:
    """Return the best cuts among the moments of ``grid`` (which begins with 0 and ends with the number of moments)."""
    width = len(grid)
    begins = np.searchsorted(grid, first, side="right") - 1
    ends = np.searchsorted(grid, last, side="right")
    exact = np.bincount(begins * width + ends, weights=sizes, minlength=width * width).reshape(width, width)
    # inside[a, b]: rows of the units that lie wholly between grid[a] and grid[b].
    inside = np.cumsum(np.cumsum(exact[::-1], axis=0)[::-1], axis=1)
    loss = np.where(inside[0] > 0, np.abs(inside[0] - wanted[0]), np.inf)
    came_from = []
    for target in wanted[1:]:
        total = loss[:, None] + np.where(inside > 0, np.abs(inside - target), np.inf)
        came_from.append(np.argmin(total, axis=0))
        loss = np.min(total, axis=0)
    if not np.isfinite(loss[-1]):
        return None
    index, at = width - 1, []
    for back in reversed(came_from):
        index = int(back[index])
        at.append(grid[index])
    return np.array(at[::-1])
