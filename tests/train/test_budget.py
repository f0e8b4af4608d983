"""What a run takes is counted as the libraries count it, and told before anything is loaded."""

import importlib
import json
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.errors import DataError, UsageError
from vetset.tests.small_models import smollm2, tiny_model
from vetset.train.planning.budget import _kept, budget, memory
from vetset.train.planning.device import Device, find_device
from vetset.train.planning.shape import read_shape
from vetset.train.recipe import read_recipe


def recipe(**keys):
    return read_recipe(None, {"base": "-", "data": "-", **keys})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    pytest.importorskip("transformers")
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


def loaded(folder, **keys):
    """The model as transformers and peft have it, with the adapter of a recipe."""
    transformers, peft = importlib.import_module("transformers"), importlib.import_module("peft")
    trl_face = importlib.import_module("vetset.train.trl_face")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=importlib.import_module("torch").float32
        )
        return peft.get_peft_model(model, trl_face.lora(recipe(**keys)))


@pytest.mark.parametrize(
    "keys",
    [
        {}, {"rank": 4, "lora.targets": ["q_proj", "down_proj"]}, {"lora.dora": True}, {"lora.targets": r".*\.[qv]_proj"},
        {"lora.more.modules_to_save": ["lm_head"]},
    ],
)  # fmt: skip
def test_the_weights_of_model_and_adapter_are_those_that_peft_counts(tiny, keys):
    trained, whole = loaded(tiny, **keys).get_nb_trainable_parameters()
    shape = read_shape(tiny)
    assert shape.adapted(recipe(**keys)) == trained
    assert shape.parameters + trained == whole


def test_shapes_are_read_from_headers_alone():
    shape = read_shape(smollm2())
    assert (shape.parameters, shape.embedded, shape.layers, shape.queries, shape.keys) == (
        134_515_008,
        49_152,
        30,
        576,
        192,
    )
    assert shape.multiplied == shape.parameters - 49_152 * 576 - 61 * 576  # without embedding and norms
    assert shape.context == 8192
    assert shape.quantized is None


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("full", [False, True])
def test_what_a_layer_keeps_for_the_way_back_is_what_autograd_keeps(tiny, full, short):
    """Counted with hooks on every tensor that is saved, in float32 and under autocast to bfloat16."""
    torch = importlib.import_module("torch")
    model = loaded(tiny)
    model = model.unload() if full else model
    for weights in model.parameters():
        weights.requires_grad_(weights.requires_grad or full)
    if short and not full:
        for name, weights in model.named_parameters():
            weights.data = weights.data if "lora" in name else weights.data.bfloat16()
    owned = {weights.untyped_storage().data_ptr() for weights in model.parameters()}
    rows, length = 16, 128  # the weights' own short copies are few beside so many tokens
    ids = torch.randint(5, 200, (rows, length))

    def kept(layers):
        inner = (model if full else model.get_base_model()).model
        all_of_them = inner.layers
        inner.layers, seen = all_of_them[:layers], {}

        def note(tensor):
            place = tensor.untyped_storage()
            if place.data_ptr() not in owned and tensor.numel() >= rows * length:
                seen[place.data_ptr()] = (place.nbytes(), tensor)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda one: one), torch.autocast("cpu", enabled=short):
            inner(input_ids=ids, use_cache=False)
        inner.layers = all_of_them
        return sum(size for size, _ in seen.values())

    counted = (kept(2) - kept(1)) / (rows * length)
    told = _kept(read_shape(tiny), recipe(full=full), short=short)
    assert told == pytest.approx(counted, rel=0.03)


def test_the_largest_batch_is_the_largest_that_fits(tiny):
    device = Device("d", "cpu", 3 << 30, 1e12, False, "made")
    shape = read_shape(tiny)
    taken = budget(recipe(batch=64), shape, device, rows=1000, tokens=100_000, trained=5_000, longest=2_000)
    needs = [
        sum(memory(recipe(), shape, device, tokens=n * 2_000, checkpointing=taken.checkpointing).values())
        for n in (taken.largest, taken.largest + 1)
    ]
    assert needs[0] <= 0.85 * device.memory < needs[1]
    assert 64 % taken.at_once == 0
    assert taken.at_once <= taken.largest


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.booleans(), st.sampled_from(["sft", "dpo", "kto", "orpo"]))
def test_more_tokens_never_take_less_memory_and_checkpointing_never_more(one, other, full, method):
    shape, device = _SHAPE.get(), find_device("a100")
    of = recipe(full=full, method=method)

    def needs(tokens, checkpointing):
        return sum(memory(of, shape, device, tokens=tokens, checkpointing=checkpointing).values())

    few, many = sorted((one, other))
    assert needs(few, False) <= needs(many, False)
    assert needs(many, True) <= needs(many, False)


