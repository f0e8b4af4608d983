"""A run from rows to an adapter: what is trained, in what numbers, what is kept of it, and what ends it."""

import json
import math
from pathlib import Path

import pytest
from vetset.curate.errors import DataError, GateError, UsageError
from vetset.curate.messages import Said
from vetset.evaluate.models.adapter_check import check_adapter
from vetset.evaluate.models.local import open_local
from vetset.evaluate.models.protocol import Request
from vetset.tests.small_models import tiny_model
from vetset.tests.train.runs_made import answers, asked, pairs, recipe_of, run, texts, told, written
from vetset.train.adapters.lineage import read_lineage
from vetset.train.curves import read_curves
from vetset.train.recipe import read_recipe
from vetset.train.rows.examples import examples
from vetset.train.rows.rendering import open_renderer
from vetset.train.rows.tokenized import length, tokenized
from vetset.train.training import _tokenizer
from vetset.train.trl_face import Setting, configuration, load_model, quietly, trainer
from vetset.train.watching import Watch

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return written(tmp_path_factory.mktemp("data") / "rows.jsonl", answers())


@pytest.fixture(scope="module")
def trained(tiny, data, tmp_path_factory):
    """A run of six steps, with what it said."""
    return run(recipe_of(tiny, data, tmp_path_factory.mktemp("trained") / "out"))


def made(recipe, tiny, tmp_path, *, flat=True, at_once=None):
    """TRL's trainer of a recipe, before its first step."""
    from transformers import AutoTokenizer

    found, renderer = examples(recipe), open_renderer(tiny)
    fed = tokenized(recipe, renderer, found.train, at_once=at_once or recipe.batch)
    at_once = at_once or recipe.batch
    setting = Setting("cpu", at_once, recipe.batch // at_once, flat, False, max(map(length, fed)), checkpointing=False)
    with quietly():
        return fed, trainer(
            recipe, model=load_model(recipe, tiny, "cpu"), tokenizer=AutoTokenizer.from_pretrained(tiny),
            arguments=configuration(recipe, setting, tmp_path / "checkpoints"), train=fed, valid=None,
            watch=Watch(tmp_path, recipe, progress=None),
        )  # fmt: skip


def step_of(trainer):
    """Loss and gradients of a run's first step."""
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = trainer.args.gradient_accumulation_steps
    batches = iter(trainer.get_train_dataloader())
    parts, count = trainer.get_batch_samples(batches, trainer.args.gradient_accumulation_steps, trainer.args.device)
    loss = 0.0
    for part in parts:
        part_loss = trainer.compute_loss(trainer.model, part, num_items_in_batch=count)
        part_loss.backward()
        loss += part_loss.item()
    return loss, {name: one.grad for name, one in trainer.model.named_parameters() if one.grad is not None}


@pytest.mark.parametrize(("method", "loss"), [("sft", "answer"), ("sft", "all"), ("cpt", "answer")])
def test_rows_end_to_end_padded_or_in_parts_have_one_loss_and_one_gradient(method, loss, tiny, tmp_path):
    rows = texts(8) if method == "cpt" else answers(8)
    recipe = recipe_of(
        tiny, written(tmp_path / "rows.jsonl", rows), tmp_path / "out", method=method, loss=loss, full=True, batch=8
    )
    found = [
        step_of(made(recipe, tiny, tmp_path, flat=flat, at_once=at_once)[1])
        for flat, at_once in ((True, 8), (False, 8), (False, 2))
    ]
    for other_loss, other in found[1:]:
        assert other_loss == pytest.approx(found[0][0], abs=1e-5)
        assert max(float((found[0][1][name] - one).abs().max()) for name, one in other.items()) < 1e-5


def test_the_loss_is_the_cross_entropy_of_the_answers_tokens(tiny, tmp_path):
    import torch

    recipe = recipe_of(tiny, written(tmp_path / "rows.jsonl", answers(8)), tmp_path / "out", batch=8)
    fed, trl = made(recipe, tiny, tmp_path)
    model = load_model(recipe, tiny, "cpu")
    total = count = 0.0
    for row in fed:
        with torch.no_grad():
            logits = model(torch.tensor([row["input_ids"]])).logits[0].log_softmax(-1)
        for place, label in enumerate(row["labels"]):
            if label != -100:
                total, count = total - float(logits[place - 1, label]), count + 1
    assert step_of(trl)[0] == pytest.approx(total / count, abs=1e-5)


def test_what_the_data_loader_yields_is_what_was_rendered(tiny, tmp_path):
    recipe = recipe_of(tiny, written(tmp_path / "rows.jsonl", answers(10)), tmp_path / "out")
    fed, trl = made(recipe, tiny, tmp_path, flat=False)
    seen = [
        tuple(zip(ids[mask.bool()].tolist(), labels[mask.bool()].tolist(), strict=True))
        for batch in trl.get_train_dataloader()
        for ids, labels, mask in zip(batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True)
    ]
    assert sorted(seen) == sorted(tuple(zip(one["input_ids"], one["labels"], strict=True)) for one in fed)


def test_the_adapters_folder_is_what_peft_and_the_evaluation_load(tiny, trained):
    out = trained[0].folder
    names = {path.name for path in out.iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "chat_template.jinja"} <= names
    assert {"lineage.json", "README.md", "curves.csv", "recipe.toml"} <= names
    assert not names & {"checkpoints", "training_args.bin"}
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in out.iterdir())
    assert json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"] == str(tiny)
    model = open_local(str(tiny), adapter=out)
    found = check_adapter(model, [Request((Said("user", "say it 3 times", None, None),))])
    assert found.base_known


