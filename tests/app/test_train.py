"""The command `vetset train`: what it prints, what it ends with, and how wrong use is told."""

import json

import pytest
from vetset.app.cli import run
from vetset.app.train_page import duration
from vetset.tests.evaluate.runs_made import made_evalset
from vetset.tests.small_models import tiny_model
from vetset.tests.train.runs_made import answers, written


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def place(tmp_path, monkeypatch, tiny):
    """A folder with a recipe, its rows and a link to the tiny model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").symlink_to(tiny)
    written(tmp_path / "rows.jsonl", answers())
    (tmp_path / "recipe.toml").write_text(
        'base = "tiny"\ndata = "rows.jsonl"\nout = "adapter"\nrank = 4\nbatch = 4\nlearning_rate = 1e-2\n'
    )
    return tmp_path


@pytest.mark.slow
def test_a_run_prints_where_it_stands_on_stderr_and_what_it_came_to_on_stdout(place, capsys):
    assert run(["train", "recipe.toml", "--set", "steps=3"]) == 0
    said = capsys.readouterr()
    assert "sft of 24 rows in 3 steps" in " ".join(said.out.split())  # a long path wraps the line
    assert "next: vetset eval" in said.out
    assert "step 3/3, loss " in said.err
    assert "tokens/s, 0 s left" in said.err
    assert "warning: " in said.err
    assert "%|" not in said.err  # no progress bar of a library
    assert run(["train", "recipe.toml", "--set", "steps=3"]) == 64
    assert "holds an adapter already; give another `out`, or train it again with --anew" in capsys.readouterr().err


@pytest.mark.slow
def test_json_is_one_object(place, capsys):
    assert run(["train", "recipe.toml", "--set", "steps=2", "--out", "other", "--seed", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["steps"], told["rows"], told["resumed_at"]) == (2, 24, None)
    assert json.loads((place / "other" / "lineage.json").read_text())["seed"] == 4


@pytest.mark.slow
def test_a_run_can_be_judged_at_once_over_one_loaded_model(place, capsys, monkeypatch):
    from vetset.evaluate.models import local

    loaded = []
    load = local.load_weights
    monkeypatch.setattr(local, "load_weights", lambda *one, **more: loaded.append(one) or load(*one, **more))
    labelled = [{"messages": f"Count to {one}.", "label": "ab"[one % 2]} for one in range(24)]
    written(place / "rows.jsonl", labelled)
    words = [
        "river",
        "cloud",
        "engine",
        "tulip",
        "violin",
        "harbour",
        "candle",
        "ladder",
        "mirror",
        "parcel",
        "saddle",
        "bee",
    ]
    rows = [{"messages": f"What is {word} in another language?", "label": "ab"[len(word) % 2]} for word in words]
    made_evalset(place / "say.evalset", rows, part=["dev"] * 8 + ["ship"] * 4)
    code = run(["train", "recipe.toml", "--set", "steps=3", "--then-eval", "say.evalset", "--json"])
    said = capsys.readouterr()
    assert said.out, said.err
    told = json.loads(said.out)
    assert code == {"ship": 0, "hold": 1, "inconclusive": 2}[told["verdict"]["verdict"]]
    assert told["verdict"]["evalset"]["part"] == "dev"
    gates = {one["name"]: one["state"] for one in told["verdict"]["gates"]}
    assert {"forgetting", "training rows"} <= gates.keys()
    assert gates["cheaper"] == "holds"
    assert len(loaded) == 1
    ladder = json.loads(next((place / "runs").glob("*ladder-dev.json")).read_text())
    assert [one["rung"] for one in ladder["rungs"]] == ["bare", "few-shot", "candidate"]


@pytest.mark.slow
def test_rows_of_the_eval_set_that_judges_may_not_be_trained_on(place, capsys):
    rows = [{"messages": f"say it {one} times", "label": "abc"} for one in range(12)]
    made_evalset(place / "say.evalset", rows, part=["dev"] * 8 + ["ship"] * 4)
    assert run(["train", "recipe.toml", "--then-eval", "say.evalset"]) == 1
    assert "say.evalset" in capsys.readouterr().err
    assert not (place / "adapter").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["train", "none.toml"], 64, "none.toml: no such recipe"),
        (["train"], 64, "base is missing; data is missing"),
        (["train", "recipe.toml", "--set", "learnin_rate=1"], 64, "did you mean learning_rate?"),
        (["train", "recipe.toml", "--set", "rank"], 64, "is no KEY=VALUE"),
        (["train", "recipe.toml", "--base", "gone"], 64, "gone"),
        (["train", "recipe.toml", "--data", "gone.jsonl"], 64, "gone.jsonl"),
        (["train", "recipe.toml", "--then-eval", "gone.evalset"], 64, "gone.evalset"),
        (["train", "recipe.toml", "--then-eval", "gone.evalset", "--part", "test"], 64, "give dev or ship"),
    ],
)
def test_wrong_use_is_told_before_anything_is_written(words, code, said, place, capsys):
    assert run(words) == code
    assert said in " ".join(capsys.readouterr().err.split())
    assert sorted(path.name for path in place.iterdir()) == ["recipe.toml", "rows.jsonl", "tiny"]


def test_times_are_told_in_the_unit_that_fits():
    assert [duration(one) for one in (0.4, 119, 3540, 3600, 90_000)] == [
        "0 s",
        "119 s",
        "59 min",
        "1 h 0 min",
        "25 h 0 min",
    ]
