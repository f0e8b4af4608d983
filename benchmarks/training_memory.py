"""How far the memory that ``vetset plan`` foretells is from what a training run takes: the peak of real runs on this CPU.

    python benchmarks/training_memory.py FOLDER [--runs 2x64 8x128 4x256 ...]

FOLDER is a small model with a chat template, such as SmolLM2-135M-Instruct. A run ``8x128`` has 8 rows of about 128 tokens in
memory at once; ``full-`` before it trains all weights, ``kept-`` has gradient checkpointing, ``dpo-`` is a preference run. Each
is two steps of ``vetset.train`` in a process of its own; its peak is VmHWM, so Linux is needed. Nothing is said of GPUs: there
the same formula stands with other constants, unmeasured.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = ["1x64", "8x128", "4x256", "2x512", "kept-4x128", "full-4x64", "dpo-4x64"]
WORDS = ["the", "card", "of", "my", "was", "not", "order", "to", "for", "you", "is", "on", "at", "by", "new"]


def recipe(folder: Path, model: str, run: str):
    """Write the rows of a run; return its recipe."""
    from vetset.train.recipe import read_recipe
    from vetset.train.rows.rendering import open_renderer

    kind, at_once, length = re.fullmatch(r"(?:(\w+)-)?(\d+)x(\d+)", run).groups()
    renderer, draw = open_renderer(model), random.Random(0)
    rows = []
    for _ in range(2 * int(at_once)):
        said = draw.choices(WORDS, k=int(length))
        while True:
            messages = [{"role": "user", "content": " ".join(said)}, {"role": "assistant", "content": "it is my card"}]
            if len(renderer.tokens(messages).ids) <= int(length):
                break
            said.pop()
        worse = {"rejected": "no"} if kind == "dpo" else {}
        rows.append(
            {"prompt": messages[0]["content"], "chosen": "it is my card", **worse} if worse else {"messages": messages}
        )
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    given = {"base": model, "data": str(folder / "rows.jsonl"), "out": str(folder / "out"), "steps": 2, "device": "cpu"}
    given |= {"batch": int(at_once), "at_once": int(at_once), "checkpointing": kind == "kept", "full": kind == "full"}
    return read_recipe(None, given | {"method": "dpo" if kind == "dpo" else "sft"})


def child(folder: Path, model: str, run: str) -> None:
    """Train, and print the peak beside what was foretold."""
    from vetset.train.planning.preflight import plan
    from vetset.train.training import train

    made = recipe(folder, model, run)
    told = plan(made).budget
    began = time.process_time()
    train(made, tell=lambda _: None)
    spent = time.process_time() - began
    peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))[1]) << 10
    print(json.dumps({"peak": peak, "told": told.bytes, "seconds": told.seconds, "spent": spent, "parts": told.memory}))


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model")
    options.add_argument("--runs", nargs="+", default=RUNS)
    options.add_argument("--child", type=Path)
    chosen = options.parse_args()
    if chosen.child:
        child(chosen.child, chosen.model, chosen.runs[0])
        return
    print("| run | peak MB | foretold MB | error |\n|-|-|-|-|", flush=True)
    errors = []
    for run in chosen.runs:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, chosen.model, "--runs", run, "--child", folder]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr[-2000:])
            told = json.loads(done.stdout.strip().splitlines()[-1])
        errors.append(told["told"] / told["peak"] - 1)
        print(f"| {run} | {told['peak'] / 1e6:,.0f} | {told['told'] / 1e6:,.0f} | {errors[-1]:+.0%} |", flush=True)
    print(f"\nlargest error {max(errors, key=abs):+.0%}, mean of their sizes {sum(map(abs, errors)) / len(errors):.0%}")


if __name__ == "__main__":
    main()
