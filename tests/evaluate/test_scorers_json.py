"""Scorers of structure: JSON, schemas, fields, tool calls; on real calls, too."""

import json
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.dataset import Dataset
from vetset.curate.errors import DataError, UsageError
from vetset.curate.json_in_text import NoJson, read_json
from vetset.curate.reading.reader import read
from vetset.evaluate.evalsets.evalset import reference
from vetset.evaluate.scorers.case import Case
from vetset.evaluate.scorers.field_match import field_figures, flatten, same, score_fields
from vetset.evaluate.scorers.json_answers import canonical, score_json
from vetset.evaluate.scorers.json_schema import read_schema, score_schema
from vetset.evaluate.scorers.registry import scorer
from vetset.evaluate.scorers.tool_calls import score_tool_calls

TICKET = {
    "type": "object",
    "properties": {"kind": {"enum": ["refund", "card"]}, "amount": {"$ref": "#/$defs/money"}},
    "required": ["kind"],
    "additionalProperties": False,
    "$defs": {"money": {"type": "number", "minimum": 0}},
}

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_json_is_read_back_bare_and_fenced(value):
    text = json.dumps(value)
    assert read_json(text) == value
    assert read_json(f"Here:\n```json\n{text}\n```\nDone.") == value
    assert json.loads(canonical(value)) == value


@pytest.mark.parametrize(
    ("answer", "loose", "strict"),
    [
        ('{"a": 1}', 1, 1),
        ("```\n[1, 2]\n```", 1, 0),
        ('I found {"a": [1]}, see above', 1, 0),
        ("see [the page](https://x.y) for it", 0, 0),
        ('{"a": 1', 0, 0),
        ('{"a": NaN}', 0, 0),
        ("{'a': 1}", 0, 0),
        ("true", 1, 1),
        ("plain text", 0, 0),
        ("[" * 100_000, 0, 0),
        ('say {"a": "\\ud800"}', 0, 0),
    ],
)
def test_json_or_not(answer, loose, strict):
    assert score_json([Case(answer, None)])[0].score == loose
    assert score_json([Case(answer, None)], strict=True)[0].score == strict


def test_json_that_was_cut_off_or_refused_is_not_invalid():
    cases = [
        Case('{"a": 1', None, "length"),
        Case("I'm sorry, but I can't help with that.", None),
        Case(None, None, "error"),
    ]
    assert [one.status for one in score_json(cases)] == ["truncated", "refused", "error"]
    with pytest.raises(NoJson):
        read_json("")


def test_a_schema_decides(tmp_path):
    (tmp_path / "ticket.json").write_text(json.dumps(TICKET))
    found = scorer(f"schema:{tmp_path / 'ticket.json'}").score(
        [
            Case('{"kind": "refund", "amount": 3.5}', None),
            Case('```json\n{"kind": "card"}\n```', None),
            Case('{"kind": "other"}', None),
            Case('{"kind": "card", "amount": -1}', None),
            Case('{"kind": "card", "extra": 1}', None),
            Case("no JSON", None),
            Case('{"kind": "car', None, "length"),
        ]
    )
    assert [(one.score, one.status) for one in found] == [
        (1, "ok"), (1, "ok"), (0, "ok"), (0, "ok"), (0, "ok"), (0, "ok"), (None, "truncated"),
    ]  # fmt: skip


