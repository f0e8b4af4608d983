"""Whether a model calls the right tools with the right arguments, compared as JSON.

Calls are taken from where a server puts them (OpenAI's ``tool_calls``), else from the text, as chat templates write them:
``<tool_call>{...}</tool_call>``, or an answer that is ``{"name", "arguments"}`` or a list of such. Their order does not count.
Where the reference is no call, calling nothing is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ...curate.errors import DataError, UsageError, quote
from ...curate.json_in_text import NoJson, read_json
from ...curate.quality.tool_use import Call, parse_calls
from .answers import settle, spoken, wanted
from .case import Case, Scored
from .json_answers import canonical

_OPENS, _CLOSES = "<tool_call>", "</tool_call>"
NOTHING = "[]"
"""The prediction where no tool is called."""


def tool_call_scorer(option: str) -> partial[list[Scored]]:
    """Return the scorer; ``option`` is ``name`` where the names alone should be compared.

    Raises:
        UsageError: another option.
    """
    if option not in ("", "name"):
        raise UsageError(f"tool_calls:{quote(option, 30)[1:-1]} is unknown; write tool_calls, or tool_calls:name.")
    return partial(score_tool_calls, arguments=not option)


def score_tool_calls(cases: Sequence[Case], *, arguments: bool = True) -> list[Scored]:
    r"""Score 1 where the same tools are called with the same arguments.

    A call whose arguments are no JSON is unparsed.

    Args:
        cases: the answers.
        arguments: compare them too.

    Raises:
        DataError: a reference is missing, or its arguments are no JSON object, or one too deep to be compared.

    >>> score_tool_calls([Case('<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>',
    ...     '[{"name": "add", "arguments": "{\\"a\\": 1.0}"}]')])[0].score
    1.0
    """
    right = [_right(case, arguments=arguments) for case in cases]
    made = [made_calls(case) for case in cases]
    given = [None if calls is None else _form(calls, arguments=arguments) for calls in made]
    found = [
        Scored(float(forms == of), prediction=f"[{','.join(forms)}]") if forms else None
        for forms, of in zip(given, right, strict=True)
    ]

    def without(place: int) -> Scored:
        return Scored(None, "unparsed") if given[place] is None else Scored(float(not right[place]), prediction=NOTHING)

    return settle(cases, found, else_=without)


def made_calls(case: Case) -> list[Call] | None:
    """Return the calls that an answer makes; none where it makes none; ``None`` where what it makes is no call."""
    if case.tool_calls:
        return parse_calls(case.tool_calls)
    text = spoken(case.output)
    if _OPENS in text:
        return _listed(_tagged(text))
    stripped = text.strip()
    if stripped.startswith(("{", "[", "```")) and '"name"' in stripped:
        return _listed([stripped])
    return []


def _tagged(text: str) -> list[str]:
    """Return what stands between tags; to the end of the text where the last stays open."""
    blocks = []
    start = text.find(_OPENS)
    while start >= 0:
        end = text.find(_CLOSES, start)
        end = len(text) if end < 0 else end
        blocks.append(text[start + len(_OPENS) : end].strip())
        start = text.find(_OPENS, end)
    return blocks


def _listed(blocks: Sequence[str]) -> list[Call] | None:
    calls: list[Call] = []
    for block in blocks:
        try:
            value: Any = read_json(block)
        except NoJson:
            return None
        for one in value if isinstance(value, list) else [value]:
            name, arguments = _parts(one)
            if not isinstance(name, str):
                return None
            calls.append(Call(name, arguments, None))
    return calls


def _parts(value: Any) -> tuple[Any, Any]:
    of = value.get("function", value) if isinstance(value, dict) else {}
    return (of.get("name"), of.get("arguments", of.get("parameters", {}))) if isinstance(of, dict) else (None, None)


def _reference(text: str) -> list[Call]:
    """Return the calls of a reference; a text, as an assistant writes it, calls nothing."""
    if not text.lstrip().startswith(("[", "{")):
        return []
    return _listed([text]) or []


def _right(case: Case, *, arguments: bool) -> list[str]:
    forms = _form(_reference(wanted(case, "tool_calls")), arguments=arguments)
    if forms is None:
        raise DataError(
            f"row {quote(case.id)}: its reference calls a tool with arguments that are no JSON object, or one nested too deeply; "
            "mend them, or take the row out."
        )
    return forms


def _form(calls: Sequence[Call] | None, *, arguments: bool) -> list[str] | None:
    """Return calls in one form and order; ``None`` where arguments are no JSON object, or one too deep to be compared."""
    forms = []
    for call in calls or ():
        given = call.arguments
        if isinstance(given, str):
            try:
                given = read_json(given, strict=True) if given.strip() else {}
            except NoJson:
                return None
        given = {} if given is None else given
        if not isinstance(given, dict):
            return None
        try:
            forms.append(canonical({"name": call.name, **({"arguments": given} if arguments else {})}))
        except RecursionError:
            return None
    return sorted(forms)
