"""What a recipe names is read into the rows of its method: from a file, an export or a set, with general rows mixed in."""

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.dataset import Dataset, frame
from vetset.curate.decisions.deciding import decide_rows
from vetset.curate.errors import DataError, UsageError
from vetset.curate.exports.exporting import export
from vetset.curate.exports.provenance import sha256
from vetset.curate.reading.mapping import Given
from vetset.curate.reading.reader import read
from vetset.curate.splits.splitting import split
from vetset.evaluate.runs.training_data import check_training_data
from vetset.train.planning.measured import measured
from vetset.train.recipe import Recipe
from vetset.train.rows.examples import examples, turns
from vetset.train.rows.rendering import open_renderer
from vetset.train.rows.tokenized import tokenized


def recipe(data, **more):
    return Recipe.model_validate({"base": "model", "data": str(data), **more})


def lines(path, records):
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")
    return path


def asked(number, **more):
    return {
        "messages": [{"role": "user", "content": f"q {number}"}, {"role": "assistant", "content": f"a {number}"}],
        **more,
    }


@pytest.fixture
def tickets(tmp_path):
    return lines(tmp_path / "tickets.jsonl", [asked(number, license="MIT") for number in range(40)])


def test_a_file_is_read_as_it_stands(tickets):
    found = examples(recipe(tickets))
    assert (found.train.height, found.valid, found.source, found.provenance) == (40, None, tickets, None)
    assert found.sha256 == sha256(tickets)
    assert found.licenses == {"MIT": 40}
    assert not found.train["general"].any()
    assert (found.digest("general"), found.digest("valid"), len(found.digest("train") or "")) == (None, None, 64)


def test_a_set_gives_its_train_and_valid_splits_as_decisions_have_them(tickets, tmp_path):
    dataset = read([tickets], tmp_path / "tickets.vet", columns=Given()).dataset
    split(dataset, ratios=(0.5, 0.25, 0.25), inflation=False)
    dataset = Dataset.open(tmp_path / "tickets.vet")
    gone = dataset.rows.filter(pl.col("split") == "train")["id"][0]
    decide_rows(dataset, [gone], "drop", reviewer="ann")
    found = examples(recipe(dataset.folder))
    sides = dict(dataset.rows.group_by("split").len().iter_rows())
    assert (found.train.height, found.valid.height) == (sides["train"] - 1, sides["validation"])
    assert gone not in found.train["id"].to_list()
    assert found.sha256 == check_training_data(dataset.folder, frame([{"messages": "none"}]), name="none").digest
    assert found.sha256 == found.digest("train") != found.digest("valid")
    other = examples(recipe(tickets, valid=str(dataset.folder)))
    assert other.digest("valid") == found.digest("valid")


def test_a_set_without_splits_is_trained_on_whole(tickets, tmp_path):
    read([tickets], tmp_path / "tickets.vet", columns=Given())
    found = examples(recipe(tmp_path / "tickets.vet"))
    assert (found.train.height, found.valid) == (40, None)


def test_an_export_brings_its_provenance_its_licences_and_its_valid_file(tickets, tmp_path):
    dataset = read([tickets], tmp_path / "tickets.vet", columns=Given()).dataset
    split(dataset, ratios=(0.5, 0.25, 0.25), inflation=False)
    export(Dataset.open(dataset.folder), tmp_path / "out")
    found = examples(recipe(tmp_path / "out"))
    assert (found.source, found.provenance) == (tmp_path / "out" / "train.jsonl", tmp_path / "out" / "provenance.json")
    assert (found.valid.height, found.sha256, found.notes) == (10, sha256(found.source), [])
    assert found.licenses == {"MIT": 20}, (
        "of this file, as the account beside it tells: the records have no place for it"
    )
    assert examples(recipe(found.source)).provenance == found.provenance
    found.source.write_text(found.source.read_text() + json.dumps(asked(99)) + "\n")
    changed = examples(recipe(tmp_path / "out"))
    assert (changed.provenance, changed.licenses) == (None, {"unknown": 21})
    assert "is not as it was exported" in changed.notes[0]


