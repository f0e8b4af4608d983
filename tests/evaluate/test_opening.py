"""A model by one word."""

import json

import pytest
from vetset.curate.errors import UsageError
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.models.openai_address import base_url, is_loopback, note, proxy_for, read_key
from vetset.evaluate.models.openai_client import Limits, OpenAIModel
from vetset.evaluate.models.opening import open_model
from vetset.evaluate.models.recorded import RecordedModel


def test_each_word_opens_its_kind(tmp_path):
    (tmp_path / "a.json").write_text('{"*": "yes"}', encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"id": "a", "output": "b"}\n', encoding="utf-8")
    assert isinstance(open_model(f"canned:{tmp_path / 'a.json'}"), CannedModel)
    assert isinstance(open_model(f"recorded:{tmp_path / 'b.jsonl'}"), RecordedModel)
    server = open_model("openai:qwen2.5:7b@http://localhost:8000", extra={"top_k": 1}, limits=Limits(concurrency=2))
    assert isinstance(server, OpenAIModel)
    assert server.identity() == {
        "kind": "openai", "url": "http://localhost:8000/v1", "model": "qwen2.5:7b", "extra": {"top_k": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["meta-llama/Llama-3.1-8B", "@cf/meta/llama@v2", "a@b", "qwen2.5:7b", "models/x@https-ish"]
)
def test_a_servers_model_may_be_called_anything(name):
    model = open_model(f"openai:{name}@https://api.example.com/v1/")
    assert (model.name, model.url) == (name, "https://api.example.com/v1")


@pytest.mark.parametrize(
    ("spec", "options", "sentence"),
    [
        ("openai:tiny", {}, "names no server; write openai:MODEL@URL"),
        ("openai:", {}, "names no server"),
        ("openai:tiny@http://", {}, "names no server|no http address"),
        ("openai:tiny@http://user:secret@host/v1", {}, "key_env"),
        ("openai:tiny@http://host/v1?api-version=1", {}, "query"),
        ("openai:tiny@http://host:99999/v1", {}, "no address"),
        ("canned:", {}, "names no file"),
        ("recorded:", {}, "names no file"),
        ("http://localhost:8000", {}, "names no model; a model is openai:MODEL@"),
        ("", {}, "names no model"),
        ("canned:x.json", {"key_env": "A"}, "key_env is an option of a server, which 'canned:x.json' is not"),
        ("openai:tiny@http://localhost", {"adapter": "x"}, "adapter is an option of a transformers model"),
        ("openai:tiny@http://localhost", {"limits": Limits(concurrency=0)}, "concurrency is 0"),
        ("openai:tiny@http://localhost", {"limits": Limits(tokens_per_minute=0)}, "tokens_per_minute is 0"),
    ],
)
def test_a_word_that_names_nothing_says_what_does(spec, options, sentence):
    with pytest.raises(UsageError, match=sentence) as caught:
        open_model(spec, **options)
    assert "secret" not in str(caught.value)


def test_an_address_is_written_in_one_way():
    assert base_url("HTTP://LocalHost:8000/v1/chat/completions/") == "http://localhost:8000/v1"
    assert base_url("https://host.example/openai/v1") == "https://host.example/openai/v1"
    assert base_url("http://[::1]:8000") == "http://[::1]:8000/v1"


def test_a_key_comes_from_the_variable_that_is_named_and_from_no_other(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-service")
    assert read_key(None) is None
    monkeypatch.setenv("MY_KEY", " secret1 \n")
    assert read_key("MY_KEY") == "secret1"
    monkeypatch.setenv("MY_KEY", "two words")
    for name, sentence in (
        ("MY_KEY", "no API key has"),
        ("NOT_SET", "NOT_SET is not set"),
        ("sk-12345", "not the key"),
    ):
        with pytest.raises(UsageError, match=sentence) as caught:
            read_key(name)
        assert "sk-12345" not in str(caught.value)
        assert "two words" not in str(caught.value)


def test_what_leaves_this_machine_is_said():
    assert "nothing leaves it" in note("http://127.0.0.1:1/v1", "m", None)
    assert "another machine; nothing else leaves this one" in note("https://host/v1", "m", "MY_KEY")
    assert "$MY_KEY" in note("https://host/v1", "m", "MY_KEY")
    assert "not encrypted" in note("http://host/v1", "m", None)
    assert "not encrypted" not in note("http://localhost/v1", "m", None)
    assert [is_loopback(f"http://{host}/v1") for host in ("[::1]:8", "127.9.9.9", "a.localhost", "10.0.0.1")] == [
        True
    ] * 3 + [False]


def test_the_environments_proxy_is_used_but_never_for_this_machine(monkeypatch):
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    assert proxy_for("https://host/v1") is None
    monkeypatch.setenv("https_proxy", "http://ann:p%40ss@proxy:3128")
    assert proxy_for("https://host/v1") == "http://ann:p%40ss@proxy:3128"
    assert proxy_for("http://host/v1") is None
    assert proxy_for("https://localhost/v1") is None
    monkeypatch.setenv("no_proxy", "host")
    assert proxy_for("https://host/v1") is None


def test_identity_is_json_and_names_no_key(monkeypatch):
    monkeypatch.setenv("MY_KEY", "verysecret")
    model = open_model("openai:tiny@https://host/v1", key_env="MY_KEY")
    assert "verysecret" not in json.dumps(dict(model.identity())) + repr(model) + model.note
