"""Every wire shape, read from a real file: what becomes of its messages, tools, labels and replies."""

import json

import pytest
from vetset.curate import Given, read


@pytest.fixture
def rows_of(tmp_path):
    """Read records (values, or lines as they stand) as JSON lines; returns rows and rejects."""

    def rows(*records, **columns):
        lines = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
        (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        result = read([tmp_path / "a.jsonl"], tmp_path / "a.vet", columns=Given(**columns))
        return result.dataset.rows.to_dicts(), list(result.dataset.rejects())

    return rows


def said(row):
    return [(message["role"], message["content"]) for message in row["messages"]]


CHAT = [{"role": "user", "content": "hi 😀"}, {"role": "assistant", "content": "مرحبا"}]


def test_plain_messages_stay_as_they_are(rows_of):
    rows, rejects = rows_of({"messages": CHAT, "n": 1})
    assert said(rows[0]) == [("user", "hi 😀"), ("assistant", "مرحبا")]
    assert rows[0]["extra"] == '{"n":1}'
    assert not rejects


def test_further_keys_of_a_message_are_kept_in_its_extra(rows_of):
    odd = [
        {"role": "user", "content": "a", "name": "Ann"},
        {"role": "assistant", "content": "b", "weight": 0, "reasoning": "c"},
    ]
    rows, _ = rows_of({"messages": odd}, {"messages": CHAT})
    assert [message["extra"] for message in rows[0]["messages"]] == ['{"name":"Ann"}', '{"weight":0,"reasoning":"c"}']
    assert [message["extra"] for message in rows[1]["messages"]] == [None, None]


def test_tool_calls_and_schemas_keep_every_character(rows_of):
    calls = '[{"id":"c1", "type":"function","function":{"name":"f","arguments":"{\\"a\\": 1.0, \\"é\\":  null}"}}]'
    tools = '[{"type":"function","function":{"name":"f","parameters":{"b":{},"a":{"enum":[1.50,null]}}}}]'
    line = (
        '{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":' + calls + "},"
        '{"role":"tool","tool_call_id":"c1","content":"ok"}],"tools":' + tools + "}"
    )
    rows, _ = rows_of(line, {"messages": CHAT})
    assert rows[0]["messages"][1]["tool_calls"] == calls
    assert rows[0]["messages"][1]["content"] is None
    assert rows[0]["messages"][2]["tool_call_id"] == "c1"
    assert rows[0]["tools"] == tools
    assert rows[1]["tools"] is None


def test_the_old_function_call_becomes_a_tool_call(rows_of):
    call = {"name": "f", "arguments": "{}"}
    rows, _ = rows_of(
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": None, "function_call": call}]}
    )
    assert json.loads(rows[0]["messages"][1]["tool_calls"]) == [{"type": "function", "function": call}]


def test_a_message_with_vetsets_own_private_key_harms_nothing(rows_of):
    odd = [{"role": "user", "content": "a", "\ufdd0extra": "{no json"}, CHAT[1]]
    rows, rejects = rows_of({"messages": CHAT}, {"messages": odd}, {"messages": CHAT})
    assert all(message["extra"] is None or json.loads(message["extra"]) for row in rows for message in row["messages"])
    assert len(rows) + len(rejects) == 3


def test_text_parts_are_joined_and_kept_where_the_text_alone_does_not_say_them(rows_of):
    one = [{"type": "text", "text": "a"}]
    two = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": {"type": "x"}}]
    picture = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}]
    rows, rejects = rows_of(
        *({"messages": [{"role": "user", "content": parts}, CHAT[1]]} for parts in (one, two, picture))
    )
    assert [said(row)[0][1] for row in rows] == ["a", "ab"]
    assert rows[0]["messages"][0]["extra"] is None
    assert json.loads(rows[1]["messages"][0]["extra"]) == {"content_parts": two}
    assert [reject["line"] for reject in rejects] == [3]
    assert "reads text only" in rejects[0]["reason"]


def test_what_a_tool_returns_may_be_json(rows_of):
    rows, rejects = rows_of(
        '{"messages":[{"role":"user","content":"q"},{"role":"tool","content":{"t": 1.0}},{"role":"tool","content":["a", 1]}]}'
    )
    assert not rejects
    assert said(rows[0])[1:] == [("tool", '{"t": 1.0}'), ("tool", '["a", 1]')]


