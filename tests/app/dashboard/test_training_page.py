"""The page Training: adapters beside a set, the curves of one, and what its recipe changed."""

import json

import pytest
from vetset.app.cli import run
from vetset.tests.train.adapters_made import CURVES, made_adapter, made_base

EVIL = "![a](http://evil.example/a.png) <b>x</b> ann@example.com"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A set of twelve rows."""
    monkeypatch.chdir(tmp_path)
    lines = [{"text": f"text {i}", "label": "ab"[i % 2]} for i in range(12)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(["read", "a.jsonl"]) == 0
    return tmp_path / "a.vet"


def test_without_a_training_the_command_is_shown(folder, drawn):
    page = drawn(folder, "training")
    assert any("vetset train RECIPE.toml" in info.value for info in page.info)


def test_adapters_curves_and_what_changed_are_shown(folder, drawn):
    base = made_base(folder.parent / "base")
    made_adapter(folder.parent / "adapters" / "one", base, folder)
    made_adapter(folder.parent / "adapters" / "two", base, folder, seed=2, task=EVIL, rank=4)
    page = drawn(folder, "training", address={"t.run": "adapters/two"}, session={"t.against": "adapters/one"})
    table, changed = (element.value for element in page.dataframe)
    assert sorted(table["adapter"].to_list()) == ["adapters/one", "adapters/two"]
    assert set(table["verdict"]) == {"none yet"}
    assert set(table["due"]) == {""}
    assert "ann@example.com" not in str(table.to_dict())
    assert {"rank", "seed", "task"} <= set(changed["key"])
    assert {metric.label: metric.value for metric in page.metric} == {
        "Steps": "6", "Loss": "1.25", "Best valid loss": "1.75", "Tokens a second": "62",
    }  # fmt: skip
    assert page.get("vega_lite_chart") or page.get("arrow_vega_lite_chart")
    assert json.loads(page.json[0].value)["tokens"] == {"longest": 40}


def test_a_training_at_work_shows_its_curves_before_there_is_a_lineage(folder, drawn):
    (folder.parent / "out").mkdir()
    (folder.parent / "out" / "curves.csv").write_text(CURVES)
    page = drawn(folder, "training")
    assert any("At work" in info.value for info in page.info)
    assert page.metric[0].value == "6"


def test_what_is_damaged_is_told_and_the_rest_is_shown(folder, drawn):
    base = made_base(folder.parent / "base")
    made_adapter(folder.parent / "one", base, folder)
    made_adapter(folder.parent / "two", base, folder)
    (folder.parent / "two" / "adapter_config.json").write_text("{")
    (folder.parent / "one" / "curves.csv").write_text("step,loss\n1,x\n")
    page = drawn(folder, "training", address={"t.run": "one"}, errors=True)
    assert any("is damaged" in warning.value.replace("\\", "") for warning in page.warning)
    assert any("can't be read" in error.value.replace("\\", "") for error in page.error)
    assert page.dataframe[0].value["adapter"].to_list() == ["one"]
