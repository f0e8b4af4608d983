"""The rungs of the ladder on a real model: SmolLM2-135M-Instruct and ten intents of BANKING77.

    python benchmarks/eval_rungs.py prepare FOLDER     the eval set, training file and documents, from ../shared/data
    python benchmarks/eval_rungs.py run FOLDER MODEL   bare, few-shot (chosen in two ways), rag

The eval set is 200 rows of the official test file, ten an intent for each part, of which the dev part is asked; training rows are
50 an intent of the official train file. The documents are one page a label: its name and twenty training questions, as a support
team's handbook would hold them. The page that a row needs is that of its label, so retrieval has a recall.
"""

import argparse
import csv
import json
import time
from pathlib import Path

INTENTS = (
    "activate_my_card", "age_limit", "card_arrival", "cash_withdrawal_charge", "change_pin", "exchange_rate",
    "lost_or_stolen_card", "pending_transfer", "top_up_failed", "verify_my_identity",
)  # fmt: skip
DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "bank_intents"


def first_of_each(path, count):
    """The first rows of each intent, in the order of the file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["category"] in INTENTS]
    return [row for intent in INTENTS for row in [r for r in rows if r["category"] == intent][:count]]


def prepare(folder):
    import polars as pl
    from vetset.curate.dataset import frame
    from vetset.curate.leakage.closeness import too_close
    from vetset.evaluate.evalsets.evalset import EvalSet, save_evalset
    from vetset.evaluate.evalsets.freezing import freeze

    train = first_of_each(DATA / "train.csv", 50)
    held = frame([{"messages": row["text"], "label": row["category"]} for row in first_of_each(DATA / "test.csv", 24)])
    known = frame([{"messages": row["text"], "label": row["category"]} for row in train])
    near = too_close(held, known)["id"]  # of the eval rows, those that train holds nearly
    held = (
        held.filter(~pl.col("id").is_in(near.to_list()))
        .group_by("label", maintain_order=True)
        .head(20)
        .select(held.columns)
    )
    rows = held.with_columns(
        part=pl.when(pl.int_range(pl.len()).over("label") < 10).then(pl.lit("dev")).otherwise(pl.lit("ship")),
        weight=pl.lit(1.0), stratum=pl.col("label"), cluster=pl.col("id"),
        tags=pl.lit([], pl.List(pl.String)), digest=pl.lit(None, pl.String),
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "bank.evalset").exists():
        save_evalset(folder / "bank.evalset", {"name": "bank", "version": 1, "digest": None}, rows)
        freeze(EvalSet.open(folder / "bank.evalset"), by="benchmark")
    lines = [json.dumps({"text": row["text"], "label": row["category"]}) for row in train]
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "handbook").mkdir(exist_ok=True)
    for intent in INTENTS:
        said = [row["text"].strip() for row in train if row["category"] == intent][:20]
        page = f"# {intent}\n\nCustomers who need {intent} write:\n\n" + "\n\n".join(f"- {text}" for text in said)
        (folder / "handbook" / f"{intent}.md").write_text(page + "\n", encoding="utf-8")
    print(f"{rows.height} eval rows ({near.len()} left out, near copies of train rows), {len(train)} training rows")


def run(folder, model, rungs, limit):
    from vetset.app.cli import run as vetset

    on = [
        "--on",
        str(folder / "bank.evalset"),
        "-o",
        str(folder / "runs"),
        "--max-tokens",
        str(limit),
        "--device",
        "cpu",
    ]
    more = {
        "few-shot": ["--examples", str(folder / "train.jsonl")],
        "per-class": [
            "--examples",
            str(folder / "train.jsonl"),
            "--choose",
            "per-class",
            "--shots",
            "10",
            "--name",
            "per-class",
        ],
        "rag": ["--documents", str(folder / "handbook"), "--gold", "label", "--context", "1500"],
    }
    for rung in rungs:
        began = time.process_time()
        vetset(
            [
                "eval",
                model,
                *on,
                "--rung",
                "few-shot" if rung == "per-class" else rung,
                "--scorer",
                "class",
                *more.get(rung, []),
            ]
        )
        print(f"{rung}: {time.process_time() - began:.0f} CPU seconds\n", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["prepare", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--rungs", default="bare,per-class,few-shot,rag")
    parser.add_argument("--max-tokens", type=int, default=24)
    given = parser.parse_args()
    if given.verb == "prepare":
        prepare(given.folder)
    else:
        run(given.folder, given.model, given.rungs.split(","), given.max_tokens)