class _SHAPE:
    """Read once: hypothesis asks a hundred times."""

    @staticmethod
    def get():
        _SHAPE.of = getattr(_SHAPE, "of", None) or read_shape(smollm2())
        return _SHAPE.of


def test_four_bits_take_a_quarter_of_sixteen_but_for_embedding_and_head():
    shape, device = read_shape(smollm2()), find_device("l4")
    short = memory(recipe(quantize="4bit"), shape, device, tokens=100, checkpointing=False)["weights"]
    long = memory(recipe(), shape, device, tokens=100, checkpointing=False)["weights"]
    linear = 106_168_320
    assert long - short == pytest.approx(linear * (2 - 4.127 / 8), rel=1e-6)


def test_time_and_cost_follow_the_device_and_no_time_is_told_where_nobody_knows(tiny):
    shape, told = read_shape(tiny), {"rows": 100, "tokens": 10_000, "trained": 500, "longest": 200}
    of = recipe(price_per_hour=3.6)
    slow, fast = (Device("d", "cpu", 8 << 30, rate, False, "made") for rate in (1e9, 1e10))
    taken = budget(of, shape, slow, **told)
    assert taken.cost == pytest.approx(taken.seconds / 1000)
    assert taken.seconds == pytest.approx(10 * budget(of, shape, fast, **told).seconds)
    assert budget(of, shape, Device("d", "cuda", 8 << 30, None, True, "made"), **told).seconds is None
    assert budget(recipe(steps=5), shape, slow, **told).steps == 5


def test_devices_go_by_name_and_an_unknown_one_is_named_with_those_that_are():
    assert find_device("H100").memory == pytest.approx(78e9)
    assert not find_device("t4").bfloat16
    assert find_device("cpu").rate > 1e8
    with pytest.raises(UsageError, match="h200"):
        find_device("toaster")


def test_a_gpu_is_asked_of_nvidia_smi(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA A100-SXM4-80GB, 81920, 80000'\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    found = find_device()
    assert (found.name, found.memory, found.rate) == ("NVIDIA A100-SXM4-80GB", 80_000 << 20, 312e12)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert find_device().kind == "cpu"
    with pytest.raises(UsageError, match="nvidia-smi"):
        find_device("cuda")


def test_a_mixture_of_experts_multiplies_only_with_those_that_a_token_sees(tmp_path):
    np = pytest.importorskip("numpy")
    save_file = importlib.import_module("safetensors.numpy").save_file
    of = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "num_local_experts": 4,
          "num_experts_per_tok": 1, "moe_intermediate_size": 4}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(of), encoding="utf-8")
    save_file(
        {
            "model.embed_tokens.weight": np.zeros((10, 8), np.float16),
            "model.layers.0.self_attn.q_proj.weight": np.zeros((8, 8), np.float16),
            "model.layers.0.mlp.experts.gate_up_proj": np.zeros((4, 8, 8), np.float16),
        },
        tmp_path / "model.safetensors",
    )  # fmt: skip
    shape = read_shape(tmp_path)
    assert shape.multiplied == 64 + 256 / 4
    assert shape.inner == 4
    assert shape.adapted(recipe(**{"lora.experts": ["mlp.experts.gate_up_proj"], "rank": 2})) == 2 * 16 + 4 * 2 * 16


@pytest.mark.parametrize("said", ["", "[]", '{"hidden_size": 0}', '{"hidden_size": "x"}'])
def test_a_damaged_configuration_is_named(tmp_path, said):
    (tmp_path / "config.json").write_text(said, encoding="utf-8")
    with pytest.raises(DataError, match=r"config\.json"):
        read_shape(tmp_path)
    (tmp_path / "config.json").write_text(
        '{"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}', encoding="utf-8"
    )
    with pytest.raises(DataError, match="safetensors"):
        read_shape(tmp_path)
