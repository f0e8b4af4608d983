"""What the recipes share: training, the verdict, and how a step is named."""

import json
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from commands import vetset

HERE = Path(__file__).resolve().parent
SHARED = HERE.parent.parent.parent / "shared" / "data"


def train(name, folder, model, *beside):
    """Plan, then train by the recipe of that name, with what it needs beside it."""
    for file in (f"{name}.toml", *beside):
        shutil.copy(HERE / file, folder)
    os.chdir(folder)
    vetset("plan", f"{name}.toml", "--base", model)
    vetset("train", f"{name}.toml", "--base", model)


def verdict(name):
    """Hold the candidate of a ladder against the best cheaper way."""
    best = json.loads(Path(f"runs/{name}-ladder-ship.json").read_text(encoding="utf-8"))["best_cheaper"]
    vetset("compare", f"runs/{best}", f"runs/{name}-candidate-ship.run", allowed=(0, 1, 2))


def main(prepare, train, judge, data):
    """Run the step that the command line names."""
    verb, folder, *rest = sys.argv[1:]
    if verb == "prepare":
        prepare(Path(folder), Path(rest[0]).resolve() if rest else SHARED / data)
    else:
        {"train": train, "judge": judge}[verb](Path(folder), str(Path(rest[0]).resolve()))
