"""The index: rows added and checked a second, bytes a row, what it finds of planted near copies, and datasketch beside it.

    python benchmarks/index.py [rows]

Rows are real conversations, replicated and perturbed (`chats.py`). CPU seconds on one thread; compiled loops are warm. Near
copies are planted by exchanging words until the Jaccard index (word 5-grams) is what is wanted, and the truth is the exact join.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from chats import write
from vetset.curate.dataset import frame
from vetset.curate.index.adding import add
from vetset.curate.index.checking import check
from vetset.curate.index.signatures import made, signatures
from vetset.curate.index.sketches import sketched
from vetset.curate.near.joining import closest, prepare
from vetset.curate.near.row_texts import row_pieces
from vetset.curate.near.shingles import Shingle, shingled

SKETCHED = 20_000  # rows that datasketch's own index is timed on: 1.1 ms each to build


def rows_of(count: int) -> pl.DataFrame:
    """Return chat rows; tool calls are left out, since no text of them is compared."""
    with write(count).open(encoding="utf-8") as lines:
        records = []
        for line in lines:
            said = [
                {"role": m["role"], "content": m.get("content")}
                for m in json.loads(line)["messages"]
                if m.get("content")
            ]
            records.append({"messages": said})
    return frame(records)


def planted(rows: pl.DataFrame, *, count: int, seed: int) -> pl.DataFrame:
    """Return copies of rows in which 0 to 4 words in 100 are exchanged: Jaccard from 0.6 to 1."""
    draw = random.Random(seed)
    copies = []
    for messages in rows["messages"].gather(draw.sample(range(len(rows)), count)):
        rate = draw.uniform(0, 0.04)
        said = [
            {**m, "content": " ".join(_exchanged(draw, word, rate) for word in m["content"].split(" "))}
            for m in messages
        ]
        copies.append({"messages": said})
    return frame(copies)


def _exchanged(draw: random.Random, word: str, rate: float) -> str:
    return f"x{draw.randrange(10**6)}" if draw.random() < rate else word


def truth(rows: pl.DataFrame, copies: pl.DataFrame) -> np.ndarray:
    """Return the Jaccard index of each copy and its closest row, by the exact join; 0 under 0.8."""
    pieces, bounds = row_pieces(pl.concat([rows, copies]), "text")
    sets = shingled(pieces, bounds)
    held = np.arange(len(bounds) - 1) >= len(rows)
    return closest(sets, prepare(sets, 0.8), held, ~held)[1][len(rows) :]


def timed(work):
    """Return what ``work()`` returns, wall seconds and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def peers(rows: pl.DataFrame) -> None:
    """Time datasketch's own index in memory over the same signatures, and what it takes to build and to load."""
    import pickle

    from datasketch import MinHash, MinHashLSH

    head = made("word5", 0.8, exact=True)
    some = sketched(rows[:SKETCHED], Shingle())
    signed = signatures(some.sets, some.numbers, head.parameters, threads=1)
    kernel = timed(lambda: signatures(some.sets, some.numbers, head.parameters, threads=1))[2]
    permutations = np.array(head.parameters)
    hashes = [np.frombuffer(some.hashes(number), "<u8") >> np.uint64(32) for number in range(2_000)]

    def by_datasketch():
        for own in hashes:
            one = MinHash(permutations=permutations, scheme="affine32", hashfunc=int)
            one.update_batch(own)

    theirs = timed(by_datasketch)[2] / len(hashes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def build():
        lsh = MinHashLSH(num_perm=128, params=(21, 6))
        with lsh.insertion_session() as session:
            for number, values in enumerate(signed):
                session.insert(number, MinHash(hashvalues=values, permutations=permutations, scheme="affine32"))
        return lsh

    lsh, _, built = timed(build)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    stored = pickle.dumps(lsh)
    loaded = timed(lambda: pickle.loads(stored))[2]
    m = len(signed)
    print(
        f"\nSignatures: {1e6 * kernel / m:.0f} us a set compiled, {1e6 * theirs:.0f} us by `MinHash.update_batch`. `MinHashLSH` "
        f"in memory over {m:,} sets: {1e6 * built / m:.0f} us a set to build, {1e6 * loaded / m:.0f} us to load from a "
        f"pickle of {len(stored) / m:,.0f} bytes a set, {grown * 1024 / m:,.0f} bytes of memory a set."
    )


def main(count: int) -> None:
    """Print the tables."""
    rows = rows_of(count)
    copies = planted(rows, count=5_000, seed=1)
    exact = truth(rows, copies)
    few = rows[:300]
    with tempfile.TemporaryDirectory() as folder:
        add(Path(folder) / "warm", few, name="warm", threads=1)
        check(Path(folder) / "warm", few, threads=1)
        print(
            "| index | add rows/s | CPU | add again rows/s | file B/row | check rows/s | CPU | one row s | recall | under 0.8 |"
        )
        print("|-|-|-|-|-|-|-|-|-|-|")
        for proof in (True, False):
            path = Path(folder) / f"exact-{proof}.index"
            _, wall, cpu = timed(lambda: add(path, rows, name="all", exact=proof, threads=1))  # noqa: B023
            again = timed(lambda: add(path, rows, name="all", threads=1))[2]  # noqa: B023
            found, c_wall, c_cpu = timed(lambda: check(path, copies, threads=1))  # noqa: B023
            one = timed(lambda: check(path, copies[:1], threads=1))[1]  # noqa: B023
            near_ids = set(found.hits.filter(pl.col("part") == "text")["id"])
            ids = copies["id"].to_list()
            true = exact >= 0.8
            hit = np.array([row in near_ids for row in ids])
            false = int((hit & ~true).sum())
            print(
                f"| {'shingles kept' if proof else 'signatures only'} | {count / wall:,.0f} | {count / cpu:,.0f} "
                f"| {count / again:,.0f} | {path.stat().st_size / count:,.0f} | {len(copies) / c_wall:,.0f} "
                f"| {len(copies) / c_cpu:,.0f} | {one:.2f} | {(hit & true).sum() / true.sum():.4f} | {false} |",
                flush=True,
            )
            if proof:
                edges = (0.8, 0.82, 0.85, 0.9, 0.95, 1.01)
                bands = [
                    f"{low}-{min(high, 1):g}: {hit[(exact >= low) & (exact < high)].mean():.4f} of "
                    f"{int(((exact >= low) & (exact < high)).sum())}"
                    for low, high in itertools.pairwise(edges)
                ]
        print(f"\nRecall by Jaccard index, shingles kept: {'; '.join(bands)}.")
    peers(rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"\nPeak {peak:.0f} MB, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