def test_an_export_without_splits_is_its_data_file(tickets, tmp_path):
    export(read([tickets], tmp_path / "tickets.vet", columns=Given()).dataset, tmp_path / "out")
    found = examples(recipe(tmp_path / "out"))
    assert (found.source.name, found.valid, found.train.height) == ("data.jsonl", None, 40)


def test_somebody_elses_provenance_says_nothing(tickets):
    (tickets.parent / "provenance.json").write_text('{"files": 3}')
    assert examples(recipe(tickets)).provenance is None


def test_a_path_that_is_not_there_is_told(tmp_path):
    for data in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(UsageError, match=r"check the path|name the file"):
            examples(recipe(data))


def test_a_label_is_the_answer_of_a_row_without_one():
    one, other = frame([{"messages": "hi", "label": "greeting"}, asked(1, label="good")]).iter_rows(named=True)
    assert turns(one).messages == [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "greeting"}]
    assert (turns(one).target, turns(one).good) == ("greeting", None)
    assert (turns(other).target, turns(other).good) == ("a 1", True)
    assert turns(other).prompt == turns(other).messages[:1]


def test_tools_calls_and_further_keys_are_as_templates_take_them():
    calls = '[{"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{\\"a\\": 1}"}}]'
    messages = [
        {"role": "user", "content": "add", "extra": '{"name": "ann"}'},
        {"role": "assistant", "content": None, "tool_calls": calls, "extra": '{"reasoning_content": "hm"}'},
        {"role": "tool", "content": "1", "tool_call_id": "c1"},
        {"role": "assistant", "content": None, "tool_calls": calls},
    ]
    row = frame([{"messages": messages, "tools": '[{"type": "function", "function": {"name": "add"}}]'}]).row(
        0, named=True
    )
    found = turns(row)
    assert found.messages[0] == {"name": "ann", "role": "user", "content": "add"}
    assert found.messages[1]["tool_calls"][0]["function"]["arguments"] == {"a": 1}
    assert (found.messages[1]["content"], found.messages[1]["reasoning_content"]) == ("", "hm")
    assert found.messages[2] == {"role": "tool", "content": "1", "tool_call_id": "c1"}
    assert found.tools == [{"type": "function", "function": {"name": "add"}}]
    assert (found.target, len(found.prompt)) == (calls, 3)


@pytest.mark.parametrize("tools", ["{", "3", '["add"]', '{"a": 1}', "[" * 100_000])
def test_tools_that_are_no_list_of_objects_are_told_by_file_and_line(tools):
    row = frame([asked(1, tools=tools)]).row(0, named=True)
    with pytest.raises(DataError, match=r"^memory line 1: its tools or tool calls are no JSON list of objects"):
        turns(row)


@pytest.mark.parametrize(
    ("method", "record", "line"),
    [
        ("sft", {"messages": [{"role": "user", "content": "and?"}]}, "sft needs an answer"),
        (
            "sft",
            {"messages": [{"role": "user", "content": "and?"}, {"role": "assistant", "content": " "}]},
            "an answer",
        ),
        ("dpo", asked(1), "dpo needs a question, a better and a worse answer"),
        ("kto", asked(1, label="so so"), "kto needs a question, and an answer with a label"),
        ("cpt", asked(1), 'of conversations sft with loss = "all"'),
    ],
)
def test_rows_that_lack_what_the_method_needs_are_told_by_file_and_line(tmp_path, method, record, line):
    good = {
        "sft": asked(0),
        "kto": asked(0, label="good"),
        "cpt": {"messages": [{"role": "user", "content": "a text"}]},
    }
    first = good.get(method, record)
    path = lines(tmp_path / "rows.jsonl", [first, first, record])
    with pytest.raises(DataError, match=r"rows.jsonl line [13]: ") as told:
        examples(recipe(path, method=method))
    assert line in str(told.value)
    assert "of 3 in" in str(told.value)


def test_a_question_is_all_that_grpo_needs(tmp_path):
    path = lines(tmp_path / "rows.jsonl", [{"text": f"{n} + 1?", "label": f"{n + 1}"} for n in range(9)])
    found = examples(recipe(path, method="grpo", rewards=["number"]))
    row = found.train.row(0, named=True)
    assert (turns(row).prompt, row["label"]) == ([{"role": "user", "content": "0 + 1?"}], "1")


