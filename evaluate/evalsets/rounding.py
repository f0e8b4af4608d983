"""Draw units with known chances so that the counts of two groupings come out as expected: rounded, never missed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

_TINY = 1e-9  # a chance this near to 0 or 1 is one: sums of a few thousand chances are good to 1e-12


def draw(chance: Doubles, first: Ints, second: Ints, *, seed: int = 0) -> npt.NDArray[np.bool_]:
    """Return which units are drawn: each with just its chance, and as many of each group as expected, rounded up or down.

    So a group whose chances sum to 1 or more is never missed, in either grouping, and the total is the sum of all chances.

    Within a cell of the two groupings neighbours compete (the ordered pivotal method: Deville and Tille 1998; Chauvet 2012), so
    units that stand side by side are seldom both drawn; at most one unit a cell is left undecided. Those are rounded along cycles
    of the two-way table (controlled rounding: Cox 1987; dependent rounding: Gandhi, Khuller, Parthasarathy, Srinivasan 2006).
    Every step is a fair game, so the chances hold exactly.

    Args:
        chance: (u) from 0 to 1; their sum is a whole number.
        first: (u) group of each unit in the one grouping, from 0.
        second: (u) group in the other.
        seed: of the draw.

    >>> draw(np.full(4, 0.5), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), seed=1).tolist()
    [False, True, True, False]
    """
    random = np.random.default_rng(seed)
    found = chance.astype(np.float64).copy()
    width = int(second.max(initial=0)) + 1
    cell = first * width + second
    order = np.argsort(cell, kind="stable")
    open_units = _within_cells(found, order, cell[order], random)
    _between_cells(found, open_units, first, second, random)
    return found > 0.5


def _within_cells(found: Doubles, order: Ints, cells: Ints, random: np.random.Generator) -> list[int]:
    """Settle all units of each cell but one at most; return those that are left."""
    left: list[int] = []
    values, luck = found.tolist(), random.random(len(order)).tolist()
    leader = cell = -1
    for at, (unit, of) in enumerate(zip(order.tolist(), cells.tolist(), strict=True)):
        if of != cell:
            left += [leader] if leader >= 0 else []
            leader, cell = -1, of
        if not _TINY < values[unit] < 1 - _TINY:
            values[unit] = round(values[unit])
        elif leader < 0:
            leader = unit
        else:
            leader = _compete(values, leader, unit, luck[at])
    left += [leader] if leader >= 0 else []
    found[:] = values
    return left


def _compete(values: list[float], leader: int, unit: int, luck: float) -> int:
    """Settle one of two units (or both) and return the one that is left, -1 for none."""
    total = values[leader] + values[unit]
    if total < 1:
        winner, loser = (leader, unit) if luck * total < values[leader] else (unit, leader)
        values[winner], values[loser] = total, 0.0
    else:
        winner, loser = (leader, unit) if luck * (2 - total) < 1 - values[unit] else (unit, leader)
        values[winner], values[loser] = 1.0, total - 1
        winner = loser
    if _TINY < values[winner] < 1 - _TINY:
        return winner
    values[winner] = round(values[winner])
    return -1


def _between_cells(found: Doubles, units: list[int], first: Ints, second: Ints, random: np.random.Generator) -> None:
    """Settle one unit a cell so that the sums of both groupings stay within one of what they are."""
    if not units:
        return
    rows, columns = int(first.max()) + 1, int(second.max()) + 1
    # What a sum lacks to the next whole number goes to a cell of its own, so that all sums are whole and stay what they are.
    edges = [(int(first[unit]), int(second[unit])) for unit in units]
    values = [float(found[unit]) for unit in units]
    for side, count, ends in ((first, rows, lambda at: (at, columns)), (second, columns, lambda at: (rows, at))):
        sums = np.bincount(side, weights=found, minlength=count)
        for at in range(count):
            lacking = float(np.ceil(sums[at] - _TINY) - sums[at])
            if lacking > _TINY:
                edges.append(ends(at))
                values.append(lacking)
    _round_cycles(edges, values, rows + 1, random)
    found[units] = values[: len(units)]


def _round_cycles(edges: list[tuple[int, int]], values: list[float], rows: int, random: np.random.Generator) -> None:
    """Round values to 0 or 1 along cycles, every sum at a node kept and every value kept in expectation."""
    nodes = [(one, rows + other) for one, other in edges]
    at: dict[int, list[int]] = {}
    for edge in random.permutation(len(edges)).tolist():
        for node in nodes[edge]:
            at.setdefault(node, []).append(edge)
    fraction = [True] * len(edges)

    def settle(edge: int, value: float) -> None:
        values[edge] = value
        if not _TINY < value < 1 - _TINY:
            values[edge], fraction[edge] = float(round(value)), False

    def another(node: int, but: int) -> int:
        line = at[node]
        while line and not fraction[line[-1]]:
            line.pop()
        return next((edge for edge in reversed(line) if edge != but and fraction[edge]), -1)

    for start in range(len(edges)):
        while fraction[start]:
            walk, seen, node, edge = [start], {nodes[start][0]: 0}, nodes[start][1], start
            while node not in seen:
                seen[node] = len(walk)
                edge = another(node, edge)
                if edge < 0:
                    break
                walk.append(edge)
                node = nodes[edge][0] if nodes[edge][1] == node else nodes[edge][1]
            if edge < 0:  # a sum that is whole but for rounding: its last value is, too
                settle(walk[-1], float(round(values[walk[-1]])))
                continue
            _turn(walk[seen[node] :], values, settle, random)


def _turn(
    cycle: list[int], values: list[float], settle: Callable[[int, float], None], random: np.random.Generator
) -> None:
    """Move what is even in a cycle up and what is odd down, or the other way round, as far as one of them is settled."""
    up, down = cycle[::2], cycle[1::2]
    forth = min(*(1 - values[edge] for edge in up), *(values[edge] for edge in down))
    back = min(*(values[edge] for edge in up), *(1 - values[edge] for edge in down))
    step = forth if random.random() * (forth + back) < back else -back
    for edges, sign in ((up, step), (down, -step)):
        for edge in edges:
            settle(edge, values[edge] + sign)
