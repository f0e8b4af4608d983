"""A part of a set that is lost is missed: by every verb, with a way on, and never by a set that did not have it."""

import json
import os
import shutil
import signal
import subprocess
import sys

import polars as pl
import pytest
from vetset.curate import (
    DataError,
    Dataset,
    Decision,
    Ledger,
    StaleError,
    check,
    decide_by_policy,
    decide_by_rule,
    decide_rows,
    export,
    read,
    split,
    undo,
    why,
)
from vetset.curate.dataset import digest_of, parquet
from vetset.curate.decisions.deciding import give_out, take_in

RULES = ["duplicates.exact", "labels", "leakage.exact", "quality.empty"]


def write(path, texts, label="ab"):
    path.write_text("".join(json.dumps({"text": t, "label": label[i % 2]}) + "\n" for i, t in enumerate(texts)))
    return path


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "a.jsonl", [f"ticket number {i % 34}" for i in range(40)])


@pytest.fixture
def folder(source, tmp_path):
    """A set that was read, checked, decided and split, and exported beside."""
    dataset = read([source], tmp_path / "s.vet").dataset
    check(dataset, select=RULES)
    decide_by_policy(Dataset.open(dataset.folder))
    decide_rows(Dataset.open(dataset.folder), [dataset.rows["id"][7]], "drop", reviewer="ann")
    split(Dataset.open(dataset.folder), ratios=(0.5, 0.5), by=(), inflation=False)
    export(Dataset.open(dataset.folder), tmp_path / "out", format="text-label")
    return dataset.folder


def manifest(folder):
    return json.loads((folder / "manifest.json").read_text())


def log(folder):
    with Ledger.open(folder) as ledger:
        return ledger.log()


def verbs(folder):
    """Each verb that reads a set, on the set as it is opened anew."""
    first = Dataset.open(folder)._parquet("rows.parquet")["id"][0]
    return {
        "check": lambda: check(Dataset.open(folder), select=RULES),
        "policy": lambda: decide_by_policy(Dataset.open(folder)),
        "rule": lambda: decide_by_rule(Dataset.open(folder), "labels", "drop", reviewer="ann"),
        "row": lambda: decide_rows(Dataset.open(folder), [first], "keep", reviewer="ann"),
        "undo": lambda: undo(Dataset.open(folder), "1", reviewer="ann"),
        "give out": lambda: give_out(Dataset.open(folder), folder.parent / "d.jsonl"),
        "split": lambda: split(Dataset.open(folder), ratios=(0.5, 0.5), by=(), inflation=False),
        "export": lambda: export(Dataset.open(folder), folder.parent / "out", format="csv"),
        "why": lambda: why(Dataset.open(folder), first),
    }


def state(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if not path.name.endswith("-shm")}


def refused(folder, name, but=()):
    """Every verb is refused with a sentence that names the file, and changes nothing."""
    told = {}
    for verb, run in verbs(folder).items():
        if verb not in but:
            before = state(folder)
            with pytest.raises(DataError, match=rf"{name} is gone") as raised:
                run()
            assert state(folder) == before, verb
            told[verb] = str(raised.value)
    assert not (folder.parent / "d.jsonl").exists()
    return told


def test_every_part_is_noted_by_the_change_that_writes_it(source, tmp_path):
    dataset = read([source], tmp_path / "s.vet").dataset
    rows = {"rows.parquet": manifest(dataset.folder)["digest"], "rejects.jsonl": None}
    assert manifest(dataset.folder)["parts"] == rows
    check(dataset, select=RULES)
    assert manifest(dataset.folder)["parts"] == rows | {"findings.parquet": None}
    decide_by_policy(Dataset.open(dataset.folder))
    assert manifest(dataset.folder)["parts"] == rows | {"findings.parquet": None, "decisions.db": None}
    split(Dataset.open(dataset.folder), inflation=False)
    assert set(manifest(dataset.folder)["parts"]) == {*rows, "findings.parquet", "decisions.db", "splits.parquet"}


def test_lost_decisions_are_missed_by_every_verb(folder, tmp_path):
    (folder / "decisions.db").unlink()
    for sentence in refused(folder, "decisions.db").values():
        assert f"`vetset decide {folder} --import {tmp_path / 'out' / 'decisions.jsonl'}`" in sentence
        assert "/dev/null" in sentence


def test_an_empty_file_in_the_place_of_decisions_is_no_ledger(folder):
    (folder / "decisions.db").write_bytes(b"")
    refused(folder, "decisions.db")


