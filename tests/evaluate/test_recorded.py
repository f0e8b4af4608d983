"""Outputs that were written down: canned ones, and those recorded in a file."""

import json

import polars as pl
import pytest
from vetset.curate.errors import DataError, UsageError
from vetset.curate.messages import Said
from vetset.evaluate.models.calling import answer_all
from vetset.evaluate.models.canned import CannedModel, open_canned
from vetset.evaluate.models.opening import open_model
from vetset.evaluate.models.protocol import Answer, Request
from vetset.evaluate.models.recorded import open_recorded


def requests(*texts, sample=0):
    return [Request((Said("system", "Be brief."), Said("user", text)), sample=sample) for text in texts]


def write(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_a_canned_file_answers_by_question_by_sample_and_otherwise(tmp_path):
    path = tmp_path / "canned.json"
    path.write_text(json.dumps({"a": "1", "b": ["2", {"text": "3", "finish": "length"}], "*": "?"}), encoding="utf-8")
    model = open_canned(path)
    assert [answer.text for answer in answer_all(model, requests("a", " b ", "c"))] == ["1", "2", "?"]
    assert answer_all(model, requests("b", sample=1)) == [Answer(text="3", finish="length")]
    assert model.identity() == open_canned(path).identity() != CannedModel({"a": "2"}, name="canned").identity()


def test_a_canned_model_has_no_answer_to_what_it_was_not_told():
    assert answer_all(CannedModel({"a": "1"}), requests("b"))[0].error == "canned has no answer to 'b'."


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1}', '{"a": {"finish": "never"}}'])
def test_a_canned_file_of_another_shape_is_refused(tmp_path, text):
    (tmp_path / "canned.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"canned\.json: .*a canned model is a JSON object"):
        open_canned(tmp_path / "canned.json")
    with pytest.raises(UsageError, match="can't be read"):
        open_canned(tmp_path / "none.json")


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_recorded_outputs_are_found_by_row_in_every_kind_of_file(tmp_path, ending):
    path = tmp_path / f"out.{ending}"
    frame = pl.DataFrame({"id": ["r1", "r2"], "output": ["007", 'grün, "ja"\n'], "prompt_tokens": [3, None]})
    {"jsonl": frame.write_ndjson, "csv": frame.write_csv, "parquet": frame.write_parquet}[ending](path)
    model = open_recorded(path)
    answers = answer_all(model, requests("a", "a", "b"), ids=["r2", "r1", "r3"], journal=tmp_path / "journal.jsonl")
    assert [answer.text for answer in answers] == ['grün, "ja"\n', "007", None]
    assert [answer.prompt_tokens for answer in answers] == [None, 3, None]
    assert answers[2].error == f"{path} has no output for this row ('r3')."
    assert not (tmp_path / "journal.jsonl").exists()  # what stands in a file is not written down twice
    assert model.note == f"{path}: 'output' of 2 rows, found by the row's id ('id')."


def test_recorded_outputs_are_found_by_what_was_asked_and_samples_in_their_order(tmp_path):
    path = write(
        tmp_path / "out.jsonl", {"prompt": "a", "response": "1"}, {"prompt": "a", "response": "2"},
        {"prompt": "b", "response": {"x": 1}, "finish_reason": "length", "seconds": 0.5},
    )  # fmt: skip
    model = open_recorded(path)
    assert [answer.text for answer in answer_all(model, requests("a", "b"), ids=["?", "?"])] == ["1", '{"x":1}']
    assert answer_all(model, requests("b"))[0] == Answer(text='{"x":1}', finish="length", seconds=0.5)
    assert [answer.text for answer in answer_all(model, requests("a", sample=1))] == ["2"]
    assert "no output for sample 2 of this row" in answer_all(model, requests("a", sample=2))[0].error
    by_column = write(
        tmp_path / "two.jsonl", {"id": "r", "sample": 1, "text": "second"}, {"id": "r", "sample": 0, "text": "first"}
    )
    assert [answer.text for answer in answer_all(open_recorded(by_column), requests("a"), ids=["r"])] == ["first"]


def test_a_providers_batch_output_is_read_with_its_tokens_and_its_errors(tmp_path):
    body = {
        "model": "m-1",
        "choices": [{"message": {"content": "4"}, "finish_reason": "stop"}],
        "usage": {"completion_tokens": 1},
    }
    path = write(
        tmp_path / "batch.jsonl",
        {"id": "batch_req_1", "custom_id": "r1", "response": {"status_code": 200, "body": body}, "error": None},
        {
            "id": "batch_req_2",
            "custom_id": "r2",
            "response": {"status_code": 400, "body": {"error": {"message": "too long"}}},
        },
        {"id": "batch_req_3", "custom_id": "r3", "response": None, "error": {"message": "expired"}},
    )
    first, second, third = answer_all(
        open_recorded(path, key="custom_id"), requests("a", "b", "c"), ids=["r1", "r2", "r3"]
    )
    assert first == Answer(text="4", completion_tokens=1, served_by="m-1")
    assert second.error == f"{path} line 2: 'too long'."
    assert third.error == '{"message":"expired"}'


@pytest.mark.parametrize(
    ("told", "finish"),
    [("max_tokens", "length"), ("MAX_TOKENS", "length"), ("content_filter", "filtered"), ("tool_use", "tool_calls"),
     ("end_turn", "stop"), (["stop"], "stop"), ({"a": 1}, "stop"), (3, "stop")],
)  # fmt: skip
def test_the_end_of_an_answer_is_read_in_every_services_words(tmp_path, told, finish):
    path = write(tmp_path / "out.jsonl", {"id": "a", "output": "1", "finish_reason": told})
    (answer,) = answer_all(open_recorded(path), requests("x"), ids=["a"])
    assert answer == Answer(text="1", finish=finish)


def test_an_empty_output_is_an_answer_and_a_missing_one_is_not(tmp_path):
    path = write(tmp_path / "out.jsonl", {"id": "a", "output": ""}, {"id": "b", "output": None})
    empty, missing = answer_all(open_recorded(path), requests("x", "y"), ids=["a", "b"])
    assert empty == Answer(text="")
    assert missing.error == f"{path} line 2 has no 'output'."


def test_outputs_of_other_rows_are_refused_with_what_stands_on_both_sides(tmp_path):
    path = write(tmp_path / "out.jsonl", {"id": "a", "output": "1"})
    with pytest.raises(UsageError, match="none of the 2 rows that are asked: by 'id' it has 'a', and asked was 'x'"):
        answer_all(open_recorded(path), requests("q", "r"), ids=["x", "y"])
    with pytest.raises(UsageError, match="goes by the row's id"):
        answer_all(open_recorded(path), requests("q"))


@pytest.mark.parametrize(
    ("name", "text", "error", "sentence"),
    [
        ("out.jsonl", '{"id": "a"}\n{"id": \n', DataError, "line 2: no JSON object"),
        ("out.jsonl", "[1]\n", DataError, "line 1: no JSON object"),
        ("out.jsonl", "", DataError, "holds no records"),
        ("out.csv", "a,b\n1,2\n", DataError, "neither a row's id .* it has 'a', 'b'"),
        ("out.csv", "id,b\n1,2\n", DataError, "no recorded output"),
        ("out.csv", "", DataError, "can't be read"),
        ("out.parquet", "no parquet", DataError, "can't be read"),
        ("out.txt", "a", UsageError, "ends in none of"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(tmp_path, name, text, error, sentence):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(error, match=sentence) as caught:
        open_recorded(tmp_path / name)
    assert name in str(caught.value)


def test_a_missing_file_and_a_wrong_column_are_told(tmp_path):
    for name in ("none.jsonl", "none.csv", "none.parquet"):
        with pytest.raises(UsageError, match="can't be read"):
            open_recorded(tmp_path / name)
    path = write(tmp_path / "out.jsonl", {"id": "a", "output": "1"})
    with pytest.raises(DataError, match="no column 'answers'; it has 'id', 'output'"):
        open_recorded(path, output="answers")


def test_real_model_solutions_are_read_as_recorded_outputs(shared):
    path = shared / "model_solutions" / "example_model_solutions.jsonl"
    model = open_model(f"recorded:{path}?output=175b_verification.solution")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    answers = answer_all(model, requests(*(line["question"] for line in lines)))
    assert [answer.text for answer in answers] == [line["175b_verification"]["solution"] for line in lines]
    assert len(answers) == 1319


@pytest.mark.parametrize("named", ["?columns=a", "?key", "?key=a&key=b", "?"])
def test_columns_that_are_named_in_another_way_are_refused(tmp_path, named):
    path = write(tmp_path / "out.jsonl", {"id": "a", "output": "1"})
    assert open_model(f"recorded:{path}?key=id&output=output").name == "out"
    if named != "?":
        with pytest.raises((UsageError, DataError), match=r"can't be read|no column"):
            open_model(f"recorded:{path}{named}")


def test_several_outputs_of_a_row_are_said_and_two_of_one_sample_are_refused(tmp_path):
    path = write(
        tmp_path / "out.jsonl", {"id": "a", "output": "1"}, {"id": "a", "output": "2"}, {"id": "b", "output": "3"}
    )
    assert "1 row with several outputs: they are samples in the order in which they stand" in open_recorded(path).note
    alone = write(tmp_path / "one.jsonl", {"id": "a", "output": "1"}, {"id": "b", "output": "3"})
    assert "several outputs" not in open_recorded(alone).note
    twice = write(
        tmp_path / "twice.jsonl", {"id": "a", "sample": 0, "output": "1"}, {"id": "a", "sample": 0, "output": "2"}
    )
    with pytest.raises(DataError, match=r"twice\.jsonl line 2: 'id' 'a' has another output of sample '0' before"):
        open_recorded(twice)
    same = write(tmp_path / "same.jsonl", *[{"id": "a", "sample": 0, "output": "1"}] * 2)
    assert [answer.text for answer in answer_all(open_recorded(same), requests("x"), ids=["a"])] == ["1"]