def test_the_recipe_in_the_adapters_folder_trains_the_same_again(tiny, trained, tmp_path):
    recipe = read_recipe(trained[0].folder / "recipe.toml", {"out": str(tmp_path / "again")})
    again, _ = run(recipe)
    one, other = (folder / "adapter_model.safetensors" for folder in (trained[0].folder, again.folder))
    assert one.read_bytes() == other.read_bytes()
    assert (trained[0].folder / "adapter_config.json").read_bytes() == (
        again.folder / "adapter_config.json"
    ).read_bytes()


def test_another_seed_is_another_adapter(tiny, data, trained, tmp_path):
    other, _ = run(recipe_of(tiny, data, tmp_path / "out", seed=1))
    one, other = (folder / "adapter_model.safetensors" for folder in (trained[0].folder, other.folder))
    assert one.read_bytes() != other.read_bytes()


def test_curves_have_each_step_once_and_fall(trained):
    curves = read_curves(trained[0].folder)
    assert curves["step"].to_list() == [1, 2, 3, 4, 5, 6]
    assert curves["tokens"].is_sorted()
    assert curves["tokens"][-1] == trained[0].tokens
    assert curves["loss"][-1] < curves["loss"][0]


def test_the_checkpoint_with_the_best_valid_loss_is_kept_and_a_loss_that_rises_ends_the_run(tiny, data, tmp_path):
    rows = [
        {"messages": [asked(one), told("xyz")]} for one in range(30, 38)
    ]  # what training on "abc" makes less likely
    valid = written(tmp_path / "valid.jsonl", rows)
    given = {"valid": str(valid), "epochs": 10, "learning_rate": 5e-2, "saves": 20, "patience": 2}
    recipe = recipe_of(tiny, data, tmp_path / "out", **given)
    trained, _ = run(recipe)
    looks = read_curves(trained.folder).select("step", "valid_loss").drop_nulls()
    assert trained.stopped_early
    assert trained.steps < 60
    best = looks.sort("valid_loss", "step").row(0)
    assert (trained.best_step, trained.valid_loss) == best
    assert looks.height - looks["valid_loss"].arg_min() == 3  # two looks without a gain after it
    import peft

    with quietly():
        model = peft.PeftModel.from_pretrained(load_model(recipe, tiny, "cpu"), trained.folder)
    fed = tokenized(recipe, open_renderer(tiny), examples(recipe).valid)
    assert loss_of(model, fed) == pytest.approx(trained.valid_loss, abs=1e-3)


def loss_of(model, fed):
    import torch

    with torch.no_grad():
        losses = [
            model(torch.tensor([one["input_ids"]]), labels=torch.tensor([one["labels"]])).loss.item() for one in fed
        ]
    return sum(losses) / len(losses)


