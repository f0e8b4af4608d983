"""The command ``adapters``: what people read, what programs read, exit codes, wrong use."""

import json
import shlex
import shutil

import pytest
from vetset.app.cli import run
from vetset.tests.small_models import tiny_adapter
from vetset.tests.train.adapters_made import made_adapter, made_base, made_data


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    base, data = made_base(folder / "base"), made_data(folder / "train.jsonl")
    made_adapter(folder / "adapters" / "a", base, data)
    made_adapter(folder / "adapters" / "b", base, data, seed=2, epochs=2, task="mail ann@example.com \x1b[31m")
    return folder


@pytest.fixture
def place(library, tmp_path, monkeypatch):
    folder = shutil.copytree(library, tmp_path / "somewhere")
    monkeypatch.chdir(folder)
    return folder


def told(capsys, *arguments, code=0):
    capsys.readouterr()
    assert run([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_list_shows_task_base_data_verdict_age_and_what_is_due(place, capsys):
    assert run(["adapters", "list", "adapters"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["adapter", "task", "base", "data", "rows", "rank", "verdict", "age"]
    assert "intents" in out
    assert "none yet" in out
    assert "ann@example.com" not in out
    assert "\x1b" not in out
    assert "re-tune" not in out
    made_data(place / "train.jsonl", 13)
    assert run(["adapters", "list", "adapters"]) == 0
    assert "1 row it was not trained on" in " ".join(capsys.readouterr().out.split())
    found = told(capsys, "adapters", "list", "adapters")
    assert [one["due"] for one in found["adapters"]] == [True, True]
    assert {"name", "task", "base_digest", "data_sha256", "verdict", "days"} <= found["adapters"][0].keys()


def test_an_empty_folder_and_a_broken_adapter_are_told(place, capsys):
    (place / "empty").mkdir()
    assert run(["adapters", "list", "empty"]) == 0
    assert "vetset train RECIPE.toml" in capsys.readouterr().out
    (place / "adapters" / "a" / "adapter_model.safetensors").unlink()
    assert run(["adapters", "list", "adapters"]) == 0
    assert "adapter_model.safetensors" in capsys.readouterr().err


def test_one_is_shown_whole_and_its_card_is_printed(place, capsys):
    assert run(["adapters", "show", "adapters/a"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for said in (
        "rank 4 over",
        "12 rows of ../../train.jsonl",
        "CC-BY-4.0 12",
        "valid loss 2.25 to 1.75 at step 4",
        "seed 1",
    ):
        assert said in out
    whole = told(capsys, "adapters", "show", "adapters/a")
    assert whole["lineage"]["plan"] == {"rows": 12, "tokens": {"longest": 40}}
    assert run(["adapters", "card", "adapters/a"]) == 0
    assert capsys.readouterr().out == (place / "adapters" / "a" / "README.md").read_text()


def test_two_are_compared(place, capsys):
    assert run(["adapters", "compare", "adapters/a", "adapters/b"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "epochs 1.0 2.0" in out
    assert "12 rows in both" in out
    assert told(capsys, "adapters", "compare", "adapters/a", "adapters/b")["recipe"]["seed"] == [1, 2]


def test_merges_of_one_and_of_several_and_an_export(place, capsys):
    model = told(capsys, "adapters", "merge", "adapters/a", "-o", "merged")
    assert (model["kind"], model["parents"]) == ("model", ["a"])
    assert run(["adapters", "merge", "adapters/a", "adapters/b", "--weights", "0.5,0.5", "-o", "both"]) == 0
    assert "its rank is 8" in capsys.readouterr().out
    assert told(capsys, "adapters", "export", "adapters/a", "--merged", "-o", "whole")["kind"] == "model"
    files = told(capsys, "adapters", "export", "adapters/a", "-o", "out", "--base", "owner/model")["files"]
    assert {"adapter_config.json", "adapter_model.safetensors", "lineage.json", "README.md", "curves.csv"} <= set(files)
    assert json.loads((place / "out" / "adapter_config.json").read_text())["base_model_name_or_path"] == "owner/model"
    shutil.rmtree(place / "out")
    assert run(["adapters", "export", "adapters/a", "-o", "out"]) == 0
    for path in (place / "out").glob("*.[jm][sd]*"):
        assert str(place.parent) not in path.read_text(), path
        assert "somewhere" not in path.read_text(), path


def test_the_line_for_vllm_can_be_pasted(place, capsys):
    assert run(["adapters", "serve", "adapters/a", "adapters/b"]) == 0
    words = shlex.split(capsys.readouterr().out)
    assert words[:2] == ["vllm", "serve"]
    assert words == told(capsys, "adapters", "serve", "adapters/a", "adapters/b")["command"]
    assert words[words.index("--lora-modules") + 1 :] == [
        f"{name}={(place / 'adapters' / name).resolve()}" for name in "ab"
    ]


def test_what_is_deleted_lies_in_the_trash_until_it_is_for_good(place, capsys):
    at = told(capsys, "adapters", "delete", "adapters/a")["trash"]
    assert ".trash" in at
    assert run(["adapters", "delete", "adapters/b", "--yes"]) == 0
    assert told(capsys, "adapters", "list", "adapters")["adapters"] == []
    shutil.move(at, place / "adapters" / "a")
    assert [one["name"] for one in told(capsys, "adapters", "list", "adapters")["adapters"]] == ["a"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["list", "none"], 64, "is no folder"),
        (["show", "train.jsonl"], 64, "is no adapter"),
        (["show", "base"], 64, "is no adapter"),
        (["merge", "adapters/a", "-o", "adapters/b"], 64, "there already"),
        (["merge", "adapters/a", "-o", "x", "--weights", "1"], 64, "several adapters"),
        (["merge", "adapters/a", "adapters/b", "-o", "x", "--weights", "1,two"], 64, "list of numbers"),
        (["merge", "adapters/a", "adapters/b", "-o", "x", "--dtype", "float32"], 64, "--dtype is for one"),
        (["merge", "adapters/a", "-o", "x", "--dtype", "int4"], 64, "no number type"),
        (["merge", "adapters/a", "-o", "x", "--base", "none"], 64, "no folder with a model"),
        (["gguf", "adapters/a", "-o", "x.gguf", "--converter", "base"], 64, "clone of llama.cpp"),
        (["delete", "base", "--yes"], 64, "is no adapter"),
        (["delete", "."], 64, "is no adapter"),
        (["serve"], 64, "Missing argument"),
        (["compare", "adapters/a", "foreign"], 64, "holds no lineage.json"),
        (["compare", "adapters/a", "damaged"], 64, "damaged"),
    ],
)
def test_wrong_use_is_one_sentence(place, capsys, arguments, code, said):
    tiny_adapter(place / "foreign", place / "base")
    shutil.copytree(place / "adapters" / "a", place / "damaged")
    (place / "damaged" / "lineage.json").write_text("{")
    before = sorted(path.name for path in place.iterdir())
    assert run(["adapters", *arguments]) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert sorted(path.name for path in place.iterdir()) == before
