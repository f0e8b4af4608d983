"""Read and check by every rule at 10k, 100k and 1M chat rows: seconds, CPU seconds and peak memory; and the help page.

    python benchmarks/bench_check.py [rows ...]

Each size runs `vetset read` and `vetset check` as a user would, in processes of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chats import write

EXACT = (
    "duplicates.exact,duplicates.normalised,labels.conflict,leakage.exact,leakage.answer,preference,quality,licences"
)
"""The rules that compare no near copies and no parts of texts."""

PER_RULE = """
import sys, time
from vetset.curate import Dataset
from vetset.curate.material import Material
from vetset.curate.rules import RULES
started = time.process_time()
material = Material(Dataset.open(sys.argv[1]).rows)
print("open", time.process_time() - started)
for step in ("turns", "keys"):
    started = time.process_time()
    getattr(material, step)
    print(step, time.process_time() - started)
for name, rule in RULES.items():
    if not rule.default:
        continue
    started = time.process_time()
    rule.find(material)
    print(name, time.process_time() - started)
"""


def run(*arguments: str) -> tuple[float, float, float, str]:
    """Wall seconds, CPU seconds, peak MB and stdout of one command."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(arguments, stdout=out, stderr=subprocess.DEVNULL)
        _, _, used = os.wait4(process.pid, 0)
        out.seek(0)
        text = out.read()
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3, text


def main(sizes: list[int]) -> None:
    """Print one line a size, and the CPU seconds of each rule at the largest."""
    print("| rows | MB | read s | CPU s | peak MB | rules | check s | CPU s | peak MB | both s |")
    print("|-|-|-|-|-|-|-|-|-|-|")
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes:
            file, out = write(rows), str(Path(folder) / f"{rows}.vet")
            read = run("vetset", "read", str(file), "-o", out)
            first = f"| {rows:,} | {file.stat().st_size / 1e6:.0f} | {read[0]:.1f} | {read[1]:.1f} | {read[2]:.0f} |"
            for words in (["--select", EXACT], []):
                check = run("vetset", "check", out, "--json", *words)
                said = json.loads(check[3])
                assert said["rows"] == rows
                print(
                    f"{first} {len(said['rules'])} | {check[0]:.1f} | {check[1]:.1f} | {check[2]:.0f} "
                    f"| {read[0] + check[0]:.1f} |",
                    flush=True,
                )
                first = "| | | | | |"
        print(f"\nCPU seconds at {sizes[-1]:,} rows:\n\n| step | CPU s |\n|-|-|")
        for line in run(sys.executable, "-c", PER_RULE, out)[3].splitlines():
            name, seconds = line.split()
            print(f"| {name} | {float(seconds):.1f} |")
    helps = sorted(run("vetset", "--help")[1] for _ in range(7))
    print(f"\n`vetset --help`: {helps[3]:.2f} CPU s (median of 7)")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
