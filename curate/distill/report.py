"""What a run came to: counts that add up, cells that fell short, what was spent, and what is worth knowing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .outcome import FATES, Outcome, count_fates, count_gates
from .planning import CellPlan


@dataclass(frozen=True)
class CellReport:
    """One cell of the grid."""

    cell: Mapping[str, str]
    wanted: int
    drafts: int
    accepted: int
    rejected: int
    review: int
    failed: int

    @property
    def short(self) -> int:
        """Rows that are lacking."""
        return max(0, self.wanted - self.accepted)


def report_cells(plans: Sequence[CellPlan], outcomes: Sequence[Outcome]) -> list[CellReport]:
    """Return each cell with what became of its drafts, in the order of the plan."""
    counts = Counter((tuple(outcome.draft.cell.items()), outcome.fate) for outcome in outcomes)
    found = []
    for plan in plans:
        of = {fate: counts[tuple(plan.cell.items()), fate] for fate in FATES}
        found.append(CellReport(plan.cell, plan.wanted, sum(of.values()), **of))
    return found


def compose(
    plans: Sequence[CellPlan], outcomes: Sequence[Outcome], *, notes: Sequence[str] = (), **more: Any
) -> dict[str, Any]:
    """Return the report as JSON values.

    Args:
        plans: the cells.
        outcomes: of all drafts.
        notes: sentences.
        **more: further entries, such as ``spend`` and ``diversity``.
    """
    cells = report_cells(plans, outcomes)
    short = [cell for cell in cells if cell.short]
    counts = count_fates(outcomes)
    return {
        **counts,
        "wanted": sum(cell.wanted for cell in cells),
        "short": sum(cell.short for cell in cells),
        "gates": count_gates(outcomes),
        "cells": [
            {
                "cell": dict(one.cell), "wanted": one.wanted, "drafts": one.drafts, "accepted": one.accepted,
                "rejected": one.rejected, "review": one.review, "failed": one.failed,
            }
            for one in cells
        ],
        "short_cells": len(short),
        "notes": list(notes),
        **more,
    }  # fmt: skip
