"""Ten intents of BANKING77, from the raw file to three verdicts: a fine-tune, one that forgets less, one on shuffled labels.

    python examples/bank_intents/run.py prepare FOLDER [DATA]    read, check, decide, evalset, split, export
    python examples/bank_intents/run.py train FOLDER MODEL NAME  NAME: task, rehearsed or shuffled
    python examples/bank_intents/run.py judge FOLDER MODEL NAME  the ladder, the adapter, the verdict

DATA is the folder of PolyAI's banking data (CC-BY-4.0; train.csv, test.csv), by default ../shared/data/bank_intents. MODEL is the
folder of SmolLM2-135M-Instruct, or of any other model. Every step is a command of vetset; what it costs is printed beside it.
"""

import csv
import json
import os
import random
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from commands import vetset

INTENTS = (
    "activate_my_card", "age_limit", "card_arrival", "cash_withdrawal_charge", "change_pin", "exchange_rate",
    "lost_or_stolen_card", "pending_transfer", "top_up_failed", "verify_my_identity",
)  # fmt: skip
HERE = Path(__file__).resolve().parent
SHARED = HERE.parent.parent.parent / "shared" / "data"
QUESTIONS, TEXTS = 520, 150  # general ones, for the recipe that rehearses


def prepare(folder, data):
    """Eval set first: 400 rows that stand for the whole, then what is left is split and exported."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [*_first(data / "train.csv", 62), *_first(data / "test.csv", 40)]
    with (folder / "tickets.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "category"), *((row["text"], row["category"]) for row in rows)])
    os.chdir(folder)
    vetset("read", "tickets.csv", "-o", "bank.vet", "--label", "category", "--license", "CC-BY-4.0")
    vetset("check", "bank.vet", allowed=(0, 1))
    vetset("decide", "bank.vet", "--policy")
    vetset("evalset", "build", "bank.vet", "-o", "bank.evalset", "--rows", "400", "--dev-share", "0.5")
    vetset("evalset", "freeze", "bank.evalset")
    vetset("split", "bank.vet", "--ratios", "0.95,0.05", "--names", "train,valid")
    vetset("export", "bank.vet", "-o", "vetted")


def _first(path, count):
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["category"] in INTENTS]
    return [row for intent in INTENTS for row in [one for one in rows if one["category"] == intent][:count]]


def train(folder, model, name):
    """Plan, then train; one recipe needs what the model itself says to general questions, one the labels of other rows."""
    os.chdir(folder)
    if name == "rehearsed" and not Path("general.jsonl").exists():
        rehearse(model)
    if name == "shuffled":
        shuffle()
    shutil.copy(HERE / f"{name}.toml", f"{name}.toml")
    vetset("plan", f"{name}.toml", "--base", model)
    vetset("train", f"{name}.toml", "--base", model)


def rehearse(model):
    """Write general rows: questions as the model itself answers them now, which hold it where it is, and plain texts."""
    from vetset.curate.messages import Said
    from vetset.evaluate import Parameters, Request, answer_all, open_model

    rows = json.loads((SHARED / "llm_formats" / "alpaca_en_demo.json").read_text(encoding="utf-8"))
    random.Random(1).shuffle(rows)
    asked = [f"{row['instruction']}\n{row['input']}".strip() for row in rows]
    asked = [question for question in asked if len(question) < 200][:QUESTIONS]
    requests = [
        Request((Said("user", question),), parameters=Parameters(max_tokens=64, temperature=0.7)) for question in asked
    ]
    answers = answer_all(open_model(model), requests, journal="general.journal")
    talks = [
        [{"role": "user", "content": question}, {"role": "assistant", "content": answer.text.strip()}]
        for question, answer in zip(asked, answers, strict=True)
        if answer.finish == "stop" and answer.text  # one that was cut off would teach it never to end
    ]
    long = [row["output"].strip()[:260] for row in rows if len(row["output"]) > 260][:TEXTS]
    texts = [[{"role": "user", "content": f"{text.rpartition('. ')[0] or text}."}] for text in long]
    with Path("general.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"messages": one}) + "\n" for one in [*talks, *texts])


def shuffle():
    """The control: the same rows with each other's labels. Nothing can be learnt from them, and nothing may ship."""
    rows = [json.loads(line) for line in Path("vetted/train.jsonl").read_text(encoding="utf-8").splitlines()]
    said = [row["messages"][-1]["content"] for row in rows]
    random.Random(0).shuffle(said)
    for row, label in zip(rows, said, strict=True):
        row["messages"][-1]["content"] = label
    Path("shuffled.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def judge(folder, model, name):
    """One look: every cheaper way, the adapter over the same loaded model, what it forgot, and the verdict."""
    os.chdir(folder)
    data = "shuffled.jsonl" if name == "shuffled" else "vetted/train.jsonl"
    vetset(
        "eval", model, "--on", "bank.evalset", "--part", "ship", "--ladder", "--name", name, "--adapter", f"adapters/{name}",
        "--examples", "bank.vet", "--choose", "per-class", "--shots", 10, "--train", data, "--forgetting", "--max-tokens", 64,
    )  # fmt: skip


if __name__ == "__main__":
    verb, folder, *rest = sys.argv[1:]
    if verb == "prepare":
        prepare(Path(folder), Path(rest[0]).resolve() if rest else SHARED / "bank_intents")
    else:
        {"train": train, "judge": judge}[verb](Path(folder), str(Path(rest[0]).resolve()), rest[1])
