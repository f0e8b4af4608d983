"""A run: what is refused before anything is asked, what is asked again, and what the results hold."""

import json
import os
from collections import Counter

import polars as pl
import pytest
from vetset.curate.errors import DataError, GateError, StaleError, UsageError
from vetset.evaluate.evalsets.evalset import EvalSet
from vetset.evaluate.evalsets.touches import MOST_LOOKS, looks, touch, touches
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.models.protocol import Answer, Parameters
from vetset.evaluate.runs.harness import evaluate
from vetset.evaluate.runs.prompts import prompt_for
from vetset.evaluate.runs.results import RESULTS, Run
from vetset.evaluate.runs.run_score import run_score
from vetset.evaluate.runs.training_data import check_training_data, from_lineage
from vetset.evaluate.scorers.case import Scored, Scorer
from vetset.evaluate.scorers.exact_match import score_normalised
from vetset.evaluate.scorers.numbers import score_number
from vetset.tests.evaluate.runs_made import made_evalset

EXACT = Scorer("normalised", "normalised", score_normalised)
NUMBER = Scorer("number", "number", score_number)


def build(folder, records, *, part="dev", frozen=True):
    """An eval set whose rows are of one part, and one row more for the part that decides."""
    kept = {"messages": "a question that is kept for the end", "label": "0"}
    return made_evalset(folder, [*records, kept], part=[*[part] * len(records), "ship"], frozen=frozen)


@pytest.fixture
def few(tmp_path):
    return build(tmp_path / "few.evalset", [{"messages": f"{i} + {i}?", "label": str(2 * i)} for i in range(5)])


def sums(request):
    return str(2 * int(request.messages[-1].content.split()[0]))


def test_a_run_is_scored_saved_and_opened_again(few, tmp_path):
    run = evaluate(few, CannedModel(sums), scorers=[NUMBER, EXACT], out=tmp_path / "runs")
    assert run.folder == tmp_path / "runs" / "canned-bare-dev.run"
    again = Run.open(run.folder)
    assert again.results.columns == [*RESULTS, "score.number", "score.normalised"]
    assert again.results["score.number"].to_list() == [1.0] * 5
    assert again.results["prediction"].to_list() == again.results["reference"].to_list()
    assert again.scorers == ["number", "normalised"]
    of = again.manifest
    assert of["counts"] == {"ok": 5, "unparsed": 0, "truncated": 0, "refused": 0, "error": 0}
    assert of["evalset"] | {"folder": "", "beside": ""} == {
        "name": "few", "folder": "", "beside": "", "digest": few.digest, "version": 1, "part": "dev", "rows": 5
    }  # fmt: skip
    assert of["prompt"]["first"] == [{"role": "user", "content": "0 + 0?"}]


def test_an_unchanged_rerun_calls_nothing_and_gives_the_same_bytes(few, tmp_path):
    first, second = CannedModel(sums), CannedModel(sums)
    run = evaluate(few, first, scorers=[NUMBER], out=tmp_path / "runs")
    before = (run.folder / "results.parquet").read_bytes()
    again = evaluate(few, second, scorers=[NUMBER, EXACT], out=tmp_path / "runs", name="again")
    assert (len(first.asked), len(second.asked)) == (5, 0)
    assert again.manifest["fresh"] == 0
    evaluate(few, second, scorers=[NUMBER], out=tmp_path / "runs")
    assert (run.folder / "results.parquet").read_bytes() == before


def test_what_is_no_answer_is_never_wrong(few, tmp_path):
    answers = {
        "0 + 0?": "0", "1 + 1?": Answer(finish="error", error="the server is gone"),
        "2 + 2?": Answer(text="Let me se", finish="length"),
        "3 + 3?": "I'm sorry, but I can't help with that.", "4 + 4?": "hm",
    }  # fmt: skip
    run = evaluate(few, CannedModel(answers), scorers=[NUMBER], out=tmp_path)
    rows = run.results
    assert rows["status"].to_list() == ["ok", "error", "truncated", "refused", "unparsed"]
    assert rows["score.number"].to_list() == [1.0, None, None, None, None]
    assert run.manifest["counts"] == {"ok": 1, "unparsed": 1, "truncated": 1, "refused": 1, "error": 1}
    assert rows["error"][1] == "the server is gone"
    found = run_score(run)
    assert (found.rows, found.mean) == (4, 0.25)


def test_a_scorer_that_scores_an_error_or_miscounts_is_not_believed(few, tmp_path):
    generous = Scorer("generous", "generous", lambda cases: [Scored(1.0) for _ in cases])
    answers = {"*": "x", "0 + 0?": Answer(finish="error", error="gone")}
    run = evaluate(few, CannedModel(answers), scorers=[generous], out=tmp_path)
    assert run.results["score.generous"].to_list() == [None, 1.0, 1.0, 1.0, 1.0]
    short = Scorer("short", "short", lambda cases: [Scored(1.0) for _ in cases[1:]])
    with pytest.raises(DataError, match="4 scores for 5 answers"):
        evaluate(few, CannedModel(answers), scorers=[short], out=tmp_path)


