"""Which tool to call, with which arguments, or none: a model whose chat template knows no tools learns to call them.

    python examples/recipes/tool_calls.py prepare FOLDER [DATA]
    python examples/recipes/tool_calls.py train FOLDER MODEL
    python examples/recipes/tool_calls.py judge FOLDER MODEL

DATA holds glaive_toolcall_en_demo.json of LLaMA-Factory (Apache-2.0; the upstream's licence is not verified).
"""

import json
import os
import shutil

import steps
from steps import HERE, vetset


def prepare(folder, data):
    """Each answer to a user who offers tools becomes a row: the turns before it, the tools, and the call or the words."""
    folder.mkdir(parents=True, exist_ok=True)
    talks = json.loads((data / "glaive_toolcall_en_demo.json").read_text(encoding="utf-8"))
    with (folder / "calls.jsonl").open("w", encoding="utf-8") as file:
        for number, talk in enumerate(talks):
            turns = talk["conversations"]
            for at in range(1, len(turns)):
                if len(talk["tools"]) > len("[]") and turns[at - 1]["from"] == "human":
                    row = {"conversations": turns[: at + 1], "tools": talk["tools"], "talk": str(number)}
                    file.write(json.dumps(row) + "\n")
    shutil.copy(HERE / "tool_calls.jinja", folder)
    os.chdir(folder)
    vetset("read", "calls.jsonl", "-o", "calls.vet", "--group", "talk", "--license", "Apache-2.0")
    vetset("check", "calls.vet", allowed=(0, 1))
    vetset("decide", "calls.vet", "--policy")
    few = (
        "--rows",
        60,
        "--dev-share",
        0.1,
        "--most-copies",
        1,
    )  # each row that is chosen costs two that are too close to it
    vetset("evalset", "build", "calls.vet", "-o", "calls.evalset", *few)
    vetset("evalset", "freeze", "calls.evalset")
    vetset("split", "calls.vet", "--ratios", "0.95,0.05", "--names", "train,valid")
    vetset("export", "calls.vet", "-o", "vetted")


def train(folder, model):
    """The plan with the model's own template, which is refused; with one that knows tools; then the training."""
    os.chdir(folder)
    shutil.copy(HERE / "tool_calls.toml", ".")
    vetset("plan", "--base", model, "--data", "vetted", allowed=(1,))
    vetset("plan", "tool_calls.toml", "--base", model)
    vetset("train", "tool_calls.toml", "--base", model)


def judge(folder, model):
    """One look. The rungs get the template, too: without it nothing could be asked of a base that knows no tools."""
    os.chdir(folder)
    vetset(
        "eval", model, "--on", "calls.evalset", "--part", "ship", "--ladder", "--adapter", "adapters/tool_calls",
        "--name", "tools", "--template", "tool_calls.jinja", "--examples", "calls.vet", "--shots", 4, "--scorer", "tool_calls",
        "--scorer", "name=tool_calls:name", "--max-tokens", 96, "--train", "vetted/train.jsonl", "--forgetting",
    )  # fmt: skip
    steps.verdict("tools")


if __name__ == "__main__":
    steps.main(prepare, train, judge, "llm_formats")
