"""A paper's conclusion in, its title out, worded as the house does: as one question that is not answered.

    python examples/recipes/style.py prepare FOLDER [DATA]
    python examples/recipes/style.py train FOLDER MODEL
    python examples/recipes/style.py judge FOLDER MODEL

DATA holds ori_pqal.json of PubMedQA (MIT): 1,000 papers whose title is a question, and the conclusions of their abstracts.
"""

import json
import os

import steps
from steps import vetset

ASKED = "Give the title of the paper with this conclusion, as a question."
LONGEST = 303  # characters of a conclusion: a core of a CPU reads 80 tokens a second while it trains


def prepare(folder, data):
    """Rows with a system turn that says the task; the eval set is chosen before anything is trained."""
    folder.mkdir(parents=True, exist_ok=True)
    papers = json.loads((data / "ori_pqal.json").read_text(encoding="utf-8"))
    with (folder / "titles.jsonl").open("w", encoding="utf-8") as file:
        for number, paper in papers.items():
            if len(paper["LONG_ANSWER"]) <= LONGEST:
                turns = {"system": ASKED, "user": paper["LONG_ANSWER"], "assistant": paper["QUESTION"]}
                messages = [{"role": role, "content": content} for role, content in turns.items()]
                file.write(json.dumps({"messages": messages, "paper": number}) + "\n")
    os.chdir(folder)
    vetset("read", "titles.jsonl", "-o", "titles.vet", "--license", "MIT")
    vetset("check", "titles.vet", allowed=(0, 1))
    vetset("decide", "titles.vet", "--policy")
    vetset("evalset", "build", "titles.vet", "-o", "titles.evalset", "--rows", "125", "--dev-share", "0.2")
    vetset("evalset", "freeze", "titles.evalset")
    vetset("split", "titles.vet", "--ratios", "0.95,0.05", "--names", "train,valid")
    vetset("export", "titles.vet", "-o", "vetted")


def train(folder, model):
    """Plan, then train."""
    steps.train("style", folder, model)


def judge(folder, model):
    """One look: every cheaper way, the adapter, how near each title comes to the paper's own, and whether it is a question."""
    os.chdir(folder)
    vetset(
        "eval", model, "--on", "titles.evalset", "--part", "ship", "--ladder", "--adapter", "adapters/style", "--name", "style",
        "--examples", "titles.vet", "--scorer", "chrf", "--scorer", r"question=regex:^[^?]+[?]$", "--max-tokens", 80,
        "--train", "vetted/train.jsonl", "--forgetting",
    )  # fmt: skip
    steps.verdict("style")


if __name__ == "__main__":
    steps.main(prepare, train, judge, "pubmedqa")