def test_kto_learns_from_both_sides_of_a_pair(tmp_path):
    pairs = [{"prompt": f"q {n}", "chosen": f"better {n}", "rejected": f"worse {n}"} for n in range(5)]
    found = examples(recipe(lines(tmp_path / "rows.jsonl", pairs), method="kto")).train
    assert found.height == 10
    said = {(turns(row).target, turns(row).good, turns(row).rejected) for row in found.iter_rows(named=True)}
    assert said == {(f"{side} {n}", side == "better", None) for n in range(5) for side in ("better", "worse")}
    assert all(turns(row).prompt[0]["content"].startswith("q ") for row in found.iter_rows(named=True))


@pytest.mark.parametrize(
    ("word", "good"), [("true", True), ("Bad", False), ("1", True), ("thumbs_down", False), ("👍", True)]
)
def test_kto_reads_many_words_for_good_and_bad(tmp_path, word, good):
    path = lines(tmp_path / "rows.jsonl", [asked(n, thumb=word) for n in range(3)])
    read([path], tmp_path / "rows.vet", columns=Given(label="thumb"))
    found = examples(recipe(tmp_path / "rows.vet", method="kto")).train
    assert {turns(row).good for row in found.iter_rows(named=True)} == {good}


@given(st.integers(1, 60), st.integers(1, 80), st.floats(0.05, 0.9))
@settings(max_examples=25, deadline=None)
def test_general_rows_are_their_share_of_an_epoch_however_many_there_are(tmp_path_factory, own, general, share):
    folder = tmp_path_factory.mktemp("mix")
    data = lines(folder / "own.jsonl", [asked(number) for number in range(own)])
    more = lines(folder / "general.jsonl", [asked(number + 1000) for number in range(general)])
    found = examples(recipe(data, general=str(more), general_share=share))
    mixed = found.train.filter(pl.col("general"))
    assert abs(mixed.height - found.train.height * share) <= 1
    assert mixed["id"].value_counts()["count"].max() <= -(-mixed.height // general)  # none twice before all came once
    assert bool(found.notes) == (mixed.height > general)
    assert found.sha256 == sha256(data)


def test_general_rows_without_an_answer_are_texts_that_are_trained_whole(tickets, tmp_path, tiny_folder):
    talk = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
    more = lines(tmp_path / "general.jsonl", [{"messages": [{"role": "user", "content": "It rained."}]}, talk] * 4)
    mixed = recipe(tickets, general=str(more), general_share=0.5)
    found = examples(mixed)
    assert any("4 rows of" in note and "trained whole" in note for note in found.notes)
    renderer = open_renderer(tiny_folder)
    general = found.train.filter(pl.col("general") & (pl.col("messages").list.len() == 1))
    [*_, fed] = tokenized(mixed, renderer, general)
    assert fed["input_ids"] == renderer.plain("It rained.").ids
    assert fed["labels"][1:] == fed["input_ids"][1:]
    line = measured(mixed, renderer, general).row(0, named=True)
    assert (line["tokens"], line["trained"]) == (len(fed["input_ids"]), len(fed["input_ids"]) - 1)


def test_the_seed_decides_which_general_rows_are_mixed_in(tickets, tmp_path):
    more = lines(tmp_path / "general.jsonl", [asked(number + 1000) for number in range(500)])
    drawn = [examples(recipe(tickets, general=str(more), seed=seed)).digest("general") for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("method", "name", "rows"),
    [
        ("sft", "bank_intents/train.csv", 10_003), ("sft", "llm_formats/glaive_toolcall_en_demo.json", 300),
        ("dpo", "llm_formats/dpo_en_demo.json", 300), ("kto", "llm_formats/kto_en_demo.json", 300),
        ("kto", "llm_formats/dpo_zh_demo.json", 600), ("sft", "math_contamination/gsm8k/train.jsonl", 7_473),
    ],
)  # fmt: skip
def test_real_files_are_read(shared, method, name, rows):
    found = examples(recipe(shared / name, method=method))
    assert found.train.height == rows
    for row in found.train.head(300).iter_rows(named=True):
        said = turns(row)
        assert said.messages[-1]["role"] == "assistant"
        assert said.target
        assert (said.rejected is not None) == (method == "dpo")
        assert (said.good is not None) == (method == "kto")