def test_errors_are_asked_again_and_nothing_else_is(few, tmp_path):
    broken = {"*": "8", "1 + 1?": Answer(finish="error", error="busy")}
    evaluate(
        few,
        CannedModel(lambda r: broken.get(r.messages[-1].content, "8"), revision="1"),
        scorers=[NUMBER],
        out=tmp_path,
    )
    mended = CannedModel(lambda r: "8", revision="1")
    run = evaluate(few, mended, scorers=[NUMBER], out=tmp_path)
    assert [request.messages[-1].content for request in mended.asked] == ["1 + 1?"]
    assert run.manifest["counts"]["error"] == 0


def test_a_run_in_which_nothing_was_answered_is_no_run(few, tmp_path):
    with pytest.raises(GateError, match="answered none of 5 calls"):
        evaluate(few, CannedModel({"x": "y"}), scorers=[NUMBER], out=tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("*.run"))
    assert not touches(few), "nothing was seen"


def test_several_samples_are_lines_of_their_own(few, tmp_path):
    model = CannedModel({"*": ["0", "2", "x"]})
    run = evaluate(few, model, scorers=[NUMBER], samples=3, parameters=Parameters(temperature=1.0), out=tmp_path)
    assert run.results.height == 15
    assert run.results["sample"].to_list() == [0, 1, 2] * 5
    assert run.results.filter(pl.col("reference") == "2")["score.number"].to_list() == [0.0, 1.0, None]
    with pytest.raises(UsageError, match="temperature 0"):
        evaluate(few, model, scorers=[NUMBER], samples=3, out=tmp_path)


def test_a_reasoned_answer_is_scored_by_what_follows_its_mark(tmp_path):
    few = build(tmp_path / "e.evalset", [{"messages": f"q{i}", "label": label} for i, label in enumerate("abab")])
    answers = {
        "q0": "b is wrong here.\nAnswer: a",
        "q1": "Answer: a\nno:\n**Answer:** b",
        "q2": "a",
        "q3": "I cannot help with that request.",
    }
    run = evaluate(
        few, CannedModel(answers), scorers=[EXACT], prompt=prompt_for("reasoning", labels=("a", "b")), out=tmp_path
    )
    assert run.results["prediction"].to_list()[:2] == ["a", "b"]
    assert run.results["status"].to_list() == ["ok", "ok", "unparsed", "refused"]


# --- refused ------------------------------------------------------------------------------------------------------


def test_an_eval_set_that_is_not_frozen_is_refused_with_the_next_step(tmp_path):
    loose = build(tmp_path / "loose.evalset", [{"messages": "hi", "label": "1"}], frozen=False)
    with pytest.raises(UsageError, match="vetset evalset freeze"):
        evaluate(loose, CannedModel({"*": "1"}), scorers=[NUMBER], out=tmp_path)


def test_another_digest_is_refused_whether_asked_for_changed_or_of_an_older_run(few, tmp_path):
    model = CannedModel({"*": "1"})
    with pytest.raises(StaleError, match="'aaaaaaaaaaaa' was asked for"):
        evaluate(few, model, scorers=[NUMBER], digest="aaaaaaaaaaaa", out=tmp_path)
    evaluate(few, model, scorers=[NUMBER], digest=few.digest[:12], out=tmp_path)
    other = build(tmp_path / "other.evalset", [{"messages": "hi", "label": "1"}])
    with pytest.raises(StaleError, match="was run on another eval set"):
        evaluate(other, model, scorers=[NUMBER], out=tmp_path)
    rows = few.rows.with_columns(label=pl.lit("7"))
    rows.write_parquet(few.folder / "rows.parquet")
    asked = len(model.asked)
    with pytest.raises(StaleError, match="other rows than those that were frozen"):
        evaluate(EvalSet.open(few.folder), model, scorers=[NUMBER], out=tmp_path)
    assert len(model.asked) == asked


def test_a_part_without_rows_and_a_name_without_letters_are_refused(few, tmp_path):
    shipped = build(tmp_path / "s.evalset", [{"messages": "hi", "label": "1"}], part="ship")
    with pytest.raises(UsageError, match=r"no row in its part dev, it has ship \(2 rows\)"):
        evaluate(shipped, CannedModel({"*": "1"}), scorers=[NUMBER], out=tmp_path)
    with pytest.raises(UsageError, match="has no letter"):
        evaluate(few, CannedModel({"*": "1"}), scorers=[NUMBER], name="../..", out=tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [("0  +  0 ?", "1 the same, 0 near"), ("so, tell me then: what is the sum of both?", "0 the same, 1 near")],
)
def test_eval_rows_in_the_training_data_are_refused(tmp_path, text, said):
    asked = ["0 + 0 ?", "so tell me then what is the sum of both"]
    few = build(tmp_path / "e.evalset", [{"messages": question, "label": "0"} for question in asked])
    path = tmp_path / "train.csv"
    path.write_text(f'text,label\n"a question of its own that nobody else has",1\n"{text}",0\n', encoding="utf-8")
    with pytest.raises(
        GateError, match=rf"train\.csv holds 1 row that few asks \({said} copies; one is .*train\.csv line 3\)"
    ):
        check_training_data(path, few.rows, name="few")


