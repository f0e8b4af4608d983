"""The command `vetset plan`: the page, the one JSON object, exit codes, and how wrong use ends."""

import json

import pytest
from vetset.app.cli import run
from vetset.tests.small_models import tiny_model
from vetset.tests.train.plans_made import asked, tickets, written


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def place(tiny, tmp_path, monkeypatch):
    """A folder with a recipe of a few lines and its rows."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "rows.jsonl", [*tickets(600), asked("write to ann@example.com", "fee")])
    (tmp_path / "recipe.toml").write_text(
        f'base = "{tiny}"\ndata = "rows.jsonl"\nlearning_rate = 1e-3\n', encoding="utf-8"
    )
    return tmp_path


def test_the_page_shows_figures_and_what_is_trained(place, capsys):
    assert run(["plan", "recipe.toml", "--device", "l4", "--price", "0.8"]) == 0
    out = " ".join(capsys.readouterr().out.split())  # lines are folded where the page ends
    for words in (
        "601 to train on", "of which 3,404 are trained", "601 of", "⟦lost<|im_end|>⟧", "training and use render alike",
        "about", "at 0.8 an hour", "licence.data", "0 problems that would be refused", "next: vetset train recipe.toml",
    ):  # fmt: skip
        assert words in out, words
    assert "\x1b" not in out
    assert not (place / "adapter").exists()


def test_a_method_that_writes_its_answers_is_not_told_that_none_is_trained(place, capsys):
    assert run(["plan", "recipe.toml", "--method", "grpo", "--set", 'rewards=["class"]', "--device", "l4"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "of questions; the model writes the answers while it trains" in out
    assert "what is asked" in out
    assert "0 trained" not in out
    assert "are trained (" not in out


def test_a_refused_plan_exits_with_1_and_lists_the_rows(place, capsys):
    assert run(["plan", "recipe.toml", "--max-length", "60", "--set", "trl.packng=true"]) == 1
    out = capsys.readouterr().out
    assert "REFUSED  length.over" in out
    assert "REFUSED  key.unknown: trl.packng" in out
    assert "did you mean packing?" in out
    assert "rows.jsonl" in out
    assert "next:" not in out


def test_json_is_one_object_with_the_masked_rows(place, capsys):
    assert run(["plan", "recipe.toml", "--device", "h100", "--json"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert said.err == ""
    assert told["refused"] is False
    assert told["tokens"]["trained"] == 3404
    assert told["budget"]["device"]["name"] == "h100"
    assert told["recipe"]["learning_rate"] == 1e-3
    assert "ann@example.com" not in said.out


def test_options_take_the_place_of_what_the_recipe_says(place, tiny, capsys):
    options = ["--rank", "4", "--set", 'lora.targets=["q_proj"]', "--set", "task=intents", "--json"]
    assert run(["plan", "recipe.toml", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["recipe"]["rank"], told["recipe"]["task"]) == (4, "intents")
    assert told["budget"]["trained"] == 2 * 4 * (32 + 32)
    assert run(["plan", "--base", str(tiny), "--data", "rows.jsonl", "--json"]) == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nothing.toml"], 64, "no such recipe"),
        ([], 64, "base is missing"),
        (["recipe.toml", "--set", "rank"], 64, "KEY=VALUE"),
        (["recipe.toml", "--set", "rnk=3"], 64, "did you mean rank?"),
        (["recipe.toml", "--device", "toaster"], 64, "no device"),
        (["recipe.toml", "--base", "nowhere"], 64, "config.json"),
        (["recipe.toml", "--data", "nowhere.jsonl"], 64, "no such file"),
        (["recipe.toml", "--evalset", "nowhere.evalset"], 64, "no such eval set"),
        (["broken.toml"], 65, "no TOML"),
        (["recipe.toml", "--data", "empty.jsonl"], 65, "empty.jsonl"),
    ],
)
def test_wrong_use_ends_in_one_sentence(place, capsys, words, code, said):
    (place / "broken.toml").write_text("base = ", encoding="utf-8")
    written(place / "empty.jsonl", [{"messages": [{"role": "user", "content": "a"}]}])
    assert run(["plan", *words]) == code
    came = capsys.readouterr()
    assert said in came.err
    assert came.out == ""
