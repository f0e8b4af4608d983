"""Near-duplicates beside the peers: text to clusters, on texts with planted copies, held against the truth by brute force.

    python benchmarks/duplicates.py [--rows 50000] [--turns 3] [--only vetset,rensa] [--quick]

Every tool runs as a process of its own with one thread, the tools take turns, and a figure is the median of the turns. Peers
are installed from PyPI into environments of their own under ``benchmarks/data/peers``; one that can't be installed is named.
The truth takes about 3 minutes at 50,000 rows, once; beyond 100,000 there is none,
and only speed and memory are told.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import dup_corpus
import dup_truth
import numpy as np
import polars as pl
from dup_tools import TOOLS

HERE = Path(__file__).resolve().parent
PEERS = HERE / "data" / "peers"
PACKAGES = {
    "rensa": ["rensa"],
    "gaoya": ["gaoya"],
    "datasketch": ["datasketch"],
    "SetSimilaritySearch": ["SetSimilaritySearch"],
    "text-dedup": ["text-dedup"],
    "datatrove": ["datatrove", "regex", "xxhash<4", "nltk", "spacy", "tokenizers"],
}
TRUTH_UP_TO = 100_000
SLOW = {"SetSimilaritySearch", "text-dedup", "datatrove"}  # one turn is enough: they take minutes
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")


def interpreter(tool: str) -> str | None:
    """Return the Python of a tool's environment, made if it does not stand; ``None`` where it can't be."""
    if tool == "vetset":
        return sys.executable
    peer = tool.partition(" ")[0]
    python = PEERS / peer / "bin" / "python"
    done = PEERS / f"{peer}.installed"
    if done.exists():
        return str(python)
    venv.create(PEERS / peer, with_pip=True)
    try:
        subprocess.run(
            [python, "-m", "pip", "install", "-q", *PACKAGES[peer]], check=True, timeout=600, capture_output=True
        )
    except subprocess.SubprocessError as problem:
        print(f"{peer}: not installed ({type(problem).__name__})", flush=True)
        return None
    done.touch()
    return str(python)


def version(tool: str, python: str) -> str:
    """Return the version of the tool's package."""
    code = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
    return subprocess.run(
        [python, "-c", code, tool.partition(" ")[0]], capture_output=True, text=True, check=True
    ).stdout.strip()


