"""Greedy repair: few units move to another split until sizes and label shares are even.

A start that looks at no sizes (each unit falls where its hash says) is off by chance. The units whose move lowers the
chi-square distance to the targets most move first. What is within the slack counts as met, so that units which would
gain next to nothing stay where they are: each move is one that more or fewer rows might not have asked for.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

_POOL = 20_000  # units ranked at a time: enough to choose from, and a twentieth of the work at a million rows
_ROUNDS = 100  # of all pools; real sets settle in 3 to 20
_REFUSED = 50  # moves in a row that earlier ones have made useless: time to rank anew
_FEW, _KINDS = 2_000, 30  # units looked at for two moves at once, and first moves tried
_LEAST = 1e-9  # gains below this are rounding


class Held(NamedTuple):
    """How many rows of which label each unit holds: entries of one unit stand together, in the order of units."""

    unit: np.ndarray
    label: np.ndarray
    rows: np.ndarray
    start: np.ndarray  # the first entry of each unit, and last the number of entries

    def part(self, low: int, high: int) -> Held:
        """Return the entries of the units from ``low`` to before ``high``, numbered from 0."""
        inside = slice(self.start[low], self.start[high])
        start = self.start[low : high + 1] - self.start[low]
        return Held(self.unit[inside] - low, self.label[inside], self.rows[inside], start)


class Aim(NamedTuple):
    """What is wanted, S splits x L+1 columns each: one a label, and the last for the size."""

    wanted: np.ndarray
    slack: np.ndarray  # by how many rows a split may be off without cost
    weight: np.ndarray  # of a squared row beyond that
    most: np.ndarray  # by how many rows a split may be off before two moves at once are tried

    def cost(self, excess: np.ndarray, at: Any) -> np.ndarray:
        """Return what ``excess`` costs at these places of the table."""
        return np.maximum(np.abs(excess) - self.slack[at], 0) ** 2 * self.weight[at]


def repair(split: np.ndarray, held: Held, aim: Aim) -> None:
    """Move units in ``split`` (changed in place) until all is within the slack, or no single move helps.

    Args:
        split: of each unit, 0 to S-1. Of moves that gain the same, the first unit's is made.
        held: what the units hold.
        aim: what the splits should hold.
    """
    excess = -aim.wanted
    np.add.at(excess, (split[held.unit], held.label), held.rows)
    excess[:, -1] += excess[:, :-1].sum(axis=1) + aim.wanted[:, :-1].sum(axis=1)
    bounds = [*range(0, len(split), _POOL), len(split)]
    pools = [(held.part(low, high), split[low:high]) for low, high in pairwise(bounds)]
    idle = 0
    for turn in range(_ROUNDS * len(pools)):
        part, here = pools[turn % len(pools)]
        idle = 0 if _improve(here, part, aim, excess) or _improve_by_two(here, part, aim, excess) else idle + 1
        if idle == len(pools) or not aim.cost(excess, (slice(None), slice(None))).any():
            break


def _improve(split: np.ndarray, held: Held, aim: Aim, excess: np.ndarray) -> int:
    """Make the best moves of one ranking, and return how many."""
    gain, best = _gains(split, held, aim, excess)
    ranked = np.flatnonzero(gain > _LEAST)
    ranked = ranked[np.argsort(-gain[ranked], kind="stable")]
    moved = refused = 0
    for unit in ranked.tolist():
        entries = slice(held.start[unit], held.start[unit + 1])
        labels = held.label[entries]
        columns = np.append(labels, excess.shape[1] - 1)
        rows = np.append(held.rows[entries], held.rows[entries].sum())
        at = np.array([[split[unit]], [best[unit]]]), columns[None, :]
        after = excess[at] + np.stack([-rows, rows])
        now = (aim.cost(excess[at], at) - aim.cost(after, at)).sum()
        if now < max(gain[unit] / 2, _LEAST):
            refused += 1
            if refused == _REFUSED:
                break
            continue
        split[unit], excess[at] = best[unit], after
        moved, refused = moved + 1, 0
    return moved


def _improve_by_two(split: np.ndarray, held: Held, aim: Aim, excess: np.ndarray) -> bool:
    """Make the first two moves that help together, such as a swap of two units of one size; say if there were any."""
    if (np.abs(excess) <= aim.most).all():
        return False
    few = min(len(split), _FEW)
    split, held = split[:few], held.part(0, few)  # a view: what moves here moves there
    gain, best = _gains(split, held, aim, excess)
    kinds = np.unique(gain.round(9), return_index=True)[1][::-1]  # units of one gain mostly hold the same
    for unit in kinds[:_KINDS].tolist():
        home = int(split[unit])
        _move(split, held, excess, unit, int(best[unit]))
        second, there = _gains(split, held, aim, excess)
        other = int(np.argmax(second))
        if gain[unit] + second[other] > _LEAST:
            _move(split, held, excess, other, int(there[other]))
            return True
        _move(split, held, excess, unit, home)
    return False


def _move(split: np.ndarray, held: Held, excess: np.ndarray, unit: int, there: int) -> None:
    entries = slice(held.start[unit], held.start[unit + 1])
    rows = held.rows[entries]
    for k, sign in ((split[unit], -1), (there, 1)):
        excess[k, held.label[entries]] += sign * rows
        excess[k, -1] += sign * rows.sum()
    split[unit] = there


def _gains(split: np.ndarray, held: Held, aim: Aim, excess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much the best move of each unit lowers the cost, and to which split it goes."""
    first, units = held.start[:-1], np.arange(len(split))
    sizes = np.add.reduceat(held.rows, first)
    own = split[held.unit]
    change = np.empty((len(excess), len(split)))
    for k in range(len(excess)):
        rows, size = np.where(own == k, -held.rows, held.rows), np.where(split == k, -sizes, sizes)
        now = aim.cost(excess[k], (k,))
        at = k, held.label
        change[k] = np.add.reduceat(aim.cost(excess[at] + rows, at) - now[held.label], first)
        change[k] += aim.cost(excess[k, -1] + size, (k, -1)) - now[-1]
    leave = change[split, units]
    change[split, units] = np.inf
    best = np.argmin(change, axis=0)
    return -(leave + change[best, units]), best
