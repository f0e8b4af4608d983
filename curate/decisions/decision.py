"""What can be decided of a row, what makes a decision one, and what writing some of them came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from uuid import uuid4

import msgspec

from ..errors import UsageError, quote

Action = Literal["keep", "drop", "relabel", "edit", "skip"]
"""What can be decided of a row; the log also knows ``undo``."""

ACTIONS: tuple[str, ...] = get_args(Action)


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    """One message of an edit; the fields of ``dataset.MESSAGE``."""

    role: str
    content: str | None = None
    tool_calls: str | None = None
    tool_call_id: str | None = None
    extra: str | None = None


@dataclass(frozen=True)
class Decision:
    """What is to be done with one row. Give your own ``uid`` where the same click may arrive twice."""

    row_id: str
    action: Action
    value: str | None = None  # relabel: the new label; edit: the new messages as a JSON array
    reason: str | None = None
    rule: str | None = None
    uid: str = field(default_factory=lambda: uuid4().hex)

    @property
    def content(self) -> str:
        """The content hash that the id holds: a row that changes has another id."""
        return self.row_id.partition("-")[0]

    @property
    def what(self) -> tuple[str, str, str | None]:
        """What a uid stands for."""
        return self.row_id, self.action, self.value


@dataclass(frozen=True)
class Conflict:
    """A decision that was not written, since another reviewer was there first; ``seq`` to ``at`` say who and what."""

    row_id: str
    uid: str
    seq: int
    reviewer: str
    action: str
    value: str | None
    at: str


@dataclass(frozen=True)
class Outcome:
    """What a write did: lines written, lines that stood already, decisions that another reviewer came before."""

    seqs: tuple[int, ...] = ()
    repeated: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    batch: str | None = None
    withdrawn: int = 0  # decisions of the policy that it took back before
    notes: tuple[str, ...] = ()  # what was done as asked and may not be what was meant (``remarks``)

    def summary(self) -> dict[str, Any]:
        """Return the counts, the conflicts and the notes as plain data for ``--json``."""
        return {
            "written": len(self.seqs),
            "repeated": len(self.repeated),
            "conflicts": [conflict.__dict__ for conflict in self.conflicts],
            "batch": self.batch,
            "withdrawn": self.withdrawn,
            "notes": list(self.notes),
        }


def check(decision: Decision) -> None:
    """Raise ``UsageError`` where a decision can't be one."""
    fault = _fault(decision)
    if fault is not None:
        raise UsageError(f"decision on row {quote(decision.row_id)}: {fault}")


def _fault(decision: Decision) -> str | None:
    if decision.action not in ACTIONS:
        return f"action {quote(decision.action)} is none of {', '.join(ACTIONS)}."
    if not decision.row_id or not decision.uid:
        return "the row id and the uid must not be empty."
    texts = (decision.row_id, decision.uid, decision.value, decision.reason, decision.rule)
    try:
        "".join(filter(None, texts)).encode()
    except UnicodeEncodeError:
        return "it holds a lone surrogate, which is no character; give text that UTF-8 can hold."
    if decision.action not in ("relabel", "edit"):
        return None if decision.value is None else f"{decision.action} takes no value; use relabel or edit."
    if decision.value is None or not decision.value.strip():
        what = "the new label" if decision.action == "relabel" else "the new messages as a JSON array"
        return f"{decision.action} needs a value, {what}."
    return _fault_of_messages(decision.value) if decision.action == "edit" else None


def _fault_of_messages(value: str) -> str | None:
    try:
        messages = msgspec.json.decode(value, type=list[_Message])
        for message in messages:
            if message.tool_calls is not None:
                msgspec.json.decode(message.tool_calls, type=list[Any])
    except (msgspec.DecodeError, RecursionError) as error:
        return f"the messages can't be read ({quote(error, 120)}); give a JSON array of messages."
    if not messages or not all(message.role for message in messages):
        return "an edit needs at least one message, each with a role; use drop to remove the row."
    return None


def check_reviewer(reviewer: str) -> None:
    """Raise ``UsageError`` where a reviewer's name is none: empty, above 200 characters, or not printable."""
    if not reviewer.strip() or len(reviewer) > 200 or not reviewer.isprintable():
        raise UsageError(f"reviewer {quote(reviewer)} is no name; give one to 200 printable characters.")
