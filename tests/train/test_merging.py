"""Merges: one adapter into its base gives the same logits, several by weight the weighted sum; both know their parents."""

import json
import shutil

import pytest
from vetset.curate.errors import DataError, GateError, UsageError
from vetset.curate.messages import Said
from vetset.evaluate.models.local import open_local
from vetset.evaluate.models.protocol import Parameters, Request
from vetset.evaluate.runs.training_data import from_lineage
from vetset.evaluate.runs.training_rows import training_rows
from vetset.tests.small_models import tiny_adapter
from vetset.tests.train.adapters_made import made_adapter, made_base, made_data
from vetset.train.adapters.ageing import moved_on
from vetset.train.adapters.deleting import delete_adapter
from vetset.train.adapters.library import find_adapters, open_adapter
from vetset.train.adapters.lineage import read_lineage
from vetset.train.adapters.merging import merge_into_base, merge_weighted
from vetset.train.adapters.remembering import forgotten_by

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")

IDS = [[1, 77, 105, 2, 33, 64, 199, 12]]


@pytest.fixture
def place(tmp_path):
    base = made_base(tmp_path / "base")
    made_adapter(tmp_path / "a", base, made_data(tmp_path / "a.jsonl", 5))
    made_adapter(tmp_path / "b", base, made_data(tmp_path / "b.jsonl", 9), seed=2)
    return tmp_path