def test_messages_may_be_json_text_in_a_csv(tmp_path):
    import csv

    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["messages", "user"], [json.dumps(CHAT), "u1"], ["[broken", "u2"], [json.dumps(CHAT), "u1"]]
        )
    result = read([tmp_path / "a.csv"], tmp_path / "a.vet")
    assert [said(row) for row in result.dataset.rows.to_dicts()] == [[("user", "hi 😀"), ("assistant", "مرحبا")]] * 2
    assert [reject["line"] for reject in result.dataset.rejects()] == [3]
    assert result.dataset.rows["group"].to_list() == ["u1", "u1"]


def test_sharegpt_speakers_become_roles_and_calls_become_tool_calls(rows_of):
    turns = [
        {"from": "system", "value": "s"}, {"from": "human", "value": "q"},
        {"from": "function_call", "value": '{"name": "f", "arguments": {"a":  1}}'}, {"from": "observation", "value": "{}"},
        {"from": "gpt", "value": "done", "weight": 1},
    ]  # fmt: skip
    rows, _ = rows_of({"conversations": turns, "tools": "[]"})
    assert [message["role"] for message in rows[0]["messages"]] == ["system", "user", "assistant", "tool", "assistant"]
    call = '[{"type":"function","function":{"name": "f", "arguments": {"a":  1}}}]'
    assert rows[0]["messages"][2]["tool_calls"] == call
    assert rows[0]["messages"][4]["extra"] == '{"weight":1}'
    assert rows[0]["tools"] is None


def test_a_function_call_that_is_no_json_is_kept_as_its_arguments(rows_of):
    rows, _ = rows_of(
        {"conversations": [{"from": "human", "value": "q"}, {"from": "function_call", "value": "call f("}]}
    )
    assert json.loads(rows[0]["messages"][1]["tool_calls"])[0]["function"] == {"name": "", "arguments": "call f("}


def test_a_function_call_may_be_an_object_or_a_list_of_them(rows_of):
    rows, rejects = rows_of(
        '{"conversations":[{"from":"human","value":"q"},{"from":"function_call","value":{"name":"f","arguments":{"a": 1.0}}}]}',
        '{"conversations":[{"from":"human","value":"q"},{"from":"function_call","value":"[{\\"name\\":\\"f\\"},{\\"name\\":\\"g\\"}]"}]}',
    )
    assert not rejects
    assert (
        rows[0]["messages"][1]["tool_calls"] == '[{"type":"function","function":{"name":"f","arguments":{"a": 1.0}}}]'
    )
    assert [call["function"]["name"] for call in json.loads(rows[1]["messages"][1]["tool_calls"])] == ["f", "g"]


def test_alpaca_with_input_history_and_system(rows_of):
    full = {"instruction": "add", "input": "1 2", "output": "3", "history": [["q", "a"]], "system": "be brief"}
    plain = {"instruction": "say hi", "input": "", "output": "hi", "history": [], "system": ""}
    rows, _ = rows_of(full, plain)
    assert said(rows[0]) == [
        ("system", "be brief"),
        ("user", "q"),
        ("assistant", "a"),
        ("user", "add\n1 2"),
        ("assistant", "3"),
    ]
    assert said(rows[1]) == [("user", "say hi"), ("assistant", "hi")]


@pytest.mark.parametrize("history", ["none", 5, [["only one"]], [{"q": "a"}], "[[1, 2]]"])
def test_a_history_that_is_none_is_a_reject(rows_of, history):
    good = {"instruction": "a", "output": "b", "history": None}
    rows, rejects = rows_of(good, {**good, "history": history}, good)
    assert len(rows) == 2
    assert [(reject["line"], "history" in reject["reason"]) for reject in rejects] == [(2, True)]


PREFERENCES = {
    "texts": {"prompt": "q", "chosen": "good", "rejected": "bad"},
    "prompt of messages": {"prompt": CHAT[:1], "chosen": [{"role": "assistant", "content": "good"}], "rejected": "bad"},
    "implicit": {
        "chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "good"}],
        "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "bad"}],
    },
    "prompt repeated": {
        "prompt": "q",
        "chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "good"}],
        "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "bad"}],
    },
    "transcripts": {"chosen": "\n\nHuman: q\n\nAssistant: good", "rejected": "\n\nHuman: q\n\nAssistant: bad"},
    "sharegpt": {
        "conversations": [{"from": "human", "value": "q"}], "chosen": {"from": "gpt", "value": "good"},
        "rejected": {"from": "gpt", "value": "bad"},
    },
    "instruction": {"instruction": "q", "input": "", "chosen": "good", "rejected": "bad"},
}  # fmt: skip


