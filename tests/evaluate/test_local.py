"""A local model answers the same alone and in a batch, stops where it is told, and is known by what decides its answers."""

import json
import shutil

import pytest
from vetset.curate.errors import DataError, UsageError
from vetset.curate.messages import Said
from vetset.evaluate.models.adapter_check import check_adapter
from vetset.evaluate.models.local import open_local
from vetset.evaluate.models.protocol import Parameters, Request
from vetset.tests.small_models import CHATML, tiny_adapter, tiny_model


def ask(text, system=None, **parameters):
    turns = (*([Said("system", system)] if system else ()), Said("user", text))
    return Request(turns, parameters=Parameters(**{"max_tokens": 12, **parameters}))


def answers(model, requests):
    found = {}
    model.answer(requests, found.__setitem__)
    return [found[place] for place in range(len(requests))]


def said(model, requests):
    return [answer.text for answer in answers(model, requests)]


SHARED = "The same long instruction stands before each of the questions. "
QUESTIONS = [ask(f"{SHARED * (place % 3)}{'word ' * place}") for place in range(9)]


@pytest.fixture(scope="module")
def model(tiny):
    return open_local(tiny)


@pytest.fixture(scope="module")
def tuned(model, adapter):
    return model.with_adapter(adapter)


def test_a_batch_answers_as_each_request_alone_does(model, tiny):
    alone = [said(model, [question])[0] for question in QUESTIONS]
    assert said(model, QUESTIONS) == alone
    assert said(open_local(tiny, batch_tokens=200), QUESTIONS) == alone
    assert len(set(alone)) > 1  # the model tells them apart, so that a mixed-up order would show


def test_a_shared_beginning_is_read_once_and_changes_nothing(model):
    read = []
    hook = model.weights.module.register_forward_pre_hook(
        lambda module, given, named: read.append(tuple(named["input_ids"].shape)), with_kwargs=True
    )
    same = [ask(SHARED + text) for text in ("one", "three", "seventeen")]
    together = said(model, same)
    hook.remove()
    assert read[0][0] == 1, "the beginning is read for one row"
    assert read[0][1] > len(SHARED)
    assert read[1][0] == 3
    assert read[1][1] < 40
    assert together == [said(model, [one])[0] for one in same]


def test_answers_are_those_of_transformers_own_greedy_search(model, tiny):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, plain = AutoTokenizer.from_pretrained(tiny), AutoModelForCausalLM.from_pretrained(tiny)
    for question in QUESTIONS[:4]:
        turns = [{"role": turn.role, "content": turn.content} for turn in question.messages]
        ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        with torch.inference_mode():
            out = plain.generate(**ids, do_sample=False, max_new_tokens=12)[0, ids["input_ids"].shape[1] :]
        assert said(model, [question]) == [tokenizer.decode(out, skip_special_tokens=True)]


def test_length_and_stop_are_told_apart(model):
    whole = answers(model, [ask("tell", max_tokens=20)])[0]
    assert (whole.finish, whole.completion_tokens) == ("length", 20)
    stop = whole.text[3:5]
    cut = answers(model, [ask("tell", max_tokens=20, stop=(stop, "never there"))])[0]
    assert cut.finish == "stop"
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.completion_tokens <= 6
    short, long = answers(model, [ask("tell", max_tokens=3), ask("tell", max_tokens=7)])
    assert (short.completion_tokens, long.completion_tokens) == (3, 7)


def test_an_answer_ends_at_the_token_that_ends_a_turn(tmp_path):
    """A base model's settings name another end; its chat template shows the right one."""
    folder = tiny_model(tmp_path / "base")
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": 0}))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "eos_token": "<|endoftext|>"}))
    assert open_local(folder).ends == (0, 2)


def test_draws_depend_on_seed_and_sample_and_on_nothing_else(model):
    drawn = [ask("draw", temperature=1.5, seed=seed) for seed in (1, 2, 1)]
    again = Request(drawn[0].messages, parameters=drawn[0].parameters, sample=1)
    one, two, same, other = said(model, [*drawn, again])
    assert one == same
    assert len({one, two, other}) == 3
    assert said(model, [drawn[1], *QUESTIONS])[0] == two
    assert said(model, [ask("draw", temperature=1.5, top_p=1e-6, seed=9)]) == said(model, [ask("draw")])


