"""What judging labels costs where vectors are given: CPU seconds and memory, each size in a process of its own.

    python benchmarks/label_speed.py [--rows 50000 100000] [--labels 77] [--axes 384]

Clouds of as many labels, 5% wrong by lot. Counted is ``judge_labels`` on one thread, from vectors to chances; imports are not.
Memory is the peak of the process, the vectors (154 MB for 100,000 rows) and the libraries included.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
from vetset.curate.labels.judged import judge_labels
from vetset.curate.labels.labelled import from_arrays


def judge(rows: int, labels: int, axes: int) -> str:
    """Judge one set; return its line of the table."""
    draw = np.random.default_rng(0)
    centres = 0.5 * draw.standard_normal((labels, axes), dtype=np.float32)
    right = draw.integers(0, labels, rows)
    vectors = draw.standard_normal((rows, axes), dtype=np.float32)
    vectors += centres[right]
    wrong = draw.random(rows) < 0.05
    given = np.where(wrong, (right + draw.integers(1, labels, rows)) % labels, right)
    of = from_arrays(vectors, np.char.mod("%04d", given))
    del vectors
    words = np.zeros((rows, 1), np.float32)  # vectors alone are given: the two views on words have nothing to look at
    judge_labels(from_arrays(np.eye(30, 4), ["a", "b"] * 15), words=words[:30])  # imports
    started = time.process_time()
    judged = judge_labels(of, words=words)
    spent = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    return f"| {rows:,} | {labels} | {spent:.1f} | {peak:,.0f} | {judged.noise.rate:.1%} |"


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, nargs="+", default=[50_000, 100_000])
    options.add_argument("--labels", type=int, default=77)
    options.add_argument("--axes", type=int, default=384)
    chosen = options.parse_args()
    if len(chosen.rows) == 1:
        print(judge(chosen.rows[0], chosen.labels, chosen.axes), flush=True)
        return
    print("| rows | labels | CPU s | peak MB | wrong, as estimated (5% planted) |\n|-|-|-|-|-|", flush=True)
    for rows in chosen.rows:
        command = [
            sys.executable,
            __file__,
            "--rows",
            str(rows),
            "--labels",
            str(chosen.labels),
            "--axes",
            str(chosen.axes),
        ]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
