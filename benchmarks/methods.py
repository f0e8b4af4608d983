"""Whether each method learns: loss, and reward or margin of pairs, over the first and the last tenth of a longer run.

    python benchmarks/methods.py [--base FOLDER] [--steps 200] [--only dpo,kto] [--data FILE.csv]

Rows are questions of ten intents of BANKING77 (``../shared/data/bank_intents``). sft and full learn the label; dpo, orpo and kto
the label against another; cpt the question as a text; distil copies another model; grpo is paid for the share of small letters in
its answer. Without ``--base`` the model is one of two layers with random weights and a vocabulary of bytes, which says
that the machinery learns, and nothing of what a real model would. CPU seconds of this process.
"""

import argparse
import csv
import json
import random
import tempfile
import time
from pathlib import Path

import polars as pl
from vetset.tests.small_models import tiny_model
from vetset.train.curves import FILE
from vetset.train.recipe import read_recipe
from vetset.train.training import train

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "bank_intents" / "train.csv"
TINY = {
    "sft": {"learning_rate": 1e-2}, "full": {"learning_rate": 1e-3}, "cpt": {"learning_rate": 1e-2},
    "dpo": {"learning_rate": 2e-3}, "orpo": {"learning_rate": 1e-2}, "kto": {"learning_rate": 2e-3},
    "grpo": {"learning_rate": 1e-2}, "distil": {"learning_rate": 1e-2},
}  # fmt: skip
"""Random weights want larger steps than the defaults, which --base takes."""
SAYS = {
    "loss": "loss", "rewards/margins": "margin of the pairs", "rewards/accuracies": "pairs told apart", "reward": "reward",
}  # fmt: skip


def small_letters(case):
    """Return the share of an answer's characters that are small letters."""
    return sum(one.islower() for one in case.output) / len(case.output)


def rows_of(path, folder):
    """Write the same rows thrice: answered, as pairs, as texts."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kept = sorted({row["category"] for row in rows})[:10]
    rows = [row for row in rows if row["category"] in kept]
    random.Random(0).shuffle(rows)
    asked = [({"role": "user", "content": row["text"].strip()}, row["category"]) for row in rows]
    other = [
        random.Random(place).choice([one for one in kept if one != right]) for place, (_, right) in enumerate(asked)
    ]
    told = [[{"role": "assistant", "content": label}] for label in other]
    written = {
        "answers": [{"messages": [one, {"role": "assistant", "content": right}]} for one, right in asked],
        "pairs": [
            {"prompt": [one], "chosen": [{"role": "assistant", "content": right}], "rejected": wrong}
            for (one, right), wrong in zip(asked, told, strict=True)
        ],
        "texts": [{"text": one["content"]} for one, _ in asked],
    }
    for name, lines in written.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")


def recipe_of(name, base, folder, given):
    """Return the recipe of one method."""
    rows = {"dpo": "pairs", "orpo": "pairs", "kto": "pairs", "cpt": "texts"}.get(name, "answers")
    said = {
        "base": str(base), "data": str(folder / f"{rows}.jsonl"), "out": str(folder / name), "saves": 1, "device": "cpu",
        "steps": given.steps, "method": "sft" if name == "full" else name, "full": name == "full", "epochs": 100,
    }  # fmt: skip
    written = {"trl": {"max_completion_length": 16}} if name in ("grpo", "distil") else {}
    more = {
        "grpo": {"rewards": [f"verify:{Path(__file__).resolve()}:small_letters"], "batch": 16},
        "distil": {"teacher": str(folder / "teacher")},
    }.get(name, {})
    return read_recipe(None, said | written | more | (TINY[name] if given.base is None else {}))


def measured(name, recipe):
    """Train, and print a line for each figure: means over the first and the last tenth of the steps."""
    begun = time.process_time()
    trained = train(recipe, resume=False, tell=lambda _: None)
    took = time.process_time() - begun
    curves = pl.read_csv(trained.folder / FILE)
    tenth = max(1, trained.steps // 10)
    for column, says in SAYS.items():
        if column in curves.columns and (name, column) != ("grpo", "loss"):  # what it is near 0 of says nothing
            values = curves[column].drop_nulls()
            first, last = values.head(tenth).mean(), values.tail(tenth).mean()
            print(f"| {name} | {says} | {first:.3f} | {last:.3f} | {recipe.rate:.0e} | {took:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--only", default=",".join(TINY))
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="vetset-bench-"))
    rows_of(given.data, folder)
    base = given.base or tiny_model(folder / "tiny")
    if "distil" in given.only:
        tiny_model(folder / "teacher", seed=5)
    print("| method | figure | first tenth | last tenth | learning rate | CPU s |\n|-|-|-|-|-|-|")
    for name in given.only.split(","):
        measured(name, recipe_of(name, base, folder, given))


if __name__ == "__main__":
    main()