def test_lost_decisions_come_back_from_an_export(folder, tmp_path):
    before = log(folder)
    assert before.height > 1
    take_away(folder)
    taken = take_in(Dataset.open(folder), tmp_path / "out/decisions.jsonl")
    assert len(taken.outcome.seqs) == before.height
    assert log(folder).equals(before)
    assert manifest(folder)["steps"][-1]["counts"] == {"decisions": before.height}
    assert len(take_in(Dataset.open(folder), tmp_path / "out/decisions.jsonl").outcome.repeated) == before.height
    for run in verbs(folder).values():
        run()


def test_what_is_left_of_the_lost_ledger_is_no_part_of_the_new_one(folder, tmp_path):
    held = Ledger.open(folder)
    held.decide([], reviewer="ann")
    decide_rows(Dataset.open(folder), [Dataset.open(folder).rows["id"][3]], "drop", reviewer="bob")
    assert (folder / "decisions.db-wal").stat().st_size
    (folder / "decisions.db").unlink()
    take_in(Dataset.open(folder), tmp_path / "out/decisions.jsonl")
    assert "bob" not in log(folder)["reviewer"]
    with Ledger.open(folder) as ledger:
        assert ledger._frame("PRAGMA integrity_check", (), {"said": str}).item() == "ok"
    held.close()


def test_who_has_no_export_goes_on_without_decisions_and_says_so(folder):
    (folder / "decisions.db").unlink()
    assert take_in(Dataset.open(folder), "/dev/null").outcome.seqs == ()
    assert log(folder).is_empty()
    assert manifest(folder)["steps"][-1]["options"] == {"import": "/dev/null"}
    for name, run in verbs(folder).items():
        if name != "undo":
            run()


def test_a_file_that_is_no_export_restores_nothing(folder, tmp_path):
    (folder / "decisions.db").unlink()
    bad = tmp_path / "bad.jsonl"
    bad.write_text((tmp_path / "out/decisions.jsonl").read_text() + "{broken\n")
    before = state(folder)
    with pytest.raises(DataError, match=r"bad\.jsonl line"):
        take_in(Dataset.open(folder), bad)
    assert state(folder) == before
    refused(folder, "decisions.db")


def test_of_two_who_restore_at_once_the_later_writes_over_nothing(folder, tmp_path, monkeypatch):
    (folder / "decisions.db").unlink()
    late, copyfile = Dataset.open(folder), shutil.copyfile
    row = late.rows["id"][5]
    save = Dataset.save

    def first_somebody_else(self, *given, **more):
        monkeypatch.setattr(Dataset, "save", save)
        take_in(Dataset.open(folder), tmp_path / "out/decisions.jsonl")
        decide_rows(Dataset.open(folder), [row], "drop", reviewer="bob")
        save(self, *given, **more)

    monkeypatch.setattr(Dataset, "save", first_somebody_else)
    with pytest.raises(StaleError, match="came back in the meantime"):
        take_in(late, "/dev/null")
    assert log(folder)["reviewer"].to_list()[-1] == "bob"
    assert copyfile is shutil.copyfile


def take_away(folder):
    for suffix in ("", "-wal", "-shm"):
        (folder / f"decisions.db{suffix}").unlink(missing_ok=True)


def test_a_ledger_that_was_opened_before_the_first_decision_misses_it_too(source, tmp_path):
    dataset = read([source], tmp_path / "new.vet").dataset
    with Ledger.open(dataset.folder) as early:
        decide_rows(dataset, [dataset.rows["id"][0]], "drop", reviewer="ann")
        take_away(dataset.folder)
        with pytest.raises(DataError, match=r"decisions\.db is gone"):
            early.head()


def test_nothing_is_decided_in_a_file_that_was_taken_away_under_an_open_ledger(folder, tmp_path):
    row = Dataset.open(folder).rows["id"][11]
    with Ledger.open(folder) as page:
        before = page.last()
        take_away(folder)
        with pytest.raises(DataError, match=r"decisions\.db is gone"):
            page.decide([Decision(row, "drop")], reviewer="ann")
        take_in(Dataset.open(folder), tmp_path / "out/decisions.jsonl")
        assert page.decide([Decision(row, "drop")], reviewer="ann").seqs == (before + 1,)
    assert log(folder).height == before + 1


def test_a_set_that_never_had_decisions_misses_none(source, tmp_path):
    dataset = read([source], tmp_path / "s.vet").dataset
    with Ledger.open(dataset.folder) as ledger:
        assert ledger.last() == 0
    check(dataset, select=RULES)
    export(Dataset.open(dataset.folder), tmp_path / "out", format="csv")
    assert not (dataset.folder / "decisions.db").exists()


