"""Whole groups into five folds with every label in proportion: vetset beside scikit-learn, as a Markdown table.

    python benchmarks/splits.py 1000000 300

Rows, then the seconds after which scikit-learn's StratifiedGroupKFold is stopped. Both get the same arrays; each runs in
a process of its own, imports before the clock. Groups have a Poisson number of rows (a fifth as many groups as rows);
the 40 labels follow the group in half of the rows, so that whole groups are uneven by themselves.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np

_FOLDS = 5
_LABELS = 40


def arrays(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return group and label of each row."""
    random = np.random.default_rng(0)
    groups = np.unique(random.integers(0, rows // 5, rows), return_inverse=True)[1]
    favourite = random.integers(0, _LABELS, groups.max() + 1)
    return groups, np.where(random.random(rows) < 0.5, favourite[groups], random.integers(0, _LABELS, rows))


def vetset(groups: np.ndarray, labels: np.ndarray) -> Callable[[], np.ndarray]:
    """Return what gives the fold of each row, from group names to folds."""
    import polars as pl
    from vetset.curate.splits.balance import place
    from vetset.curate.splits.components import connect
    from vetset.curate.splits.position import positions

    names = pl.Series("group", groups).cast(pl.String)

    def folds() -> np.ndarray:
        units = connect(len(names), names)
        fall = positions(units, [names], seed=0)
        return place(units, labels, np.full(_FOLDS, len(names) / _FOLDS), positions=fall)[units]

    return folds


def scikit_learn(groups: np.ndarray, labels: np.ndarray) -> Callable[[], np.ndarray]:
    """Return what gives the fold of each row."""
    from sklearn.model_selection import StratifiedGroupKFold

    def folds() -> np.ndarray:
        found = np.empty(len(labels), dtype=np.int64)
        parts = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0).split(labels, labels, groups)
        for fold, (_, test) in enumerate(parts):
            found[test] = fold
        return found

    return folds


def figures(folds: np.ndarray, labels: np.ndarray) -> tuple[int, float]:
    """Return by how many rows the worst fold is off, and by how many points the worst label of a fold."""
    counts = np.zeros((_FOLDS, _LABELS))
    np.add.at(counts, (folds, labels), 1)
    sizes = counts.sum(axis=1)
    shares = counts / sizes[:, None] - counts.sum(axis=0) / len(labels)
    return int(np.abs(sizes - len(labels) / _FOLDS).max()), float(100 * np.abs(shares).max())


def _timed(tool: Callable[..., Callable[[], np.ndarray]], rows: int, answer: Connection) -> None:
    groups, labels = arrays(rows)
    run = tool(groups, labels)
    wall, spent = time.perf_counter(), time.process_time()
    folds = run()
    wall, spent = time.perf_counter() - wall, time.process_time() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    answer.send(
        (
            wall,
            spent,
            peak,
            *figures(folds, labels),
            bool((np.bincount(np.unique(groups * _FOLDS + folds) // _FOLDS) == 1).all()),
        )
    )


def measured(tool: Callable[..., Callable[[], np.ndarray]], rows: int, limit: float) -> str:
    """Return a line of the table."""
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_timed, args=(tool, rows, there))
    process.start()
    name = tool.__name__.replace("_", "-")
    if not here.poll(limit + 30):  # starting, importing and drawing the arrays is not counted
        process.kill()
        process.join()
        return f"| {name} | stopped after {limit:g} | | | | | |"
    wall, spent, peak, rows_off, points, whole = here.recv()
    process.join()
    return (
        f"| {name} | {wall:.1f} | {spent:.1f} | {peak:,} | {rows_off:,} | {points:.2f} | {'yes' if whole else 'NO'} |"
    )


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 300.0
    print(f"{count:,} rows, {_LABELS} labels, {_FOLDS} folds\n")
    print("| tool | wall s | CPU s | peak MB | worst fold off by rows | worst label off by points | groups whole |")
    print("|-|-|-|-|-|-|-|")
    for each in (vetset, scikit_learn):
        print(measured(each, count, seconds), flush=True)
