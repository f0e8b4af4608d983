"""A set that may not be written to: it can be checked and exported, and both say what was not saved."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from vetset.curate import Dataset, check, decide_rows, export, read, verify

# Root may write anywhere, so another user runs the command. What it needs is imported by a run on a copy before:
# the packages may stand where only root can read.
NOBODY = """
import contextlib, io, os, sys
from vetset.app import cli
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    cli.run([word.replace("s.vet", "copy.vet").replace("open/", "copied/") for word in sys.argv[1:]])
if os.getuid() == 0:
    os.setuid(65534)
sys.exit(cli.run(sys.argv[1:]))
"""


@pytest.fixture
def folder(tmp_path, let_in):
    """A set that was checked in part and decided, in a folder that nobody may write to."""
    rows = [{"text": f"ticket number {i % 8}", "label": "ab"[i == 9]} for i in range(10)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = read([tmp_path / "a.jsonl"], tmp_path / "s.vet").dataset
    check(dataset, select=["duplicates"])
    decide_rows(Dataset.open(dataset.folder), [dataset.rows["id"][0]], "keep", reviewer="ann")
    shutil.copytree(dataset.folder, tmp_path / "copy.vet")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    let_in(tmp_path)
    dataset.folder.chmod(0o555)
    yield dataset.folder
    dataset.folder.chmod(0o755)


def nobody(folder, *words):
    """Run a command as a user who owns nothing; the set must not have changed."""
    before = {item.name: item.read_bytes() for item in folder.iterdir()}
    command = [sys.executable, "-c", NOBODY, *map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder.parent / "open")
    assert {item.name: item.read_bytes() for item in folder.iterdir()} == before
    return done


def test_an_export_is_written_and_says_that_the_set_does_not_list_it(folder, tmp_path):
    done = nobody(folder, "export", folder, "-o", tmp_path / "open/out", "--format", "text-label", "--json")
    assert done.returncode == 0, done.stderr
    notes = json.loads(done.stdout)["notes"]
    assert [note for note in notes if "can't be written" in note] == [
        f"{folder} can't be written, so this export is not listed there; keep provenance.json as its record."
    ]
    assert verify(tmp_path / "open/out").ok
    folder.chmod(0o755)
    export(Dataset.open(folder), tmp_path / "mine", format="text-label")  # the same bytes as where it can be written
    for name in ("provenance.json", "data.jsonl", "README.md", "lineage.parquet"):
        assert (tmp_path / "mine" / name).read_bytes() == (tmp_path / "open/out" / name).read_bytes()


@pytest.mark.parametrize("how", ["--json", "--output-format=github", "--output-format=table"])
def test_a_check_prints_what_it_found_and_says_that_it_was_not_saved(folder, how):
    done = nobody(folder, "check", folder, "--select", "labels,quality", how)
    assert done.returncode == 1, done.stderr  # labels.conflict blocks
    assert "labels.conflict" in done.stdout
    assert f"note: {folder} can't be written, so these findings were not saved" in done.stderr
    if how == "--json":
        said = json.loads(done.stdout)
        assert said["blocking"] == ["labels.conflict"]
        assert "duplicates.exact" not in said["rules"]  # of the check before: nobody asked for it now
        assert len([note for note in said["notes"] if "can't be written" in note]) == 1


def test_a_check_of_a_set_that_can_be_written_has_no_such_note(folder):
    folder.chmod(0o755)
    assert not [note for note in check(Dataset.open(folder)).notes if "can't be written" in note]
    assert os.access(folder / "findings.parquet", os.R_OK)
