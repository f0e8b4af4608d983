"""Every method trains five real steps on a tiny model, as an adapter and with all weights, and moves what it should move."""

import csv
import json

import pytest
from vetset.curate.errors import UsageError
from vetset.tests.small_models import tiny_model
from vetset.tests.train.runs_made import answers, asked, judged, pairs, recipe_of, run, texts, told, written
from vetset.train.curves import read_curves

pytest.importorskip("trl")
pytestmark = pytest.mark.slow

DATA = {"sft": answers, "cpt": texts, "dpo": pairs, "orpo": pairs, "kto": judged, "grpo": answers, "distil": answers}
FALLS = {"sft", "cpt", "dpo", "orpo"}
"""Methods whose loss falls in five steps; of the others it hangs on what the model happens to answer."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("teacher") / "model", seed=5)


@pytest.mark.parametrize("full", [False, True], ids=["adapter", "full"])
@pytest.mark.parametrize("method", DATA)
def test_a_method_trains_five_steps(method, full, tiny, teacher, tmp_path):
    from safetensors.torch import load_file

    data = written(tmp_path / "rows.jsonl", DATA[method]())
    more = {
        # What is cut off earns nothing by most scorers; whether there is a letter in it differs from answer to answer.
        "grpo": {"rewards": ["regex:[a-z]"], "trl": {"num_generations": 4, "max_completion_length": 8}},
        "distil": {"teacher": str(teacher), "trl": {"max_completion_length": 8}},
    }.get(method, {})
    given = {"method": method, "full": full, "steps": 5, "learning_rate": 1e-3 if full else 1e-2, **more}
    trained, _ = run(recipe_of(tiny, data, tmp_path / "out", **given))
    losses = read_curves(trained.folder)["loss"].to_list()
    assert len(losses) == trained.steps == 5
    if method in FALLS:
        assert losses[-1] < losses[0]
    assert trained.tokens > 0
    weights = load_file(trained.folder / ("model.safetensors" if full else "adapter_model.safetensors"))
    if full:
        assert any(not weights[name].equal(before) for name, before in load_file(tiny / "model.safetensors").items())
    else:
        moved = [float(one.abs().sum()) for name, one in weights.items() if "lora_B" in name]
        assert (max(moved) > 0) == (method != "grpo" or any(losses))
    lineage = json.loads((trained.folder / "lineage.json").read_text())
    assert (lineage["method"], lineage["curves"]["steps"]) == (method, 5)
    assert not (trained.folder / "checkpoints").exists()


def test_the_curves_tell_the_margin_of_held_out_pairs(tiny, tmp_path):
    data, held = (written(tmp_path / name, pairs()) for name in ("rows.jsonl", "held.jsonl"))
    trained, _ = run(recipe_of(tiny, data, tmp_path / "out", method="dpo", valid=str(held), steps=2, saves=1))
    with (trained.folder / "curves.csv").open() as file:
        look = list(csv.DictReader(file))[-1]
    assert look["loss"] == ""
    assert float(look["valid_loss"]) > 0
    assert float(look["rewards/margins"]) != 0
    assert 0 <= float(look["rewards/accuracies"]) <= 1


def test_a_verifier_of_ones_own_rewards_and_the_rewarded_answer_becomes_likelier(tiny, tmp_path, monkeypatch):
    (tmp_path / "of_mine.py").write_text(
        "def early(case):\n    return case.output[:1] < 'a'\n"  # a good part of the first letters of random weights
    )
    monkeypatch.syspath_prepend(tmp_path)
    data = written(tmp_path / "rows.jsonl", [{"messages": [asked(1), told("x")]}] * 8)
    more = {"num_generations": 16, "max_completion_length": 1}
    recipe = recipe_of(
        tiny, data, tmp_path / "out", method="grpo", rewards=["verify:of_mine:early"], trl=more, batch=16, steps=20,
        learning_rate=5e-2,
    )  # fmt: skip
    trained, _ = run(recipe)
    rewards = [float(line.split(",")[-1]) for line in (trained.folder / "curves.csv").read_text().splitlines()[1:]]
    assert sum(rewards[-5:]) > sum(rewards[:5]) + 0.5


def test_answers_that_a_schema_refuses_or_that_were_cut_off_earn_nothing(tiny, tmp_path):
    from vetset.train.rewards import rewards
    from vetset.train.rows.examples import examples

    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "object", "required": ["a"]}))
    data = written(tmp_path / "rows.jsonl", [{"messages": [asked(1), told('{"a": 1}')]}] * 2)
    recipe = recipe_of(tiny, data, tmp_path / "out", method="grpo", rewards=[f"schema:{schema}", "exact"])
    fits, same = rewards(recipe, examples(recipe).train, ends=frozenset({2}))
    said = {"completions": ['{"a": 1}', '{"b": 1}', '{"a": 1'], "completion_ids": [[5, 2], [5, 2], [5, 7]]}
    assert fits(**said, place=[0, 0, 1], prompts=[[1]] * 3) == [1.0, 0.0, 0.0]
    assert same(**said, place=[0, 0, 1], prompts=[[1]] * 3) == [1.0, 0.0, 0.0]


def test_a_run_in_which_no_answer_earned_more_than_another_says_that_nothing_was_learnt(tiny, tmp_path):
    data = written(tmp_path / "rows.jsonl", answers())
    more = {"num_generations": 4, "max_completion_length": 4}
    _, said = run(recipe_of(tiny, data, tmp_path / "out", method="grpo", rewards=["exact"], trl=more, steps=2))
    assert any("nothing was learnt" in one for one in said)


def test_distil_takes_the_prompts_that_a_teacher_wrote_without_an_answer(tiny, teacher, tmp_path):
    data = written(tmp_path / "accepted.jsonl", [{"messages": [asked(number)]} for number in range(12)])
    more = {"teacher": str(teacher), "trl": {"max_completion_length": 8}}
    trained, _ = run(recipe_of(tiny, data, tmp_path / "out", method="distil", steps=3, **more))
    assert trained.steps == 3
    assert trained.tokens > 0


def test_a_teacher_with_another_vocabulary_is_refused(tiny, tmp_path):
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(
        vocab_size=300, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
    )).save_pretrained(tmp_path / "teacher")  # fmt: skip
    AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path / "teacher")
    data = written(tmp_path / "rows.jsonl", answers())
    with pytest.raises(UsageError, match="vocab"):
        run(recipe_of(tiny, data, tmp_path / "out", method="distil", teacher=str(tmp_path / "teacher"), steps=1))
