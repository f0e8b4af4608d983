"""A request, and the calls of tools that serve it, with arguments that fit the tools' JSON schemas.

The tools are the row's, or those that the recipe gives. The axis ``calls`` says how many: ``one`` (without the axis), ``several``
or ``none``: a request near to the tools that none of them serves, so that the student learns when not to call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...calls import Answer, Request
from ...errors import UsageError, quote
from ...messages import Said
from ...quality.tool_schemas import Tools, misfit, parse_tools
from ..asking import SCHEMA, ask, ask_so, block, read, read_object, said_in
from ..draft import Draft, Fault, Made, Replies, Step
from ..seeds import Seed
from ..task import Task
from .kind import Kind
from .options import option
from .turns import SEED, last_asked, written
from .wording import axes_in_words, parts

_SYSTEM = "You write examples of an assistant that uses tools."
_NONE = {"request": "what the user says", "answer": "what the assistant answers, without a tool"}
_ONE = {
    "request": "what the user says",
    "tool": "name of the tool that is called",
    "arguments": "its arguments, a JSON object as text",
}
_AFTER = {"result": "what the tool gives back, JSON as text", "answer": "what the assistant then tells the user"}
_THEN = "made up but likely, and what the assistant then tells the user, from that alone."
_MOST = 8  # calls of a row; beyond it a teacher repeats itself

OPTIONS: Mapping[str, Any] = {
    "tools": [],  # OpenAI's shape, in place of those of the rows
    "result": False,  # True: the tool's result and the assistant's last words, too, as the teacher imagines them
}

Call = tuple[str, dict[str, Any]]


def _make(task: Task) -> Step:
    given, result = _given(task), option(task, OPTIONS, "result")

    def step(draft: Draft, replies: Replies) -> list[Request] | Made | Fault:
        seed = task.seeds(draft)[0]
        tools = given or seed.tools
        schemas = parse_tools(tools) if tools is not None else None
        count = draft.cell.get("calls", "one")
        if tools is None or not schemas:
            return Fault(SEED, "The row has no tools that can be read.")
        if not replies:
            return [_ask(task, draft, tools, count, last_asked(seed))]
        if count == "none":
            return _declined(task, draft, seed, tools, replies[0][0])
        called = _read(task, replies[0][0], schemas, several=count == "several")
        if isinstance(called, Fault):
            return called
        request, calls = called
        turns = (*_system(seed), Said("user", request), Said("assistant", tool_calls=_in_openai_shape(calls)))
        if result and len(replies) == 1:
            return [_ask_result(task, draft, tools, request, calls)]
        ended = _read_result(task, replies[1][0], len(calls)) if result else ()
        return ended if isinstance(ended, Fault) else Made((*turns, *ended), draft.label, tools=tools)

    return step


def _declined(task: Task, draft: Draft, seed: Seed, tools: str, answer: Answer) -> Made | Fault:
    found = read(task, answer, _NONE)
    if isinstance(found, Fault):
        return found
    turns = (*_system(seed), Said("user", found["request"]), Said("assistant", found["answer"]))
    return Made(turns, draft.label, tools=tools)


def _system(seed: Seed) -> tuple[Said, ...]:
    return tuple(turn for turn in seed.messages[:1] if turn.role == "system")


def _given(task: Task) -> str | None:
    listed = option(task, OPTIONS, "tools")
    text = json.dumps(listed, ensure_ascii=False, default=str) if listed else None
    schemas = parse_tools(text) if text is not None else {}
    if schemas is None or None in schemas.values():
        wrong = next((name for name, schema in (schemas or {}).items() if schema is None), "tools")
        raise UsageError(f"plan.options.tools: {quote(wrong)} is no tool with a JSON schema of its parameters.")
    return text


def _ask(task: Task, draft: Draft, tools: str, count: str, example: str | None) -> Request:
    wants = {
        "none": "a user's request that is near to what these tools do and that none of them can serve, and the assistant's "
        "answer, which calls no tool",
        "several": "a user's request that takes two or more calls of these tools at once, and the calls",
    }.get(count, "a user's request that takes one call of one of these tools, and that call")
    said = parts(
        task.instruction,
        block("tools", tools),
        f"A real request, for its style:\n{block('message', example)}" if example else "",
        axes_in_words(task, draft.cell, but=("label", "calls")),
        f"Write {wants}."
        + ("" if count == "none" else " Every argument has to follow from the request and to fit the tool's schema."),
    )
    if count == "none":
        return ask(task, draft, said, fields=_NONE, system=_SYSTEM)
    if task.form == "plain" and count != "several":
        return ask(task, draft, said, fields=_ONE, system=_SYSTEM)
    form = (
        'Reply with one JSON object and nothing else: {"request": <what the user says>, '
        '"calls": [{"name": <tool>, "arguments": <JSON object as text>}]}'
    )
    return ask_so(task, draft, f"{said}\n\n{form}", schema=_CALLS if task.form == "json" else None, system=_SYSTEM)


_CALLS = json.dumps(
    {
        "type": "object",
        "properties": {
            "request": {"type": "string"},
            "calls": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "arguments": {"type": "string"}},
                    "required": ["name", "arguments"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["request", "calls"],
        "additionalProperties": False,
    }
)
"""Arguments as text, as OpenAI has them: strict servers take no object whose keys the schema does not name."""


def _read(task: Task, answer: Answer, schemas: Tools, *, several: bool) -> tuple[str, list[Call]] | Fault:
    if task.form == "plain" and not several:
        found = read(task, answer, _ONE)
        if isinstance(found, Fault):
            return found
        request, listed = found["request"], [{"name": found["tool"], "arguments": found["arguments"]}]
    else:
        text = said_in(answer)
        value = text if isinstance(text, Fault) else read_object(text, ["request", "calls"])
        if isinstance(value, Fault):
            return value
        request, listed = value.get("request"), value.get("calls")
    if not isinstance(request, str) or not request.strip():
        return Fault(SCHEMA, "The reply has no request.")
    if not isinstance(listed, list) or not (2 if several else 1) <= len(listed) <= (_MOST if several else 1):
        return Fault(SCHEMA, f"The reply does not hold {'two or more calls' if several else 'one call'}.")
    calls = [_call(one, schemas) for one in listed]
    fault = next((one for one in calls if isinstance(one, Fault)), None)
    return fault or (request.strip(), [one for one in calls if not isinstance(one, Fault)])


def _call(said: object, schemas: Tools) -> Call | Fault:
    """Return a call whose tool is there and whose arguments fit, or why it is none."""
    name, arguments = (said.get("name"), said.get("arguments", {})) if isinstance(said, dict) else (None, None)
    if isinstance(name, str):
        name = name.strip(" `\"'")
    if not isinstance(name, str) or name not in schemas:
        return Fault(SCHEMA, f"The reply calls {quote(name)}, which is none of the tools.")
    if isinstance(arguments, str):
        arguments = read_object(arguments, []) if arguments.strip() else {}
    if not isinstance(arguments, dict):
        return Fault(SCHEMA, f"The arguments of {quote(name)} are no JSON object.")
    schema = schemas[name]
    if schema is None:
        return Fault(SCHEMA, f"The parameters of {quote(name)} are no JSON schema, so no call can be checked.")
    wrong = misfit(arguments, schema)
    if wrong is None and schema.get("properties") and "additionalProperties" not in schema:
        invented = sorted(arguments.keys() - schema["properties"].keys())
        wrong = f"{quote(invented[0])} is none of its parameters" if invented else None
    return (
        Fault(SCHEMA, f"The arguments of {quote(name)} don't fit its schema: {wrong}.") if wrong else (name, arguments)
    )


def _in_openai_shape(calls: Sequence[Call]) -> str:
    listed = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)},
        }
        for number, (name, arguments) in enumerate(calls, 1)
    ]
    return json.dumps(listed, ensure_ascii=False)


def _ask_result(task: Task, draft: Draft, tools: str, request: str, calls: Sequence[Call]) -> Request:
    told = json.dumps([{"name": name, "arguments": arguments} for name, arguments in calls], ensure_ascii=False)
    said = parts(
        task.instruction,
        block("tools", tools),
        block("conversation", written([Said("user", request)])),
        block("calls", told),
    )
    if len(calls) == 1:
        said += f"\n\nWrite what the tool gives back, {_THEN}"
        return ask(task, draft, said, fields=_AFTER, system=_SYSTEM)
    said += (
        f"\n\nWrite what each call gives back, {_THEN}\n\n"
        f'Reply with one JSON object and nothing else: {{"results": [{len(calls)} texts, each JSON as text], "answer": <text>}}'
    )
    return ask_so(task, draft, said, schema=_RESULTS if task.form == "json" else None, system=_SYSTEM)


_RESULTS = json.dumps(
    {
        "type": "object",
        "properties": {"results": {"type": "array", "items": {"type": "string"}}, "answer": {"type": "string"}},
        "required": ["results", "answer"],
        "additionalProperties": False,
    }
)


def _read_result(task: Task, answer: Answer, count: int) -> tuple[Said, ...] | Fault:
    if count == 1:
        found = read(task, answer, _AFTER)
        if isinstance(found, Fault):
            return found
        results, last = [found["result"]], found["answer"]
    else:
        text = said_in(answer)
        value = text if isinstance(text, Fault) else read_object(text, ["results", "answer"])
        if isinstance(value, Fault):
            return value
        given, last = value.get("results"), value.get("answer")
        results = (
            [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in given]
            if isinstance(given, list)
            else []
        )
    if len(results) != count or not isinstance(last, str) or not last.strip():
        return Fault(SCHEMA, f"The reply does not hold {count} results and an answer.")
    back = (Said("tool", text, tool_call_id=f"call_{number}") for number, text in enumerate(results, 1))
    return (*back, Said("assistant", last.strip()))


TOOL_CALLS = Kind(
    "a request, and the calls of tools that serve it",
    _make,
    draws="row",
    needs="tools",
    needs_with={"tools": "anything"},
    options=OPTIONS,
    calls=lambda task: 1 + option(task, OPTIONS, "result"),
)