def logits(folder, adapter=None):
    """As transformers and peft load it, and nothing of ours."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    if adapter:
        model = peft.PeftModel.from_pretrained(model, adapter)
    with torch.inference_mode():
        return model(torch.tensor(IDS)).logits


pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of transformers over a name that peft still uses


def test_a_merged_model_has_the_logits_of_base_and_adapter(place):
    found = merge_into_base(open_adapter(place / "a"), place / "merged")
    assert found.error < 1e-5
    wanted = logits(place / "base", place / "a")
    assert torch.allclose(logits(place / "merged"), wanted, atol=1e-4)
    assert not torch.allclose(logits(place / "base"), wanted, atol=0.1)


def test_it_is_a_whole_model_with_template_settings_and_lineage(place):
    merge_into_base(open_adapter(place / "a"), place / "merged")
    ask = Request((Said("user", "hello"),), None, Parameters(max_tokens=5))
    answers = []
    for model in (open_local(place / "merged"), open_local(place / "base", adapter=place / "a")):
        model.answer([ask], lambda _, answer: answers.append(answer.text))
    assert answers[0] == answers[1]
    settings = [json.loads((place / name / "generation_config.json").read_text()) for name in ("base", "merged")]
    assert settings[0] == settings[1]
    lineage = read_lineage(place / "merged")
    assert [(one.name, one.path, one.weight) for one in lineage.parents] == [("a", "../a", 1.0)]
    assert lineage.parents[0].digest == open_adapter(place / "a").digest
    assert open_adapter(place / "merged").whole
    assert (place / "merged" / "README.md").read_text().startswith("---\n")
    with pytest.raises(GateError, match="training data"):  # a merge does not wash training rows clean
        from_lineage(place / "merged", training_rows(place / "a.jsonl").head(1), name="e")


def test_a_merge_in_bfloat16_says_what_it_cost(place):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(place / "base", dtype=torch.bfloat16)
    half = shutil.copytree(place / "base", place / "half")
    model.save_pretrained(half)
    made_adapter(place / "h", half, place / "a.jsonl")
    found = merge_into_base(open_adapter(place / "h"), place / "merged")
    assert 1e-4 < found.error < 0.05
    assert json.loads((place / "merged" / "config.json").read_text())["dtype"] == "bfloat16"


@pytest.mark.parametrize("rslora", [False, True])
def test_several_add_up_to_the_weighted_sum_of_their_weights(place, rslora):
    adapters = [open_adapter(place / "a"), open_adapter(place / "b")]
    if rslora:
        for adapter in adapters:
            path = adapter.folder / "adapter_config.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | {"use_rslora": True}))
        adapters = [open_adapter(place / "a"), open_adapter(place / "b")]
    found = merge_weighted(adapters, place / "both", weights=[0.75, -0.25])
    assert found.error < 1e-4
    deltas = [delta(place, name) for name in ("a", "b", "both")]
    for layer, sum_of in deltas[2].items():
        assert torch.allclose(sum_of, 0.75 * deltas[0][layer] - 0.25 * deltas[1][layer], atol=1e-4)
    assert open_adapter(place / "both").rank == 8
    lineage = read_lineage(place / "both")
    assert [one.weight for one in lineage.parents] == [0.75, -0.25]
    assert set(lineage.data.ids) == set(training_rows(place / "a.jsonl")["id"]) | set(
        training_rows(place / "b.jsonl")["id"]
    )
    assert lineage.data.rows == 9
    assert not torch.allclose(logits(place / "base", place / "both"), logits(place / "base"), atol=0.1)


def delta(place, name):
    from transformers import AutoModelForCausalLM

    model = peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(place / "base"), place / name)
    return {
        path: layer.get_delta_weight("default").detach()
        for path, layer in model.named_modules()
        if hasattr(layer, "get_delta_weight")
    }


def test_a_way_that_loses_something_says_how_much(place):
    adapters = [open_adapter(place / "a"), open_adapter(place / "b")]
    lossy = merge_weighted(adapters, place / "svd", way="svd", rank=2)
    assert lossy.error > 0.05
    assert any("not exact" in note for note in lossy.notes)
    assert open_adapter(place / "svd").rank == 2
    assert merge_weighted(adapters, place / "svd8", way="svd", rank=8).error < 1e-3


def test_wrong_use_is_a_sentence_and_leaves_nothing(place):
    a, b = open_adapter(place / "a"), open_adapter(place / "b")
    before = sorted(path.name for path in place.iterdir())
    with pytest.raises(UsageError, match="two adapters at least"):
        merge_weighted([a], place / "x")
    with pytest.raises(UsageError, match="a weight each"):
        merge_weighted([a, b], place / "x", weights=[1.0])
    with pytest.raises(UsageError, match="belongs to --way svd"):
        merge_weighted([a, b], place / "x", rank=4)
    with pytest.raises(UsageError, match="there already"):
        merge_into_base(a, place / "b")
    assert sorted(path.name for path in place.iterdir()) == before


def test_an_adapter_of_another_base_is_not_merged(place):
    made_adapter(place / "c", made_base(place / "other", seed=7), place / "a.jsonl")
    with pytest.raises(UsageError, match="other weights"):
        merge_weighted([open_adapter(place / "a"), open_adapter(place / "c")], place / "x")
    with pytest.raises(UsageError, match="other weights"):
        merge_into_base(open_adapter(place / "a"), place / "x", base=str(place / "other"))


def test_a_quantized_base_is_refused_with_the_reason(place):
    path = place / "base" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"quantization_config": {"load_in_4bit": True}}))
    with pytest.raises(UsageError, match="16-bit"):
        merge_into_base(open_adapter(place / "a"), place / "x")


def test_weights_that_are_no_numbers_are_not_merged(place):
    from safetensors.torch import load_file, save_file

    path = place / "a" / "adapter_model.safetensors"
    tensors = load_file(path)
    tensors[next(iter(tensors))].fill_(float("nan"))
    save_file(tensors, path)
    with pytest.raises(DataError, match=r"merge|answers otherwise|NaN"):
        merge_into_base(open_adapter(place / "a"), place / "x")
    assert not (place / "x").exists()


def test_an_adapter_without_a_lineage_is_merged_and_its_data_stays_unknown(place):
    tiny_adapter(place / "foreign", place / "base", seed=4)
    merge_into_base(open_adapter(place / "foreign"), place / "merged")
    assert read_lineage(place / "merged").data.ids is None
    found = from_lineage(place / "merged", training_rows(place / "a.jsonl"), name="e")
    assert not found.checked


def test_a_parent_is_not_deleted_while_its_child_stands(place):
    merge_weighted([open_adapter(place / "a"), open_adapter(place / "b")], place / "both")
    assert moved_on(open_adapter(place / "both")) == []
    made_data(place / "a.jsonl", 6)
    assert "of its parent 'a', its file 'a.jsonl' has moved on" in moved_on(open_adapter(place / "both"))[0]
    with pytest.raises(UsageError, match="was merged from"):
        delete_adapter(place / "a", for_good=True)
    delete_adapter(place / "both")
    delete_adapter(place / "a")
    assert [adapter.name for adapter in find_adapters(place)[0]] == ["b"]


@pytest.mark.slow
def test_what_each_adapter_forgot_is_measured_over_one_base(place):
    found = forgotten_by([open_adapter(place / "a"), open_adapter(place / "b")])
    assert [(one.before, one.after) for one in found] == [("base", "a"), ("base", "b"), ("a", "b")]
    assert found[0].nats + found[2].nats == pytest.approx(found[1].nats, abs=1e-6)
    assert all(one.nats <= one.nats_at_most for one in found)
    same = forgotten_by([open_adapter(place / "a")])
    assert (same[0].nats, same[0].holds) == (found[0].nats, found[0].holds)
