"""Adapters for tests: a tiny model with random weights, LoRA over it, and the lineage that training would have written."""

import json
from pathlib import Path

from vetset.tests.small_models import tiny_adapter, tiny_model
from vetset.train.adapters.lineage import write_lineage
from vetset.train.recipe import Recipe
from vetset.train.rows.examples import examples

CURVES = """step,epoch,loss,valid_loss,learning_rate,grad_norm,tokens,tokens_per_second,seconds
1,0.167,2.5,,0.001,1.5,100,50,2
2,0.333,,2.25,,,,,
3,0.5,1.5,,0.0005,nan,300,60,5
4,0.667,,1.75,,,,,
5,0.833,1.25,,0.0001,0.9,500,62,8
6,1.0,,2.0,,,,,
"""


def made_data(path, rows=12):
    """Write a file of so many questions with labels."""
    lines = [
        {"text": f"question {number}", "label": "ab"[number % 2], "license": "CC-BY-4.0"} for number in range(rows)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def made_base(folder, **options):
    """Save a tiny model with a card that names its licence."""
    tiny_model(folder, **options)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# tiny\n")
    return Path(folder)


def made_adapter(folder, base, data, *, seed=1, **recipe):
    """Save an adapter as training does: weights, curves, tokenizer, lineage and card."""
    tiny_adapter(folder, base, seed=seed)
    (folder / "curves.csv").write_text(CURVES)
    given = {"base": str(base), "data": str(data), "out": str(folder), "task": "intents", "seed": seed, **recipe}
    told = Recipe.model_validate(given)
    write_lineage(
        folder, told, examples(told), base=base, device="cpu", seconds=8.0, tokens=500, stopped_early=True,
        plan={"rows": 12, "tokens": {"longest": 40}},
    )  # fmt: skip
    return folder
