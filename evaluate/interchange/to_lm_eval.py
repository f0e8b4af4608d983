"""An eval set as a task of lm-eval: YAML, JSON Lines, and a few lines of Python that ask whole conversations.

The Python is there for two reasons: lm-eval looks for data files in the folder that it is started in, not beside the task, and
its own prompts know a system message and one user turn only.
Source: lm-evaluation-harness 0.4.13, ``lm_eval/api/task.py``, ``lm_eval/tasks/_yaml_loader.py``.
"""

from __future__ import annotations

import json
from typing import Any

from .out_rows import OutSet, chat, lines, transcript
from .yaml_text import Function, to_yaml

_PYTHON = '''"""Rows of an eval set for lm-eval, written by vetset: lm_eval run --include_path FOLDER --tasks NAME"""

import json
from pathlib import Path

from lm_eval.api.task import ConfigurableTask


def rows(file, **_):
    """The rows beside this file, wherever lm-eval is started."""
    import datasets

    with (Path(__file__).parent / file).open(encoding="utf-8") as opened:
        return {"test": datasets.Dataset.from_list([json.loads(line) for line in opened])}


class Conversation(ConfigurableTask):
    """Asks the messages as they are where there is a chat template, and as one text where there is none."""

    def __init__(self, *args, config=None, **options):
        super().__init__(*args, config={key: value for key, value in (config or {}).items() if key != "class"}, **options)

    def fewshot_context(self, doc, num_fewshot=0, system_instruction=None, apply_chat_template=False, chat_template=None, **_):
        if num_fewshot:
            raise ValueError("the prompt of this task is fixed; run it without --num_fewshot")
        if apply_chat_template and chat_template is not None:
            before = [{"role": "system", "content": system_instruction}] if system_instruction else []
            return chat_template(before + json.loads(doc["messages"]))
        return (system_instruction + "\\n\\n" if system_instruction else "") + doc["prompt"]
'''

UNPARSED = "[unparsed]"
"""What lm-eval writes where the pattern finds nothing."""


def files(out: OutSet, *, most: int) -> dict[str, str]:
    """Return the files of the task.

    Args:
        out: the rows.
        most: tokens that an answer may have.
    """
    docs = [
        {
            "id": row.id,
            "digest": row.digest,
            "part": out.part,
            "messages": json.dumps(chat(row.messages), ensure_ascii=False),
            "prompt": transcript(row.messages),
            "target": row.target,
        }
        for row in out.rows
    ]
    whole = {"name": "none", "filter": [{"function": "take_first"}]}
    filters: list[dict[str, Any]] = [whole]
    metric: dict[str, Any] = {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}
    # White space around the answer is no part of it; this is taken out of answer and target alike.
    metric["regexes_to_ignore"] = [r"^\s+|\s+$", ","] if out.rule.match == "number" else [r"^\s+|\s+$"]
    if out.rule.pattern is not None:
        metric["ignore_case"] = True
        take = {
            "function": "regex", "regex_pattern": f"(?i){out.rule.pattern}",
            "group_select": -1 if out.rule.match == "number" else 0, "fallback": UNPARSED,
        }  # fmt: skip
        filters = [{"name": out.rule.match, "filter": [take, {"function": "take_first"}]}, whole]
    task = {
        "task": out.task,
        "class": Function("vetset_task.Conversation"),
        "custom_dataset": Function("vetset_task.rows"),
        "dataset_kwargs": {"file": f"{out.task}.jsonl"},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "target",
        "generation_kwargs": {"until": [], "do_sample": False, "temperature": 0.0, "max_gen_toks": most},
        "filter_list": filters,
        "metric_list": [metric],
        "num_fewshot": 0,
        "metadata": {"version": 1, **out.facts()},
    }
    return {f"{out.task}.yaml": to_yaml(task), f"{out.task}.jsonl": lines(docs), "vetset_task.py": _PYTHON}
