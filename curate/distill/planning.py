"""What is to be made: the cells of the grid, how many rows each wants, and which rows make which draft."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from math import ceil, prod

from ..errors import DataError, UsageError, quote
from .draft import Cell, Draft
from .kinds import KINDS
from .kinds.kind import Kind, Needs, needed
from .recipe import Recipe
from .seeds import Seed, Seeds, blocks, in_order

_CELLS = 100_000


@dataclass(frozen=True)
class CellPlan:
    """One cell: what is wanted of it, and what its drafts are made from."""

    cell: Cell
    wanted: int
    """Rows that pass every gate."""
    most: int
    """Drafts, at most."""
    parents: Sequence[tuple[str, ...]]
    """Parents of the drafts, in turn."""

    def draft(self, number: int) -> Draft:
        """Return a draft by its number in the cell: the parents take turns, and each counts its own drafts.

        So a row that leaves the set takes its own drafts with it and no others, and their calls keep their names.
        """
        turn, place = divmod(number, len(self.parents))
        return Draft(self.cell, turn, self.parents[place])


def plan_cells(recipe: Recipe, seeds: Seeds, *, axes: Mapping[str, Sequence[str]] | None = None) -> list[CellPlan]:
    """Return the cells of a recipe, in the order of its axes.

    Args:
        recipe: the recipe.
        seeds: the rows that may be shown.
        axes: axes besides those of the grid, such as the kinds of failure.

    Raises:
        UsageError: the grid names a label that no row has, or a quota that fits no cell.
        DataError: no row is there to make a draft from.
    """
    kind = KINDS[recipe.plan.kind]
    grid = {axis: list(values) for axis, values in recipe.plan.grid.items()} | {
        a: list(v) for a, v in (axes or {}).items()
    }
    if grid.get("label") == ["*"]:
        if not seeds.labels:
            raise UsageError("plan.grid: label = ['*'] is every label of the set, and no row has one; name labels.")
        grid["label"] = list(seeds.labels)
    _check_labels(recipe, seeds, grid)
    if prod(len(values) for values in grid.values()) > _CELLS:
        raise UsageError(f"plan.grid has more than {_CELLS:,} cells; take an axis or some values out.")
    cells: list[Cell] = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    cells = [cell for cell in cells if not any(_fits(cell, without) for without in recipe.plan.without)]
    if kind.drawn_by != "label":  # no row of a label can be taken for one of the same label
        cells = [cell for cell in cells if "label" not in cell or cell["label"] != cell.get(kind.drawn_by)]
    if not cells:
        raise UsageError("plan.without leaves no cell of plan.grid; take one out.")
    each_label = _cells_a_label(cells)
    made = [_cell(cell, recipe, kind, seeds, each_label) for cell in cells]
    for quota in recipe.plan.quotas:
        if not any(_fits(cell, quota.cell) for cell in cells):
            raise UsageError(
                f"plan.quotas: no cell fits {quote(json.dumps(quota.cell, ensure_ascii=False))}; see plan.grid."
            )
    return made


def _check_labels(recipe: Recipe, seeds: Seeds, grid: Mapping[str, Sequence[str]]) -> None:
    """Refuse a label that no row has, unless the recipe says what it means: a slip would be a new class, paid for."""
    known = set(seeds.real["label"].drop_nulls())
    for label in grid.get("label", ()) if known else ():
        if label not in known and label not in recipe.plan.about:
            near = get_close_matches(label, sorted(known), n=1)
            meant = f"did you mean {quote(near[0])}? " if near else ""
            raise UsageError(
                f"plan.grid: no row of {recipe.seeds} has the label {quote(label)}; {meant}A new label needs its meaning in "
                "plan.about."
            )


def _cells_a_label(cells: Sequence[Cell]) -> dict[str | None, int]:
    counts: dict[str | None, int] = {}
    for cell in cells:
        counts[cell.get("label")] = counts.get(cell.get("label"), 0) + 1
    return counts


def _cell(cell: Cell, recipe: Recipe, kind: Kind, seeds: Seeds, each_label: Mapping[str | None, int]) -> CellPlan:
    name = json.dumps(dict(cell), ensure_ascii=False, sort_keys=True)
    label = cell.get("label")
    needs = needed(kind, {**kind.options, **recipe.plan.options})
    drawn = seeds.of(cell.get(kind.drawn_by)) if kind.draws != "nothing" else []
    ids = [one for one in drawn if _has(seeds.by_id[one], needs)]
    if kind.draws in ("row", "each") and not ids:
        raise DataError(
            f"no row to make drafts of the cell {quote(name)} from: {recipe.plan.kind} needs rows with {needs}."
        )
    if kind.draws == "each":
        wanted = min(len(ids), recipe.accepted or len(ids))
        return CellPlan(cell, wanted, len(ids), [(one,) for one in ids])
    if kind.draws == "examples":
        # Of a label that no row has, the teacher is told the label alone: that is how a rare one begins.
        there = set(ids)
        parted = blocks(seeds.ever(cell.get(kind.drawn_by)), recipe.plan.examples, seed=recipe.seed, name=name)
        parents = [block for all_ in parted if (block := tuple(one for one in all_ if one in there))] or [()]
    elif kind.draws == "row":
        parents = [(one,) for one in in_order(ids, seed=recipe.seed, name=name)]
    else:
        parents = [()]
    wanted = _wanted(cell, recipe, len(seeds.of(label)), each_label[label])
    return CellPlan(cell, wanted, ceil(wanted * recipe.plan.attempts), parents)


def _wanted(cell: Cell, recipe: Recipe, real: int, cells: int) -> int:
    """Return how many rows a cell wants: by its last quota that fits, by what its label lacks, or as all do."""
    for quota in reversed(recipe.plan.quotas):
        if _fits(cell, quota.cell):
            return quota.accepted
    if recipe.plan.fill is not None:
        return -(-max(0, recipe.plan.fill - real) // cells)
    return recipe.accepted


def _fits(cell: Cell, where: Mapping[str, str]) -> bool:
    return all(cell.get(axis) == value for axis, value in where.items())


def _has(seed: Seed, needs: Needs) -> bool:
    return {
        "anything": True,
        "label": seed.label is not None,
        "no label": seed.label is None,
        "answer": seed.answer is not None,
        "tools": seed.tools is not None,
    }[needs]
