"""Meaning: rephrased questions found, false alarms, what an encoder costs, and what the inverted lists miss.

    python benchmarks/semantic.py [--encoder NAME_OR_FOLDER] [--cache FOLDER] [--vectors 100000] [--skip lists ...]

The questions are GSM8K's (train 7,473, test 1,319) and a rephrased copy of its test set, row for row. A rephrased row counts as
found when it is flagged against the test set, "at the right row" when the note names the row that it was made from. A
false alarm is a test row that is flagged against train and shares no run of 13 words with it: both sides were written apart, so
what is flagged is a question of the same kind at best. Each threshold that a known side proposes is marked with its name.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from pathlib import Path

import numpy as np
import polars as pl
from vetset.curate.dataset import frame
from vetset.curate.embed.encoder import TFIDF, Encoder, find_encoder
from vetset.curate.embed.encoding import Progress, encode, row_texts
from vetset.curate.leakage.meaning import find_meaning, meaning_thresholds
from vetset.curate.near.cells import PROBES, cells
from vetset.curate.near.cosine import exact_cosines, pairs, scored, stars, unit
from vetset.curate.near.score_curve import score_curve

DATA = (
    Path(os.environ.get("VETSET_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "math_contamination"
)


def questions(name: str) -> pl.DataFrame:
    """Rows of one file: question and answer, or plain text as the rephrased file has it."""
    records = [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]
    if "text" in records[0]:
        return frame([{"messages": [{"role": "assistant", "content": r["text"]}], "file": name} for r in records])
    turns = [
        [{"role": "user", "content": r["question"]}, {"role": "assistant", "content": r["answer"]}] for r in records
    ]
    return frame([{"messages": messages, "file": name} for messages in turns])


def shares_13(rows: pl.DataFrame, known: pl.DataFrame) -> set[str]:
    """Ids of rows that share 13 words in a row with a known one."""

    def runs(texts: pl.Series) -> list[set[tuple[str, ...]]]:
        words = [re.findall(r"\w+", text.lower()) for text in texts]
        return [set(zip(*(listed[at:] for at in range(13)), strict=False)) for listed in words]

    seen = set().union(*runs(row_texts(known, "input")))
    return {name for name, own in zip(rows["id"], runs(row_texts(rows, "input")), strict=True) if own & seen}


def contamination(name: str, encoder: Encoder, cache: Path | None) -> None:
    """Print one table of what is found and what is flagged wrongly."""
    train, test = questions("gsm8k/train.jsonl"), questions("gsm8k/test.jsonl")
    rephrased = questions("decontaminator/rephrase/rephrase_gsm8k.jsonl")
    options = {"encoder": encoder, "cache": cache}
    near = shares_13(test, train)
    started, cpu = time.perf_counter(), time.process_time()
    proposed = meaning_thresholds(test, against=train, **options)["the eval file"]
    own = meaning_thresholds(rephrased, against=test, **options)["the eval file"]
    print(
        f"\n{name}: train proposes {proposed.threshold} ({proposed.why}); test proposes {own.threshold} ({own.why})\n"
    )
    print("| threshold | rephrased found | at the right row | clean test rows flagged |\n|-|-|-|-|")
    lines = dict(zip(rephrased["id"], rephrased["line"], strict=True))
    for threshold in sorted({own.threshold, proposed.threshold, 0.75, 0.8, 0.81, 0.85, 0.9}):
        found = find_meaning(rephrased, against=test, threshold=threshold, **options)
        named = [int(re.search(r"line (\d+) in", note)[1]) for note in found["note"]]  # pyright: ignore[reportOptionalSubscript]
        right = sum(lines[row] == line for row, line in zip(found["id"], named, strict=True))
        alarms = set(find_meaning(test, against=train, threshold=threshold, **options)["id"]) - near
        kind = " (test)" * (threshold == own.threshold) + " (train)" * (threshold == proposed.threshold)
        print(
            f"| {threshold}{kind} | {found.height:,} ({found.height / len(rephrased):.1%}) | {right / len(rephrased):.1%} "
            f"| {len(alarms)} ({len(alarms) / len(test):.2%}) |"
        )
    print(f"\n{time.perf_counter() - started:.0f} s, {time.process_time() - cpu:.0f} CPU s with vectors as cached")


def rates(name: str, encoder: Encoder) -> None:
    """Print how many texts a second are encoded, short ones and long ones, without a cache."""
    texts = row_texts(questions("gsm8k/train.jsonl"), "input")
    short = texts.str.slice(0, 60).unique(maintain_order=True).head(1_000)
    long = pl.Series([" ".join(texts[at : at + 4]) for at in range(0, 400, 4)])
    encoder(["warm up"])
    print(f"\n| {name} | texts | bytes a text | texts/s | CPU s |\n|-|-|-|-|-|")
    for kind, some in {"short": short, "questions": texts.head(500), "long": long}.items():
        told: list[Progress] = []
        cpu = time.process_time()
        encode(some, encoder, progress=told.append)
        mean = some.str.len_bytes().mean()
        print(f"| {kind} | {len(some):,} | {mean:.0f} | {told[-1].rate:.1f} | {time.process_time() - cpu:.1f} |")


def lists(encoder: Encoder, cache: Path | None, count: int) -> None:
    """Print recall and time of the inverted lists beside all products, on vectors of real questions with noise added.

    Each vector is that of a random question plus noise of a random size: pairs fall at all cosines from 0.6 to 1.
    """
    real = encode(row_texts(questions("gsm8k/train.jsonl"), "input"), encoder, cache=cache).vectors
    draw = np.random.default_rng(0)
    noise = draw.normal(size=(count, real.shape[1])).astype(np.float32) * draw.uniform(0, 0.05, (count, 1)).astype(
        np.float32
    )
    vectors = unit(real[draw.integers(0, len(real), count)] + noise)
    print(f"\n{count:,} vectors of {real.shape[1]} axes\n")
    print(
        "| search | CPU s | wall s | pairs | recall 0.80-0.82 | 0.82-0.85 | 0.85-0.9 | over 0.9 | all |\n|-|-|-|-|-|-|-|-|-|"
    )
    truth = None
    for method in ("exact", "cells", "faiss"):
        started, cpu = time.perf_counter(), time.process_time()
        try:
            found = pairs(vectors, 0.8, method=method)  # pyright: ignore[reportArgumentType]
        except ImportError:
            continue
        used, took = time.process_time() - cpu, time.perf_counter() - started
        truth = found if truth is None else truth
        bands = [(0.8, 0.82), (0.82, 0.85), (0.85, 0.9), (0.9, 1.1), (0.8, 1.1)]
        shares = []
        for low, high in bands:
            within = pl.col("cosine").is_between(low, high, closed="left")
            there = truth.filter(within)
            shares.append(there.join(found, on=["a", "b"], how="semi").height / max(there.height, 1))
        print(
            f"| {method} | {used:.1f} | {took:.1f} | {found.height:,} | "
            + " | ".join(f"{s:.5f}" for s in shares)
            + " |",
            flush=True,
        )
    whole = truth.height if truth is not None else 0
    shares = []
    for probes in (1, 2, 4, 8, 16, PROBES):
        cpu = time.process_time()
        hit = sum(hits.rows.size for hits in scored(cells(vectors, probes=probes), 0.8))
        shares.append(f"{probes}: {hit / max(whole, 1):.5f} in {time.process_time() - cpu:.0f} CPU s")
    print(f"\nrecall by cells looked into: {', '.join(shares)}", flush=True)
    for method in ("exact", "cells"):
        started, cpu = time.perf_counter(), time.process_time()
        keeper, _ = stars(vectors, 0.85, method=method)  # pyright: ignore[reportArgumentType]
        gone = keeper != np.arange(count)
        low = exact_cosines(vectors, np.flatnonzero(gone), vectors, keeper[gone]).min()
        print(
            f"\nstars at 0.85, {method}: {gone.sum():,} removed, lowest cosine to a keeper {low:.4f}, "
            f"{time.process_time() - cpu:.1f} CPU s, {time.perf_counter() - started:.1f} s"
        )


def main() -> None:
    """Print every table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--encoder")
    options.add_argument("--cache", type=Path)
    options.add_argument("--vectors", type=int, default=100_000)
    options.add_argument("--skip", nargs="*", default=[], choices=["tfidf", "rates", "lists", "contamination"])
    given = options.parse_args()
    found = find_encoder(given.encoder)
    print(found.note or f"encoder: {found.name}")
    if "rates" not in given.skip:
        rates(found.name, found.encoder)
    if "contamination" not in given.skip:
        contamination(found.name, found.encoder, given.cache)
        curve = score_curve(
            encode(row_texts(questions("gsm8k/train.jsonl"), "input"), found.encoder, cache=given.cache).vectors
        )
        print(f"\nThe curve of the training questions; it proposes {curve.proposed.threshold}: {curve.proposed.why}\n")
        print("| threshold | pairs | removed | neighboured | by chance |\n|-|-|-|-|-|")
        for line in curve.frame.iter_rows(named=True):
            if round(line["threshold"] * 100) % 5 == 0:
                print(
                    f"| {line['threshold']:.2f} | {line['pairs']:,} | {line['removed']:,} | {line['neighboured']:,} "
                    f"| {line['chance']:.4f} |"
                )
    if "lists" not in given.skip:
        lists(found.encoder, given.cache, given.vectors)
    if "tfidf" not in given.skip and found.name != TFIDF:
        contamination("TF-IDF and SVD", find_encoder(TFIDF).encoder, None)


if __name__ == "__main__":
    main()
