"""Rows to records of each wire format, what each cannot carry, and the way back."""

import io
import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.dataset import frame
from vetset.curate.errors import UsageError
from vetset.curate.formats import wire as formats
from vetset.curate.formats.wire import FORMATS, Tally
from vetset.curate.reading.mapping import Given
from vetset.curate.reading.reader import read

CALL = '[{"type":"function","function":{"name": "find", "arguments": {"q":  "é"}}}]'
OPENAI_CALL = '[{"id":"c1","type":"function","function":{"name":"find","arguments":"{\\"q\\":1}"}}]'
TOOLS = '[{"name": "find", "description": "d", "parameters": {"type": "object"}}]'


def said(*turns, **last):
    names = {"u": "user", "a": "assistant", "s": "system", "t": "tool"}
    messages = [{"role": names[role], "content": content} for role, content in turns]
    messages[-1].update(last)
    return messages


def written(rows, name, *, extra=False):
    """The lines of a format, the losses, and the bytes."""
    tally, out = Tally(name), io.BytesIO()
    ids = formats.write(rows, out, name, formats.layout(rows, name, extra=extra), tally)
    assert len(ids) + len(tally.left_out) == rows.height
    lines = [json.loads(line) for line in out.getvalue().split(b"\n")[:-1]] if name not in ("parquet", "csv") else []
    return lines, tally.losses(), out.getvalue()


def kinds(losses):
    return {(loss.kind, loss.what): loss.rows for loss in losses}


