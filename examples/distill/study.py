"""Do rows from a teacher help? 60 real questions a label against the same and what a teacher wrote, on real questions.

    python examples/distill/study.py prepare FOLDER [DATA]   the eval set first, then 60 real rows a label
    python examples/distill/study.py write FOLDER MODEL      the teacher behind a server on this machine, the gates, the hand-off
    python examples/distill/study.py train FOLDER MODEL      two adapters, with as many steps
    python examples/distill/study.py judge FOLDER MODEL      both on the same look at the eval set, and the verdict

DATA is the folder of PolyAI's banking data (CC-BY-4.0; train.csv, test.csv), by default ../shared/data/bank_intents. MODEL is the
folder of SmolLM2-135M-Instruct: it is the teacher and what is trained. Every step is a command of vetset; its cost is printed.
"""

import csv
import json
import os
import shutil
import subprocess
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
REAL = 60  # questions a label


def prepare(folder, data):
    """Choose the eval set from all questions; of what is left, 60 a label are the real rows."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row for name in ("train.csv", "test.csv") for row in _rows(data / name)]
    os.chdir(folder)
    _write("tickets.csv", [(row["text"], row["category"]) for row in rows])
    vetset("read", "tickets.csv", "-o", "bank.vet", "--label", "category", "--license", "CC-BY-4.0")
    vetset("check", "bank.vet", allowed=(0, 1))
    vetset("decide", "bank.vet", "--policy")
    vetset("evalset", "build", "bank.vet", "-o", "bank.evalset", "--rows", "400", "--dev-share", "0.5")
    vetset("evalset", "freeze", "bank.evalset")
    vetset("split", "bank.vet", "--ratios", "0.95,0.05", "--names", "train,valid")
    vetset("export", "bank.vet", "-o", "rest")
    left = [json.loads(line) for line in Path("rest/train.jsonl").read_text(encoding="utf-8").splitlines()]
    asked = [
        (row["messages"][0]["content"], row["messages"][-1]["content"])
        for row in left
        if len(row.get("messages", [])) > 1
    ]
    real = [one for intent in INTENTS for one in [pair for pair in asked if pair[1] == intent][:REAL]]
    _write("real.csv", real)
    vetset("read", "real.csv", "-o", "real.vet", "--label", "category", "--license", "CC-BY-4.0")
    vetset("check", "real.vet", "--against", "none", allowed=(0, 1))
    vetset("export", "real.vet", "-o", "real")


def write(folder, model):
    """Ask the teacher, then bring what passed the gates into the set and export all of it."""
    os.chdir(folder)
    shutil.copy(HERE / "study.toml", "study.toml")
    serve = [
        sys.executable,
        str(HERE / "serve.py"),
        model,
        "--port",
        "8123",
    ]  # an address is a part of what names a reply
    with subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        server.stdout.readline()
        vetset("distill", "study.toml", "--plan", "--probe", "24")
        vetset("distill", "study.toml", allowed=(0, 1))
        server.stdin.close()
    vetset("distill", "study.toml", "--bring-in", allowed=(0, 1))
    vetset("check", "real.vet", allowed=(0, 1))
    vetset("export", "real.vet", "-o", "both")


def train(folder, model):
    """Train on the real rows alone, and on both; as many steps, so that neither learns for longer."""
    os.chdir(folder)
    for name in ("real", "both"):
        shutil.copy(HERE / f"{name}.toml", f"{name}.toml")
        vetset("plan", f"{name}.toml", "--base", model)
        vetset("train", f"{name}.toml", "--base", model)


def judge(folder, model):
    """Ask both adapters the questions that were kept apart, and hold one against the other."""
    os.chdir(folder)
    for name in ("real", "both"):
        vetset(
            "eval", model, "--on", "bank.evalset", "--part", "ship", "--name", name, "--adapter", f"adapters/{name}",
            "--rung", "bare", "--train", f"{name}/data.jsonl", "--max-tokens", 24,
        )  # fmt: skip
    vetset("compare", "runs/real.run", "runs/both.run", allowed=(0, 1, 2))


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["category"] in INTENTS]


def _write(path, pairs):
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "category"), *pairs])


if __name__ == "__main__":
    verb, folder, *rest = sys.argv[1:]
    if verb == "prepare":
        prepare(Path(folder), Path(rest[0]).resolve() if rest else SHARED / "bank_intents")
    else:
        {"write": write, "train": train, "judge": judge}[verb](Path(folder), str(Path(rest[0]).resolve()))
