"""How full the cells of a grid are: accepted rows against those that are wanted, cell by cell and over two axes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ..errors import DataError, UsageError, quote
from .outcome import FATES

HEAT = pl.Schema({
    "down": pl.String, "across": pl.String, "wanted": pl.Int64, **dict.fromkeys(FATES, pl.Int64), "share": pl.Float64,
})  # fmt: skip
"""One line a pair of values: ``share`` is accepted / wanted, at most 1 and null where nothing is wanted."""

_NONE = ""  # value of an axis that a cell does not have, and of the missing axis of a plan with one


def filled(drafts: pl.DataFrame, wanted: Mapping[str, int] | None = None) -> pl.DataFrame:
    """Return one line a cell: its axes, the rows wanted, and how many drafts ended in each fate.

    Args:
        drafts: ``cell`` (JSON object of strings) and ``fate``, one line a draft; a fate that is null is not decided yet.
        wanted: accepted rows that each cell should have, by its JSON; cells that no draft has are told as well. Without it the
            column is null.

    Returns:
        A column an axis (its values; "" where a cell has no such axis), then ``wanted``, the four of ``FATES`` and ``missing``
        (wanted and not accepted), sorted by the axes.

    Raises:
        DataError: a cell is no JSON object of strings.
    """
    told = drafts.group_by("cell").agg((pl.col("fate") == fate).sum().cast(pl.Int64).alias(fate) for fate in FATES)
    cells = [_cell(text) for text in told["cell"]]
    counts = pl.DataFrame({"key": [_key(cell) for cell in cells]}, schema={"key": pl.String}).hstack(told.drop("cell"))
    goals = {_key(_cell(cell)): count for cell, count in (wanted or {}).items()}
    goal = pl.DataFrame(
        {"key": list(goals), "wanted": list(goals.values())}, schema={"key": pl.String, "wanted": pl.Int64}
    )
    counts = counts.group_by("key").agg(pl.col(fate).sum() for fate in FATES)  # keys in another order are one cell
    whole = counts.join(goal, on="key", how="full", coalesce=True)
    if wanted is not None:
        whole = whole.with_columns(pl.col("wanted").fill_null(0))
    return _by_axes(whole.with_columns(pl.col(fate).fill_null(0) for fate in FATES))


def filled_cells(told: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return the same of the ``cells`` of a run's report: ``cell``, ``wanted`` and a count for each of ``FATES``.

    Raises:
        DataError: an entry is none of that.
    """
    lines = []
    for one in told:
        cell = one.get("cell") if isinstance(one, Mapping) else None
        if not isinstance(cell, Mapping):
            raise DataError(f"{quote(one)} is no cell of a report; run `vetset distill` again, which writes it anew.")
        lines.append([_key(_cell(json.dumps(dict(cell)))), *(_count(one.get(name)) for name in ("wanted", *FATES))])
    schema = {"key": pl.String, "wanted": pl.Int64, **dict.fromkeys(FATES, pl.Int64)}
    return _by_axes(pl.DataFrame(lines, schema=schema, orient="row"))


def _by_axes(whole: pl.DataFrame) -> pl.DataFrame:
    """Return counts with a column an axis in place of ``key``."""
    missing = (pl.col("wanted") - pl.col("accepted")).clip(lower_bound=0).alias("missing")
    values = [json.loads(key) for key in whole["key"]]
    axes = axes_of(values)
    shown = pl.DataFrame(
        {axis: [cell.get(axis, _NONE) for cell in values] for axis in axes}, schema=dict.fromkeys(axes, pl.String)
    )
    numbers = whole.select("wanted", *FATES, missing)
    clash = sorted(set(axes) & set(numbers.columns))
    if clash:
        raise DataError(f"an axis of the grid is called {quote(clash[0])}, as a count is; give it another name.")
    return pl.concat([shown, numbers], how="horizontal").sort(axes) if axes else numbers


def heat(cells: pl.DataFrame, down: str | None = None, across: str | None = None) -> pl.DataFrame:
    """Return the cells over two axes, summed over all others.

    Args:
        cells: of ``filled``.
        down: axis of the lines; that with the most values for ``None``.
        across: axis of the columns; that with the most values but one.

    Returns:
        ``HEAT``.

    Raises:
        UsageError: the grid has no such axis.
    """
    axes = [column for column in cells.columns if column not in ("wanted", "missing", *FATES)]
    for axis in (down, across):
        if axis is not None and axis not in axes:
            known = ", ".join(quote(one) for one in axes) or "none"
            raise UsageError(f"the grid has no axis {quote(axis)}; it has {known}.")
    ranked = sorted(axes, key=lambda axis: (-cells[axis].n_unique(), axes.index(axis)))
    down = down or next((axis for axis in ranked if axis != across), None)
    across = across or next((axis for axis in ranked if axis != down), None)
    named = cells.select(
        (pl.lit(_NONE) if down is None else pl.col(down)).alias("down"),
        (pl.lit(_NONE) if across is None else pl.col(across)).alias("across"),
        "wanted", *FATES,
    )  # fmt: skip
    # Of a cell that has more than it should, the rest is no help to another.
    capped = pl.min_horizontal("accepted", "wanted")
    wanted = pl.when(pl.col("wanted").is_not_null().any()).then(pl.col("wanted").sum())
    summed = named.with_columns(capped.alias("counted")).group_by("down", "across").agg(
        wanted, *(pl.col(fate).sum() for fate in FATES), pl.col("counted").sum()
    )  # fmt: skip
    share = pl.when(pl.col("wanted") > 0).then(pl.col("counted") / pl.col("wanted")).alias("share")
    return summed.with_columns(share).select(HEAT.names()).cast(dict(HEAT)).sort("down", "across")  # pyright: ignore[reportArgumentType]


def axes_of(cells: list[dict[str, str]]) -> list[str]:
    """Return the axes that any cell has, by name."""
    return sorted({axis for cell in cells for axis in cell})


def _cell(text: str) -> dict[str, str]:
    try:
        cell = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(f'cell {quote(text)} is no JSON; write it as {{"label": "refund"}}.') from error
    if not isinstance(cell, dict) or not all(isinstance(value, str) for value in cell.values()):
        raise DataError(f'cell {quote(text)} is no JSON object of strings; write it as {{"label": "refund"}}.')
    return cell


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise DataError(
            f"{quote(value)} is no count of rows in a report; run `vetset distill` again, which writes it anew."
        )
    return value


def _key(cell: dict[str, str]) -> str:
    return json.dumps(cell, ensure_ascii=False, sort_keys=True)