def run(tool: str, python: str, corpus: Path, *, threads: int = 1, cache: str | None = None) -> dict | None:
    """Run one tool once; ``None``, said aloud, where it fails."""
    env = {**os.environ, **{f"{name}_NUM_THREADS": str(threads) for name in _THREADS}}
    env |= {"POLARS_MAX_THREADS": str(threads), "HF_HUB_OFFLINE": "1"} | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "said.json"
        ended = subprocess.run(
            [python, HERE / "dup_tools.py", tool, corpus, out], env=env, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            last = ended.stderr.strip().splitlines()[-1:] or [f"exit code {ended.returncode}"]
            print(f"{tool}: failed ({last[0][:150]})", flush=True)
            return None
        return json.loads(out.read_text())


def median(runs: list[dict], field: str) -> float:
    """Return the median of one figure over the turns."""
    return statistics.median(entry[field] for entry in runs)


def take_turns(tools: dict[str, str], corpus: Path, turns: int) -> dict[str, list[dict]]:
    """Run each tool once a turn, so that a load on the machine falls on all alike."""
    runs: dict[str, list[dict]] = {tool: [] for tool in tools}
    for turn in range(turns):
        for tool, python in tools.items():
            if (turn and tool in SLOW) or (turn and not runs[tool]):
                continue
            told = run(tool, python, corpus)
            runs[tool] += [told] if told else []
    return {tool: some for tool, some in runs.items() if some}


def held_against_truth(said: dict, truth: pl.DataFrame, near: dict[int, set[int]]) -> None:
    """Print in how many places vetset's pairs, components and stars differ from the truth."""
    rows = len(said["label"])
    found = pl.DataFrame(said["pairs"]).cast({"a": pl.Int64, "b": pl.Int64})
    both = truth.join(found, on=["a", "b"], suffix="_found")
    exact = both.filter((pl.col("jaccard") - pl.col("jaccard_found")).abs() < 1e-12)
    components = dup_truth.components(truth, rows)
    removed, keepers = np.array(said["removed"], bool), said["keepers"]
    unlike = sum(keepers[row] not in near.get(int(row), ()) or removed[keepers[row]] for row in np.flatnonzero(removed))
    alike = sum(any(not removed[other] for other in near.get(int(row), ())) for row in np.flatnonzero(~removed))
    print(
        f"\nvetset's pairs: {len(found):,} found, {len(truth):,} true; recall {len(both) / max(len(truth), 1):.4f}, "
        f"precision {len(both) / max(len(found), 1):.4f}, Jaccard index equal in {len(exact):,}. "
        f"Rows in another component than by the truth: {int((components != np.array(said['label'])).sum())}. "
        f"Removed rows that are not near to their keeper: {unlike}; kept rows near to a kept row: {alike}."
    )


def print_speed(runs: dict[str, list[dict]], scores: dict[str, dict], tools: dict[str, str]) -> None:
    """Print the table of speed, memory and, where there is a truth, recall and precision."""
    head = median(runs["rensa headline"], "cpu") if "rensa headline" in runs else None
    print(
        "\n| tool | docs per CPU s | CPU s | beside rensa's headline | MB above the text "
        "| recall | recall, plain | precision of removals | removed |\n|-|-|-|-|-|-|-|-|-|"
    )
    for tool, some in runs.items():
        used = median(some, "cpu")
        told = scores.get(tool)
        quality = f"{told['recall']:.3f} | {told['plain']:.3f} | {told['precision']:.3f}" if told else "| |"
        name = f"**{tool}**" if tool == "vetset" else tool
        print(
            f"| {name} {version(tool, tools[tool])} | {some[0]['rows'] / used:,.0f} | {used:.2f} "
            f"| {f'{head / used:.2f}' if head else ''} | {median(some, 'above'):.0f} | {quality} "
            f"| {sum(some[0]['removed']):,} |"
        )


def print_kinds(scores: dict[str, dict], described: dict[str, tuple[int, int]]) -> None:
    """Print which of the planted copies that are near by the definition each tool found, by kind of edit."""
    kinds = [kind for kind in dup_corpus.KINDS if described.get(kind, (0, 0))[1]]
    print("\n| planted | near | " + " | ".join(scores) + " |\n|" + "-|" * (len(scores) + 2))
    for kind in kinds:
        cells = " | ".join(f"{told.get(kind, 1):.2f}" for told in scores.values())
        print(f"| {kind} | {described[kind][1]:,} of {described[kind][0]:,} | {cells} |")


def print_vetset(runs: list[dict], corpus: Path, turns: int, *, cold_start: bool) -> None:
    """Print vetset's steps, its start with and without compiled code at hand, and what a second thread brings."""
    steps = runs[0]["steps"]
    total = median(runs, "cpu")
    shares = ", ".join(f"{name} {statistics.median(entry['steps'][name] for entry in runs):.2f}" for name in steps)
    print(f"\nvetset's {total:.2f} CPU s: {shares}.")
    first = None
    if cold_start:
        with tempfile.TemporaryDirectory() as cold:
            first = run("vetset", sys.executable, corpus, cache=cold)
    if first:
        print(
            f"Start (imports, compiled code, character tables), apart from the above: {first['start']:.1f} CPU s the first "
            f"time, {median(runs, 'start'):.2f} from then on."
        )
    walls: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(turns):
        for threads, some in walls.items():
            told = run("vetset", sys.executable, corpus, threads=threads)
            some.extend([told["wall"]] if told else [])
    if all(walls.values()):
        one, two = (statistics.median(some) for some in walls.values())
        print(f"Wall seconds with one thread {one:.2f}, with two {two:.2f}: {one / two:.2f} times as fast.")


def main() -> None:
    """Make the corpus, run the tools in turns, print the tables."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=50_000)
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--only", default="", help="tools whose names begin so, with commas between")
    options.add_argument("--quick", action="store_true", help="5,000 rows, one turn, no start without compiled code")
    asked = options.parse_args()
    if asked.quick:
        asked.rows, asked.turns = 5_000, 1
    chosen = [tool for tool in TOOLS if tool.startswith(tuple(asked.only.split(",")))]
    corpus = dup_corpus.corpus(asked.rows)
    texts = pl.read_ipc(corpus)["text"]
    print(f"{len(texts):,} texts, {texts.str.len_bytes().sum() / 1e6:.1f} MB", flush=True)
    if len(texts) > TRUTH_UP_TO:
        texts = texts.clear()  # the tools want the memory
    tools = {tool: python for tool in chosen if (python := interpreter(tool))}
    runs = take_turns(tools, corpus, asked.turns)
    scores: dict[str, dict] = {}
    if len(texts):
        truth, planted = dup_truth.pairs(corpus), dup_corpus.planted(corpus)
        near, plain = dup_truth.neighbours(truth), dup_truth.plain(truth, texts)
        scores = {tool: dup_truth.scores(truth, near, plain, planted, some[0]) for tool, some in runs.items()}
        print(
            f"{len(truth):,} pairs at 0.8 or over by the definition, {plain.sum():,} of them also by words as the peers cut them"
        )
    print_speed(runs, scores, tools)
    if scores:
        print_kinds(scores, dup_truth.described(truth, planted))
        if "vetset" in runs:
            held_against_truth(runs["vetset"][0], truth, near)
    if "vetset" in runs:
        print_vetset(runs["vetset"], corpus, asked.turns, cold_start=not asked.quick)


if __name__ == "__main__":
    main()
