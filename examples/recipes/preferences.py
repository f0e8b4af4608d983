"""Pairs of a right and a nearly right answer: the intent of a question, and the one that it is most easily taken for.

    python examples/recipes/preferences.py prepare FOLDER [DATA]
    python examples/recipes/preferences.py train FOLDER MODEL
    python examples/recipes/preferences.py judge FOLDER MODEL

DATA is the folder of PolyAI's banking data (CC-BY-4.0). The worse answer is the label of the nearest question of another intent,
by the words that the two share.
"""

import csv
import json
import os
import re

import steps
from steps import vetset

ASKED = "Name the intent."
INTENTS = (
    "card_payment_wrong_exchange_rate", "cash_withdrawal_charge", "change_pin", "exchange_rate", "lost_or_stolen_card",
    "pin_blocked", "top_up_failed", "unable_to_verify_identity", "verify_my_identity", "why_verify_identity",
)  # fmt: skip
EACH, LONGEST = 90, 100  # questions an intent, and their characters


def prepare(folder, data):
    """Pairs in the shape that most tools write; the eval set is chosen before anything is trained."""
    folder.mkdir(parents=True, exist_ok=True)
    with (data / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"].strip(), row["category"]) for row in csv.DictReader(file) if len(row["text"]) <= LONGEST]
    rows = [row for intent in INTENTS for row in [one for one in rows if one[1] == intent][:EACH]]
    with (folder / "pairs.jsonl").open("w", encoding="utf-8") as file:
        for text, intent in rows:
            prompt = [{"role": "system", "content": ASKED}, {"role": "user", "content": text}]
            sides = {"chosen": intent, "rejected": _taken_for(text, intent, rows)}
            told = {side: [{"role": "assistant", "content": label}] for side, label in sides.items()}
            file.write(json.dumps({"prompt": prompt, **told, "intent": intent}) + "\n")
    os.chdir(folder)
    vetset("read", "pairs.jsonl", "-o", "pairs.vet", "--label", "intent", "--license", "CC-BY-4.0")
    vetset("check", "pairs.vet", allowed=(0, 1))
    vetset("decide", "pairs.vet", "--policy")
    vetset("evalset", "build", "pairs.vet", "-o", "pairs.evalset", "--rows", 180, "--dev-share", 0.33)
    vetset("evalset", "freeze", "pairs.evalset")
    vetset("split", "pairs.vet", "--ratios", "0.95,0.05", "--names", "train,valid")
    vetset("export", "pairs.vet", "-o", "vetted")


def _taken_for(text, intent, rows):
    words = _words(text)
    return max((len(words & _words(one)) / len(words | _words(one)), label) for one, label in rows if label != intent)[
        1
    ]


def _words(text):
    return set(re.findall(r"\w+", text.casefold()))


def train(folder, model):
    """Plan, then train."""
    steps.train("preferences", folder, model)


def judge(folder, model):
    """One look at the ship part: every cheaper way, the adapter, what it forgot, and the verdict."""
    os.chdir(folder)
    vetset(
        "eval", model, "--on", "pairs.evalset", "--part", "ship", "--ladder", "--adapter", "adapter", "--name", "preferences",
        "--scorer", "class", "--examples", "pairs.vet", "--choose", "per-class", "--shots", 10, "--max-tokens", 24,
        "--forgetting",
    )  # fmt: skip
    steps.verdict("preferences")


if __name__ == "__main__":
    steps.main(prepare, train, judge, "bank_intents")
