"""Further fields of the source that a record has for its own: the record's stays, the other is counted, never lost in silence."""

import io
import json

import pytest
from vetset.curate import export, read, verify
from vetset.curate.dataset import frame
from vetset.curate.formats import wire as formats
from vetset.curate.formats.wire import Tally


def written(rows, name, *, extra=False):
    tally, out = Tally(name), io.BytesIO()
    formats.write(rows, out, name, formats.layout(rows, name, extra=extra), tally)
    fields = {loss.what: (loss.rows, loss.example) for loss in tally.losses() if loss.kind == "field"}
    return [json.loads(line) for line in out.getvalue().splitlines()], fields


def chat(user_extra, reply_extra=None, **row):
    turns = [
        {"role": "user", "content": "q", "extra": user_extra},
        {"role": "assistant", "content": "a", "extra": reply_extra},
    ]
    return {"messages": turns, **row}


@pytest.mark.parametrize(
    ("name", "keys", "row"),
    [
        ("messages", ["messages"], chat(None)),
        ("prompt-completion", ["prompt", "completion"], chat(None)),
        ("preference", ["prompt", "chosen", "rejected"], chat(None, rejected="b")),
        ("kto", ["completion", "label"], chat(None, label="true")),
        ("openai", ["messages"], chat(None)),
        ("alpaca", ["instruction", "input", "output"], chat(None)),
        ("sharegpt", ["conversations"], chat(None)),
        ("text-label", ["text", "label"], {"messages": "q", "label": "l"}),
        ("text", ["text"], {"messages": "q"}),
    ],
)
def test_a_field_that_stands_in_the_place_of_the_formats_own_is_counted(name, keys, row):
    rows = frame([row, {**row, "extra": json.dumps({**dict.fromkeys(keys, "other"), "kept": 1})}, row])
    lines, fields = written(rows, name, extra=True)
    assert lines[1] == {**lines[0], "kept": 1}
    assert fields == {f"{key} of extra": (1, rows["id"][1]) for key in sorted(keys)}


def test_a_field_of_a_columns_name_is_counted_where_the_column_is_filled():
    extra = '{"group": "own", "source": "own", "split": "own"}'
    row = {"messages": "q", "label": "l", "group": "g", "split": "train", "extra": extra}
    lines, fields = written(frame([row]), "text-label", extra=True)
    assert lines == [{"text": "q", "label": "l", "group": "g", "split": "train", "source": "own"}]
    assert set(fields) == {"group of extra", "split of extra"}
    assert written(frame([row]), "text-label")[1].keys() == {"group", "extra"}


def test_the_same_value_twice_is_no_loss_and_true_is_not_one():
    row = chat(
        None, label="true", group="مرحبا", extra='{ "label": true, "group": "\\u0645\\u0631\\u062d\\u0628\\u0627"}'
    )
    assert written(frame([row]), "kto", extra=True)[1] == {}
    assert set(written(frame([{**row, "extra": '{"label": 1}'}]), "kto", extra=True)[1]) == {"label of extra"}


@pytest.mark.parametrize("extra", [True, False])
@pytest.mark.parametrize(
    ("name", "own"), [("messages", "role"), ("sharegpt", "from"), ("openai", "content"), ("prompt-completion", "role")]
)
def test_a_messages_key_in_the_place_of_its_own_is_counted(name, own, extra):
    rows = frame([chat(json.dumps({own: "other 👋"}), json.dumps({own: "more"}))])
    lines, fields = written(rows, name, extra=extra)
    assert lines == written(frame([chat(None)]), name, extra=extra)[0] or name == "prompt-completion"
    assert "other 👋" not in json.dumps(lines, ensure_ascii=False)
    what = "further keys of messages" if (name, extra) == ("openai", False) else f"{own} among further keys of messages"
    assert fields == {what: (1, rows["id"][0])}


def test_a_row_that_is_left_out_is_not_counted_twice():
    row = chat('{"role": "other"}', label="false")
    assert written(frame([row]), "messages")[1] == {}


@pytest.mark.parametrize("value", ["1e999", "[" * 200 + "]" * 200, "18446744073709551616000", '{"b":1,"a":2}'])
def test_weird_values_are_counted_and_never_raise(value):
    row = {"messages": "q", "label": "l", "extra": f'{{"text": {value}}}'}
    assert set(written(frame([row]), "text-label", extra=True)[1]) == {"text of extra"}


def test_an_export_says_it(tmp_path):
    lines = [{"from": "human", "value": "q", "role": "boss"}, {"from": "gpt", "value": "a"}]
    (tmp_path / "a.jsonl").write_text(json.dumps({"conversations": lines, "messages": "mine"}) + "\n")
    dataset = read([tmp_path / "a.jsonl"], tmp_path / "s.vet").dataset
    result = export(dataset, tmp_path / "out", format="messages", extra=True)
    assert {loss.what for loss in result.losses} == {"messages of extra", "role among further keys of messages"}
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "messages of extra left behind in 1 row: messages has no place for it" in card
    assert verify(tmp_path / "out").ok
