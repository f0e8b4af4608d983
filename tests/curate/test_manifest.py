"""An export is listed in its set from the moment it stands, whatever was killed; who wrote the manifest is not trusted."""

import json
import os
import signal
import subprocess
import sys
from hashlib import sha256

import pytest
from vetset.curate import Dataset, check, disk, export, read, verify, why

KILLED_AFTER_THE_COMMIT = """
import os, signal, sys
from vetset.curate import Dataset, export
def hook(event, what):
    if event == "os.rename" and os.path.exists("out/provenance.json") and os.sep + "s.vet" + os.sep in what[1]:
        os.kill(os.getpid(), signal.SIGKILL)
dataset = Dataset.open("../s.vet")
sys.addaudithook(hook)
export(dataset, "out", format="text-label")
"""


@pytest.fixture
def folder(tmp_path):
    rows = [{"text": f"ticket number {i}", "label": "ab"[i % 2]} for i in range(20)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    read([tmp_path / "a.jsonl"], tmp_path / "s.vet")
    return tmp_path / "s.vet"


def on_disk(folder):
    return json.loads((folder / "manifest.json").read_text())


def killed(folder):
    """Kill an export when its files stand and the set has not been told yet; run from a folder beside the set."""
    here = folder.parent / "here"
    here.mkdir()
    command = [sys.executable, "-c", KILLED_AFTER_THE_COMMIT]
    assert subprocess.run(command, check=False, cwd=here).returncode == -signal.SIGKILL
    assert verify(here / "out").ok
    return here / "out"


def test_an_export_that_was_killed_right_after_it_stood_is_listed(folder):
    out = killed(folder)
    digest = sha256((out / "provenance.json").read_bytes()).hexdigest()
    dataset = Dataset.open(folder)
    assert [entry["files"]["provenance.json"] for entry in dataset.manifest["exports"]] == [digest]
    assert [step["verb"] for step in dataset.manifest["steps"]] == ["read", "export"]
    assert not dataset.manifest.get("announced")


def test_the_next_verb_writes_it_down_once(folder):
    killed(folder)
    for _ in range(2):
        check(Dataset.open(folder), select=["quality"])
    assert [step["verb"] for step in on_disk(folder)["steps"]] == ["read", "export", "check", "check"]
    assert len(on_disk(folder)["exports"]) == 1
    assert not on_disk(folder)["announced"]


def test_the_next_export_takes_its_place(folder, monkeypatch):
    out = killed(folder)
    monkeypatch.chdir(out.parent)
    export(Dataset.open(folder), "out", format="csv")
    assert [entry["format"] for entry in on_disk(folder)["exports"]] == ["csv"]
    assert not on_disk(folder)["announced"]


def test_an_export_that_was_announced_and_never_stood_is_not_listed(folder, tmp_path, monkeypatch):
    export(Dataset.open(folder), tmp_path / "out", format="csv")
    before = on_disk(folder)["exports"]

    def cut_off(place, files, replace_together=disk.replace_together):
        if place == tmp_path / "out":
            raise KeyboardInterrupt
        replace_together(place, files)

    with monkeypatch.context() as patch:
        patch.setattr(disk, "replace_together", cut_off)
        with pytest.raises(KeyboardInterrupt):
            export(Dataset.open(folder), tmp_path / "out", format="messages")
    assert on_disk(folder)["announced"]
    assert Dataset.open(folder).manifest["exports"] == before
    assert verify(tmp_path / "out").ok
    export(Dataset.open(folder), tmp_path / "out", format="messages")
    assert [entry["format"] for entry in on_disk(folder)["exports"]] == ["messages"]
    assert not on_disk(folder)["announced"]


def test_an_export_is_known_by_its_folder_and_not_by_the_words_for_it(folder, tmp_path, monkeypatch):
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        export(Dataset.open("../s.vet"), "out", format="csv")
    assert [entry["from_set"] for entry in on_disk(folder)["exports"]] == ["../here/out", "../there/out"]
    export(Dataset.open(folder), tmp_path / "here/out", format="text-label")
    listed = {entry["from_set"]: entry["format"] for entry in on_disk(folder)["exports"]}
    assert listed == {"../there/out": "csv", "../here/out": "text-label"}


def test_a_reader_who_may_not_write_sees_the_export_too(folder):
    killed(folder)
    before = (folder / "manifest.json").read_bytes()
    assert len(Dataset.open(folder).manifest["exports"]) == 1
    assert (folder / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    "announced",
    [
        1, "x", {"at": "x"}, [1], [None], [{}], [{"at": 1}], [{"at": "\0", "entry": {}, "step": {}}],
        [{"at": "HERE", "entry": {"path": "HERE", "files": {}}, "step": {}}],
        [{"at": "HERE", "entry": {"files": {"provenance.json": "DIGEST"}}, "step": {}}],
        [{"at": "HERE", "entry": {"path": "x", "files": {"provenance.json": "DIGEST"}}}],
        [{"at": "HERE", "entry": {"path": "x", "from_set": [], "files": {"provenance.json": "DIGEST"}}, "step": {}}],
        [{"at": "PIPE", "entry": {"path": "x", "files": {"provenance.json": "DIGEST"}}, "step": {}}],
    ],
)  # fmt: skip
def test_whatever_a_stranger_announces_is_no_export(folder, tmp_path, announced):
    for place in ("here", "pipe"):
        (tmp_path / place).mkdir()
    (tmp_path / "here/provenance.json").write_text("{}")
    os.mkfifo(tmp_path / "pipe/provenance.json")
    text = json.dumps(announced).replace("HERE", str(tmp_path / "here")).replace("PIPE", str(tmp_path / "pipe"))
    text = text.replace("DIGEST", sha256(b"{}").hexdigest())
    (folder / "manifest.json").write_text(json.dumps({**on_disk(folder), "announced": json.loads(text)}))
    dataset = Dataset.open(folder)
    assert not dataset.manifest["exports"]
    assert not why(dataset, dataset.rows["id"][0]).exports
    export(dataset, tmp_path / "out", format="csv")
    assert len(on_disk(folder)["exports"]) == 1
    disk.recover(folder)