@pytest.mark.parametrize("name", PREFERENCES)
def test_a_preference_is_prompt_better_and_worse_reply(rows_of, name):
    rows, rejects = rows_of(PREFERENCES[name])
    assert not rejects
    asked = "hi 😀" if name == "prompt of messages" else "q"
    assert said(rows[0]) == [("user", asked), ("assistant", "good")]
    assert rows[0]["rejected"] == "bad"


def test_a_prompt_that_the_replies_repeat_is_said_once_under_a_system_prompt_too(rows_of):
    rows, _ = rows_of({**PREFERENCES["prompt repeated"], "system": "s"})
    assert said(rows[0]) == [("system", "s"), ("user", "q"), ("assistant", "good")]


def test_replies_that_part_ways_early_are_rejects_that_say_so(rows_of):
    parted = {
        "chosen": [*CHAT, {"role": "user", "content": "x"}, {"role": "assistant", "content": "good"}],
        "rejected": [*CHAT, {"role": "user", "content": "y"}, {"role": "assistant", "content": "bad"}],
    }
    asked = {"prompt": "q", "chosen": [{"role": "user", "content": "x"}], "rejected": "bad"}
    rows, rejects = rows_of(PREFERENCES["implicit"], parted, asked, {**asked, "chosen": []})
    assert len(rows) == 1
    reasons = [reject["reason"] for reject in rejects]
    assert "part ways before their last turn" in reasons[0]
    assert "role 'user'" in reasons[1]
    assert "'chosen' is an empty list" in reasons[2]


@pytest.mark.parametrize(("good", "bad"), [(True, False), ("true", "false"), (1, 0), ("True", "False"), ("1", "0")])
def test_kto_labels_are_true_and_false_however_written(rows_of, good, bad):
    rows, _ = rows_of(
        {"prompt": "q", "completion": "a", "label": good}, {"prompt": "q", "completion": "b", "label": bad}
    )
    assert [row["label"] for row in rows] == ["true", "false"]
    assert said(rows[0]) == [("user", "q"), ("assistant", "a")]


def test_a_kto_label_that_is_neither_is_a_reject(rows_of):
    rows, rejects = rows_of(
        *[{"prompt": "q", "completion": "a", "label": label} for label in (True, False, None, "maybe")], format="kto"
    )
    assert len(rows) == 2
    assert [reject["line"] for reject in rejects] == [3, 4]


def test_labels_keep_how_they_were_written(rows_of):
    labels = ["1", "1.0", "true", "null", '"a"', '["x", "y"]', '{"start": 0}', '""', "1e5"]
    rows, rejects = rows_of(*[f'{{"text": "a text", "label": {label}}}' for label in labels])
    assert not rejects
    assert [row["label"] for row in rows] == ["1", "1.0", "true", None, "a", '["x", "y"]', '{"start": 0}', None, "1e5"]


def test_a_text_that_is_sometimes_a_number_is_its_digits(rows_of):
    rows, rejects = rows_of(
        '{"text": "a b", "label": "x"}', '{"text": 12.50, "label": "y"}', '{"text": null, "label": "x"}'
    )
    assert not rejects
    assert [said(row)[0][1] for row in rows] == ["a b", "12.50", ""]


def test_a_group_that_is_an_object_in_one_row_is_its_json(rows_of):
    records = [{"text": f"text {i}", "label": "a", "user": f"u{i % 2}"} for i in range(4)]
    rows, rejects = rows_of(
        *records, '{"text": "b", "label": "a", "user": {"id":  7}}', '{"text": "c", "label": "a", "user": ["p", "q"]}'
    )
    assert not rejects
    assert [row["group"] for row in rows[4:]] == ['{"id":  7}', '["p", "q"]']


def test_a_conversation_may_serve_as_the_group_too(rows_of):
    rows, rejects = rows_of({"messages": CHAT}, {"messages": CHAT[:1]}, group="messages")
    assert not rejects
    assert [json.loads(row["group"]) for row in rows] == [CHAT, CHAT[:1]]
