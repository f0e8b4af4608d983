"""An eval set as a task of Inspect: samples as JSON Lines, and a task file that is the same for every set.

Source: Inspect 0.3.285, ``Sample(id, input, target, metadata)``, ``ChatMessage``, ``@scorer``.
"""

from __future__ import annotations

import json
from typing import Any

from ...curate.messages import Said
from .out_rows import OutSet, lines

_PYTHON = '''"""Rows of an eval set for Inspect, written by vetset: inspect eval vetset_task.py --model NAME"""

import json
import re
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import CORRECT, INCORRECT, NOANSWER, Score, accuracy, scorer, stderr
from inspect_ai.solver import generate

HERE = Path(__file__).parent
FACTS = json.loads((HERE / "task.json").read_text(encoding="utf-8"))


def taken(text):
    """What of an answer is compared."""
    if FACTS["pattern"] is None:
        return text.strip()
    found = re.findall(FACTS["pattern"], text, re.IGNORECASE)
    if not found:
        return None
    return found[-1].replace(",", "") if FACTS["match"] == "number" else found[0].lower()


@scorer(metrics=[accuracy(), stderr()], name=FACTS["match"])
def rule():
    async def score(state, target):
        answer, right = taken(state.output.completion), target.text
        right = right.lower() if FACTS["match"] == "label" else right.strip()
        return Score(value=NOANSWER if answer is None else CORRECT if answer == right else INCORRECT, answer=answer)

    return score


@task
def evalset():
    with (HERE / "samples.jsonl").open(encoding="utf-8") as opened:
        samples = [Sample(**json.loads(line)) for line in opened]
    facts = {key: value for key, value in FACTS.items() if key != "pattern"}
    return Task(
        name=FACTS["task"],
        dataset=MemoryDataset(samples, name=FACTS["task"]),
        solver=[generate()],
        scorer=rule(),
        config=GenerateConfig(temperature=0.0, max_tokens=FACTS["max_tokens"]),
        metadata=facts,
    )
'''

_ROLES = {"developer": "system", "function": "tool"}


def files(out: OutSet, *, most: int) -> dict[str, str]:
    """Return the files of the task.

    Args:
        out: the rows.
        most: tokens that an answer may have.
    """
    samples = [
        {
            "id": row.id,
            "input": [_turn(said) for said in row.messages],
            "target": row.target,
            "metadata": {"id": row.id, "digest": row.digest, "evalset_digest": out.digest, "part": out.part},
        }
        for row in out.rows
    ]
    facts = {"task": out.task, **out.facts(), "pattern": out.rule.pattern, "max_tokens": most}
    return {
        "samples.jsonl": lines(samples),
        "task.json": json.dumps(facts, ensure_ascii=False, indent=1) + "\n",
        "vetset_task.py": _PYTHON,
    }


def _turn(said: Said) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": _ROLES.get(said.role, said.role), "content": said.content or ""}
    if said.tool_calls:
        turn["tool_calls"] = [_call(call) for call in json.loads(str(said.tool_calls))]
    if said.tool_call_id:
        turn["tool_call_id"] = said.tool_call_id
    return turn


def _call(call: dict[str, Any]) -> dict[str, Any]:
    """A call in Inspect's shape: the arguments as an object, where they are one."""
    asked = call.get("function") or {}
    arguments = asked.get("arguments") or {}
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = {"raw": arguments}
    return {
        "id": call.get("id") or "call",
        "function": asked.get("name") or "",
        "arguments": arguments,
        "type": "function",
    }
