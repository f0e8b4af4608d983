"""The gates of `vetset distill` on real sets: planted leaks and clean rows, near copies over many rounds, labels.

    python benchmarks/distill_gates.py leaks [SET ...]     planted eval rows, and rows that people wrote, against the eval rows
    python benchmarks/distill_gates.py copies              CPU seconds of the duplicates gate, 5,000 drafts in 8 rounds
    python benchmarks/distill_gates.py labels              right and wrong labels against the audit's model

Planted are, of 300 eval rows a set: the text itself; in other case; with one word exchanged for a word of another row; the first
or second half of its words alone; that half before or behind as many words of a real row. Real rows are held against the same
eval rows as if a teacher had written them; what the gate knows of the set is the rest of the real rows.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from vetset.curate.dataset import frame
from vetset.curate.distill.gates.copies import find_copies
from vetset.curate.distill.gates.eval_words import LEAST, LONGEST, but_one, words_of
from vetset.curate.distill.gates.evalset import find_close
from vetset.curate.distill.gates.gate import Batch
from vetset.curate.distill.gates.label_model import believe
from vetset.curate.distill.gates.wanted import Gates
from vetset.curate.distill.seeds import Seeds
from vetset.curate.distill.task import Task
from vetset.curate.leakage.closeness import too_close

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ODDS = (1, 3, 10, 20, 50, 100, 200, 1000)
KINDS = ("exact", "case", "word", "half", "half inside")


def texts_of(name: str, data: Path = DATA) -> tuple[list[str], list[str]]:
    """The different texts of the eval side and of the train side of a set, in the order of its files."""

    def lines(path: str, key: str) -> list[str]:
        return [json.loads(line)[key] for line in (data / path).read_text(encoding="utf-8").split("\n") if line]

    def cells(path: str, key: str) -> list[str]:
        with (data / path).open(encoding="utf-8", newline="") as file:
            return [row[key] for row in csv.DictReader(file)]

    if name.startswith("pubmedqa"):
        rows = json.loads((data / "pubmedqa/ori_pqal.json").read_text(encoding="utf-8")).values()
        long = name.endswith("abstracts")
        found = ["\n".join([row["QUESTION"], *row["CONTEXTS"]]) if long else row["QUESTION"] for row in rows]
        held, real = found[:300], found[300:]
    elif name == "math_contamination":
        held, real = (lines(f"{name}/gsm8k/{part}.jsonl", "question") for part in ("test", "train"))
    elif name == "github_docs_issues":
        held, real = (lines(f"{name}/assets/docs_issues_{part}.jsonl", "text") for part in ("eval", "training"))
    elif name == "arabic_sentiment":
        held, real = (cells(f"{name}/ArSarcasm_{part}.csv", "tweet") for part in ("test", "train"))
    else:
        held, real = (cells(f"{name}/{part}.csv", "text") for part in ("test", "train"))
    return [text for text in dict.fromkeys(held) if text.strip()], [
        text for text in dict.fromkeys(real) if text.strip()
    ]


SETS = (
    "bank_intents", "github_docs_issues", "pubmedqa questions", "arabic_sentiment", "math_contamination", "pubmedqa abstracts",
)  # fmt: skip


class Planted(NamedTuple):
    kind: str
    words: int
    """Of the eval text."""
    new: bool
    """Whether no real row has the half; of whole texts always."""
    text: str


def planted(held: list[str], real: list[str], draw: np.random.Generator) -> Iterator[Planted]:
    """Leaks of some eval texts."""
    known = "\n".join(f" {' '.join(words_of(text))} " for text in real)
    spare = [word for text in real[:2000] for word in text.split()]
    for text in held:
        words = text.split()
        yield Planted("exact", len(words), True, text)
        yield Planted("case", len(words), True, text.upper() if text.upper() != text else text.lower())
        changed = list(words)
        changed[draw.integers(len(words))] = spare[draw.integers(len(spare))]
        yield Planted("word", len(words), True, " ".join(changed))
        middle, first = len(words) // 2, draw.random() < 0.5
        half = words[: max(middle, 1)] if first else words[middle:]
        new = f" {' '.join(words_of(' '.join(half)))} " not in known
        yield Planted("half", len(words), new, " ".join(half))
        other = real[draw.integers(len(real))].split()[: max(1, len(words) - middle)]
        yield Planted("half inside", len(words), new, " ".join([*half, *other] if first else [*other, *half]))


class Leaks(NamedTuple):
    table: pl.DataFrame
    """``kind, words, new, caught``."""
    controls: pl.DataFrame
    """``caught, leak`` (the rules of `vetset check` say so), ``word`` (all words but one of an eval row)."""
    seconds: float


def leaks(held: list[str], real: list[str], *, plants: int = 300, controls: int = 1000, seed: int = 0) -> Leaks:
    """Plant leaks among real rows and hold all of them against the eval rows."""
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(real))
    some, rest = (
        [real[at] for at in order[: min(controls, len(real) // 2)]],
        [real[at] for at in order[min(controls, len(real) // 2) :]],
    )
    found = list(planted([held[at] for at in draw.permutation(len(held))[:plants]], rest, draw))
    batch = batch_of([one.text for one in found] + some, rest, held)
    start = time.process_time()
    close = set(find_close(batch, Gates().evalset)["id"])
    seconds = time.process_time() - start
    caught = [row_id in close for row_id in batch.made["id"]]
    mine = batch.made[len(found) :]
    by_rules = set(too_close(mine.drop("parents"), frame_of(held))["id"])
    short = {left for text in held if LEAST <= len(words_of(text)) <= LONGEST for left in but_one(words_of(text))}
    halves = [(words, max(7, -(-len(words) // 2))) for text in held if 7 <= len(words := words_of(text)) <= LONGEST]
    widths = sorted({width for _, width in halves})
    runs = {run for words, width in halves for run in shared(words, [width])}
    return Leaks(
        pl.DataFrame(found, schema=list(Planted._fields), orient="row").with_columns(
            caught=pl.Series(caught[: len(found)])
        ),
        pl.DataFrame(
            {
                "caught": caught[len(found) :],
                "leak": [row_id in by_rules for row_id in mine["id"]],
                "word": [bool(but_one(words_of(text)) & short) for text in some],
                "part": [bool(runs & shared(words_of(text), widths)) for text in some],
                "text": some,
            }
        ),
        seconds,
    )


def shared(words: tuple[str, ...], widths: list[int]) -> set[tuple[str, ...]]:
    return {words[at : at + width] for width in widths for at in range(len(words) - width + 1)}


def frame_of(texts: list[str]) -> pl.DataFrame:
    return frame([{"messages": text} for text in texts])


def batch_of(made: list[str], real: list[str], held: list[str] | None = None) -> Batch:
    rows = frame_of(made)
    rows = rows.with_columns(
        id=pl.format("d-{}", pl.int_range(pl.len())), parents=pl.lit([], pl.List(pl.String)), split=pl.lit("train")
    )
    known = frame_of(real)
    task = Task("a text", Seeds(known, {}, known).by_id)
    return Batch(made=rows, real=known, task=task, held=None if held is None else frame_of(held))


def bands(longest: pl.Series) -> list[tuple[str, pl.Expr]]:
    return [
        (f"{low}-{high}" if high < 9999 else f"{low}+", pl.col("words").is_between(low, high))
        for low, high in ((1, 4), (5, 8), (9, 12), (13, 20), (21, 9999))
        if longest.is_between(low, high).any()
    ]


def show_leaks(names: list[str]) -> None:
    print(
        "| set | words (median) | "
        + " | ".join(KINDS[:3])
        + " | half, new | half inside, new | halves that real rows have | clean rows | all real rows | CPU s |"
    )
    print("|" + "-|" * 11)
    parts = []
    for name in names:
        held, real = texts_of(name)
        found = leaks(held, real)
        table, own = found.table, found.controls
        shares = [f"{table.filter((pl.col('kind') == kind) & pl.col('new'))['caught'].mean():.3f}" for kind in KINDS]
        known = 1 - table.filter(pl.col("kind") == "half")["new"].mean()
        clean = own.filter(~pl.col("leak") & ~pl.col("word") & ~pl.col("part"))
        middle = int(np.median([len(text.split()) for text in held]))
        print(
            f"| {name} | {middle} | "
            + " | ".join(shares)
            + f" | {known:.0%} | {clean['caught'].mean():.4f} of {clean.height} | "
            f"{own['caught'].mean():.3f} (rules {own['leak'].mean():.3f}, a word {own['word'].mean():.3f}, "
            f"a part {own['part'].mean():.3f}) | {found.seconds:.1f} |",
            flush=True,
        )
        for band, inside in bands(table["words"]):
            one = table.filter(inside & pl.col("new"))
            cells = [one.filter(pl.col("kind") == kind) for kind in KINDS]
            parts.append(
                f"| {name} | {band} | "
                + " | ".join(f"{cell['caught'].mean():.3f} ({cell.height})" if cell.height else "" for cell in cells)
                + " |"
            )
    print("\n| set | words | " + " | ".join(KINDS) + " |\n|" + "-|" * 7 + "\n" + "\n".join(parts))


def show_copies() -> None:
    """5,000 drafts in 8 rounds beside the 10,003 rows of BANKING77's train side; a tenth of the drafts repeats something."""
    _, real = texts_of("bank_intents")
    draw = np.random.default_rng(0)
    words = [text.split() for text in texts_of("math_contamination")[1]]
    made = [" ".join(words[at][: draw.integers(8, 40)]) for at in draw.integers(0, len(words), 5000)]
    for at in draw.integers(0, 5000, 250).tolist():
        made[at] = real[draw.integers(len(real))].upper()
    kept: list[str] = []
    for number, part in enumerate(np.array_split(np.arange(5000), 8)):
        batch = batch_of([made[at] for at in part], real)
        before = batch_of(kept, real).made if kept else batch.made.head(0)
        batch = Batch(
            made=batch.made, real=batch.real, task=batch.task, kept=before.with_columns(id=pl.format("k{}", "id"))
        )
        start = time.process_time()
        found = find_copies(batch, Gates().duplicates)
        gone = set(found["id"])
        seconds = time.process_time() - start
        kept += [made[at] for at, row_id in zip(part, batch.made["id"], strict=True) if row_id not in gone]
        print(f"round {number + 1}: {len(part)} drafts, {found.height} copies, {len(kept):,} kept, {seconds:.2f} CPU s")


