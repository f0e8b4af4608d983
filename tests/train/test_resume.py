"""A run that is killed goes on to the same weights; one whose recipe or data have changed is refused."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from vetset.curate.errors import UsageError
from vetset.tests.small_models import tiny_model
from vetset.tests.train.runs_made import answers, asked, recipe_of, run, told, written
from vetset.train.curves import read_curves
from vetset.train.resuming import checkpoint_of

pytest.importorskip("trl")
pytestmark = pytest.mark.slow

CHILD = """
import json, os, signal, sys
sys.addaudithook(lambda event, given: event == "socket.connect" and print("CONNECTS", given[1:], flush=True))
from vetset.train.recipe import read_recipe
from vetset.train.training import train
def at(step):
    if step.step == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
train(read_recipe(None, json.loads(sys.argv[1])), tell=print, progress=at)
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def given(tiny, tmp_path_factory):
    """A recipe of eighteen steps, with dropout, so that the state of chance counts, and a checkpoint every fourth step."""
    folder = tmp_path_factory.mktemp("data")
    data = written(folder / "rows.jsonl", answers())
    valid = written(folder / "valid.jsonl", [{"messages": [asked(one), told("abc")]} for one in range(50, 54)])
    recipe = recipe_of(tiny, data, folder / "-", valid=str(valid), epochs=3, saves=5, lora={"dropout": 0.2})
    return recipe.model_dump(mode="json")


@pytest.fixture(scope="module")
def whole(given, tmp_path_factory):
    """The same run, never stopped."""
    return run(recipe_like(given, tmp_path_factory.mktemp("whole") / "out"))[0].folder


@pytest.fixture(scope="module")
def killed(given, tmp_path_factory):
    """A folder whose run was ended by a real SIGKILL in its eleventh step, and what it said."""
    out = tmp_path_factory.mktemp("killed") / "out"
    asked_for = json.dumps({**given, "out": str(out)})
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "HF_HUB_OFFLINE")}
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, asked_for, "11"], capture_output=True, text=True, env=environment, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    return out, ended.stdout


def recipe_like(given, out, **more):
    from vetset.train.recipe import Recipe

    return Recipe.model_validate({**given, "out": str(out), **more})


def copied(folder, to):
    import shutil

    return Path(shutil.copytree(folder, to))


def test_a_killed_run_goes_on_to_the_same_weights_and_curves(given, killed, whole, tmp_path):
    out = copied(killed[0], tmp_path / "out")
    assert (out / "curves.csv").exists()
    assert not (out / "lineage.json").exists()
    trained, said = run(recipe_like(given, out))
    assert trained.resumed_at == 8
    assert any("going on from step 8" in one for one in said)
    assert (out / "adapter_model.safetensors").read_bytes() == (whole / "adapter_model.safetensors").read_bytes()
    times = ["seconds", "tokens_per_second"]
    one, other = read_curves(out).drop(times), read_curves(whole).drop(times)
    assert one.equals(other)
    steps = read_curves(out).filter(read_curves(out)["loss"].is_not_null())["step"].to_list()
    assert steps == list(range(1, 19))
    assert read_curves(out)["seconds"].drop_nulls().is_sorted()


def test_nothing_is_asked_of_the_network(killed):
    assert "CONNECTS" not in killed[1]


def test_a_checkpoint_that_was_half_written_is_not_gone_on_from(given, killed, whole, tmp_path):
    out = copied(killed[0], tmp_path / "out")
    half = copied(out / "checkpoints" / "checkpoint-8", out / "checkpoints" / "checkpoint-9")
    (half / "trainer_state.json").unlink()
    (half / "optimizer.pt").write_bytes(b"half")
    trained, _ = run(recipe_like(given, out))
    assert trained.resumed_at == 8
    assert (out / "adapter_model.safetensors").read_bytes() == (whole / "adapter_model.safetensors").read_bytes()


def test_a_run_goes_on_with_as_many_rows_in_memory_as_it_began_with(given, killed, whole, tmp_path):
    out = copied(killed[0], tmp_path / "out")
    path = out / "checkpoints" / "run.json"
    from safetensors.torch import load_file

    began = json.loads(path.read_text())
    assert began["fits"] > 1
    path.write_text(json.dumps(began | {"fits": 1}))
    run(recipe_like(given, out))
    one, other = (load_file(folder / "adapter_model.safetensors") for folder in (out, whole))
    assert any((one[name] != other[name]).any() for name in one), "sums in another order, and dropout drawn otherwise"


@pytest.mark.parametrize(("key", "value"), [("learning_rate", 2e-2), ("seed", 3), ("epochs", 4.0)])
def test_another_recipe_in_mid_run_is_refused_by_the_key_that_changed(key, value, given, killed):
    with pytest.raises(UsageError, match=rf"another {key}; .*--anew"):
        run(recipe_like(given, killed[0], **{key: value}))
    assert (killed[0] / "checkpoints" / "checkpoint-8").is_dir()