def test_clean_training_data_is_told_in_the_manifest(few, tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("text,label\nsomething else entirely,1\nand another thing,2\n", encoding="utf-8")
    train = check_training_data(path, few.rows, name="few")
    run = evaluate(few, CannedModel(sums), scorers=[NUMBER], train=train, out=tmp_path)
    assert run.manifest["train"] == {"set": str(path), "digest": train.digest, "rows": 2, "checked": True, "overlap": 0}


def test_the_lineage_of_a_model_is_held_against_the_eval_set(few, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    assert from_lineage(adapter, few.rows, name="few") is None
    lineage = adapter / "lineage.json"
    lineage.write_text(json.dumps({"data": {"rows": 9, "ids": ["0" * 20 + "-0"]}}), encoding="utf-8")
    found = from_lineage(adapter, few.rows, name="few")
    assert (found.checked, found.rows) == (False, 9)
    lineage.write_text(json.dumps({"data": {"ids": few.rows["id"].to_list()[:2]}}), encoding="utf-8")
    with pytest.raises(GateError, match=r"2 rows of few stand in the training data"):
        from_lineage(adapter, few.rows, name="few")
    (adapter / "train.csv").write_text("text,label\n3 + 3?,6\nx,1\n", encoding="utf-8")
    from hashlib import sha256

    digest = sha256((adapter / "train.csv").read_bytes()).hexdigest()
    lineage.write_text(json.dumps({"data": {"path": "train.csv", "sha256": digest}}), encoding="utf-8")
    with pytest.raises(GateError, match="holds 1 row that few asks"):
        from_lineage(adapter, few.rows, name="few")
    lineage.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"lineage\.json is damaged"):
        from_lineage(adapter, few.rows, name="few")


@pytest.mark.parametrize(("part", "said"), [("general", "general rows"), ("valid", "chose the checkpoint")])
def test_general_rows_and_rows_that_choose_are_held_against_the_eval_set_too(few, tmp_path, part, said):
    lineage = {"data": {"rows": 9, "ids": ["0" * 20 + "-0"]}, part: {"ids": few.rows["id"].to_list()[:1]}}
    (tmp_path / "lineage.json").write_text(json.dumps(lineage), encoding="utf-8")
    with pytest.raises(GateError, match=said):
        from_lineage(tmp_path, few.rows, name="few")


# --- looks --------------------------------------------------------------------------------------------------------


def test_each_candidate_on_the_ship_part_is_one_look_and_a_baseline_is_none(tmp_path):
    few = build(tmp_path / "s.evalset", [{"messages": "1 + 1?", "label": "2"}], part="ship")
    one, other = CannedModel({"*": "2"}, name="one"), CannedModel({"*": "3"}, name="other")
    for model in (one, one, other):
        evaluate(few, model, part="ship", scorers=[NUMBER], out=tmp_path, by="ann")
    evaluate(few, CannedModel({"*": "4"}, name="base"), part="ship", scorers=[NUMBER], out=tmp_path, baseline=True)
    assert [touch.run for touch in looks(few, "ship")] == ["one-bare-ship.run", "other-bare-ship.run"]
    assert Counter(touch.by for touch in touches(few))["ann"] == 3
    assert looks(few, "ship")[0].candidate == Run.open(tmp_path / "one-bare-ship.run").manifest["candidate"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_look_that_can_not_be_noted_is_not_taken(few, tmp_path):
    few.folder.chmod(0o500)
    with pytest.raises(UsageError, match="could not be noted"):
        evaluate(few, CannedModel({"*": "2"}), scorers=[NUMBER], out=tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("*.run"))


def test_a_spent_part_is_refused_before_anything_is_asked(tmp_path):
    evalset = made_evalset(tmp_path / "e.evalset", [{"messages": f"{i} + {i}?", "label": str(2 * i)} for i in range(5)])
    for number in range(MOST_LOOKS):
        touch(evalset, candidate=f"checkpoint {number}", part="ship", run="r", by="test")
    model = CannedModel(sums)
    with pytest.raises(GateError, match="is spent"):
        evaluate(evalset, model, part="ship", scorers=[NUMBER], out=tmp_path / "runs")
    assert not model.asked
    assert (
        evaluate(evalset, model, part="ship", scorers=[NUMBER], out=tmp_path / "runs", baseline=True).results.height
        == 5
    )
