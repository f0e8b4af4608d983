"""An eval set as an eval of OpenAI's ``evals``: a registry folder with the eval's YAML and its samples.

Its ``Match`` takes an answer that begins with the reference, its ``Includes`` one that holds it anywhere.
Source: evals 3.0.1, ``evals/elsuite/basic/match.py``, ``includes.py``, ``evals/registry.py``.
"""

from __future__ import annotations

from .out_rows import OutSet, chat, lines
from .yaml_text import to_yaml

_CLASSES = {"exact": "match:Match", "number": "match:Match", "label": "includes:Includes"}


def files(out: OutSet, *, most: int) -> dict[str, str]:
    """Return the files of the registry.

    Args:
        out: the rows.
        most: tokens that an answer may have; a completion function of ``evals`` has its own limit.
    """
    del most
    samples = [
        {
            "input": chat(row.messages),
            "ideal": row.target,
            "metadata": {"id": row.id, "digest": row.digest, "part": out.part},
        }
        for row in out.rows
    ]
    name = f"{out.name}.{out.part}.v1"  # the library wants BASE.SPLIT.VERSION
    arguments: dict[str, str | bool] = {"samples_jsonl": f"{out.task}/samples.jsonl"}
    if out.rule.match == "label":
        arguments["ignore_case"] = True
    registry = {
        out.name: {"id": name, "metrics": ["accuracy"], "description": f"digest {out.digest}", "metadata": out.facts()},
        name: {"class": f"evals.elsuite.basic.{_CLASSES[out.rule.match]}", "args": arguments},
    }
    return {f"evals/{out.task}.yaml": to_yaml(registry), f"data/{out.task}/samples.jsonl": lines(samples)}
