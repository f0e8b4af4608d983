"""What a run costs beside the model: CPU milliseconds a row, with the durable journal, and the peers in the same run.

    python benchmarks/harness.py [--rows 1000,10000] [--turns 3] [--peers PYTHON]

The rows are questions of BANKING77 (``../shared/data/bank_intents``), 77 labels; a canned model is wrong on every tenth. vetset
runs its whole verb from the command line's entry: open the eval set and check its digest, write the prompts, look every answer up
in the journal, ask, write each answer down before anybody is told of it, score by class, save the run and the look. Imports are
before the clock, for vetset and for the peers; of several turns the median counts. ``--peers`` is the Python of an environment of
their own: ``pip install lm-eval inspect-ai pydantic-evals``.
"""

import argparse
import contextlib
import csv
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "bank_intents"


def questions(count):
    """Return ``text, label`` of different questions, and their canned answers."""
    rows = {}
    for name in ("train.csv", "test.csv"):
        with (DATA / name).open(encoding="utf-8", newline="") as file:
            rows |= {row["text"].strip(): row["category"] for row in csv.DictReader(file)}
    labels = sorted(set(rows.values()))
    return [
        {"text": text, "label": label, "answer": labels[0] if at % 10 == 0 else label}
        for at, (text, label) in enumerate(list(rows.items())[:count])
    ]


def prepare(folder, rows):
    import polars as pl
    from vetset.curate.dataset import frame
    from vetset.evaluate.evalsets.evalset import EvalSet, save_evalset
    from vetset.evaluate.evalsets.freezing import freeze

    table = frame([{"messages": row["text"], "label": row["label"]} for row in rows]).with_columns(
        part=pl.lit("ship"), weight=pl.lit(1.0), stratum=pl.col("label"), cluster=pl.col("id"),
        tags=pl.lit([], pl.List(pl.String)), digest=pl.lit(None, pl.String),
    )  # fmt: skip
    save_evalset(folder / "e.evalset", {"name": "e", "version": 1, "digest": None}, table)
    freeze(EvalSet.open(folder / "e.evalset"), by="benchmark")
    (folder / "m.json").write_text(json.dumps({row["text"]: row["answer"] for row in rows}), encoding="utf-8")


def vetset(folder, out, *more):
    """Run the verb; return CPU and wall seconds and the score."""
    from vetset.app.cli import run

    said = io.StringIO()
    began, wall = time.process_time(), time.perf_counter()
    words = [
        "eval",
        f"canned:{folder / 'm.json'}",
        "--on",
        str(folder / "e.evalset"),
        "--part",
        "ship",
        "--scorer",
        "class",
    ]
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        code = run([*words, "-o", str(out), "--json", *more])
    spent = time.process_time() - began, time.perf_counter() - wall
    assert code == 0, said.getvalue()
    return (*spent, json.loads(said.getvalue())["scores"]["class"]["mean"])


def ours(count, turns):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder, questions(count))
        vetset(folder, folder / "warm")
        fresh = [vetset(folder, folder / f"runs{turn}") for turn in range(turns)]
        again = [vetset(folder, folder / "runs0") for _ in range(turns)]
    for name, taken in (("vetset", fresh), ("vetset, all known", again)):
        cpu, wall, score = (statistics.median(column) for column in zip(*taken, strict=True))
        line(name, count, cpu, wall, score)


def line(name, count, cpu, wall, score):
    print(f"| {name} | {count:,} | {1000 * cpu / count:.3f} | {1000 * wall / count:.3f} | {score:.3f} |", flush=True)


def peers(python, count, turns):
    script = Path(__file__).with_name("harness_peers.py")
    for name in ("pydantic-evals", "lm-eval", "inspect-ai"):
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / "rows.jsonl").write_text("\n".join(map(json.dumps, questions(count))), encoding="utf-8")
            done = subprocess.run(
                [python, str(script), name, place, str(turns)], capture_output=True, text=True, check=False
            )
        told = next((one for one in reversed(done.stdout.splitlines()) if one.startswith("{")), None)
        if told is None:
            print(f"| {name} | {count:,} | failed: {done.stderr.strip().splitlines()[-1:]} | | |", flush=True)
            continue
        found = json.loads(told)
        line(f"{name} {found['version']}", count, found["cpu"], found["wall"], found["score"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1000,10000")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--peers")
    given = parser.parse_args()
    print("| harness | rows | CPU ms a row | wall ms a row | score |\n|-|-|-|-|-|")
    for number in map(int, given.rows.split(",")):
        ours(number, given.turns)
        if given.peers:
            peers(given.peers, number, given.turns)
    sys.exit(0)
