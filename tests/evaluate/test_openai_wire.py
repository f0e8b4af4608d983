"""What goes over the wire to a chat server, and what of a reply becomes the answer."""

import json

import pytest
from vetset.curate.errors import DataError
from vetset.curate.messages import Said
from vetset.evaluate.models.openai_wire import BadReply, read_reply, write_request
from vetset.evaluate.models.protocol import Answer, Parameters, Request


def sent(request, **options):
    return json.loads(write_request("tiny", request, **{"token_field": "max_tokens", "extra": {}, **options}))


def read(message, finish="stop", **reply):
    body = {"choices": [{"message": message, "finish_reason": finish, **reply.pop("choice", {})}], **reply}
    return read_reply(json.dumps(body).encode(), 1.5)


def test_a_plain_question_is_sent_with_its_parameters_and_no_others():
    request = Request(
        (Said("system", "Be brief."), Said("user", "Grüße?")), parameters=Parameters(temperature=0.5, max_tokens=9)
    )
    assert sent(request) == {
        "model": "tiny",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüße?"}],
        "temperature": 0.5,
        "max_tokens": 9,
    }


def test_every_parameter_reaches_the_server():
    parameters = Parameters(top_p=0.9, stop=("\n", "END"), seed=7, top_logprobs=3)
    body = sent(
        Request((Said("user", "a"),), parameters=parameters, sample=2),
        token_field="max_completion_tokens",
        extra={"x": {"y": 1}},
    )
    assert body["max_completion_tokens"] == 256
    assert body["top_p"] == 0.9
    assert body["stop"] == ["\n", "END"]
    assert body["seed"] == 9  # each sample its own, or all would be the same
    assert body["logprobs"] is True
    assert body["top_logprobs"] == 3
    assert body["x"] == {"y": 1}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}, True),
        ({"type": "object", "properties": {"a": {}}}, False),
        ({"type": "object", "properties": {"a": {}}, "required": True, "additionalProperties": False}, False),
        ({"type": "object", "properties": {"a": {}}, "required": [["a"]], "additionalProperties": False}, False),
        ({"type": "object", "properties": ["a"], "required": ["a"], "additionalProperties": False}, False),
        ({"type": "array", "items": {"type": "object", "properties": {}}}, False),
    ],
)
def test_a_schema_is_asked_for_and_strictly_where_strict_mode_would_take_it(schema, strict):
    body = sent(Request((Said("user", "a"),), parameters=Parameters(schema=json.dumps(schema))))
    assert body["response_format"] == {
        "type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": strict},
    }  # fmt: skip


def test_tool_calls_are_sent_with_ids_and_with_arguments_as_text():
    calls = json.dumps(
        [{"function": {"name": "add", "arguments": {"a": 1, "b": "ü"}}}, {"id": "c9", "function": {"name": "f"}}]
    )
    said = (Said("user", "a"), Said("assistant", tool_calls=calls), Said("tool", "3", tool_call_id="call_1"))
    tools = [{"type": "function", "function": {"name": "add"}}]
    body = sent(Request(said, tools=json.dumps(tools)))
    assert body["tools"] == tools
    first, second = body["messages"][1]["tool_calls"]
    assert first == {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a":1,"b":"ü"}'}}
    assert second["id"] == "c9"
    assert body["messages"][2] == {"role": "tool", "content": "3", "tool_call_id": "call_1"}


def test_what_is_no_json_in_a_row_is_told_before_it_is_sent():
    with pytest.raises(DataError, match="the tools 'add' are no JSON"):
        sent(Request((Said("user", "a"),), tools="add"))
    with pytest.raises(DataError, match="no list of objects"):
        sent(Request((Said("assistant", tool_calls='{"a": 1}'),)))


def test_all_that_a_reply_says_becomes_the_answer():
    logprobs = [{"token": "4", "logprob": -0.1, "bytes": [52], "top_logprobs": []}]
    answer = read(
        {"role": "assistant", "content": "4", "reasoning_content": "2 and 2"},
        "length",
        choice={"logprobs": {"content": logprobs}, "index": 0},
        usage={"prompt_tokens": 11, "completion_tokens": 1, "prompt_tokens_details": None},
        model="tiny-2026",
        id="x",
    )
    assert json.loads(answer.logprobs) == logprobs
    assert answer == Answer(
        text="4", finish="length", reasoning="2 and 2", prompt_tokens=11, completion_tokens=1, seconds=1.5,
        logprobs=answer.logprobs, served_by="tiny-2026",
    )  # fmt: skip


def test_calls_refusals_filters_and_parts_are_read_in_every_shape_that_is_about():
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    for finish in ("tool_calls", "stop"):  # some servers say "stop" of a call
        answer = read({"content": None, "tool_calls": calls}, finish)
        assert (answer.text, answer.finish, json.loads(answer.tool_calls)) == (None, "tool_calls", calls)
    assert read({"content": "x", "tool_calls": []}).finish == "stop"
    assert read({"content": "x", "tool_calls": []}).tool_calls is None
    assert read({"content": None, "refusal": "I can't"}).text == "I can't"
    assert read({"content": ""}, "content_filter").finish == "filtered"
    assert read({"content": "x"}, None).finish == "stop"
    assert read({"content": "x", "reasoning": "thought"}).reasoning == "thought"
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "4"}]
    assert (read({"content": parts}).text, read({"content": parts}).reasoning) == ("4", "hm")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"choices": [{"message": {"content": "4', b'{"choices": []}', b"[]", b"null", b'{"choices": [{}]}',
     b'{"choices": 3}', b'{"error": {"message": "upstream failed"}}',
     b'{"choices": [{"message": {"content": "4"}, "finish_reason": "error"}]}'],
)  # fmt: skip
def test_what_is_no_whole_reply_is_never_taken_for_an_answer(body):
    with pytest.raises(BadReply):
        read_reply(body, 0.1)


def test_half_a_surrogate_pair_in_an_answer_is_shown_as_a_question_mark_and_not_an_error():
    assert read_reply(b'{"choices": [{"message": {"content": "ok \\ud83d"}}]}', 0.1).text == "ok ?"
