"""What a plan counts is what is trained, and what would be trained against its purpose is named."""

from pathlib import Path

import pytest
from vetset.tests.evaluate.runs_made import made_evalset
from vetset.tests.small_models import tiny_model
from vetset.tests.train.plans_made import asked, planned, problems, tickets, written
from vetset.train.recipe import LEARNING_RATES, Lora, Recipe


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


def test_answers_that_were_called_bad_are_not_trained_as_good_ones_without_a_word(tiny, tmp_path):
    rows = [{**row, "label": place % 3 > 0} for place, row in enumerate(tickets())]
    assert len(problems(tiny, rows, tmp_path)["answer.bad"].rows) == 10
    assert "answer.bad" not in problems(tiny, rows, tmp_path, method="kto")


def test_pairs_that_tell_nothing_apart_are_named(tiny, tmp_path):
    rows = [{"prompt": f"question {place}", "chosen": "a card", "rejected": "no"} for place in range(30)]
    rows[3]["rejected"], rows[7]["rejected"] = "a card", " "
    found = problems(tiny, rows, tmp_path, method="dpo")
    assert [row["line"] for row in found["pair.same"].rows] == [4]
    assert [row["line"] for row in found["pair.empty"].rows] == [8]


def test_records_that_cannot_be_read_are_counted(tiny, tmp_path):
    data = written(tmp_path / "rows.jsonl", tickets())
    data.write_text(data.read_text(encoding="utf-8") + "{broken\n", encoding="utf-8")
    found = planned(tiny, data, tmp_path)
    assert found.rows.height == 30
    assert any(note.startswith(f"1 record of {data} can't be read and left out") for note in found.notes)


def test_rows_that_are_left_out_are_in_no_figure(tiny, tmp_path):
    rows = [*tickets(), asked("q", "y" * 300)]
    whole, found = planned(tiny, tickets(), tmp_path), planned(tiny, rows, tmp_path, max_length=96, too_long="drop")
    assert (found.rows.height, int(found.kept.sum())) == (31, 30)
    assert found.lengths == whole.lengths
    assert found.budget.steps == whole.budget.steps == 4
    cut = planned(tiny, rows, tmp_path, max_length=96, too_long="truncate")
    assert int(cut.kept.sum()) == 31
    assert cut.lengths.percentiles["p100"] == 96


def test_eval_rows_that_choose_the_checkpoint_are_refused_too(tiny, tmp_path):
    held = made_evalset(
        tmp_path / "e.evalset", [{"messages": "where is my card of tuesday morning", "label": "arrival"}]
    )
    valid = written(tmp_path / "valid.jsonl", [asked("where is my card of tuesday morning", "arrival")])
    found = problems(tiny, tickets(), tmp_path, evalsets=[str(held.folder)], valid=str(valid))
    assert found["eval.in_train"].level == "refuse"


def test_a_text_of_cpt_is_trained_whole_though_it_has_a_label(tiny, tmp_path):
    rows = [{"text": f"a text about {place}", "label": "news"} for place in range(20)]
    found = planned(tiny, rows, tmp_path, method="cpt")
    assert found.rows["trained"].to_list() == (found.rows["tokens"] - 1).to_list()


def test_what_train_would_refuse_of_the_folder_is_told_by_the_plan(tiny, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    assert problems(tiny, tickets(), tmp_path, out=str(tmp_path / "mine"))["out.taken"].level == "refuse"
    assert problems(tiny, tickets(), tmp_path, out=str(tmp_path / "rows.jsonl"))["out.taken"].level == "refuse"


def test_one_long_row_that_sets_the_peak_is_told_first(tiny, tmp_path):
    rows = [*tickets(300), asked("x" * 1900, "y")]
    said = problems(tiny, rows, tmp_path, device="t4", batch=65536, at_once=65536)["memory.over"].said
    assert "too_long = 'drop' (the 1 row above it set the peak)" in said


def test_the_page_of_the_recipe_has_every_key():
    page = (Path(__file__).parents[2] / "docs" / "recipe.md").read_text(encoding="utf-8")
    assert [
        name
        for name in (*Recipe.model_fields, *Lora.model_fields)
        if f"`{name}`" not in page and f"`[{name}]`" not in page
    ] == []
    assert [method for method, rate in LEARNING_RATES.items() if f"{method} {rate:g}" not in page] == []
