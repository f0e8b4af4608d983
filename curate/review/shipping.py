"""How many rows an export would write as things stand, and what becomes of the others: its counts, without its work."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from ..decisions.policy import Policy
from ..rules import RULES
from .desk import Look


@dataclass(frozen=True)
class Shipping:
    """What an export would write; ``rows = ships + dropped + held + unsplit``.

    An export runs the blocking rules again on rows that an edit or a relabel changed, and a format may have no place for
    a row, so it may write fewer.
    """

    rows: int
    ships: int
    dropped: int
    held: int
    """Rows on which a blocking finding stands."""
    unsplit: int
    """Rows in no split, where others are in one."""
    splits: dict[str, int] = field(default_factory=dict)
    """Rows that ship of each split, the largest first."""
    train: str = "train"
    """The split that is trained on."""

    @property
    def eval_rows(self) -> int:
        """Rows that ship in another split than the one that is trained on."""
        return sum(rows for name, rows in self.splits.items() if name != self.train)


def shipping(look: Look, stands: pl.DataFrame, policy: Policy) -> Shipping:
    """Return what an export would write now.

    Args:
        look: of this moment.
        stands: ``standing`` of it.
        policy: says which findings hold a row back.
    """
    view = look.view
    dropped = _dropped(look)
    held = np.zeros(view.rows.height, bool)
    blocking = [number for number, rule in enumerate(RULES) if rule in policy.block]
    held[stands.filter(pl.col("rule_order").is_in(blocking))["row"].to_numpy()] = True
    held &= ~dropped
    left = view.rows["split"].filter(pl.Series(~(dropped | held), dtype=pl.Boolean))
    unsplit = left.null_count() if left.null_count() < left.len() else 0
    sizes = left.drop_nulls().value_counts(sort=True).sort("count", "split", descending=[True, False])
    return Shipping(
        view.rows.height, left.len() - unsplit, int(dropped.sum()), int(held.sum()), unsplit,
        dict(sizes.iter_rows()), view.manifest.get("train", "train"),
    )  # fmt: skip


def _dropped(look: Look) -> npt.NDArray[np.bool_]:
    found = np.zeros(look.view.rows.height, bool)
    drops = look.heads.frame.filter(pl.col("action") == "drop")["row_id"]
    if drops.len():
        places = look.view.positions(drops)
        found[places[places >= 0]] = True
    return found