def test_a_set_without_notes_opens_as_before(folder):
    told = manifest(folder)
    del told["parts"]
    (folder / "manifest.json").write_text(json.dumps(told))
    for name in ("decisions.db", "findings.parquet", "splits.parquet"):
        (folder / name).unlink()
    assert Dataset.open(folder).findings is None
    assert log(folder).is_empty()
    check(Dataset.open(folder), select=RULES)
    assert set(manifest(folder)["parts"]) == {"rows.parquet", "rejects.jsonl", "findings.parquet"}
    assert manifest(folder)["parts"]["rows.parquet"] is None  # who wrote them may have counted in another way


@pytest.mark.parametrize("noted", [1, "x", [], ["decisions.db"], {"x": 1}, {"../x": None, "manifest.json": None}])
def test_whatever_a_stranger_notes_breaks_nothing(folder, noted):
    (folder / "manifest.json").write_text(json.dumps({**manifest(folder), "parts": noted}))
    check(Dataset.open(folder), select=RULES)
    assert set(manifest(folder)["parts"]) == {
        "rows.parquet", "rejects.jsonl", "findings.parquet", "splits.parquet", "decisions.db",
    }  # fmt: skip


def test_lost_findings_are_missed_and_a_check_makes_them_again(folder):
    whole = Dataset.open(folder).findings
    (folder / "findings.parquet").unlink()
    for sentence in refused(folder, r"findings\.parquet", but=("check", "row", "undo", "give out")).values():
        assert f"run `vetset check {folder}`" in sentence
    result = check(Dataset.open(folder), select=["quality.empty"])
    assert result.rules == ["quality.empty"]
    assert any("findings.parquet was gone" in note for note in result.notes)
    assert Dataset.open(folder).findings.equals(whole)


def test_a_lost_split_is_missed_and_a_split_makes_another(folder):
    (folder / "splits.parquet").unlink()
    for sentence in refused(folder, r"splits\.parquet", but=("split", "undo", "give out")).values():
        assert f"run `vetset split {folder}`" in sentence
    bare = Dataset.open(folder).as_read()
    assert bare.rows["split"].null_count() == 40
    bare.save({"splits.parquet": parquet(bare.rows.select("id", split=pl.lit("train")))}, train="train")
    export(Dataset.open(folder), folder.parent / "out", format="csv")


def test_a_lost_split_and_lost_findings_do_not_wait_for_each_other(folder):
    for name in ("splits.parquet", "findings.parquet"):
        (folder / name).unlink()
    split(Dataset.open(folder), ratios=(0.5, 0.5), by=(), inflation=False)
    assert Dataset.open(folder).findings is not None
    for run in verbs(folder).values():
        run()


def test_a_lost_split_and_lost_decisions_do_not_wait_for_each_other(folder, tmp_path):
    for name in ("splits.parquet", "decisions.db"):
        (folder / name).unlink()
    assert len(take_in(Dataset.open(folder), tmp_path / "out/decisions.jsonl").outcome.seqs) > 0
    split(Dataset.open(folder), ratios=(0.5, 0.5), by=(), inflation=False)
    for run in verbs(folder).values():
        run()


def test_a_lost_split_leaves_with_a_read_of_the_same_files(folder, source):
    (folder / "splits.parquet").unlink()
    notes = read([source], folder).notes
    assert any("the findings and the split of the rows before are gone" in note for note in notes)
    assert manifest(folder)["checked"] == []
    assert Dataset.open(folder).rows["split"].null_count() == 40
    assert set(manifest(folder)["parts"]) == {"rows.parquet", "rejects.jsonl", "decisions.db"}


def test_lost_findings_leave_with_a_read_of_the_same_files_and_the_split_stays(folder, source):
    before = Dataset.open(folder).rows["split"]
    (folder / "findings.parquet").unlink()
    assert any("the findings of the rows before are gone" in note for note in read([source], folder).notes)
    assert Dataset.open(folder).findings is None
    assert manifest(folder)["checked"] == []
    assert Dataset.open(folder).rows["split"].equals(before)


def test_a_read_brings_lost_rows_back_and_tells_of_lost_decisions(folder, source, tmp_path):
    for name in ("rows.parquet", "decisions.db", "rejects.jsonl"):
        (folder / name).unlink()
    with pytest.raises(DataError, match=r"rejects\.jsonl is gone; read the source files again"):
        list(Dataset.open(folder).rejects())
    with pytest.raises(DataError, match=r"rows\.parquet"):
        take_in(Dataset.open(folder), tmp_path / "out/decisions.jsonl")
    assert any("decisions.db is gone" in note for note in read([source], folder).notes)
    assert list(Dataset.open(folder).rejects()) == []
    refused(folder, "decisions.db")
    take_in(Dataset.open(folder), tmp_path / "out/decisions.jsonl")
    export(Dataset.open(folder), tmp_path / "out", format="csv")


