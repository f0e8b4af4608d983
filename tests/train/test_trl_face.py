"""What a recipe comes to in TRL's, peft's and transformers' words, and that the installed versions still have them."""

import dataclasses
from pathlib import Path

import pytest
from vetset.curate.errors import UsageError
from vetset.tests.small_models import tiny_model
from vetset.tests.train.runs_made import answers, recipe_of, run, written
from vetset.train.curves import read_curves
from vetset.train.recipe import read_recipe
from vetset.train.trl_face import GENERATING, KINDS, Setting, apart, configuration, load_model, lora, probe

pytest.importorskip("trl")
pytestmark = pytest.mark.slow  # trl takes six seconds to import

PLAIN = Setting(device="cpu", at_once=4, accumulate=2, flat=True, watched=True, longest=90, checkpointing=False)


def recipe(**more):
    return read_recipe(None, {"base": "base", "data": "data", **more})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


def test_the_installed_versions_have_all_that_is_used_of_them():
    assert probe() == []


def test_a_version_that_lacks_a_key_or_a_hook_is_told(monkeypatch):
    import trl

    bare = dataclasses.make_dataclass("DPOConfig", [("output_dir", str, "-")])
    monkeypatch.setattr(trl, "DPOConfig", bare)
    monkeypatch.setattr(trl, "KTOTrainer", type("KTOTrainer", (), {}))
    found = probe()
    assert "DPOConfig: learning_rate" in found
    assert "KTOTrainer: processing_class" in found
    assert "KTOTrainer: _prepare_dataset" in found


@pytest.mark.parametrize("method", KINDS)
def test_what_the_recipe_says_reaches_trl(method, tmp_path):
    more = {"grpo": {"rewards": ["json"]}, "distil": {"teacher": "t"}}.get(method, {})
    said = recipe(method=method, seed=7, epochs=2.0, saves=4, learning_rate=3e-4, **more)
    made = configuration(said, dataclasses.replace(PLAIN, watched=method not in GENERATING), tmp_path)
    assert (made.seed, made.num_train_epochs, made.learning_rate) == (7, 2.0, 3e-4)
    assert (made.per_device_train_batch_size, made.gradient_accumulation_steps) == (4, 2)
    assert made.save_steps == 0.25
    assert made.eval_steps == (None if method in GENERATING else 0.25)


def test_on_a_cpu_numbers_are_float32_nothing_is_computed_twice_and_nothing_is_reported(tmp_path):
    made = configuration(recipe(), PLAIN, tmp_path)
    assert (made.bf16, made.fp16, made.use_cpu, made.gradient_checkpointing) == (False, False, True, False)
    assert (made.report_to, made.push_to_hub, made.max_length) == ([], False, None)


def test_keys_of_trl_pass_through(tmp_path):
    made = configuration(recipe(trl={"lr_scheduler_type": "linear", "loss_type": "dft"}), PLAIN, tmp_path)
    assert (made.lr_scheduler_type, made.loss_type) == ("linear", "dft")


def test_packing_is_given_the_length_it_packs_to(tmp_path):
    made = configuration(recipe(trl={"packing": True}), PLAIN, tmp_path)
    assert (made.packing, made.max_length) == (True, 90)


def test_a_key_that_a_library_does_not_know_is_a_sentence_even_where_no_plan_could_look(tmp_path):
    with pytest.raises(UsageError, match=r"trl refuses the recipe .*lr_schedular_type"):
        configuration(recipe(trl={"lr_schedular_type": "x"}), PLAIN, tmp_path)
    for more in ({"init_lora_weight": "pissa"}, {"r": 4}):
        with pytest.raises(UsageError, match=f"peft refuses the recipe .*{next(iter(more))}"):
            lora(recipe(lora={"more": more}))


def test_a_value_that_trl_refuses_is_a_sentence(tmp_path):
    alone = dataclasses.replace(PLAIN, watched=False)
    with pytest.raises(UsageError, match=r"trl refuses the recipe .*divisible by num_generations"):
        configuration(recipe(method="grpo", rewards=["json"], trl={"num_generations": 3}), alone, tmp_path)


def test_adapters_of_every_kind_can_be_asked_for():
    made = lora(recipe(rank=8, lora={"dora": True, "rslora": True, "targets": ["q_proj"], "more": {"bias": "all"}}))
    assert (made.r, made.lora_alpha, made.use_dora, made.use_rslora, made.bias) == (8, 16, True, True, "all")
    assert made.target_modules == {"q_proj"}
    assert lora(recipe(lora={"experts": ["experts.gate_up_proj"]})).target_parameters == ["experts.gate_up_proj"]


def test_layers_that_the_model_lacks_are_refused(tiny, tmp_path):
    data = written(tmp_path / "rows.jsonl", answers())
    with pytest.raises((UsageError, RuntimeError), match="layer_of_none"):
        run(recipe_of(tiny, data, tmp_path / "out", lora={"targets": ["layer_of_none"]}))


def test_named_experts_of_a_mixture_are_trained(tmp_path):
    import torch
    from transformers import AutoTokenizer, MixtralConfig, MixtralForCausalLM

    folder = tiny_model(tmp_path / "tokens")
    torch.manual_seed(0)
    shape = MixtralConfig(
        vocab_size=259, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, num_local_experts=2, num_experts_per_tok=1, max_position_embeddings=512,
    )  # fmt: skip
    MixtralForCausalLM(shape).save_pretrained(tmp_path / "mixture")
    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "mixture")
    data = written(tmp_path / "rows.jsonl", answers())
    given = {"targets": ["q_proj"], "experts": ["mlp.experts.gate_up_proj"]}
    trained, _ = run(recipe_of(tmp_path / "mixture", data, tmp_path / "out", steps=2, lora=given))
    from safetensors.torch import load_file

    names = load_file(trained.folder / "adapter_model.safetensors")
    assert any("experts" in name and weights.abs().sum() for name, weights in names.items() if "lora_B" in name)


def test_four_bits_train_on_a_processor_with_looks_at_the_valid_loss_between(tiny, tmp_path):
    pytest.importorskip("bitsandbytes")
    data = written(tmp_path / "rows.jsonl", answers())
    trained, _ = run(recipe_of(tiny, data, tmp_path / "out", quantize="4bit", epochs=3, valid=str(data), saves=4))
    losses = read_curves(trained.folder)["loss"].drop_nulls()
    assert losses[-1] < losses[0] - 0.1
    looks = read_curves(trained.folder)["valid_loss"].drop_nulls()
    assert abs(looks[-1] - losses[-1]) < 0.3  # the same weights are looked at and trained
    assert not list(Path(trained.folder).glob("*.bin"))


def test_rows_that_a_model_would_mix_up_are_not_laid_end_to_end(tiny):
    model = load_model(recipe(), tiny, "cpu")
    rows = [{"input_ids": [5, 6, 7, 8]}, {"input_ids": [20, 21, 22]}]
    assert apart(model, rows)
    plain = model.forward
    model.forward = lambda **given: plain(**{name: value for name, value in given.items() if name != "position_ids"})
    assert not apart(model, rows)
