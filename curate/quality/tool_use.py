"""Calls, results and tools that belong together: a call has a result, a result a call, and both a tool on offer.

Rows that call tools go through Python, since a call is JSON in a string; no other row does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
import polars as pl

from ..errors import quote
from .tool_schemas import Tools, misfit, parse_tools

BREAKS = 1.0  # teaches a wrong use of tools
BENDS = 0.5  # a chat template refuses it, or renders what was not meant

REASONS = pl.Schema({"row": pl.UInt32, "score": pl.Float64, "reason": pl.String})
"""Columns of what is wrong with rows: a line a fault."""


class Fault(NamedTuple):
    """One thing wrong with a row."""

    score: float
    reason: str


class Step(NamedTuple):
    """One turn of a row that calls tools."""

    row: int
    turn: int
    role: str
    calls: str | None
    call_id: str | None
    last: bool  # of its row


def tool_faults(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Return what is wrong with the rows that call tools, in row order, about 30 us a row.

    Returns:
        ``row, score, reason``, a line a fault.
    """
    uses = pl.col("tool_calls").is_not_null() | pl.col("role").is_in(["tool", "function"])
    callers = turns.filter(uses)["row"].unique(maintain_order=True)
    steps = turns.select(
        "row",
        "turn",
        pl.col("role").fill_null(""),
        "tool_calls",
        "tool_call_id",
        (pl.col("row") != pl.col("row").shift(-1)).fill_null(value=True).alias("last"),
    ).filter(pl.col("row").is_in(callers.implode()) & (uses | (pl.col("role") == "user")))
    tools = dict(zip(callers, rows["tools"].gather(callers), strict=True))
    reasons = [
        (row, *fault)
        for row, group in groupby(steps.iter_rows(), key=itemgetter(0))
        for fault in dict.fromkeys(_row_faults(map(Step._make, group), tools[row]))
    ]
    return pl.DataFrame(reasons, schema=REASONS, orient="row")


def _row_faults(steps: Iterable[Step], tools: str | None) -> Iterator[Fault]:
    """Yield the faults of one row, walking its turns with the calls that still wait for a result."""
    offered = None if tools is None else parse_tools(tools)
    if tools is not None and offered is None:
        yield Fault(BENDS, "the tools are not a JSON list of named tools")
    open_calls = OpenCalls([])
    for step in steps:
        if step.role in ("tool", "function"):
            yield from open_calls.answer(step)
        elif step.role == "user":
            yield from open_calls.unanswered()
            open_calls = OpenCalls([])
        elif step.calls is not None:
            calls = parse_calls(step.calls)
            if calls is None:
                yield Fault(BREAKS, f"turn {step.turn + 1} holds calls that are not a JSON list")
            if not step.last:  # a call that ends the row is the target
                open_calls.add(step.turn, [None] if calls is None else [call.id for call in calls])
            for call in calls or ():
                yield from _call_faults(call, step.turn, offered)
    yield from open_calls.unanswered()


@dataclass
class OpenCalls:
    """The calls since the user last spoke: those that wait for a result, and how many results may still come."""

    waiting: list[tuple[int, str | None]]  # turn and id
    due: int = 0

    def add(self, turn: int, ids: list[str | None]) -> None:
        """Note the calls of a turn."""
        self.waiting += [(turn, call_id) for call_id in ids]
        self.due += len(ids)

    def answer(self, step: Step) -> Iterator[Fault]:
        """Take what the result answers off the list; without ids, calls are answered in order."""
        if self.due == 0:
            yield Fault(BREAKS, f"turn {step.turn + 1} is a tool's result without a call before it")
            return
        self.due -= 1
        named = [one for one in self.waiting if one[1] == step.call_id and step.call_id is not None]
        nameless = [one for one in self.waiting if step.call_id is None or one[1] is None]
        if not named and not nameless and step.call_id is not None:
            yield Fault(BENDS, f"turn {step.turn + 1} answers the call {quote(step.call_id, 30)}, which nobody made")
        for answered in (named or nameless)[:1]:
            # Where neither says which, one result may answer every call of a turn (ShareGPT has one for them all).
            lump = step.call_id is None and answered[1] is None
            self.waiting = [one for one in self.waiting if (one != answered if lump else one is not answered)]

    def unanswered(self) -> Iterator[Fault]:
        """Yield a fault for each turn whose calls still wait."""
        for turn in dict.fromkeys(turn for turn, _ in self.waiting):
            yield Fault(BENDS, f"turn {turn + 1} calls a tool and gets no result")


class Call(NamedTuple):
    """One call as the row has it; ``arguments`` may be JSON in a string or anything else."""

    name: str
    arguments: Any
    id: str | None


def parse_calls(text: str) -> list[Call] | None:
    """Return the calls in OpenAI's shape, or of bare ``{"name", "arguments"}``; ``None`` if they are not a JSON list.

    >>> parse_calls('[{"type": "function", "function": {"name": "add", "arguments": "{}"}}]')
    [Call(name='add', arguments='{}', id=None)]
    """
    listed = _decoded(text)
    if not isinstance(listed, list):
        return None
    calls = []
    for entry in listed:
        inner = entry.get("function", entry) if isinstance(entry, dict) else entry
        # ShareGPT's one function_call turn may hold a list of calls.
        for said in inner if isinstance(inner, list) else [inner]:
            if not isinstance(said, dict):
                return None
            name, call_id = said.get("name"), entry.get("id") if isinstance(entry, dict) else None
            arguments = said.get("arguments", said.get("parameters"))
            calls.append(
                Call(name if isinstance(name, str) else "", arguments, call_id if isinstance(call_id, str) else None)
            )
    return calls


def _call_faults(call: Call, turn: int, offered: Tools | None) -> Iterator[Fault]:
    where = f"turn {turn + 1}"
    if not call.name:
        yield Fault(BREAKS, f"{where} holds a call that names no tool or is not JSON")
        return
    if offered is not None and call.name not in offered:
        yield Fault(BREAKS, f"{where} calls {quote(call.name, 30)}, which is not among the row's tools")
    arguments = call.arguments
    if isinstance(arguments, str):
        arguments = _decoded(arguments) if arguments.strip() else {}
        if arguments is _NOT_JSON:
            yield Fault(BREAKS, f"{where} gives {quote(call.name, 30)} arguments that are not JSON")
            return
    if arguments is not None and not isinstance(arguments, dict):
        yield Fault(BREAKS, f"{where} gives {quote(call.name, 30)} arguments that are not a JSON object")
        return
    schema = None if offered is None else offered.get(call.name)
    wrong = None if schema is None else misfit(arguments or {}, schema)
    if wrong is not None:
        yield Fault(BENDS, f"{where} gives {quote(call.name, 30)} arguments that do not fit its schema: {wrong}")


_NOT_JSON = object()


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return _NOT_JSON


def uncheckable_tools(rows: pl.DataFrame) -> dict[str, int]:
    """Count the tools on offer, over distinct texts of tools, and those whose arguments can't be checked.

    A tool can't be checked where its schema breaks the rules of JSON Schema, as ``{"type": "str"}`` does; a text that
    is no list of tools counts as one tool.
    """
    offers = [parse_tools(text) for text in rows["tools"].drop_nulls().unique()]
    unchecked = sum(1 if offer is None else list(offer.values()).count(None) for offer in offers)
    return {"tools": sum(1 if offer is None else len(offer) for offer in offers), "unchecked": unchecked}