def test_all_parts_lost_at_once_come_back_step_by_step(folder, source, tmp_path):
    for name in ("rows.parquet", "rejects.jsonl", "findings.parquet", "splits.parquet", "decisions.db"):
        (folder / name).unlink()
    read([source], folder)
    take_in(Dataset.open(folder), tmp_path / "out/decisions.jsonl")
    check(Dataset.open(folder), select=RULES)
    for run in verbs(folder).values():
        run()


def test_another_sets_rows_are_not_taken_for_these(folder, tmp_path):
    other = read([write(tmp_path / "b.jsonl", [f"other {i}" for i in range(40)])], tmp_path / "b.vet").dataset
    shutil.copy(other.folder / "rows.parquet", folder / "rows.parquet")
    with pytest.raises(DataError, match=r"rows\.parquet holds other rows than those that were read here"):
        _ = Dataset.open(folder).rows
    whole = Dataset.open(other.folder)
    assert digest_of(whole.rows["id"]) == manifest(other.folder)["digest"]


def test_rows_that_were_read_anew_after_the_opening_are_no_damage(folder, source):
    early = Dataset.open(folder)
    _ = early.manifest
    write(source, [f"new ticket {i}" for i in range(30)])
    read([source], folder)
    with pytest.raises(StaleError, match="read anew in the meantime"):
        _ = early.rows
    assert Dataset.open(folder).rows.height == 30


def test_a_split_that_a_read_takes_away_meanwhile_is_not_lost(folder, source, monkeypatch):
    """A reader who looks while the change is being put in place waits for its end."""
    write(source, [f"new ticket {i}" for i in range(30)])
    script = """
import os, signal, sys
from pathlib import Path
from vetset.curate import read
def hook(event, what):
    if event == "os.remove" and str(what[0]).endswith("splits.parquet"):
        hook.seen = True
    if event == "os.rename" and hook.seen:
        os.kill(os.getpid(), signal.SIGKILL)
    if event == "os.remove" and str(what[0]).endswith(".commit.json"):
        os.kill(os.getpid(), signal.SIGKILL)
hook.seen = False
sys.addaudithook(hook)
read([sys.argv[1]], sys.argv[2])
"""
    early = Dataset.open(folder)
    _ = early.rows
    done = subprocess.run([sys.executable, "-c", script, str(source), str(folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (folder / ".commit.json").exists()
    assert not (folder / "splits.parquet").exists()
    assert Dataset(folder).findings is None
    assert Dataset.open(folder).rows["split"].null_count() == 30


KILLED = """
import os, signal, sys
from vetset.curate import Dataset, decide_rows
def hook(event, what):
    if event == "os.rename" and str(what[1]).endswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
dataset = Dataset.open(sys.argv[1])
row = dataset.rows["id"][0]
sys.addaudithook(hook)
decide_rows(dataset, [row], "drop", reviewer="ann")
"""


@pytest.mark.parametrize("place", [".commit.json", "manifest.json"])
def test_a_first_decision_that_is_killed_at_the_note_leaves_a_set_that_opens(source, tmp_path, place):
    """The file stands before it is noted, and is noted before anything is decided."""
    dataset = read([source], tmp_path / "s.vet").dataset
    folder, ids = dataset.folder, dataset.rows["id"]
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), place], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (folder / "decisions.db").exists()
    assert log(folder).is_empty()
    decide_rows(Dataset.open(folder), [ids[1]], "drop", reviewer="bob")
    assert "decisions.db" in manifest(folder)["parts"]
    (folder / "decisions.db").unlink()
    with pytest.raises(DataError, match=r"decisions\.db is gone"):
        log(folder)


def test_a_restore_that_is_killed_restores_all_or_nothing(folder, tmp_path):
    script = """
import os, signal, sys
from vetset.curate import Dataset
from vetset.curate.decisions.deciding import take_in
def hook(event, what):
    if event == "os.rename" and str(what[1]).endswith(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
take_in(Dataset.open(sys.argv[1]), sys.argv[2])
"""
    before = log(folder)
    (folder / "decisions.db").unlink()
    for place, restored in ((".commit.json", False), ("decisions.db", True)):
        command = [sys.executable, "-c", script, str(folder), str(tmp_path / "out/decisions.jsonl"), place]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        if not restored:
            refused(folder, "decisions.db")
    Dataset.open(folder)
    assert log(folder).equals(before)
    assert not [name for name in os.listdir(folder) if ".next" in name or ".part" in name]
