"""quality.roles: the order of turns, and calls, results, tools and arguments that belong together."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from vetset.curate import findings, text
from vetset.curate.dataset import frame
from vetset.curate.quality.roles import find_roles
from vetset.curate.quality.tool_schemas import misfit, parse_tools
from vetset.curate.quality.tool_use import parse_calls, uncheckable_tools

USER = {"role": "user", "content": "go"}
SYSTEM = {"role": "system", "content": "be brief"}
REPLY = {"role": "assistant", "content": "done"}
TOOLS = json.dumps(
    [
        {
            "type": "function",
            "function": {
                "name": "rate",
                "parameters": {
                    "type": "object",
                    "properties": {"stars": {"type": "integer", "minimum": 1}, "city": {"enum": ["Rīga", "北京"]}},
                    "required": ["stars"],
                },
            },
        },
        {"name": "odd", "parameters": {"type": "str"}},
    ],
    ensure_ascii=False,
)


def call(name="rate", arguments='{"stars": 5}', call_id=None):
    made = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return made if call_id is None else {"id": call_id, **made}


def calls(*made):
    return {"role": "assistant", "content": None, "tool_calls": json.dumps(made)}


def result(call_id=None):
    return {"role": "tool", "content": "{}", "tool_call_id": call_id}


def found_in(*conversations, tools=None):
    rows = frame([{"messages": list(one), "tools": tools} for one in conversations])
    found = find_roles(rows, text.turns(rows))
    assert found.schema == findings.SCHEMA
    return rows, found


CLEAN = {
    "plain": [SYSTEM, USER, REPLY, USER, REPLY],
    "two rules": [SYSTEM, {"role": "developer", "content": "x"}, USER, REPLY],
    "classification": [USER],
    "call and result": [USER, calls(call()), result(), REPLY],
    "says, then calls": [USER, REPLY, calls(call()), result(), REPLY],
    "a call as target": [USER, calls(call())],
    "two calls, results out of order": [
        USER,
        calls(call(call_id="1"), call(call_id="2")),
        result("2"),
        result("1"),
        REPLY,
    ],
    "two calls without ids": [USER, calls(call(), call()), result(), result(), REPLY],
    "one result for two calls without ids": [USER, calls(call(), call()), result(), REPLY],
    "call after call": [USER, calls(call()), result(), calls(call()), result(), REPLY],
    "a result as the last turn": [USER, calls(call()), result()],
    "arguments as an object": [USER, calls(call(arguments={"stars": 1})), result(), REPLY],
    "no arguments": [USER, calls(call("free", ""), call("free", None)), result(), REPLY],
}


@pytest.mark.parametrize("turns", CLEAN.values(), ids=CLEAN)
def test_conversations_in_order_are_left_alone(turns):
    assert found_in(turns)[1].is_empty()


WRONG = {
    "unknown role": ([USER, {"role": "gp$1t", "content": "x"}], 0.5, "Turn 2 has an unknown role, 'gp$1t'."),
    "system late": ([USER, SYSTEM, REPLY], 0.5, "Turn 2 is the system's, after other turns."),
    "two users": ([USER, USER, REPLY], 0.5, "Turns 1 and 2 are both the user's."),
    "two assistants": ([USER, REPLY, REPLY], 0.5, "Turns 2 and 3 are both the assistant's."),
    "assistant first": ([SYSTEM, REPLY, USER, REPLY], 0.2, "The assistant speaks before any user."),
    "result without call": ([USER, REPLY, result(), REPLY], 1.0, "Turn 3 is a tool's result without a call before it."),
    "one result too many": (
        [USER, calls(call()), result(), result(), REPLY],
        1.0,
        "Turn 4 is a tool's result without a call before it.",
    ),
    "call without result": ([USER, calls(call()), USER, REPLY], 0.5, "Turn 2 calls a tool and gets no result."),
    "call without result at the end": ([USER, calls(call()), REPLY], 0.5, "Turn 2 calls a tool and gets no result."),
    "a result that comes after the user": (
        [USER, calls(call()), USER, result(), REPLY],
        1.0,
        "Turn 4 is a tool's result without a call before it; and 1 more.",
    ),
    "wrong id": (
        [USER, calls(call(call_id="1")), result("9"), REPLY],
        0.5,
        "Turn 3 answers the call '9', which nobody made; and 1 more.",
    ),
    "one id unanswered": (
        [USER, calls(call(call_id="1"), call(call_id="2")), result("2"), REPLY],
        0.5,
        "Turn 2 calls a tool and gets no result.",
    ),
    "calls not JSON": (
        [USER, {"role": "assistant", "tool_calls": "{oops"}, result(), REPLY],
        1.0,
        "Turn 2 holds calls that are not a JSON list.",
    ),
    "call not JSON": (
        [USER, calls(call("", "rate(5)")), result(), REPLY],
        1.0,
        "Turn 2 holds a call that names no tool or is not JSON.",
    ),
    "arguments not JSON": (
        [USER, calls(call(arguments="{'stars': 5}")), result(), REPLY],
        1.0,
        "Turn 2 gives 'rate' arguments that are not JSON.",
    ),
    "arguments no object": (
        [USER, calls(call(arguments="[5]")), result(), REPLY],
        1.0,
        "Turn 2 gives 'rate' arguments that are not a JSON object.",
    ),
}


@pytest.mark.parametrize(("turns", "score", "note"), WRONG.values(), ids=WRONG)
def test_what_is_out_of_order_is_found_and_said(turns, score, note):
    rows, found = found_in(CLEAN["plain"], turns)
    assert found.select("id", "score", "note", "suggest").rows() == [(rows["id"][1], score, note, "review")]


FIT = {
    '{"stars": 5}': None,
    '{"stars": 5.0, "more": true}': None,
    '{"city": "北京", "stars": 1}': None,
    "{}": "do not fit its schema: 'stars' is missing.",
    '{"stars": "5"}': "do not fit its schema: 'stars' is not of type integer.",
    '{"stars": true}': "do not fit its schema: 'stars' is not of type integer.",
    '{"stars": 0}': "do not fit its schema: 'stars' breaks 'minimum'.",
    '{"stars": 1, "city": "Paris"}': "do not fit its schema: 'city' is none of the 2 values allowed.",
}


@pytest.mark.parametrize(("arguments", "wrong"), FIT.items())
def test_arguments_are_held_against_the_schema(arguments, wrong):
    _, found = found_in([USER, calls(call(arguments=arguments)), result(), REPLY], tools=TOOLS)
    assert found["note"].to_list() == ([] if wrong is None else [f"Turn 2 gives 'rate' arguments that {wrong}"])


def test_a_tool_that_is_not_offered_is_found_only_where_tools_are_given():
    turns = [USER, calls(call("ratte")), result(), REPLY]
    assert found_in(turns)[1].is_empty()
    _, found = found_in(turns, tools=TOOLS)
    assert found.select("score", "note").rows() == [(1.0, "Turn 2 calls 'ratte', which is not among the row's tools.")]


def test_a_schema_that_is_none_is_not_checked_and_counted():
    rows, found = found_in([USER, calls(call("odd", '{"a": 1}')), result(), REPLY], tools=TOOLS)
    assert found.is_empty()
    assert uncheckable_tools(rows) == {"tools": 2, "unchecked": 1}


@pytest.mark.parametrize("tools", ["no json", "5", '[{"no": "name"}]', '["rate"]', "[" * 100_000])
def test_tools_that_are_no_list_of_tools_are_said(tools):
    rows, found = found_in([USER, calls(call()), result(), REPLY], tools=tools)
    assert found["note"].to_list() == ["The tools are not a JSON list of named tools."]
    assert uncheckable_tools(rows) == {"tools": 1, "unchecked": 1}


def schema_of(schema):
    tools = parse_tools(json.dumps([{"name": "f", "parameters": schema}]))
    return None if tools is None else tools["f"]


HOSTILE = {
    "a reference to the net": {"properties": {"a": {"$ref": "http://127.0.0.1:9/schema.json"}}},
    "a reference to itself": {"$ref": "#"},
    "references that double": {
        "$ref": "#/$defs/d0",
        "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)},
    },
    "a regex that runs for years": {"properties": {"a": {"pattern": "^(a+)+$"}}, "patternProperties": {"(x+x+)+y": {}}},
    "a format": {"properties": {"a": {"format": "regex"}}},
    "additional properties beside a pattern": {"patternProperties": {"^a$": {}}, "additionalProperties": False},
    "not of what is cut": {"properties": {"a": {"not": {"pattern": "b"}}}},
    "one of what is cut": {"properties": {"a": {"oneOf": [{"pattern": "a"}, {"pattern": "b"}]}}},
    "nulls that a reader added": {
        "type": "object",
        "properties": {"a": {"type": "string", "enum": None, "items": None}},
    },
    "unique items": {"properties": {"b": {"uniqueItems": True}}},
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_no_schema_reaches_out_or_runs_away_or_forbids_what_it_allows(schema):
    start = time.process_time()
    cut = schema_of(schema)
    assert cut is not None
    assert misfit({"a": "a" * 50 + "b", "b": [{}] * 2000}, cut) is None
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "schema",
    [{"type": "float"}, {"required": True}, {"properties": ["a"]}, {"minimum": "1"}, "object", {"items": [{}]}],
)
def test_sloppy_schemas_are_no_schemas(schema):
    assert schema_of(schema) is None


def test_a_schema_nested_past_all_measure_is_not_checked():
    text = '{"items":' * 5000 + "{}" + "}" * 5000
    tools = parse_tools(f'[{{"name": "f", "parameters": {text}}}]')
    assert tools is None or tools["f"] is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(["string", "number", "integer", "boolean", "null", "object", "array"])
SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {}, optional={"type": TYPES | st.lists(TYPES, min_size=1, max_size=2), "enum": st.lists(VALUES, max_size=2)}
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            "required": st.lists(st.sampled_from("abc"), max_size=2),
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "additionalProperties": st.booleans(),
        },
    ),
    max_leaves=6,
)


@given(schema=SCHEMAS, arguments=st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4))
def test_the_quick_way_agrees_with_jsonschema(schema, arguments):
    cut = schema_of(schema)
    assert cut is not None
    assert (misfit(arguments, cut) is None) == Draft202012Validator(schema).is_valid(arguments)


def test_a_sharegpt_call_may_hold_a_list_and_bare_calls_are_read():
    inner = {"name": "rate", "arguments": {"stars": 1}}
    assert [one.name for one in parse_calls(json.dumps([{"function": [inner, inner]}, inner])) or []] == ["rate"] * 3
    assert parse_calls("[5]") is None
    assert parse_calls("[]") == []


def test_names_of_any_script_are_quoted_short():
    _, found = found_in([USER, calls(call("ب" * 500)), result(), REPLY], tools=TOOLS)
    assert found["note"].str.len_chars().max() < 120


def test_no_rows_one_row_and_order():
    assert found_in()[1].is_empty()
    assert found_in([])[1].is_empty()
    conversations = [[USER, USER, REPLY], CLEAN["plain"], [USER, result(), REPLY]] * 5
    rows, found = found_in(*conversations)
    assert found["id"].to_list() == [one for n, one in enumerate(rows["id"]) if n % 3 != 1]
    assert found.equals(find_roles(rows, text.turns(rows)))