def test_draws_follow_the_models_probabilities(model):
    request = ask("draw", max_tokens=1, top_logprobs=259)
    likely = json.loads(answers(model, [request])[0].logprobs)[0]["top_logprobs"]
    import numpy as np

    chance = np.exp([token["logprob"] for token in likely])
    assert chance.sum() == pytest.approx(1, abs=1e-4)
    draws = [
        Request(request.messages, parameters=Parameters(max_tokens=1, temperature=1.0), sample=n) for n in range(400)
    ]
    first = sum(text == likely[0]["token"] for text in said(model, draws)) / 400
    assert abs(first - chance[0]) < 4 * np.sqrt(chance[0] * (1 - chance[0]) / 400)


def test_likeliest_tokens_come_in_the_form_of_the_openai_api(model):
    answer = answers(model, [ask("tell", top_logprobs=3)])[0]
    places = json.loads(answer.logprobs)
    assert len(places) == 12
    for place in places:
        assert place["token"] == place["top_logprobs"][0]["token"]
        logs = [token["logprob"] for token in place["top_logprobs"]]
        assert logs == sorted(logs, reverse=True)
        assert len(logs) == 3


def test_base_and_adapter_share_weights_and_do_not_mix(model, tuned, adapter, tmp_path):
    base = said(model, QUESTIONS)
    changed = said(tuned, QUESTIONS)
    assert changed != base
    assert tuned.weights is model.weights
    second = tuned.with_adapter(tiny_adapter(tmp_path / "second", model.weights.folder, seed=5))
    assert said(second, QUESTIONS) not in (base, changed)
    assert said(tuned, QUESTIONS) == changed
    assert said(model, QUESTIONS) == said(second.with_adapter(None), QUESTIONS) == base
    assert said(open_local(model.weights.folder, adapter=adapter), QUESTIONS) == changed


def test_identity_changes_with_all_that_changes_an_answer(model, tuned, tiny, tmp_path):
    same = tmp_path / "elsewhere"
    shutil.copytree(tiny, same)
    assert open_local(same).identity() == model.identity()
    known = [model.identity(), tuned.identity(), open_local(tiny, dtype="bfloat16").identity()]
    known += [open_local(tiny_model(tmp_path / "other", seed=7)).identity()]
    known += [open_local(tiny, template=CHATML.replace("assistant", "bot")).identity()]
    assert len({json.dumps(each) for each in known}) == len(known)


def test_a_model_without_a_chat_template_is_refused(tmp_path):
    with pytest.raises(DataError, match="has no chat template"):
        open_local(tiny_model(tmp_path / "plain", template=None))
    assert said(open_local(tmp_path / "plain", template=CHATML), [ask("tell")])


def test_the_template_in_use_is_shown_masked(model):
    shown = model.rendered(ask("write to ann@example.com \x1b[2J", system="be short"))
    assert shown.tokens > 40
    assert "<|im_start|>system\nbe short<|im_end|>" in shown.page()
    assert "ann@example.com" not in shown.page()
    assert "\x1b" not in shown.page()
    assert "<|im_end|>" in shown.page().splitlines()[0]
    assert len(model.rendered(ask("x" * 5000)).page()) < 2500


def test_a_template_that_loses_what_is_said_is_refused(tmp_path):
    no_system = "{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}"
    raising = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% endfor %}"
    )
    folder = tiny_model(tmp_path / "lossy", template=no_system)
    with pytest.raises(DataError, match="loses the system turn"):
        said(open_local(folder), [ask("hello", system="be brief")])
    with pytest.raises(DataError, match="can't take a conversation of system, user"):
        said(open_local(folder, template=raising), [ask("hello", system="be brief")])
    tools = json.dumps([{"type": "function", "function": {"name": "look_up", "parameters": {}}}])
    with pytest.raises(DataError, match="shows the model no tools"):
        said(open_local(folder), [Request((Said("user", "hello"),), tools=tools)])


def test_a_prompt_beyond_the_models_reach_is_an_error_of_its_own(model):
    long, short, near = answers(model, [ask("x" * 3000), ask("hi"), ask("x" * 2010, max_tokens=50)])
    assert long.finish == "error"
    assert "the model reads 2,048" in long.error
    assert short.finish != "error"
    assert near.prompt_tokens + near.completion_tokens == 2048
    assert near.finish == "length"


