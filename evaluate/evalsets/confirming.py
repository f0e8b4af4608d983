"""``evalset refresh --confirm``: a part at which nobody has looked, for a part that is spent."""

from __future__ import annotations

import polars as pl

from ...curate.errors import DataError, UsageError
from ...curate.wording import shell
from .evalset import EVAL_ROWS, EvalSet
from .freezing import must_be_frozen, next_version
from .parting import DEV, SHIP
from .refreshing import Refreshed
from .reserve import read_reserve, write_reserve
from .resuming import take_back
from .touches import looks


def confirm(evalset: EvalSet, *, who: str | None = None, at: str | None = None) -> Refreshed:
    """Put the reserve in the place of the ship part, whose rows go to dev: a fresh part, at which nobody has looked.

    Raises:
        UsageError: the set is not frozen, nobody has looked at its part ship, or it has no reserve.
    """
    must_be_frozen(evalset, looks=False)  # at the reserve nobody has looked
    take_back(evalset)  # else the version of this one would be taken for that of a refresh that was cut off
    reserve = read_reserve(evalset.folder)
    if reserve.is_empty():
        raise UsageError(
            f"{evalset.folder} has no reserve left; build an eval set with --confirm-share 0.3, or renew rows with `vetset "
            f"evalset refresh {shell(evalset.folder)} --from NEWER.vet`."
        )
    old = evalset.rows
    reserve = reserve.join(
        old, on="id", how="anti", maintain_order="left"
    )  # a kill may have come before it was emptied
    if reserve.is_empty():
        write_reserve(evalset.folder, reserve)
        raise UsageError(
            f"the reserve of {evalset.folder} stands in it already; renew rows with "
            f"`vetset evalset refresh {shell(evalset.folder)} --from NEWER.vet`."
        )
    _must_be_spent(evalset)
    # Each part stood for the whole population; as one part they do where each counts by its rows.
    share = pl.len().over("part") / pl.len()
    spent = old.with_columns(weight=pl.col("weight") * share, part=pl.lit(DEV))
    rows = pl.concat([spent, reserve.with_columns(part=pl.lit(SHIP))]).select(EVAL_ROWS.names())
    after = next_version(evalset, rows, {"verb": "confirm"}, fresh=(SHIP,), who=who, at=at)
    write_reserve(evalset.folder, reserve.head(0))
    return Refreshed(after, evalset.manifest["version"], old.height, reserve.height, 0, None, 0, {}, [])


def _must_be_spent(evalset: EvalSet) -> None:
    """Refuse to give a reserve away for rows that nobody has seen; where the ledger is lost, it is what the reserve is for."""
    try:
        seen = looks(evalset, SHIP)
    except DataError:
        return
    if not seen:
        raise UsageError(
            f"no candidate has looked at the part ship of {evalset.folder}, so there is nothing to confirm, and its reserve "
            f"would be gone; use ship first (`vetset eval MODEL --on {shell(evalset.folder)} --part ship`)."
        )
