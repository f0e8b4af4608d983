"""What an adapter's folder says of its making: written whole, read back, and understood by `vetset eval`."""

import json
import os
import shutil

import polars as pl
import pytest
from vetset.curate.errors import DataError, GateError, UsageError
from vetset.evaluate.models.local import open_local
from vetset.evaluate.models.weights_digest import weights_digest
from vetset.evaluate.runs.training_data import check_named, check_training_data, from_lineage
from vetset.evaluate.runs.training_rows import training_rows
from vetset.tests.train.adapters_made import CURVES, made_adapter, made_base, made_data
from vetset.train.adapters.library import open_adapter
from vetset.train.adapters.lineage import read_lineage, recipe_digest, save_lineage, write_lineage
from vetset.train.curves import read_curves, summary
from vetset.train.energy import read_joules
from vetset.train.planning.preflight import plan
from vetset.train.recipe import Recipe
from vetset.train.rows.examples import examples

pytest.importorskip("peft")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a base, data and an adapter; nobody changes them."""
    folder = tmp_path_factory.mktemp("made")
    base, data = made_base(folder / "base"), made_data(folder / "train.jsonl")
    made_adapter(folder / "adapter", base, data, price_per_hour=3.6)
    return folder


def test_all_that_made_an_adapter_is_written_and_read_back(made):
    lineage = read_lineage(made / "adapter")
    rows = training_rows(made / "train.jsonl")
    assert lineage.data.ids == rows["id"].to_list()
    assert (lineage.data.rows, lineage.data.licenses) == (12, {"CC-BY-4.0": 12})
    assert lineage.data.path == "../train.jsonl"
    assert (lineage.base.path, lineage.base.license) == ("../base", "apache-2.0")
    assert lineage.base.digest == weights_digest(made / "base")
    assert lineage.recipe["learning_rate"] == 2e-4, "that of the method, where nothing was said"
    assert lineage.recipe_sha256 == recipe_digest(Recipe.model_validate(lineage.recipe))
    assert {"vetset", "torch", "transformers", "peft", "python"} <= lineage.versions.keys()
    assert lineage.cost == pytest.approx(0.008)
    assert lineage.energy_joules is None
    assert lineage.plan["tokens"] == {"longest": 40}


def test_template_and_tokenizer_have_the_digests_that_a_run_has(made):
    model = open_local(made / "base", adapter=made / "adapter")
    lineage = read_lineage(made / "adapter")
    assert (lineage.template, lineage.tokenizer) == (model.template.digest, model.identity()["tokenizer"])
    assert lineage.base.digest == model.identity()["weights"]
    assert open_adapter(made / "adapter").digest == model.identity()["adapter"]  # by which a verdict is found


def test_eval_finds_the_training_data_by_it_and_refuses_what_stands_in_it(made):
    rows = training_rows(made / "train.jsonl")
    other = training_rows(made_data(made / "other.jsonl", 14)).tail(2).with_columns(text=pl.lit("far away"))
    with pytest.raises(GateError, match="learnt by heart"):
        from_lineage(made / "adapter", rows.head(1), name="e.evalset")
    found = from_lineage(made / "adapter", other.head(0), name="e.evalset")
    assert found.checked
    assert (found.rows, found.digest) == (12, read_lineage(made / "adapter").data.sha256)
    check_named(check_training_data(made / "train.jsonl", other.head(0), name="e"), made / "adapter")


def test_it_finds_the_data_when_both_have_moved_and_the_ids_when_the_data_is_gone(made, tmp_path):
    there = shutil.copytree(made, tmp_path / "moved")
    rows = training_rows(there / "train.jsonl")
    assert from_lineage(there / "adapter", rows.head(0), name="e").checked
    (there / "train.jsonl").unlink()
    shutil.move(there / "adapter", tmp_path / "a")
    with pytest.raises(GateError, match="stand in the training data"):
        from_lineage(tmp_path / "a", rows.tail(1), name="e")


def test_two_trainings_alike_differ_in_nothing_but_the_time(made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "again")
    first = json.loads((folder / "adapter" / "lineage.json").read_text())
    shutil.rmtree(folder / "adapter")
    made_adapter(folder / "adapter", folder / "base", folder / "train.jsonl", price_per_hour=3.6)
    second = json.loads((folder / "adapter" / "lineage.json").read_text())
    moves = ("finished", "recipe", "recipe_sha256")  # the recipe names other places
    assert {key for key in first if first[key] != second[key]} - {*moves, "base"} == set()
    assert first["base"]["digest"] == second["base"]["digest"]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (b"", DataError, "damaged"),
        (b"[1]", DataError, "damaged"),
        (b'{"format": 1', DataError, "damaged"),
        (b'{"format": 1, "finished": 3}', DataError, "damaged"),
        (b'{"format": 1, "finished": "x", "data": {"ids": [1]}}', DataError, "damaged"),
        (b"\xff\xfe", DataError, "damaged"),
        (b"[" * 100_000, DataError, "damaged"),
        (b'{"format": 2}', DataError, "update vetset"),
        (b'{"data": {}}', DataError, "no format.*train again"),
        (b'{"format": "\\u001b[31m"}', DataError, "train again"),
    ],
)
def test_a_lineage_that_is_none_is_told_in_a_sentence(tmp_path, text, error, said):
    (tmp_path / "lineage.json").write_bytes(text)
    with pytest.raises(error, match=said) as caught:
        read_lineage(tmp_path)
    assert "\x1b" not in str(caught.value)


def test_no_lineage_names_the_command_that_writes_one(tmp_path):
    with pytest.raises(UsageError, match="vetset train"):
        read_lineage(tmp_path)


def test_hours_of_training_are_not_lost_to_a_strange_name_or_figure(made, tmp_path):
    lineage = read_lineage(made / "adapter")
    odd = os.fsdecode(b"caf\xe9")  # a file name that is no UTF-8
    strange = {"path": odd, "when": float("inf"), "nan": float("nan"), "kind": made, odd: 1}
    save_lineage(tmp_path, type(lineage)(format=1, finished="x", task=odd, plan=strange))
    told = read_lineage(tmp_path)
    assert told.plan["when"] is None
    assert told.task == "caf?"


def test_no_row_that_the_plan_showed_is_passed_on_with_the_adapter(made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "m")
    recipe = Recipe(base=str(folder / "base"), data=str(folder / "train.jsonl"))
    found = examples(recipe)
    planned = plan(recipe, examples=found)
    write_lineage(
        folder / "adapter",
        recipe,
        found,
        base=folder / "base",
        device="cpu",
        seconds=1,
        tokens=1,
        plan=planned.figures(),
    )
    said = (folder / "adapter" / "lineage.json").read_text()
    texts = [turn["content"] for row in found.train["messages"].to_list() for turn in row]
    assert texts[0] in json.dumps(planned.summary())
    assert not any(text in said for text in texts if len(text) > 8)
    assert read_lineage(folder / "adapter").plan["data"]["rows"] == found.train.height


def test_curves_are_summed_up_without_what_is_no_number(made, tmp_path):
    told = summary(read_curves(made / "adapter"), stopped_early=True)
    assert (told.steps, told.first_loss, told.last_loss, told.best_loss) == (6, 2.5, 1.25, 1.25)
    assert (told.first_valid_loss, told.best_valid_loss, told.best_step, told.stopped_early) == (2.25, 1.75, 4, True)
    (tmp_path / "curves.csv").write_text(CURVES.replace("1.25", "nan").replace("500", "500.0"))
    assert summary(read_curves(tmp_path)).last_loss == 1.5
    assert summary(read_curves(tmp_path / "none")).steps == 0


@pytest.mark.parametrize("text", ["", "step,loss\n1,two\n", "step,loss\n1,2,3,4\n", "step\n1.5\nnan\n"])
def test_curves_that_are_damaged_are_an_error_of_one_sentence(tmp_path, text):
    (tmp_path / "curves.csv").write_text(text)
    with pytest.raises(DataError, match=r"curves\.csv can't be read"):
        read_curves(tmp_path)


def test_curves_without_steps_are_no_curves(tmp_path):
    (tmp_path / "curves.csv").write_text("loss\n1\n")
    assert read_curves(tmp_path).height == 0


def test_energy_is_read_or_not_told_at_all():
    import torch

    first = read_joules()
    assert (first is None) == (not torch.cuda.is_available())
