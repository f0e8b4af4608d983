"""The rows of an eval set as every other tool is given them: what is asked, what is right, and who the row is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from ...curate.errors import DataError, UsageError
from ...curate.messages import Said
from ...curate.wording import shell
from ..evalsets.evalset import EvalSet, Part, reference
from ..runs.asking import ask
from ..runs.prompts import Prompt
from .judging import Rule, number_of


@dataclass(frozen=True, slots=True)
class OutRow:
    """One row."""

    id: str
    digest: str
    """SHA-256 of the row, as the eval set holds it."""
    messages: tuple[Said, ...]
    target: str
    tools: str | None = None


@dataclass(frozen=True)
class OutSet:
    """What is exported."""

    name: str
    """Of letters, digits and ``_``: tools make file names and Python names of it."""
    digest: str
    version: Any
    part: Part
    rule: Rule
    rows: list[OutRow]

    @property
    def task(self) -> str:
        """Name of the task that another tool will know."""
        return f"{self.name}_{self.part}"

    def facts(self) -> dict[str, Any]:
        """Return what every export carries, so that its results can be joined back."""
        return {
            "vetset": 1, "evalset": self.name, "evalset_digest": self.digest, "evalset_version": self.version,
            "part": self.part, "rows": len(self.rows), "match": self.rule.match,
        }  # fmt: skip


def out_set(evalset: EvalSet, *, part: Part, prompt: Prompt, rule: Rule) -> OutSet:
    """Return the rows of a part with the prompt's words around their questions.

    Raises:
        UsageError: the set is not frozen, or the part is empty.
        DataError: a row has nothing that an answer could be held against.
    """
    if evalset.digest is None:
        raise UsageError(
            f"{evalset.folder} is not frozen, so results made elsewhere could not be joined to it; run `vetset evalset freeze "
            f"{shell(evalset.folder)}` first."
        )
    rows = evalset.part(part)
    if rows.is_empty():
        raise UsageError(f"{evalset.folder} has no row in its part {part}; name another with --part.")
    conversations = ask(prompt, rows).conversations
    out = []
    for row, said in zip(
        rows.select("id", "digest", "messages", "label", "tools").iter_rows(named=True), conversations, strict=True
    ):
        right = reference(row)
        if right is None:
            raise DataError(
                f"row {row['id']} of {evalset.folder} has no reference, and other tools compare with one; give the row a label "
                "or a last assistant turn."
            )
        target = number_of(right, row["id"]) if rule.match == "number" else right
        out.append(OutRow(row["id"], row["digest"], said, target, row["tools"]))
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in evalset.name).strip("_") or "evalset"
    plain = f"evalset_{plain}" if plain[0].isdigit() else plain
    return OutSet(plain, evalset.digest, evalset.manifest.get("version"), part, rule, out)


def chat(messages: tuple[Said, ...]) -> list[dict[str, Any]]:
    """Return a conversation in OpenAI's shape.

    >>> chat((Said("user", "hi"),))
    [{'role': 'user', 'content': 'hi'}]
    """
    turns = []
    for said in messages:
        turn: dict[str, Any] = {"role": said.role, "content": said.content}
        if said.tool_calls:
            turn["tool_calls"] = msgspec.json.decode(said.tool_calls)
        if said.tool_call_id:
            turn["tool_call_id"] = said.tool_call_id
        turns.append(turn)
    return turns


def transcript(messages: tuple[Said, ...]) -> str:
    r"""Return a conversation as one text, for models without a chat template; turns are named where there is more than one.

    >>> transcript((Said("system", "Be brief."), Said("user", "hi")))
    'Be brief.\n\nhi'
    """
    system = [said.content or "" for said in messages if said.role in ("system", "developer")]
    turns = [said for said in messages if said.role not in ("system", "developer")]
    if len(turns) == 1:
        return "\n\n".join([*system, turns[0].content or ""])
    told = [f"{said.role.capitalize()}: {said.content or said.tool_calls or ''}" for said in turns]
    return "\n\n".join([*system, *told, "Assistant:"])


def lines(items: list[dict[str, Any]]) -> str:
    """Return items as JSON Lines."""
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
