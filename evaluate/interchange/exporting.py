"""A frozen eval set in the files of another tool, each row with its id and digest, so that ``importing`` finds it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from ...curate import disk
from ...curate.errors import UsageError, quote
from ...curate.wording import counted, shell
from ..evalsets.evalset import EvalSet, Part
from ..runs.guessing import Guess, guess_scorer
from ..runs.prompts import Prompt, labels_of, prompt_for
from . import to_inspect, to_lm_eval, to_openai_evals, to_promptfoo
from .judging import Match, rule_for
from .out_rows import OutSet, out_set

Tool = Literal["lm-eval", "inspect", "openai-evals", "promptfoo"]

_WRITERS: dict[str, Callable[..., dict[str, str]]] = {
    "lm-eval": to_lm_eval.files,
    "inspect": to_inspect.files,
    "openai-evals": to_openai_evals.files,
    "promptfoo": to_promptfoo.files,
}
_RUN = {
    "lm-eval": "lm_eval run --include_path {folder} --tasks {task} --apply_chat_template --log_samples --output_path OUT "
    "--model MODEL --model_args ARGS",
    "inspect": "cd {folder} && inspect eval vetset_task.py --model MODEL",  # 0.3.285 takes no absolute path
    "openai-evals": "oaieval MODEL {name} --registry_path {folder} --record_path OUT.jsonl",
    "promptfoo": "promptfoo eval -c {folder}/promptfooconfig.yaml -r PROVIDER -o OUT.json",
}
TOKENS = 256
"""Tokens that an answer may have: what ``vetset eval`` allows."""


@dataclass(frozen=True)
class ExportResult:
    """What was written."""

    folder: Path
    to: Tool
    out: OutSet
    files: dict[str, str]
    """Path within the folder to SHA-256."""
    run: str
    """The command that runs it."""
    notes: list[str]

    def summary(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "folder": str(self.folder), "to": self.to, "task": self.out.task, **self.out.facts(), "files": self.files,
            "run": self.run, "notes": self.notes,
        }  # fmt: skip


def export(
    evalset: EvalSet,
    folder: str | Path,
    *,
    to: Tool,
    part: Part = "dev",
    prompt: Prompt | None = None,
    match: Match | None = None,
    most: int = TOKENS,
) -> ExportResult:
    """Write a frozen eval set as a task of another tool.

    Args:
        evalset: frozen.
        folder: made where it is missing; files of the same names are replaced.
        to: the tool.
        part: ``dev`` by default: ``ship`` is for one look, and nothing counts the looks at what left the ledger's sight.
        prompt: the words around the questions; those of ``vetset eval``'s bare rung for ``None``, so that both ask the same.
        match: how the tool is to judge answers; guessed from the rows for ``None``.
        most: tokens that an answer may have, where the tool lets a task say so.

    Raises:
        UsageError: not frozen, no such tool or part, or the folder can't be written.
        DataError: a row has no reference.
    """
    if to not in _WRITERS:
        raise UsageError(f"--to {quote(to, 20)} is no tool that is known; give {', '.join(_WRITERS)}.")
    folder = Path(folder)
    rule = rule_for(evalset.rows, match)
    guess = guess_scorer(evalset.rows) if match is None else None
    out = out_set(evalset, part=part, prompt=prompt or prompt_for("bare", labels=labels_of(evalset.rows)), rule=rule)
    texts = _WRITERS[to](out, most=most)
    facts = {"to": to, "task": out.task, **out.facts()}
    texts["vetset-export.json"] = json.dumps(facts, ensure_ascii=False, indent=1) + "\n"
    digests = {}
    for name, text in texts.items():
        data = text.encode("utf-8", "surrogatepass")
        _write(folder / name, data)
        digests[name] = sha256(data).hexdigest()
    run = _RUN[to].format(folder=shell(folder), task=shell(out.task), name=shell(out.name))
    return ExportResult(folder, to, out, digests, run, _notes(out, to, guess))


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        disk.write_whole(path, lambda beside: beside.write_bytes(data))
    except OSError as error:
        raise UsageError(
            f"{path} can't be written ({error.strerror}); give a folder that you may write to with -o."
        ) from error


def _notes(out: OutSet, to: Tool, guess: Guess | None) -> list[str]:
    notes = []
    if out.part == "ship":
        notes.append(
            "these are the rows of the ship part, which is for one look, and nothing counts the looks from here on; "
            "bring every result back with `vetset runs import --on`, which does."
        )
    if guess is not None and guess.spec not in ("class", "number", "exact"):
        notes.append(
            f"`vetset eval` would score these rows by `{guess.spec}` ({guess.reason}), which no other tool knows: there the rule "
            f"is `{out.rule.match}`; bring results back with `vetset runs import --on --scorer {guess.spec}`."
        )
    tools = sum(row.tools is not None for row in out.rows)
    if tools:
        notes.append(
            f"the tools that {counted(tools, 'row')} offer the model are not exported; answers may differ from `vetset eval`."
        )
    if to == "openai-evals" and out.rule.match == "label":
        notes.append("OpenAI's evals count an answer as right that holds the label anywhere, also beside others.")
    if to == "openai-evals" and out.rule.match != "label":
        notes.append("OpenAI's evals count an answer as right that begins with the reference.")
    return notes
