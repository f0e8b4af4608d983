"""Replies of one short sentence, trained by nothing but a function that says whether a reply keeps to it.

    python examples/recipes/verifier.py prepare FOLDER [DATA]
    python examples/recipes/verifier.py train FOLDER MODEL
    python examples/recipes/verifier.py judge FOLDER MODEL

DATA is the folder of PolyAI's banking data (CC-BY-4.0). Its labels are left out: a model that is trained by a reward needs
questions and no answers.
"""

import csv
import json
import os
import random

import steps
from steps import vetset

ASKED = "Reply in one sentence of at most 15 words."
KEEPS = "keeps=verify:one_sentence.py:keeps"
SHOWN = {
    "Where can I see my last statement?": "You find your last statement under Documents in the app.",
    "Is there a fee for paying in cash?": "Yes, paying in cash costs a small fee at most counters.",
    "How long does closing an account take?": "Closing an account takes about two working days.",
}
"""Written by hand, for the prompt with examples: the cheaper way that the adapter has to beat."""
ROWS, LONGEST = 800, 100  # characters: a core of a CPU reads 80 tokens a second while it trains


def prepare(folder, data):
    """Questions with a system turn that says the form, and no answers; the eval set is chosen first."""
    folder.mkdir(parents=True, exist_ok=True)
    with (data / "train.csv").open(encoding="utf-8", newline="") as file:
        questions = sorted({row["text"].strip() for row in csv.DictReader(file) if len(row["text"]) <= LONGEST})
    random.Random(0).shuffle(questions)
    _write(folder / "questions.jsonl", [{"user": question} for question in questions[:ROWS]])
    _write(folder / "shown.jsonl", [{"user": question, "assistant": reply} for question, reply in SHOWN.items()])
    os.chdir(folder)
    vetset("read", "questions.jsonl", "-o", "questions.vet", "--license", "CC-BY-4.0")
    vetset("check", "questions.vet", allowed=(0, 1))
    vetset("decide", "questions.vet", "--policy")
    vetset("evalset", "build", "questions.vet", "-o", "questions.evalset", "--rows", 200, "--dev-share", 0.4)
    vetset("evalset", "freeze", "questions.evalset")
    vetset("export", "questions.vet", "-o", "vetted")


def _write(path, rows):
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            turns = {"system": ASKED, **row}
            messages = [{"role": role, "content": said} for role, said in turns.items()]
            file.write(json.dumps({"messages": messages}) + "\n")


def train(folder, model):
    """Plan, then train."""
    steps.train("verifier", folder, model, "one_sentence.py")


def judge(folder, model):
    """One look at the ship part: the base by the same prompt and with examples, the adapter, what it forgot, and the verdict."""
    os.chdir(folder)
    vetset(
        "eval", model, "--on", "questions.evalset", "--part", "ship", "--ladder", "--adapter", "adapter", "--name", "verifier",
        "--scorer", KEEPS, "--max-tokens", 48, "--examples", "shown.jsonl", "--shots", 3, "--choose", "random", "--forgetting",
    )  # fmt: skip
    steps.verdict("verifier")


if __name__ == "__main__":
    steps.main(prepare, train, judge, "bank_intents")