def test_a_thought_is_parted_from_the_answer():
    from vetset.evaluate.models.local import _thought

    assert _thought("<think>\nso\n</think>\n\nblue", "assistant\n") == ("so", "blue")
    assert _thought("so</think>blue", "<think>\n") == ("so", "blue")
    assert _thought("<think>so and so", "assistant\n") == ("so and so", "")
    assert _thought("a </think> b", "assistant\n") == (None, "a </think> b")


def test_what_a_local_model_cannot_do_is_said(model, tmp_path, adapter):
    with pytest.raises(UsageError, match="JSON schema"):
        said(model, [ask("x", schema="{}")])
    with pytest.raises(UsageError, match="no folder with a model"):
        open_local(tmp_path)
    with pytest.raises(UsageError, match="it is an adapter"):
        open_local(adapter)
    with pytest.raises(UsageError, match="add --download"):
        open_local("nobody/nothing-here")
    with pytest.raises(UsageError, match="no number type"):
        open_local(model.weights.folder, dtype="int3")
    with pytest.raises(UsageError, match="batch_tokens is 0"):
        open_local(model.weights.folder, batch_tokens=0)


def test_no_requests_are_answered_at_once(model):
    model.answer([], lambda place, answer: pytest.fail("nothing was asked"))


def test_an_adapter_that_changes_nothing_is_refused(model, tuned, tmp_path):
    checked = check_adapter(tuned, QUESTIONS)
    assert checked.difference > 100 * checked.noise
    assert checked.base_known
    idle = model.with_adapter(tiny_adapter(tmp_path / "idle", model.weights.folder, strength=0))
    with pytest.raises(DataError, match="changes nothing"):
        check_adapter(idle, QUESTIONS)
    with pytest.raises(DataError, match="no adapter"):
        check_adapter(model, QUESTIONS)
    with pytest.raises(DataError, match="no request"):
        check_adapter(tuned, [])


def test_an_adapter_of_another_base_is_refused(model, tmp_path):
    other = tiny_adapter(tmp_path / "adapter", tiny_model(tmp_path / "other", seed=3))
    view = model.with_adapter(other)
    with pytest.raises(DataError, match="was trained on"):
        check_adapter(view, QUESTIONS)
    assert check_adapter(view, QUESTIONS, other_base=True).base_known is False


def test_an_adapter_whose_tensors_do_not_match_is_refused_and_leaves_the_base_as_it_was(tiny, tmp_path):
    from safetensors.torch import load_file, save_file

    model = open_local(tiny)
    before = said(model, QUESTIONS)
    good = tiny_adapter(tmp_path / "good", tiny)
    tensors = load_file(good / "adapter_model.safetensors")

    def broken(name, change):
        shutil.copytree(good, tmp_path / name)
        save_file(change, tmp_path / name / "adapter_model.safetensors")
        return tmp_path / name

    misnamed = broken("misnamed", {key.replace("layers.1", "layers.7"): value for key, value in tensors.items()})
    misshapen = broken("misshapen", {key: value[..., :-1].contiguous() for key, value in tensors.items()})
    for folder, said_of_it in ((misnamed, "do not match in 12 tensors"), (misshapen, "does not fit")):
        for _ in range(2):
            with pytest.raises(DataError, match=said_of_it):
                model.with_adapter(folder)
            assert said(model, QUESTIONS) == before
    tuned = model.with_adapter(good)
    changed = said(tuned, QUESTIONS)
    for folder in (misnamed, misshapen):
        with pytest.raises(DataError):
            model.with_adapter(folder)
    assert (said(model, QUESTIONS), said(tuned, QUESTIONS)) == (before, changed)
    (misnamed / "adapter_model.safetensors").write_bytes(b"\xff" * 20)
    with pytest.raises(DataError, match="is no safetensors file"):
        model.with_adapter(misnamed)


def test_a_damaged_model_is_refused(tiny, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "damaged"
    shutil.copytree(tiny, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("model.layers.1.mlp.up_proj.weight")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match="lacks 1 of the tensors"):
        open_local(folder)
    (folder / "model.safetensors").write_bytes((tiny / "model.safetensors").read_bytes()[:-100])
    with pytest.raises(DataError, match="can't be loaded"):
        open_local(folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(DataError, match="pickled weights are not read"):
        open_local(folder)
