"""The library: what is listed of each adapter, what is due, what is compared, what may be deleted, what vLLM is told."""

import datetime
import json
import os
import shlex
import shutil

import pytest
from vetset.app.cli import run
from vetset.curate.errors import DataError, MissingExtra, UsageError
from vetset.evaluate.models.weights_digest import weights_digest
from vetset.tests.evaluate.runs_made import made_evalset, made_run
from vetset.tests.small_models import tiny_adapter, tiny_model
from vetset.tests.train.adapters_made import made_adapter, made_base, made_data
from vetset.train.adapters.ageing import due, moved_on
from vetset.train.adapters.deleting import delete_adapter
from vetset.train.adapters.library import compare_adapters, find_adapters, open_adapter, run_places, verdicts
from vetset.train.adapters.shipping import find_converter, serving, to_gguf

pytest.importorskip("peft")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Base, data and two adapters; nobody changes them."""
    folder = tmp_path_factory.mktemp("library")
    base, data = made_base(folder / "base"), made_data(folder / "train.jsonl")
    made_adapter(folder / "adapters" / "a", base, data)
    made_adapter(folder / "adapters" / "b", base, data, seed=2, task="ünïcode ☃", rank=4, epochs=2)
    return folder


@pytest.fixture
def place(library, tmp_path):
    """A copy of it, which a test may change."""
    return shutil.copytree(library, tmp_path / "library")


def test_each_adapter_is_found_with_what_its_folder_tells(place):
    tiny_adapter(place / "adapters" / "group" / "foreign", place / "base", seed=3)
    (place / "adapters" / "broken").mkdir()
    (place / "adapters" / "broken" / "adapter_config.json").write_text("{")
    found, faults = find_adapters(place / "adapters")
    assert [adapter.name for adapter in found] == ["a", "b", "foreign"]
    assert [adapter.task for adapter in found] == ["intents", "ünïcode ☃", ""]
    assert found[2].lineage is None
    assert "vetset train" in found[2].fault
    assert found[2].days() is None
    assert [adapter.rank for adapter in found] == [4, 4, 4]
    assert len(faults) == 1
    assert "broken" in faults[0]
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    assert found[0].days(later) == pytest.approx(2, abs=0.01)


def test_a_folder_without_adapters_is_empty_and_none_is_an_error(tmp_path):
    assert find_adapters(tmp_path) == ([], [])
    with pytest.raises(UsageError, match="is no folder"):
        find_adapters(tmp_path / "none")


def test_nothing_is_due_when_nothing_moved(library):
    assert moved_on(open_adapter(library / "adapters" / "a")) == []


def test_rows_that_came_and_went_make_an_adapter_due(place):
    lines = (place / "train.jsonl").read_text().splitlines()
    (place / "train.jsonl").write_text("\n".join([*lines[1:], json.dumps({"text": "new", "label": "a"})]) + "\n")
    said = moved_on(open_adapter(place / "adapters" / "a"))
    assert said == ["its file 'train.jsonl' has moved on: 1 row it was not trained on, 1 row gone"]
    assert due(said)


def test_other_weights_of_the_base_make_it_due_and_a_missing_one_does_not(place):
    shutil.rmtree(place / "base")
    tiny_model(place / "base", seed=9)
    adapter = open_adapter(place / "adapters" / "a")
    assert due(moved_on(adapter))
    assert "other weights" in moved_on(adapter)[0]
    shutil.rmtree(place / "base")
    shutil.rmtree(place / "library", ignore_errors=True)
    adapter = open_adapter(place / "adapters" / "a")
    if not os.path.exists(adapter.base):  # the fixture's own base stands where the recipe found it
        assert "not checked" in moved_on(adapter)[0]
    (place / "train.jsonl").unlink()
    assert moved_on(adapter)[-1] == "not checked: its data 'train.jsonl' is not where it was"


def test_a_set_that_was_decided_on_since_makes_it_due(place, monkeypatch):
    monkeypatch.chdir(place)
    assert run(["read", "train.jsonl", "-o", "t.vet"]) == 0
    made_adapter(place / "adapters" / "s", place / "base", place / "t.vet")
    adapter = open_adapter(place / "adapters" / "s")
    assert moved_on(adapter) == []
    with (place / "train.jsonl").open("a") as file:
        file.write(json.dumps({"text": "one more", "label": "b"}) + "\n")
    assert run(["read", "train.jsonl", "-o", "t.vet"]) == 0
    assert moved_on(adapter) == ["its set 't.vet' has moved on: 1 row it was not trained on, 0 rows gone"]


def test_the_verdict_on_an_adapter_is_found_by_its_digest_alone(place):
    adapter = open_adapter(place / "adapters" / "a")
    evalset = made_evalset(place / "e.evalset", [{"messages": f"q {i}", "label": "a"} for i in range(6)])
    for name, digest in (("mine", adapter.digest), ("other", "sha256:0")):
        identity = {"kind": "transformers", "weights": "w", "adapter": digest}
        made = made_run(place / "runs" / f"{name}.run", evalset, [1.0] * 6, model={"name": name, "identity": identity})
        (made.folder / "verdict.json").write_text(json.dumps({"verdict": "ship" if name == "mine" else "hold"}))
    (place / "runs" / "broken.run").mkdir()
    (place / "runs" / "broken.run" / "run.json").write_text("[]")
    found = verdicts(run_places(place / "adapters"))
    assert found[adapter.digest]["verdict"] == "ship"
    assert found[adapter.digest]["run"].endswith("mine.run")
    assert open_adapter(place / "adapters" / "b").digest not in found


def test_two_adapters_are_compared_by_recipe_data_and_curves(place):
    one, other = (open_adapter(place / "adapters" / name) for name in "ab")
    told = compare_adapters(one, other)
    assert told["same_base"]
    assert told["recipe"] == {"epochs": [1.0, 2.0], "rank": [16, 4], "seed": [1, 2], "task": ["intents", "ünïcode ☃"]}
    assert told["data"] == {"both": 12, "only": [0, 0]}
    assert told["curves"][0]["best_step"] == 4
    json.dumps(told)
    tiny_adapter(place / "foreign", place / "base")
    with pytest.raises(UsageError, match="lineage"):
        compare_adapters(one, open_adapter(place / "foreign"))


def test_a_deleted_adapter_lies_in_the_trash_and_no_list_shows_it(place):
    digest = weights_digest(place / "adapters" / "a")
    at = delete_adapter(place / "adapters" / "a")
    assert at.parent == (place / "adapters" / ".trash").resolve()
    assert weights_digest(at) == digest
    assert [adapter.name for adapter in find_adapters(place / "adapters")[0]] == ["b"]
    assert delete_adapter(place / "adapters" / "b", for_good=True) is None
    assert not (place / "adapters" / "b").exists()


def test_what_is_no_adapter_is_never_deleted(place):
    with pytest.raises(UsageError, match="is no adapter"):
        delete_adapter(place, for_good=True)
    with pytest.raises(UsageError, match="is no adapter"):
        delete_adapter(place / "none", for_good=True)
    (place / "adapters" / "a" / ".git").mkdir()
    with pytest.raises(UsageError, match="none of an adapter's"):
        delete_adapter(place / "adapters" / "a", for_good=True)
    assert (place / "adapters" / "a" / "lineage.json").is_file()


def test_a_link_is_never_followed(place):
    (place / "adapters" / "link").symlink_to(place / "adapters" / "a")
    with pytest.raises(UsageError, match="is a link"):
        delete_adapter(place / "adapters" / "link", for_good=True)
    precious = place / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    (place / "adapters" / "b" / "checkpoints").symlink_to(precious)
    delete_adapter(place / "adapters" / "b", for_good=True)
    assert (precious / "file").read_text() == "x"
    (place / "fake").mkdir()
    (place / "fake" / "adapter_config.json").symlink_to(place / "adapters" / "a" / "adapter_config.json")
    with pytest.raises(UsageError, match="is no adapter"):
        delete_adapter(place / "fake", for_good=True)


def test_the_line_for_vllm_is_one_that_a_shell_takes_and_the_rank_one_that_vllm_takes(place):
    shutil.move(place / "adapters" / "b", place / "adapters" / "b's; rm -rf")
    adapters = find_adapters(place / "adapters")[0]
    made = serving(adapters)
    assert shlex.split(shlex.join(made.words)) == made.words
    assert made.words[:3] == ["vllm", "serve", str((place / "base").resolve())]
    assert made.words[made.words.index("--max-lora-rank") + 1] == "8"
    assert list(made.models) == ["a", "b-s-rm--rf"]
    assert serving(adapters, base="owner/model").words[2] == "owner/model"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"use_dora": True}, "use_dora"), ({"bias": "all"}, "biases"), ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"r": 1024}, "above 512"), ({"peft_type": "IA3"}, "not LoRA"), ({"target_modules": None}, "lacks target_modules"),
    ],
)  # fmt: skip
def test_what_vllm_would_refuse_is_refused_before(place, changed, said):
    path = place / "adapters" / "a" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    with pytest.raises(UsageError, match=said):
        serving([open_adapter(place / "adapters" / "a")])


def test_adapters_of_two_bases_are_not_served_together(place):
    other = made_base(place / "other", seed=5)
    made_adapter(place / "adapters" / "c", other, place / "train.jsonl")
    with pytest.raises(UsageError, match="other bases"):
        serving(find_adapters(place / "adapters")[0])
    with pytest.raises(UsageError, match="name one"):
        serving([])


def test_a_base_that_is_an_option_in_disguise_is_refused(place):
    shutil.rmtree(place / "base")
    path = place / "adapters" / "a" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": "--trust-remote-code"}))
    (place / "adapters" / "a" / "lineage.json").unlink()
    with pytest.raises(UsageError, match="no name of a model"):
        serving([open_adapter(place / "adapters" / "a")])


def test_without_a_converter_one_sentence_says_what_to_get(place, monkeypatch):
    monkeypatch.delenv("LLAMA_CPP", raising=False)
    monkeypatch.setenv("PATH", str(place))
    with pytest.raises(MissingExtra, match="git clone"):
        find_converter()
    with pytest.raises(UsageError, match="clone of llama"):
        find_converter(place)


def test_gguf_goes_through_the_converter_that_is_named_and_its_failure_is_told(place):
    adapter = open_adapter(place / "adapters" / "a")
    script = place / "convert_hf_to_gguf.py"
    script.write_text(
        "import os, sys\nfrom pathlib import Path\nassert os.environ['HF_HUB_OFFLINE'] == '1'\n"
        "model, out = Path(sys.argv[1]), Path(sys.argv[sys.argv.index('--outfile') + 1])\n"
        "assert (model / 'model.safetensors').is_file() and (model / 'tokenizer.json').is_file()\n"
        "out.write_bytes(b'GGUF' + sys.argv[-1].encode())\n"
    )
    out = to_gguf(adapter, place / "out" / "m.gguf", kind="q8_0", converter=place)
    assert out.read_bytes() == b"GGUFq8_0"
    assert [path.name for path in out.parent.iterdir()] == ["m.gguf"]
    with pytest.raises(UsageError, match="there already"):
        to_gguf(adapter, out, converter=place)
    with pytest.raises(UsageError, match="no kind of GGUF"):
        to_gguf(adapter, place / "n.gguf", kind="q4", converter=place)
    script.write_text("import sys\nsys.exit('Model LlamaForCausalLM is not supported')\n")
    with pytest.raises(DataError, match="is not supported"):
        to_gguf(adapter, place / "n.gguf", converter=script)
    assert not (place / "n.gguf").exists()
