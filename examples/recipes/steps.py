"""What the recipes share: one command of vetset, with what it cost."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHARED = HERE.parent.parent.parent / "shared" / "data"


def vetset(*words, allowed=(0,)):
    """Run one command of vetset and print what it cost; ends where its exit code is none of those allowed."""
    words = [str(word) for word in words]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    print("$ vetset", *words, flush=True)
    done = subprocess.run([sys.executable, "-c", "from vetset.app.cli import main; main()", *words], check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"  [{cpu:.0f} CPU s, {time.perf_counter() - begun:.0f} s, exit {done.returncode}]\n", flush=True)
    if done.returncode not in allowed:
        sys.exit(done.returncode)


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
