"""A refresh that is killed with -9 between its changes: nothing of it counts, and the same command makes it whole."""

import json
import os
import shutil
import signal
import subprocess
import sys

import polars as pl
import pytest
from vetset.curate.dataset import Dataset
from vetset.curate.errors import DataError
from vetset.evaluate.evalsets import refreshing
from vetset.evaluate.evalsets.ageing import status
from vetset.evaluate.evalsets.building import build
from vetset.evaluate.evalsets.candidates import standing
from vetset.evaluate.evalsets.confirming import confirm
from vetset.evaluate.evalsets.evalset import EvalSet
from vetset.evaluate.evalsets.freezing import freeze
from vetset.evaluate.evalsets.parting import Shares
from vetset.evaluate.evalsets.refreshing import refresh
from vetset.evaluate.evalsets.resuming import cut_off
from vetset.evaluate.evalsets.touches import touch
from vetset.tests.evaluate.sets_made import made_set

# One process imports what a refresh needs and forks a victim for each line; it has not computed anything by then.
VICTIMS = """
import json, os, signal, sys
from pathlib import Path
import sklearn.feature_extraction.text
from vetset.curate.dataset import Dataset
from vetset.evaluate.evalsets import aside, freezing, refreshing
from vetset.evaluate.evalsets.evalset import EvalSet

def dies(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

rooms = {
    "before the rows are set aside": (refreshing, "set_aside"),
    "between drops and splits": (aside.Dataset, "save"),
    "before training rows are dropped": (refreshing, "_apart"),
    "before the version": (refreshing, "next_version"),
    "within the version": (freezing, "note_frozen"),
    "after the version": (refreshing, "end"),
}

def refresh(place, moment):
    setattr(*rooms[moment], dies)
    newer, tickets = (Dataset.open(place / f"{name}.vet") for name in ("newer", "tickets"))
    refreshing.refresh(EvalSet.open(place / "t.evalset"), newer, share=0.2, train=tickets)

for place, moment in map(json.loads, sys.stdin):
    pid = os.fork()
    if pid == 0:
        try:
            refresh(Path(place), moment)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
MOMENTS = [
    "before the rows are set aside", "between drops and splits", "before training rows are dropped", "before the version",
    "within the version", "after the version",
]  # fmt: skip


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A folder with a frozen eval set, the set that it was built from, and a newer sample."""
    folder = tmp_path_factory.mktemp("before")
    build(made_set(folder, copies=20), folder / "t.evalset", rows=60, shares=Shares(dev=0.25, reserve=0.25))
    freeze(EvalSet.open(folder / "t.evalset"), by="ann", at="2026-01-01T00:00:00+00:00")
    made_set(folder, rows=300, copies=30, seed=9, name="newer")
    return folder


@pytest.fixture
def place(before, tmp_path):
    return shutil.copytree(before, tmp_path / "place")


def again(place):
    """Run the same refresh to its end; return what it came to."""
    refresh(
        EvalSet.open(place / "t.evalset"),
        Dataset.open(place / "newer.vet"),
        share=0.2,
        train=Dataset.open(place / "tickets.vet"),
    )
    return state(place)


def state(place):
    evalset = EvalSet.open(place / "t.evalset")
    found = {"version": evalset.manifest["version"], "digest": evalset.digest}
    for name in ("newer", "tickets"):
        dataset = Dataset.open(place / f"{name}.vet")
        found[name] = (dataset.rows.select("id", "split").rows(), standing(dataset)["id"].to_list())
    return found


@pytest.fixture(scope="module")
def killed():
    """``killed(place, moment)``: a refresh in another process is killed at that moment."""

    def killed(place, moment):
        print(json.dumps([str(place), moment]), file=forker.stdin, flush=True)
        assert int(forker.stdout.readline()) == -signal.SIGKILL

    with subprocess.Popen([sys.executable, "-c", VICTIMS], stdin=-1, stdout=-1, text=True) as forker:
        yield killed
        forker.stdin.close()


@pytest.fixture(scope="module")
def whole(before, tmp_path_factory):
    """What the refresh comes to where nobody kills it."""
    return again(shutil.copytree(before, tmp_path_factory.mktemp("whole") / "place"))


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS[:-1])
def test_the_same_command_makes_a_refresh_whole_that_was_killed(place, whole, killed, moment):
    killed(place, moment)
    evalset = EvalSet.open(place / "t.evalset")
    assert evalset.manifest["version"] == 1
    assert cut_off(evalset)
    assert any("was cut off" in note for note in status(evalset).notes)
    assert again(place) == whole
    assert not (place / "t.evalset" / "refresh.json").exists()
    held = set(EvalSet.open(place / "t.evalset").rows["id"])
    assert set(Dataset.open(place / "newer.vet").rows.filter(split="eval")["id"]) <= held


@pytest.mark.slow
def test_a_refresh_that_was_killed_after_its_version_stands(place, whole, killed):
    killed(place, MOMENTS[-1])
    assert not cut_off(EvalSet.open(place / "t.evalset"))
    assert state(place) == whole


@pytest.mark.slow
def test_a_confirm_after_a_refresh_that_was_killed_takes_it_back_first(place, killed):
    untouched = state(place)
    killed(place, "before the version")
    touch(EvalSet.open(place / "t.evalset"), candidate="one", part="ship")
    confirm(EvalSet.open(place / "t.evalset"))
    now = state(place)
    assert now["version"] == 2
    assert {name: now[name] for name in ("newer", "tickets")} == {
        name: untouched[name] for name in ("newer", "tickets")
    }


def test_a_refresh_that_fails_takes_back_what_it_did_at_once(place, monkeypatch):
    untouched = state(place)
    monkeypatch.setattr(refreshing, "next_version", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        again(place)
    assert state(place) == untouched
    assert not (place / "t.evalset" / "refresh.json").exists()


def test_a_sample_that_was_moved_after_the_kill_is_asked_for(place, monkeypatch):
    monkeypatch.setattr(refreshing, "take_back", lambda _: None)
    monkeypatch.setattr(refreshing, "next_version", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        again(place)
    monkeypatch.undo()
    os.rename(place / "newer.vet", place / "moved.vet")
    with pytest.raises(DataError, match=r"newer\.vet, which it changed, is not there"):
        refresh(EvalSet.open(place / "t.evalset"), Dataset.open(place / "moved.vet"))
    os.rename(place / "moved.vet", place / "newer.vet")
    assert again(place)["version"] == 2


def test_a_split_that_was_made_meanwhile_stays(place, monkeypatch):
    monkeypatch.setattr(refreshing, "take_back", lambda _: None)
    monkeypatch.setattr(refreshing, "next_version", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        again(place)
    monkeypatch.undo()
    from vetset.curate.splits.splitting import split

    chosen = Dataset.open(place / "newer.vet").rows.filter(split="eval")["id"].to_list()
    split(Dataset.open(place / "newer.vet"), by=("group",), inflation=False)
    made = Dataset.open(place / "newer.vet").rows.filter(~pl.col("id").is_in(chosen)).select("id", "split")
    again(place)
    now = Dataset.open(place / "newer.vet").rows
    kept = now.filter(pl.col("split") != "eval").select("id", "split").join(made, on="id", how="inner", suffix="_made")
    assert kept.height > 100
    assert kept["split"].equals(kept["split_made"])
