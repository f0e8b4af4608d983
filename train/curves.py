"""``curves.csv`` of a training run: a line a look at the loss, and what they come to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from ..curate.errors import DataError, quote

FILE = "curves.csv"
COLUMNS = pl.Schema(
    {
        "step": pl.Int64, "epoch": pl.Float64, "loss": pl.Float64, "valid_loss": pl.Float64, "learning_rate": pl.Float64,
        "grad_norm": pl.Float64, "tokens": pl.Int64, "tokens_per_second": pl.Float64, "seconds": pl.Float64,
    }
)  # fmt: skip
"""Empty where a line does not tell it: a look at the valid loss has no gradient."""


class Curves(msgspec.Struct, frozen=True, kw_only=True):
    """What the curves come to; ``None`` where nobody measured it."""

    steps: int = 0
    first_loss: float | None = None
    last_loss: float | None = None
    best_loss: float | None = None
    first_valid_loss: float | None = None
    last_valid_loss: float | None = None
    best_valid_loss: float | None = None
    best_step: int | None = None
    """Of the best valid loss: the checkpoint that was kept."""
    stopped_early: bool = False


def read_curves(folder: str | Path) -> pl.DataFrame:
    """Return the curves of a training run, no rows where it left none.

    Raises:
        DataError: the file is damaged.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return pl.DataFrame(schema=COLUMNS)
    try:
        found = pl.read_csv(path, infer_schema=False, glob=False)
        # A count may be written as 12.0, and nan is a loss as good as any to look at.
        numbers = found.select(pl.col(name).cast(pl.Float64) for name in COLUMNS if name in found.columns)
        whole = numbers.with_columns(pl.lit(None, pl.Float64).alias(name) for name in COLUMNS if name not in numbers)
        return whole.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items()).filter(
            pl.col("step").is_not_null()
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path} can't be read ({quote(error, 100)}); take it away, and the rest is shown.") from error


def summary(curves: pl.DataFrame, *, stopped_early: bool = False) -> Curves:
    """Return what the curves come to.

    >>> summary(pl.DataFrame({"step": [1, 2, 2], "loss": [2.0, 1.0, None], "valid_loss": [None, None, 1.5]})).best_step
    2
    """
    losses = curves.select("step", pl.col("loss").fill_nan(None)).drop_nulls()["loss"]
    looks = curves.select("step", pl.col("valid_loss").fill_nan(None)).drop_nulls()
    values: dict[str, Any] = {
        "first_loss": _at(losses, 0), "last_loss": _at(losses, -1), "best_loss": losses.min(),
        "first_valid_loss": _at(looks["valid_loss"], 0), "last_valid_loss": _at(looks["valid_loss"], -1),
        "best_valid_loss": looks["valid_loss"].min(),
    }  # fmt: skip
    best = looks.sort("valid_loss", "step")["step"]
    last: Any = curves["step"].max()
    return Curves(steps=int(last or 0), best_step=_at(best, 0), stopped_early=stopped_early, **values)


def _at(values: pl.Series, place: int) -> Any:
    return values[place] if len(values) else None