def test_a_schema_fetches_nothing(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    file = tmp_path / "remote.json"
    file.write_text('{"$ref": "http://127.0.0.1:9/other.json"}')
    with pytest.raises(UsageError, match=r"another document; nothing is fetched"):
        read_schema(file)
    file.write_text('{"properties": {"a": {"$ref": "#/$defs/none"}}}')
    with pytest.raises(UsageError, match=r"refers to '#/\$defs/none', which it does not hold"):
        read_schema(file)
    for draft in ("http://json-schema.org/draft-07/schema#", "http://json-schema.org/draft-04/schema#"):
        file.write_text(
            json.dumps({"$schema": draft, "$ref": "#/definitions/a", "definitions": {"a": {"type": "null"}}})
        )
        assert score_schema([Case("null", None)], validator=read_schema(file))[0].score == 1
    inner = {
        "$id": "http://x.y/root.json",
        "$ref": "part.json",
        "$defs": {"p": {"$id": "part.json", "type": "integer"}},
    }
    file.write_text(json.dumps(inner))
    found = score_schema([Case("1", None), Case('"a"', None)], validator=read_schema(file))
    assert [one.score for one in found] == [1, 0]


@pytest.mark.parametrize(
    ("text", "says"), [("{", "not JSON"), ('{"type": "strin"}', "no JSON schema"), ("[]", "no JSON schema")]
)
def test_what_is_no_schema_is_named(tmp_path, text, says):
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(UsageError, match=rf"s\.json is {says}"):
        read_schema(tmp_path / "s.json")
    with pytest.raises(UsageError, match="can't be read"):
        read_schema(tmp_path / "missing.json")


RIGHT = '{"name": "Ann Lee", "order": {"id": 17, "paid": true}, "items": ["a", "b"]}'


def test_fields_are_compared_one_by_one():
    assert score_fields([Case(RIGHT, RIGHT)])[0].score == 1
    answer = '{"name": "ANN  LEE", "order": {"id": 17.0, "paid": 1}, "items": ["b", "a"]}'
    assert score_fields([Case(answer, RIGHT)])[0].score == 0.5
    assert score_fields([Case(answer, RIGHT)], names=("name", "order.id"))[0].score == 1
    invented = '{"name": "Ann Lee", "order": {"id": 17, "paid": true}, "items": ["a", "b"], "note": ""}'
    assert score_fields([Case(invented, RIGHT)])[0].score == 0.8
    assert [one.status for one in score_fields([Case("Ann", RIGHT), Case("[1]", RIGHT), Case('{"n', RIGHT, "length")])] == [
        "unparsed", "unparsed", "truncated",
    ]  # fmt: skip


def test_each_field_has_its_figures():
    cases = [
        Case(RIGHT, RIGHT),
        Case('{"name": "Bob", "note": 1}', RIGHT),
        Case("no", RIGHT),
        Case(None, RIGHT, "error"),
    ]
    figures = {row["field"]: row for row in field_figures(cases).to_dicts()}
    assert figures["name"] | {"field": 0} == {
        "field": 0, "rows": 4, "answered": 2, "right": 1, "wrong": 1, "missing": 0, "invented": 0, "accuracy": 0.5
    }  # fmt: skip
    assert figures["order.id"]["missing"] == 1
    assert figures["note"]["invented"] == 1
    assert field_figures([]).is_empty()


def test_references_and_names_that_do_not_fit_are_named():
    with pytest.raises(DataError, match=r"row 'r2'.*no JSON object"):
        score_fields([Case("{}", "text", id="r2")])
    with pytest.raises(DataError, match=r"none of the fields 'x'.*'name, order.id"):
        score_fields([Case("{}", RIGHT)], names=("x",))
    for option in ("a,,b", "a,a"):
        with pytest.raises(UsageError, match="twice or none"):
            scorer(f"fields:{option}")


@given(st.dictionaries(st.text(), values, max_size=5))
def test_an_object_is_the_same_as_itself_and_keeps_its_leaves(value):
    assert same(value, json.loads(json.dumps(value)))
    assert score_fields([Case(json.dumps(value), json.dumps(value))])[0].score == 1
    assert bool(flatten(value)) == bool(value)


@pytest.fixture(scope="module")
def glaive(shared, tmp_path_factory):
    out = tmp_path_factory.mktemp("glaive") / "g.vet"
    read([str(shared / "llm_formats" / "glaive_toolcall_en_demo.json")], out=out)
    calls = []
    for messages in Dataset.open(out).rows["messages"]:
        calls += [turn["tool_calls"] for turn in messages if turn["tool_calls"]]
    return calls


def test_real_calls_are_right_in_every_form_and_wrong_with_another_argument(glaive):
    assert len(glaive) > 200
    for call in glaive:
        listed = json.loads(call)
        functions = [one.get("function", one) for one in listed]
        plain = [
            {
                "arguments": json.loads(of["arguments"]) if isinstance(of["arguments"], str) else of["arguments"],
                "name": of["name"],
            }
            for of in functions
        ]
        texts = [json.dumps({"function": one, "type": "function"}) for one in plain]
        tagged = "".join(f"<tool_call>\n{json.dumps(one, indent=1)}\n</tool_call>\n" for one in plain)
        changed = [{**one, "arguments": {**one["arguments"], "x": 1}} for one in plain]
        found = score_tool_calls(
            [
                Case(None, call, "tool_calls", tool_calls=f"[{','.join(texts)}]"),
                Case(tagged, call),
                Case(json.dumps(plain), call),
                Case(json.dumps(changed), call),
                Case("I will look it up.", call),
            ]
        )
        assert [one.score for one in found] == [1, 1, 1, 0, 0]
        assert scorer("tool_calls:name").score([Case(json.dumps(changed), call)])[0].score == 1


def test_calls_that_are_none_and_calls_that_should_not_be_made():
    made = '[{"type": "function", "function": {"name": "f", "arguments": "{broken"}}]'
    cases = [
        Case("Hello!", "Hello, how can I help?"),
        Case(None, "Hello!", "tool_calls", tool_calls='[{"name": "f", "arguments": {}}]'),
        Case(None, '[{"name": "f", "arguments": {}}]', "tool_calls", tool_calls=made),
        Case("<tool_call>{", '[{"name": "f", "arguments": {}}]'),
        Case("I'm sorry, but I can't help with that.", '[{"name": "f", "arguments": {}}]'),
        Case("First I", '[{"name": "f", "arguments": {}}]', "length"),
        Case(None, '[{"name": "f", "arguments": {}}]', "error"),
    ]
    found = score_tool_calls(cases)
    assert [(one.score, one.status) for one in found] == [
        (1, "ok"), (0, "ok"), (None, "unparsed"), (None, "unparsed"), (None, "refused"), (None, "truncated"), (None, "error"),
    ]  # fmt: skip


def test_a_row_of_a_real_set_is_its_own_right_answer(shared, tmp_path):
    read([str(shared / "llm_formats" / "glaive_toolcall_en_demo.json")], out=tmp_path / "g.vet")
    rows = [row for row in Dataset.open(tmp_path / "g.vet").rows.iter_rows(named=True) if reference(row)]
    cases = [
        Case(row["messages"][-1]["content"], reference(row), "stop", row["messages"][-1]["tool_calls"]) for row in rows
    ]
    assert {one.score for one in score_tool_calls(cases) if one.status == "ok"} == {1.0}


def test_json_that_is_nested_too_deeply_to_be_compared_is_unparsed_and_ends_nothing():
    deep = "[" * 500 + "]" * 500
    fields = [
        Case(f'{{"a": {deep}}}', '{"a": 1}'),
        Case(f'{{"a": {deep}}}', f'{{"a": {deep}}}'),
        Case('{"a": 1}', '{"a": 1}'),
    ]
    assert [(one.score, one.status) for one in score_fields(fields)] == [
        (None, "unparsed"),
        (None, "unparsed"),
        (1, "ok"),
    ]
    assert field_figures(fields).select("rows", "answered", "right").rows() == [(3, 1, 1)]
    call = '[{"name": "f", "arguments": {}}]'
    deeply = f'{{"name": "f", "arguments": {{"a": {deep}}}}}'
    calls = [
        Case(f"<tool_call>{deeply}</tool_call>", call),
        Case(None, call, "tool_calls", f"[{deeply}]"),
        Case(call, call),
    ]
    assert [(one.score, one.status) for one in score_tool_calls(calls)] == [
        (None, "unparsed"), (None, "unparsed"), (1, "ok")
    ]  # fmt: skip
    with pytest.raises(DataError, match=r"row 'r3': its reference calls a tool .* nested too deeply"):
        score_tool_calls([Case(call, f"[{deeply}]", id="r3")])


def test_spaces_behind_an_open_mark_cost_little():
    began = time.process_time()
    for text in ("```json\n{" + " " * 20_000, "```" + " " * 20_000, "```\n" + " \n" * 20_000, "`" * 50_000 + "\n"):
        score_json([Case(text, None)])
    score_tool_calls([Case("<tool_call>x" + " " * 20_000 + ".", "[]")])
    assert time.process_time() - began < 3


def test_prose_with_many_brackets_costs_little():
    began = time.process_time()
    for text in ("[a](b)" * 50_000, '{"a":' * 50_000, "```\n" * 50_000, "<tool_call>" * 20_000):
        score_json([Case(text, None)])
        score_tool_calls([Case(text, "[]")])
    assert time.process_time() - began < 8
