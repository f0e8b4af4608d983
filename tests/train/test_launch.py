"""Several processes train as one does, and the configurations in docs/accelerate are such that `accelerate launch` takes them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from vetset.tests.small_models import tiny_model
from vetset.tests.train.runs_made import answers, recipe_of, run, written
from vetset.train.curves import read_curves

pytest.importorskip("trl")
pytestmark = pytest.mark.slow

CONFIGURATIONS = Path(__file__).parents[2] / "docs" / "accelerate"


def test_two_processes_train_the_adapter_that_one_does_and_one_of_them_speaks(tmp_path):
    from safetensors.torch import load_file

    tiny, data = tiny_model(tmp_path / "tiny"), written(tmp_path / "rows.jsonl", answers())
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('base = "tiny"\ndata = "rows.jsonl"\nout = "two"\nrank = 4\nbatch = 4\nlearning_rate = 1e-3\n')
    two = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    vetset = Path(sys.executable).with_name("vetset")
    ended = subprocess.run(
        [*two, vetset, "train", recipe, "--json"], capture_output=True, text=True, check=False, timeout=600
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["steps"] == 6  # one object: the other process says nothing
    assert ended.stderr.count("step 6/6") == 1
    one, _ = run(recipe_of(tiny, data, tmp_path / "one", learning_rate=1e-3))
    weights, alone = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("two", "one"))
    assert max(float((weights[name] - alone[name]).abs().max()) for name in alone) < 1e-5
    drop = ["seconds", "tokens_per_second", "loss", "grad_norm"]
    assert read_curves(tmp_path / "two").drop(drop).equals(read_curves(one.folder).drop(drop))


@pytest.mark.parametrize(("name", "kind"), [("ddp.yaml", "multi_gpu"), ("fsdp.yaml", "use_fsdp")])
def test_accelerate_takes_the_configuration(name, kind):
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    given = launch_command_parser().parse_args(["--config_file", str(CONFIGURATIONS / name), "vetset"])
    assert getattr(_validate_launch_command(given)[0], kind)
    assert given.num_processes == 2