def test_other_rows_in_mid_run_are_refused(given, killed, tmp_path):
    with pytest.raises(UsageError, match=r"another data; .*--anew"):
        run(recipe_like(given, killed[0], data=str(written(tmp_path / "rows.jsonl", answers(20)))))


def test_the_same_rows_and_base_may_stand_elsewhere(given, killed, tmp_path):
    data = Path(copied(Path(given["data"]).parent, tmp_path / "data")) / "rows.jsonl"
    base = copied(given["base"], tmp_path / "base")
    from vetset.train.resuming import run_of
    from vetset.train.rows.examples import examples

    recipe = recipe_like(given, killed[0], data=str(data), base=str(base), price_per_hour=1.5)
    found = checkpoint_of(killed[0], run_of(recipe, examples(recipe), base), resume=True)
    assert found is not None
    assert found.name == "checkpoint-8"


def test_to_begin_anew_throws_the_checkpoints_away(given, killed, whole, tmp_path):
    out = copied(killed[0], tmp_path / "out")
    trained, _ = run(recipe_like(given, out, seed=3), resume=False)
    assert trained.resumed_at is None
    assert (out / "adapter_model.safetensors").read_bytes() != (whole / "adapter_model.safetensors").read_bytes()


def test_an_adapter_that_is_trained_anew_stands_until_the_new_one_does_and_a_kill_goes_on(
    given, killed, whole, tmp_path
):
    out = copied(whole, tmp_path / "out")
    copied(killed[0] / "checkpoints", out / "checkpoints")
    before = (out / "adapter_model.safetensors").read_bytes()
    trained, _ = run(recipe_like(given, out))
    assert trained.resumed_at == 8
    assert (out / "adapter_model.safetensors").read_bytes() == before


def test_a_finished_adapter_is_not_written_over(given, whole):
    before = (whole / "adapter_model.safetensors").read_bytes()
    with pytest.raises(UsageError, match="holds an adapter already"):
        run(recipe_like(given, whole, seed=3))
    assert (whole / "adapter_model.safetensors").read_bytes() == before


@pytest.mark.parametrize("resume", [True, False], ids=["resume", "anew"])
@pytest.mark.parametrize("name", ["thesis.txt", "checkpoints/of-another-tool.pt"])
def test_a_folder_with_files_of_ones_own_is_left_alone(name, resume, given, tmp_path):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="is not empty, and no run has made what it holds"):
        run(recipe_like(given, tmp_path), resume=resume)
    assert (tmp_path / name).read_text() == "mine"


@pytest.fixture(scope="module")
def padded(given, tmp_path_factory):
    """The same, with batches of one row, which are grouped by length: a whole run, and one that was killed in its third epoch."""
    place = tmp_path_factory.mktemp("padded")
    recipe = {**given, "batch": 4, "at_once": 1, "lora": {"dropout": 0.2}}
    whole = run(recipe_like(recipe, place / "whole"))[0].folder
    asked_for = json.dumps({**recipe, "out": str(place / "killed")})
    ended = subprocess.run([sys.executable, "-c", CHILD, asked_for, "17"], capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    return recipe, whole, place / "killed"


def test_a_run_over_padded_batches_goes_on_to_the_same_weights(padded):
    recipe, whole, killed = padded
    trained, _ = run(recipe_like(recipe, killed))
    assert (trained.resumed_at or 0) > 6, "in a later epoch"
    one, other = (folder / "adapter_model.safetensors" for folder in (killed, whole))
    assert one.read_bytes() == other.read_bytes()
    assert read_curves(killed)["loss"].to_list() == read_curves(whole)["loss"].to_list()


def test_a_label_that_was_changed_is_seen_though_the_id_stays(given, killed, tmp_path):
    data = copied(Path(given["data"]).parent, tmp_path / "data") / "rows.jsonl"
    from vetset.curate.exports.provenance import digest_rows
    from vetset.train.rows.examples import examples

    before = examples(recipe_like(given, killed[0], data=str(data))).train
    relabelled = before.with_columns(label=before["label"].fill_null("other"))
    assert digest_rows(before) != digest_rows(relabelled), "an id stays where a decision changes a label"


def test_two_runs_in_one_folder_do_not_write_over_each_other(given, killed, tmp_path):
    from vetset.train.resuming import alone

    out = copied(killed[0], tmp_path / "out")
    with alone(out, first=True), pytest.raises(UsageError, match="another run is at work"):
        run(recipe_like(given, out))


def test_a_disk_without_room_is_a_sentence_and_the_run_goes_on_after(given, whole, tmp_path):
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
    code = CHILD.replace("def at(step):", f"import resource\n{limit}\ndef at(step):")
    asked_for = json.dumps({**given, "out": str(tmp_path / "out")})
    ended = subprocess.run([sys.executable, "-c", code, asked_for, "99"], capture_output=True, text=True, check=False)
    assert "there was no room for a checkpoint" in ended.stderr, ended.stderr[-2000:]
    run(recipe_like(given, tmp_path / "out"))
    one, other = (folder / "adapter_model.safetensors" for folder in (tmp_path / "out", whole))
    assert one.read_bytes() == other.read_bytes()