def again(data: bytes, shape, **columns) -> pl.DataFrame:
    """Rows of JSON lines, read as ``vetset read`` reads them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_bytes(data)
        result = read([path], Path(folder) / "rows.vet", columns=Given(format=shape, **columns))
        assert not result.rejects, list(result.dataset.rejects())
        return result.dataset.rows.drop("file", "line")


TICKETS = [
    {"messages": "no login", "label": "access", "group": "u1"},
    {"messages": "مرحبا 你好 👋", "label": "グリーティング", "group": "u2"},
]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("messages", {"messages": said(("u", "no login"), ("a", "access"))}),
        ("prompt-completion", {"prompt": "no login", "completion": "access"}),
        ("openai", {"messages": said(("u", "no login"), ("a", "access"))}),
        ("alpaca", {"instruction": "no login", "input": "", "output": "access"}),
        ("sharegpt", {"conversations": [{"from": "human", "value": "no login"}, {"from": "gpt", "value": "access"}]}),
        ("text-label", {"text": "no login", "label": "access"}),
        ("text", {"text": "no login"}),
    ],
)
def test_a_classification_row_gets_its_label_as_the_reply(name, first):
    lines, losses, data = written(frame(TICKETS), name)
    assert lines[0] == first
    assert len(lines) == 2
    assert "你好 👋" in data.decode()
    assert kinds(losses)["field", "group"] == 2


def test_one_row_that_needs_turns_makes_the_whole_file_conversational():
    plain = {"messages": said(("u", "q"), ("a", "r"))}
    assert written(frame([plain]), "prompt-completion")[0] == [{"prompt": "q", "completion": "r"}]
    lines, losses, _ = written(
        frame([plain, {"messages": said(("s", "be kind"), ("u", "q"), ("a", "r"))}]), "prompt-completion"
    )
    assert lines[0] == {"prompt": said(("u", "q")), "completion": said(("a", "r"))}
    assert lines[1]["prompt"] == said(("s", "be kind"), ("u", "q"))
    assert not losses


def test_preference_rows_and_those_that_are_none():
    rows = frame(
        [
            {"messages": said(("u", "q"), ("a", "good")), "rejected": "bad"},
            {"messages": said(("s", "x"), ("u", "q"), ("a", "r"))},
        ]
    )
    lines, losses, _ = written(rows, "preference")
    assert lines == [{"prompt": "q", "chosen": "good", "rejected": "bad"}]  # the row left out does not shape the file
    assert kinds(losses)["row", "no rejected reply"] == 1
    assert losses[0].example == rows["id"][1]
    assert kinds(written(rows, "messages")[1])["field", "rejected"] == 1
    assert kinds(written(rows, "text-label")[1])["field", "rejected"] == 1
    chat, _, _ = written(
        frame([{"messages": said(("u", "a"), ("a", "b"), ("u", "q"), ("a", "good")), "rejected": "bad"}]), "preference"
    )
    assert chat[0]["rejected"] == said(("a", "bad"))


def test_a_reply_marked_as_unwanted_is_never_written_as_a_target():
    rows = frame(
        [
            {"messages": said(("u", "q"), ("a", "good")), "label": "true"},
            {"messages": said(("u", "q"), ("a", "bad")), "label": "false"},
        ]
    )
    assert [line["label"] for line in written(rows, "kto")[0]] == [True, False]
    for name in ("messages", "prompt-completion", "openai", "alpaca", "sharegpt"):
        lines, losses, data = written(rows, name)
        assert len(lines) == 1
        assert b"bad" not in data
        assert kinds(losses)["row", "a reply that is marked as unwanted (label false)"] == 1
    assert len(written(frame([{"messages": "2 > 3?", "label": "false"}]), "messages")[0]) == 1  # a class, not a verdict


def test_tool_calls_and_schemas_keep_their_characters():
    rows = frame([{"messages": said(("u", "q"), ("a", None), tool_calls=CALL), "tools": TOOLS}])
    for name in ("messages", "prompt-completion"):
        data = written(rows, name)[2].decode()
        assert f'"tool_calls":{CALL}' in data
        assert f'"tools":{TOOLS}' in data
    line = written(rows, "sharegpt")[0][0]
    assert line["conversations"][1] == {"from": "function_call", "value": '{"name": "find", "arguments": {"q":  "é"}}'}
    assert line["tools"] == TOOLS


def test_openai_gets_text_arguments_ids_and_wrapped_tools():
    turns = [*said(("u", "q"), ("a", None), tool_calls=CALL), *said(("t", "found"), ("a", "done"))]
    lines, losses, _ = written(
        frame([{"messages": turns, "tools": TOOLS, "extra": '{"parallel_tool_calls": false}'}]), "openai"
    )
    call = lines[0]["messages"][1]["tool_calls"][0]
    assert call["id"] == lines[0]["messages"][2]["tool_call_id"] == "call_1"
    assert call["function"]["arguments"] == '{"q":  "é"}'
    assert lines[0]["tools"][0] == {"type": "function", "function": json.loads(TOOLS)[0]}
    assert lines[0]["parallel_tool_calls"] is False
    assert any(loss.kind == "note" and "ids" in loss.what for loss in losses)


def test_openai_leaves_calls_that_are_already_right_as_they_are():
    turns = [
        *said(("u", "q"), ("a", None), tool_calls=OPENAI_CALL),
        *said(("t", "found"), tool_call_id="c1"),
        *said(("a", "done")),
    ]
    _, losses, data = written(frame([{"messages": turns}]), "openai")
    assert OPENAI_CALL in data.decode()
    assert not losses


QA = said(("u", "q"), ("a", "r"))
CALLING = said(("u", "q"), ("a", None), tool_calls=CALL)
NO_LIST, NO_CALL_LIST = "tools that are not a JSON list", "tool calls that are not a JSON list"
ONE_MESSAGE = "other than one user message before the answer"
NO_PLACE = [
    ("openai", {"messages": QA, "tools": "find(q)"}, NO_LIST),
    ("messages", {"messages": QA, "tools": "find(q)"}, NO_LIST),
    ("openai", {"messages": said(("u", "q"), ("t", "found"), ("a", "r"))}, "a tool result with no call before it"),
    ("openai", {"messages": [*QA, *said(("u", "thanks"))]}, "no assistant turn at the end"),
    ("openai", {"messages": [{"role": "critic", "content": "x"}, *QA]}, "a role that OpenAI does not know"),
    ("openai", {"messages": said(("u", "q"), ("a", None))}, "a message without content"),
    (
        "openai",
        {"messages": said(("u", "q"), ("a", None), tool_calls='[{"function":{"name":""}}]')},
        "a tool call without a name or arguments",
    ),
    ("messages", {"messages": []}, "no message"),
    ("messages", {"messages": said(("u", "q"), ("a", None), tool_calls="find(q)")}, NO_CALL_LIST),
    ("alpaca", {"messages": CALLING}, "tools"),
    ("alpaca", {"messages": [QA[0], *QA]}, "turns that are not user and assistant by turns"),
    (
        "sharegpt",
        {"messages": said(("u", "q"), ("a", "let me see"), tool_calls=CALL)},
        "a turn that both speaks and calls a tool",
    ),
    ("prompt-completion", {"messages": QA[:1]}, "no reply and no label"),
    ("kto", {"messages": QA}, "no label that is true or false"),
    ("text-label", {"messages": [*said(("s", "x")), *QA]}, ONE_MESSAGE),
    ("text-label", {"messages": QA[:1]}, "no label"),
    ("csv", {"messages": [*QA, *QA]}, ONE_MESSAGE),
]


@pytest.mark.parametrize(("name", "row", "why"), NO_PLACE)
def test_a_row_that_a_format_has_no_place_for_is_left_out_and_counted(name, row, why):
    lines, losses, _ = written(frame([row]), name)
    assert not lines
    assert kinds(losses) == {("row", why): 1}
    assert losses[0].sentence.startswith(f"1 row left out: {why}")


def test_alpaca_writes_history_and_system_only_where_some_row_needs_them():
    long = {"messages": said(("s", "x"), ("u", "a"), ("a", "b"), ("u", "c"), ("a", "d"))}
    lines, _, _ = written(frame([*TICKETS, long]), "alpaca")
    assert lines[2] == {"instruction": "c", "input": "", "output": "d", "system": "x", "history": [["a", "b"]]}
    assert lines[0]["history"] == []


def test_every_field_that_stays_behind_is_named():
    row = {
        "messages": said(("u", "q"), ("a", "r"), extra='{"thinking": "hm"}'),
        "label": "x", "group": "g", "annotator": "ann", "source": "s", "license": "MIT",
        "origin": "teacher", "extra": '{"a": 1}',
    }  # fmt: skip
    names = {"group", "annotator", "source", "license", "origin", "extra", "label"}
    assert {what for kind, what in kinds(written(frame([row]), "messages")[1]) if kind == "field"} == names
    openai = {what for kind, what in kinds(written(frame([row]), "openai")[1]) if kind == "field"}
    assert openai == names | {"further keys of messages"}
    lines, losses, _ = written(frame([row]), "messages", extra=True)
    assert not losses
    assert lines[0]["messages"][-1]["thinking"] == "hm"
    assert lines[0] | {"messages": 0} == {
        "messages": 0, "label": "x", "group": "g", "annotator": "ann", "source": "s", "license": "MIT",
        "origin": "teacher", "a": 1,
    }  # fmt: skip


def test_lines_stay_lines_whatever_the_texts_hold():
    nasty = "a\u2028b\x85c\r\nd\x00e\u202e"
    tools = '[\n  {"name": "find"}\r\n]'
    lines, _, data = written(frame([{"messages": said(("u", nasty), ("a", nasty)), "tools": tools}]), "messages")
    assert data.count(b"\n") == 1
    assert lines[0]["messages"][0]["content"] == nasty
    assert lines[0]["tools"] == json.loads(tools)


def test_a_csv_holds_what_is_known_of_a_row_and_null_is_not_the_empty_text():
    extra = '{"n": 1, "group": "no", "deep": {"x": 1}, "s": ""}'
    rows = frame([
        {"messages": "=1+1, \"x\"\nline", "label": "a", "group": "g", "extra": extra},
        {"messages": "y", "extra": '{"s": null}'},
    ])  # fmt: skip
    _, losses, data = written(rows, "csv")
    table = pl.read_csv(data, infer_schema=False)
    assert table["text"].to_list() == ['=1+1, "x"\nline', "y"]
    assert table["label"].to_list() == ["a", None]
    assert table["extra.group"].to_list() == ["no", None]
    assert table["n"].to_list() == ["1", None]
    assert "deep" not in table.columns
    assert b'""' in data.split(b"\n")[2]
    assert ("field", "extra that is a list, an object, or one of too many fields") in kinds(losses)


def test_a_csv_never_grows_a_column_for_every_row():
    rows = frame([{"messages": "x", "label": "y", "extra": json.dumps({f"key{i}": i})} for i in range(300)])
    _, losses, data = written(rows, "csv")
    assert data.split(b"\n", 1)[0].count(b",") == 8 + 200 - 1
    assert sum(loss.rows for loss in losses) == 100


@pytest.mark.parametrize("name", FORMATS)
def test_no_rows_and_one_row(name):
    assert written(frame(TICKETS).head(0), name)[1] == []
    written(frame(TICKETS).head(1), name)


def test_an_unknown_format_says_which_there_are():
    with pytest.raises(UsageError, match="use one of messages, prompt-completion"):
        formats.known_format("dpo")


def test_parquet_is_the_rows():
    rows = frame(TICKETS)
    assert pl.read_parquet(written(rows, "parquet")[2]).equals(rows)


# ---- any shape in, the same shape out, read again: the same rows -----------------------------------------------------

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
some = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
leaf = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text
tree = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(some, inner, max_size=2), max_leaves=6
)
function = st.fixed_dictionaries({"name": some, "arguments": st.dictionaries(some, tree, max_size=2) | text})
call = st.fixed_dictionaries({"type": st.just("function"), "function": function}, optional={"id": some})
keys = st.sampled_from(["name", "thinking", "weight", "é"])
schemas = st.lists(
    st.fixed_dictionaries({"name": some, "parameters": st.dictionaries(some, tree, max_size=2)}), max_size=2
)
tools = st.none() | schemas | schemas.map(lambda found: json.dumps(found, indent=1)) | text
roles = st.sampled_from(["system", "user", "assistant", "tool", "critic", "développeur"])
message = st.fixed_dictionaries(
    {"role": roles, "content": st.none() | text},
    optional={
        "tool_calls": st.lists(call, min_size=1, max_size=2),
        "tool_call_id": some,
        "thinking": leaf,
        "weight": leaf,
    },
)
speaker = st.sampled_from(["human", "gpt", "observation", "system", "critic"])
turn = st.fixed_dictionaries(
    {"from": speaker, "value": st.none() | text}, optional={"weight": leaf, "é": tree}
) | st.fixed_dictionaries(
    {
        "from": st.just("function_call"),
        "value": function.map(json.dumps) | st.lists(function, max_size=2).map(json.dumps) | text,
    }
)
rest = st.dictionaries(st.sampled_from(["k1", "k2", "é k"]), tree, max_size=2)
user, reply = (
    text.map(lambda t: {"role": "user", "content": t}),
    text.map(lambda t: {"role": "assistant", "content": t}),
)
chat = st.lists(message, min_size=1, max_size=4)
one_reply = st.tuples(reply).map(list)
sides = st.tuples(text, text, text) | st.tuples(chat, one_reply, one_reply)


def sided(*names, **more):
    """Records of a prompt and replies, all texts or all lists of messages."""
    return sides.flatmap(
        lambda drawn: st.fixed_dictionaries(
            {name: st.just(side) for name, side in zip(names, drawn, strict=False)} | {"tools": tools, **more}
        )
    )


RECORDS = {
    "text": st.fixed_dictionaries({"text": text}),
    "text-label": st.fixed_dictionaries({"text": text, "label": st.none() | text | st.integers()}),
    "alpaca": st.fixed_dictionaries(
        {"instruction": text, "input": st.none() | text, "output": text, "system": st.none() | text},
        optional={"history": st.lists(st.tuples(text, text), max_size=2)},
    ),
    "messages": st.fixed_dictionaries({"messages": chat, "tools": tools}),
    "sharegpt": st.fixed_dictionaries(
        {"conversations": st.lists(turn, min_size=1, max_size=4), "system": st.none() | text, "tools": tools}
    ),
    "prompt-completion": sided("prompt", "completion"),
    "preference": sided("prompt", "chosen", "rejected"),
    "kto": sided("prompt", "completion", label=st.booleans()),
}


def comes_back(shape, data):
    records = data.draw(st.lists(st.tuples(RECORDS[shape], rest), min_size=1, max_size=5))
    source = b"".join(json.dumps({**more, **record}).encode() + b"\n" for record, more in records)
    columns = {"text-label": {"text": "text", "label": "label"}, "text": {"text": "text"}}.get(shape, {})
    rows = again(source, shape, **columns)
    tally, out = Tally(shape), io.BytesIO()
    ids = formats.write(rows, out, shape, formats.layout(rows, shape, extra=True), tally)
    assert not tally.left_out
    back = again(out.getvalue(), shape, **columns)
    assert back["id"].equals(ids)
    assert back.drop("extra").equals(rows.drop("extra"))
    assert [json.loads(extra) for extra in back["extra"]] == [json.loads(extra) for extra in rows["extra"]]


@pytest.mark.parametrize("shape", RECORDS)
@settings(max_examples=10, deadline=None)  # two reads an example; the slow test below looks longer
@given(data=st.data())
def test_any_shape_out_and_in_again_gives_the_same_rows(shape, data):
    comes_back(shape, data)


@pytest.mark.slow
@pytest.mark.parametrize("shape", RECORDS)
@settings(max_examples=60, deadline=None)  # 200 of each passed once, in 5 minutes
@given(data=st.data())
def test_many_of_any_shape_out_and_in_again_give_the_same_rows(shape, data):
    comes_back(shape, data)


def test_columns_that_were_mapped_come_back(shared):
    line = '{"text":"%s","label":"x","user_id":"u1","created_at":"2020/3/9","agent":"ann"}\n'
    source = ((line % "a") + (line % "b")).encode()
    rows = again(source, "text-label", group="user_id", time="created_at", annotator="agent")
    data = written(rows, "text-label", extra=True)[2]
    back = again(data, "text-label", group="group", time="created_at", annotator="annotator")
    assert back.equals(rows)


@pytest.mark.parametrize(
    "name", ["alpaca_en", "alpaca_zh", "dpo_en", "dpo_zh", "kto_en", "glaive_toolcall_en", "glaive_toolcall_zh"]
)
def test_real_samples_come_back_the_same(shared, name):
    records = json.loads((shared / "llm_formats" / f"{name}_demo.json").read_text(encoding="utf-8"))
    rows = again(b"".join(json.dumps(record).encode() + b"\n" for record in records), None)
    shape = {"al": "alpaca", "dp": "preference", "kt": "kto", "gl": "sharegpt"}[name[:2]]
    for form in {shape, "messages"} - ({"messages"} if shape in ("kto", "preference") else set()):
        back = again(written(rows, form, extra=True)[2], None)
        assert back.equals(rows)


def test_real_tool_calls_go_into_every_format(shared):
    records = json.loads((shared / "llm_formats/glaive_toolcall_zh_demo.json").read_text(encoding="utf-8"))
    rows = again(b"".join(json.dumps(record).encode() + b"\n" for record in records), None)
    lost = {name: kinds(written(rows, name)[1]) for name in FORMATS}
    assert lost["messages"] == lost["sharegpt"] == {}
    assert lost["openai"]["row", "a tool result with no call before it"] == 2  # rows 197 and 293
    assert lost["alpaca"]["row", "tools"] == 200
    for line in written(rows, "openai")[0]:
        waiting = set()
        for said_ in line["messages"]:
            waiting |= {
                c["id"] for c in said_.get("tool_calls", []) if json.loads(c["function"]["arguments"]) is not None
            }
            if said_["role"] == "tool":
                waiting.remove(said_["tool_call_id"])