def show_labels(data: Path = DATA) -> None:
    """BANKING77's test rows, with their own label and with another one, against its train rows, all or 20 a label."""
    read = {part: pl.read_csv(data / f"bank_intents/{part}.csv") for part in ("train", "test")}
    draw = np.random.default_rng(0)
    steps = ", ".join(f"{odds}x" for odds in ODDS)
    print(f"| real rows | knows | right labels: other likelier {steps} | wrong | next best for its own | CPU s |")
    print("|-|-|-|-|-|-|")
    for count in (None, 60, 20):
        train = (
            read["train"]
            if count is None
            else read["train"].group_by("category", maintain_order=True).head(count).select("text", "category")
        )
        real = frame([{"messages": text, "label": label} for text, label in train.iter_rows()])
        test = read["test"].sample(1000, seed=0)
        made = frame([{"messages": text, "label": label} for text, label in test.iter_rows()])
        made = made.with_columns(id=pl.format("d-{}", pl.int_range(pl.len())), parents=pl.lit([], pl.List(pl.String)))
        task = Task("", Seeds(real, {}, real).by_id)
        start = time.process_time()
        found = believe(Batch(made=made, real=real, task=task))
        seconds = time.process_time() - start
        assert not isinstance(found, str), found
        code = np.array([found.names.index(label) for label in made["label"]])
        best = found.odds.max(axis=1)
        behind = best - found.odds[np.arange(len(code)), code]
        wrong = (code + draw.integers(1, len(found.names), len(code))) % len(found.names)
        far = best - found.odds[np.arange(len(code)), wrong]
        masked = found.odds.copy()
        masked[np.arange(len(code)), code] = -np.inf
        near = best - masked.max(axis=1)
        cells = [", ".join(f"{(one > np.log(odds)).mean():.3f}" for odds in ODDS) for one in (behind, far, near)]
        print(f"| {real.height:,} | {found.knows:.2f} | " + " | ".join(cells) + f" | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["leaks", "copies", "labels"])
    parser.add_argument("sets", nargs="*", default=list(SETS))
    asked = parser.parse_args()
    {"leaks": lambda: show_leaks(asked.sets), "copies": show_copies, "labels": show_labels}[asked.what]()