def test_a_loss_that_is_no_number_ends_the_run_and_the_last_good_checkpoint_is_kept(tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    poisoned = tiny_model(tmp_path / "model")
    weights = load_file(poisoned / "model.safetensors")
    letter = json.loads((poisoned / "tokenizer.json").read_text())["model"]["vocab"]["Z"]
    weights["model.embed_tokens.weight"][letter] = torch.inf  # only the one row with that letter meets it
    save_file(weights, poisoned / "model.safetensors", metadata={"format": "pt"})
    rows = answers(12)
    rows[3] = {"messages": [asked(3), told("Z")]}
    recipe = recipe_of(poisoned, written(tmp_path / "rows.jsonl", rows), tmp_path / "out", batch=1, saves=100)
    with pytest.raises(GateError, match="no number any more at step") as stopped:
        run(recipe)
    curves = read_curves(tmp_path / "out")
    assert 1 < curves.height < 12
    assert not math.isfinite(curves["loss"][-1])
    kept = sorted(Path(tmp_path / "out" / "checkpoints").glob("checkpoint-*"))
    last = kept[-1]
    assert last.name == f"checkpoint-{curves.height - 1}"
    assert str(last) in str(stopped.value)
    assert all(one.isfinite().all() for one in load_file(last / "adapter_model.safetensors").values())
    assert not (tmp_path / "out" / "lineage.json").exists()


def test_what_the_plan_refuses_is_not_trained(tiny, data, tmp_path):
    with pytest.raises(GateError, match="rank_patern"):
        run(recipe_of(tiny, data, tmp_path / "out", lora={"more": {"rank_patern": {}}}))
    assert not (tmp_path / "out").exists()


def test_rows_that_are_too_long_are_refused_dropped_or_cut_as_the_recipe_says(tiny, data, tmp_path):
    recipe = recipe_of(tiny, data, tmp_path / "out", max_length=45)
    rows, renderer = examples(recipe).train, open_renderer(tiny)
    with pytest.raises(GateError, match=r"rows of .* have more than 45 tokens"):
        tokenized(recipe, renderer, rows)
    dropped = tokenized(recipe.model_copy(update={"too_long": "drop"}), renderer, rows)
    assert 0 < len(dropped) < rows.height
    assert max(map(length, dropped)) <= 45
    cut = tokenized(recipe.model_copy(update={"too_long": "truncate"}), renderer, rows)
    assert max(map(length, cut)) == 45
    assert len(cut) == rows.height


def test_pairs_keep_their_prompt_when_they_are_cut(tiny, tmp_path):
    data = written(tmp_path / "rows.jsonl", pairs(4))
    recipe = recipe_of(tiny, data, tmp_path / "out", method="dpo", max_length=40, too_long="truncate")
    rows = examples(recipe).train
    whole = tokenized(recipe.model_copy(update={"max_length": None}), open_renderer(tiny), rows)
    cut = tokenized(recipe, open_renderer(tiny), rows)
    assert [one["prompt_ids"] for one in cut] == [one["prompt_ids"] for one in whole]
    assert max(map(length, cut)) == 40 < max(map(length, whole))


def test_a_tokenizer_that_transformers_reads_otherwise_is_refused(tiny, data, tmp_path):
    recipe = recipe_of(tiny, data, tmp_path / "out")
    other = tiny_model(tmp_path / "other", template="{% for one in messages %}{{ one['content'] }}{% endfor %}")
    with pytest.raises(DataError, match=r"rows.jsonl line 1: transformers makes other tokens"):
        _tokenizer(recipe, other, open_renderer(tiny), examples(recipe).train)


def test_what_was_asked_for_is_reported_into_the_adapters_folder_and_what_is_not_installed_is_told(
    tiny, data, tmp_path
):
    trained, _ = run(recipe_of(tiny, data, tmp_path / "out", steps=2, report_to=["tensorboard"]))
    assert list(trained.folder.glob("tensorboard/events*"))
    with pytest.raises(UsageError, match="nonesuch"):
        run(recipe_of(tiny, data, tmp_path / "other", steps=2, report_to=["nonesuch"]))


def test_rows_can_be_packed_where_the_model_tells_them_apart(tiny, data, tmp_path):
    recipe = recipe_of(tiny, data, tmp_path / "out", trl={"packing": True}, max_length=120, batch=2)
    trained, _ = run(recipe)
    assert trained.steps < 12
    assert trained.tokens == sum(map(length, tokenized(recipe, open_renderer(tiny), examples(recipe).train)))


def test_a_batch_that_devices_cannot_share_is_refused(tiny, data, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(UsageError, match="batch = 4 rows can't be shared by 3 devices"):
        run(recipe_of(tiny, data, tmp_path / "out"))


@pytest.mark.parametrize(
    ("device", "said"), [("h100", "h100 is not on this machine"), ("l4", "l4 is not on this machine")]
)
def test_a_device_to_plan_for_is_not_trained_on(device, said, tiny, data, tmp_path):
    with pytest.raises(UsageError, match=said):
        run(recipe_of(tiny, data, tmp_path / "out", device=device))


def test_a_run_that_ended_before_each_row_was_read_says_how_many_were(tiny, data, tmp_path):
    trained, _ = run(recipe_of(tiny, data, tmp_path / "out", steps=2))
    lineage = read_lineage(trained.folder)
    assert (lineage.data.rows, lineage.data.seen) == (trained.rows, 2 * 4)
    assert f"of which the run read {2 * 4} before it ended" in (trained.folder / "README.md").read_text(
        encoding="utf-8"
    )
    whole, _ = run(recipe_of(tiny, data, tmp_path / "whole"))
    assert read_lineage(whole.folder).data.seen is None
