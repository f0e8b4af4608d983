"""Read in MB/s: vetset beside polars and datasets, on the same file in one run.

    python benchmarks/bench_read.py [rows]

Each reading is a process of its own (so that its peak memory is its own); the imports are made before the clock starts.
The readers take turns, and the medians of the turns are compared: machines are noisy, turns share the noise.
"""

from __future__ import annotations

import csv
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from chats import HERE, write

TURNS = 3
READERS = {
    "vetset": "from vetset.curate import read\ndef go(): read([FILE], OUT + '/x.vet')",
    "datasets": "import datasets; datasets.disable_progress_bars()\n"
    "def go(): datasets.load_dataset(KIND, data_files=FILE, cache_dir=OUT)",
    "polars": "import polars as pl\ndef go(): (pl.read_ndjson if KIND == 'json' else pl.read_csv)(FILE)",
}
MEASURE = """
import resource, sys, time
FILE, KIND, OUT = sys.argv[1:4]
{setup}
wall, cpu = time.perf_counter(), time.process_time()
go()
print(time.perf_counter() - wall, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
"""


def once(reader: str, file: Path, kind: str) -> tuple[float, float, float] | str:
    """Wall seconds, CPU seconds and peak MB of one reading, or the error that ended it."""
    with tempfile.TemporaryDirectory() as out:
        script = MEASURE.format(setup=READERS[reader])
        done = subprocess.run(
            [sys.executable, "-c", script, str(file), kind, out], capture_output=True, text=True, check=False
        )
    if done.returncode:
        return done.stderr.strip().splitlines()[-1][:90]
    wall, cpu, peak = map(float, done.stdout.split()[-3:])
    return wall, cpu, peak


def table(file: Path, kind: str) -> None:
    """Print one line a reader."""
    size = file.stat().st_size / 1e6
    turns: dict[str, list[tuple[float, float, float] | str]] = {reader: [] for reader in READERS}
    for _ in range(TURNS):
        for reader, seen in turns.items():
            seen.append(once(reader, file, kind))
    theirs = statistics.median(seen[0] for seen in turns["datasets"] if not isinstance(seen, str))
    print(f"\n{file.name}: {size:.0f} MB\n")
    print("| reader | MB/s | wall s | CPU s | peak MB | wall / datasets |\n|-|-|-|-|-|-|")
    for reader, seen in turns.items():
        if failed := [one for one in seen if isinstance(one, str)]:
            print(f"| {reader} | can't read it: {failed[0]} |")
            continue
        wall, cpu, peak = (statistics.median(column) for column in zip(*seen, strict=True))
        print(f"| {reader} | {size / wall:.0f} | {wall:.2f} | {cpu:.2f} | {peak:.0f} | {wall / theirs:.2f} |")


def without_tools(rows: int) -> Path:
    """The chats that call no tools."""
    path = HERE / f"plain-{rows}.jsonl"
    if not path.exists():
        with write(rows).open(encoding="utf-8") as lines, path.open("w", encoding="utf-8") as out:
            out.writelines(line for line in lines if '"tool' not in line)
    return path


def as_csv(rows: int) -> Path:
    """The single-turn texts of the chats as CSV."""
    path = HERE / f"texts-{rows}.csv"
    if not path.exists():
        with write(rows).open(encoding="utf-8") as lines, path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["text", "label", "user"])
            for line in lines:
                row = json.loads(line)
                writer.writerow([row["messages"][0]["content"], f"label {len(row['messages'])}", row["user"]])
    return path


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    table(without_tools(count), "json")
    table(write(count), "json")
    table(as_csv(count), "csv")
