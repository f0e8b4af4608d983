"""The map of a set: its texts in two dimensions, those near each other that are alike.

Principal axes of the sketch, then a spreading by neighbours (``spreading``) of the texts that are drawn; others are put between
the drawn ones that they are most like. Distances across the map say nothing, and a group's size little: it shows which texts lie
together. Measured on 13,083 questions to a bank with 77 labels: of a text's 10 nearest on the map 0.572 have its label, of the 10
nearest in the sketch 0.621, by chance 0.013. Lost: t-SNE (scikit-learn's Barnes-Hut), 0.461 after 300 turns that took
ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from .. import disk
from ..errors import DataError
from .making import Making, Tell, alone, ask
from .sketch import Sketch, make_sketch, open_sketch, sketch_path
from .spreading import spread
from .view import View

LAYOUT = pl.Schema({"row": pl.UInt32, "x": pl.Float32, "y": pl.Float32, "drawn": pl.Boolean})
"""One line a row that has a place: its position, the place, and whether it is among those that a page draws."""

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_FORM = 1
_DRAWN = 20_000  # texts: what a browser draws at once, and what is laid out in half a minute
_PLACED = 250_000  # texts, beyond which only those that are drawn have a place: each is held against all drawn ones
_AXES = 100  # of 256: of 10 neighbours 0.626 share a label on a bank's questions, by all axes 0.621, by 50 0.576


def layout_path(view: View) -> Path:
    """Return where the map of a view stands, or will stand: beside its sketch."""
    return sketch_path(view) / f"layout-{_FORM}.arrow"


def is_laid_out(view: View) -> bool:
    """Say whether ``open_layout`` finds the map."""
    return layout_path(view).exists()


def ask_layout(view: View, *, again: bool = False) -> Making:
    """Say how far the map is, and have another process make it where nobody has; returns at once."""
    return ask(view, "layout", layout_path(view), again=again)


def open_layout(view: View) -> pl.DataFrame | None:
    """Return the map (``LAYOUT``, by row), or ``None`` where it is not made yet."""
    try:
        return pl.read_ipc(layout_path(view))
    except FileNotFoundError:
        return None
    except (pl.exceptions.ComputeError, OSError):  # cut off by a disk that failed: it is made again
        layout_path(view).unlink(missing_ok=True)
        return None


def make_layout(view: View, *, tell: Tell | None = None, seed: int = 0) -> Path:
    """Make the map of a view where there is none, in this process, and its sketch.

    Args:
        view: the frames.
        tell: told how far it is.
        seed: see ``layout``.
    """
    tell, path = tell or _silent, layout_path(view)
    with alone(view, "layout"):
        if path.exists():
            return path
        make_sketch(view, tell=lambda share, said: tell(0.4 * share, said))
        sketch = open_sketch(view)
        if sketch is None:
            raise DataError(
                f"{sketch_path(view)} can't be read, though it was made just now; see whether the disk is full."
            )
        found = layout(view, sketch, seed=seed, tell=lambda share, said: tell(0.4 + 0.6 * share, said))
        disk.write_whole(path, found.write_ipc)
    return path


def layout(
    view: View, sketch: Sketch, *, seed: int = 0, most: int = _DRAWN, placed: int = _PLACED, tell: Tell | None = None
) -> pl.DataFrame:
    """Return where each text of a set lies; the same numbers each time on one machine, whatever the order of the rows.

    Args:
        view: the frames.
        sketch: of this view.
        seed: of the chance pairs by which points spread.
        most: texts that are drawn at most, spread over labels and sources, small ones over their share.
        placed: texts up to which those that are not drawn have a place, too.
        tell: told how far it is.

    Returns:
        ``LAYOUT`` by row. Rows that say the same lie in one place, and one of them is drawn. A row without a text has none.
    """
    tell = tell or _silent
    tell(0.0, "The rows to draw are picked.")
    by_id = np.argsort(view.rows["id"].gather(sketch.row).arg_sort().to_numpy())
    lines = _picked(view, sketch, by_id, most)
    points = np.zeros((len(sketch.row), 2), np.float32)
    axes = _Axes.of(sketch, lines)
    points[lines] = _laid(axes.of_lines(lines), seed, tell)
    held = np.zeros(len(sketch.row), bool)
    held[lines] = True
    if held.size <= placed:
        _place(points, held, lines, axes, tell)
    return _table(sketch, points, held, lines)


def inside(frame: pl.DataFrame, polygon: Sequence[tuple[float, float]], *, rows: int) -> npt.NDArray[np.bool_]:
    """Return (rows) which rows lie within a polygon; by the even-odd rule where it crosses itself.

    Args:
        frame: ``LAYOUT``; rows without a place lie nowhere.
        polygon: its corners; fewer than three hold nothing.
        rows: of the view.
    """
    x, y = (frame[name].to_numpy().astype(np.float64) for name in ("x", "y"))
    odd = np.zeros(frame.height, bool)
    corners = np.array(polygon, np.float64).reshape(-1, 2)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 == y2:
            continue
        crosses = (y1 > y) != (y2 > y)
        odd ^= crosses & (x < x1 + (y - y1) * ((x2 - x1) / (y2 - y1)))
    found = np.zeros(rows, bool)
    found[frame["row"].to_numpy()] = odd
    return found


def _silent(share: float, said: str) -> None:
    del share, said


def _picked(view: View, sketch: Sketch, by_id: Ints, most: int) -> Ints:
    """Return the lines to draw, in the order of their ids: of each label and source a share, small ones over theirs.

    Strata are filled evenly from below (the square root of their size each, then all that is left in the order of ids): a
    label of 40 rows among a million would else not be seen at all.
    """
    if len(sketch.row) <= most:
        return np.argsort(by_id)
    strata = {name: view.rows[name].gather(sketch.row) for name in ("label", "source")}
    table = pl.DataFrame({**strata, "by_id": by_id}).with_row_index("line").sort("by_id")
    sized = table.with_columns(size=pl.len().over(*strata), place=pl.int_range(pl.len()).over(*strata))
    # The n-th of a stratum of s counts as n / sqrt(s): cut at one value, each stratum gives as many as the root of its size.
    turn = (pl.col("place") + 0.5) / pl.col("size").cast(pl.Float64).sqrt()
    return sized.sort(turn, "by_id").head(most).sort("by_id")["line"].to_numpy().astype(np.int64)


@dataclass(frozen=True)
class _Axes:
    """The principal axes of the drawn lines."""

    sketch: Sketch
    middle: Floats
    axes: Floats

    @classmethod
    def of(cls, sketch: Sketch, lines: Ints) -> _Axes:
        """Return at most ``_AXES`` axes, by the eigenvectors of the covariance: 256 by 256 numbers need no random ones."""
        values = _unit(sketch.matrix[lines])
        middle = values.mean(axis=0) if len(values) else np.zeros(values.shape[1], np.float32)
        apart = (values - middle).astype(np.float64)
        found, axes = np.linalg.eigh(apart.T @ apart)
        best = np.argsort(-found, kind="stable")[:_AXES]
        axes = axes[:, best] * np.where(axes[np.abs(axes[:, best]).argmax(axis=0), best] < 0, -1, 1)
        return cls(sketch, middle, axes.astype(np.float32))

    def of_lines(self, lines: Ints) -> Floats:
        """Return (l, axes) where lines lie."""
        return np.asarray((_unit(self.sketch.matrix[lines]) - self.middle) @ self.axes, np.float32)


def _unit(values: npt.NDArray[np.int8]) -> Floats:
    found = values.astype(np.float32)
    return _lengthened(found)


def _laid(values: Floats, seed: int, tell: Tell) -> Floats:
    """Return (n, 2) places of n points; equal ones lie together."""
    count = len(values)
    start = np.zeros((count, 2), np.float32)
    start[:, : min(2, values.shape[1])] = values[:, :2]
    width = float(start[:, 0].std()) if count else 0.0
    if count < 3 or width < 1e-6:
        return start
    from threadpoolctl import threadpool_limits

    def told(turn: int, turns: int) -> None:
        tell(0.1 + 0.7 * turn / turns, f"{count:,} rows are laid out: turn {turn} of {turns}.")

    tell(0.02, f"The neighbours of {count:,} rows are looked for.")
    with threadpool_limits(1):  # one thread adds up in one order: the same bytes
        return spread(_lengthened(values), start / width * 5, seed=seed, tell=told)


def _place(points: Floats, held: npt.NDArray[np.bool_], drawn: Ints, axes: _Axes, tell: Tell) -> None:
    """Write the places of lines that are not drawn, between the three drawn ones that they are most like."""
    known = _lengthened(axes.of_lines(drawn))
    others = np.flatnonzero(~held)
    for block in _blocks(others):
        tell(0.8 + 0.2 * float(np.searchsorted(others, block[0])) / others.size, "The other rows find their places.")
        near = _lengthened(axes.of_lines(block)) @ known.T
        weights, places = np.zeros((block.size, 3), np.float32), np.zeros((block.size, 3), np.int64)
        lines = np.arange(block.size)
        # Three looks for the largest take a tenth of the time of sorting out three.
        for turn in range(min(3, drawn.size)):
            best = near.argmax(axis=1)
            weights[:, turn], places[:, turn] = np.maximum(near[lines, best], 0) ** 4 + 1e-6, best
            near[lines, best] = -2
        weights /= weights.sum(axis=1, keepdims=True)
        points[block] = (points[drawn][places] * weights[:, :, None]).sum(axis=1)
    held[:] = True


def _lengthened(values: Floats) -> Floats:
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9).astype(np.float32)


def _blocks(lines: Ints) -> Iterator[Ints]:
    for low in range(0, lines.size, 1_024):
        yield lines[low : low + 1_024]


def _table(sketch: Sketch, points: Floats, held: npt.NDArray[np.bool_], drawn: Ints) -> pl.DataFrame:
    line = sketch.of_row.astype(np.int64)
    rows = np.flatnonzero((line >= 0) & held[np.maximum(line, 0)]) if held.size else np.zeros(0, np.int64)
    shown = np.zeros(line.size, bool)
    shown[sketch.row[drawn]] = True
    found = {"row": rows, "x": points[line[rows], 0], "y": points[line[rows], 1], "drawn": shown[rows]}
    return pl.DataFrame(found).cast(LAYOUT)  # pyright: ignore[reportArgumentType]
