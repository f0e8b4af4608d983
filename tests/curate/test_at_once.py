"""Two verbs at once: what one writes, the other must not lose; what was found on other rows is not written."""

import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from vetset.curate import Dataset, StaleError, check, disk, export, read, split, verify
from vetset.curate.checking import find


@pytest.fixture
def folder(tmp_path):
    """A set with repeats, an empty row, groups and a conflict."""
    rows = [{"text": f"ticket number {i % 90}", "label": "ab"[i == 7], "user_id": f"u{i % 40}"} for i in range(120)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, {**rows[0], "text": " "}]))
    read([tmp_path / "a.jsonl"], tmp_path / "s.vet")
    return tmp_path / "s.vet"


def save(dataset, found):
    dataset.save(found.files(), step=found.step, checked=found.checked, against=found.against)


def rules(folder):
    return set(Dataset.open(folder).findings["rule"])


def manifest(folder):
    return json.loads((folder / "manifest.json").read_text())


def test_the_later_of_two_checks_keeps_what_the_earlier_found(folder):
    early = Dataset.open(folder)
    assert early.findings is None
    found = find(early, early.rows, select=["quality"])
    check(Dataset.open(folder), select=["duplicates.exact", "duplicates.normalised"])
    save(early, found)
    assert rules(folder) == {"duplicates.exact", "duplicates.normalised", "quality.empty"}
    assert {"duplicates.exact", "quality.empty"} < set(manifest(folder)["checked"])
    assert [step["verb"] for step in manifest(folder)["steps"]] == ["read", "check", "check"]


def test_checks_that_start_together_give_what_one_check_of_all_gives(folder):
    families = ["duplicates", "labels", "quality", "licences"]
    check(Dataset.open(folder), select=families)
    whole, checked = Dataset.open(folder).findings, manifest(folder)["checked"]
    Dataset.open(folder).save({"findings.parquet": None}, checked=[])
    together = threading.Barrier(len(families))

    def one(family):
        dataset = Dataset.open(folder)
        assert dataset.findings is None
        check(dataset, select=[family], progress=lambda _, number, __: number or together.wait(30))

    with ThreadPoolExecutor(len(families)) as pool:
        list(pool.map(one, families))
    assert Dataset.open(folder).findings.equals(whole)
    assert manifest(folder)["checked"] == checked


def test_a_rule_that_runs_again_replaces_its_own_findings_only(folder):
    check(Dataset.open(folder))
    whole = Dataset.open(folder).findings
    for _ in range(2):
        check(Dataset.open(folder), select=["quality.empty", "labels"])
    assert Dataset.open(folder).findings.equals(whole)


def test_a_check_keeps_the_eval_file_of_another_that_ended_first(folder, tmp_path):
    (tmp_path / "eval.jsonl").write_text('{"text": "ticket number 3", "label": "a"}\n')
    early = Dataset.open(folder)
    found = find(early, early.rows, select=["quality"])
    check(Dataset.open(folder), against=[tmp_path / "eval.jsonl"])
    save(early, found)
    assert manifest(folder)["against"] == [str(tmp_path / "eval.jsonl")]
    assert "leakage.exact" in rules(folder)


def test_a_split_keeps_what_a_check_found_meanwhile(folder):
    check(Dataset.open(folder), select=["leakage"])
    split(Dataset.open(folder), by=("group",), say=lambda _: check(Dataset.open(folder), select=["quality"]))
    assert "quality.empty" in manifest(folder)["checked"]
    assert "quality.empty" in rules(folder)


def test_what_was_found_on_the_split_before_is_not_written(folder):
    early = Dataset.open(folder)
    found = find(early, early.rows)
    split(Dataset.open(folder), by=("group",), inflation=False)
    with pytest.raises(StaleError, match="split anew"):
        save(early, found)
    with pytest.raises(StaleError, match="split anew"):
        export(early, folder.parent / "out", format="text-label")
    assert not (folder.parent / "out").exists()
    assert Dataset.open(folder).findings is None
    check(Dataset.open(folder))


def test_a_set_read_anew_stops_an_export_before_it_writes(folder, tmp_path):
    early = Dataset.open(folder)
    assert early.rows.height == 121
    (tmp_path / "a.jsonl").write_text('{"text": "another ticket", "label": "a"}\n')
    read([tmp_path / "a.jsonl"], folder)
    with pytest.raises(StaleError, match="read anew"):
        export(early, tmp_path / "out", format="text-label")
    assert not (tmp_path / "out").exists()
    assert manifest(folder).get("exports") == []


def test_exports_of_two_who_opened_the_set_before_are_both_listed(folder, tmp_path):
    ann, bob = Dataset.open(folder), Dataset.open(folder)
    export(ann, tmp_path / "ann", format="text-label")
    export(bob, tmp_path / "bob", format="csv")
    assert [entry["path"] for entry in manifest(folder)["exports"]] == [str(tmp_path / "ann"), str(tmp_path / "bob")]
    assert [step["verb"] for step in manifest(folder)["steps"]] == ["read", "export", "export"]


def test_an_export_that_waited_takes_away_what_stood_when_its_turn_came(folder, tmp_path, monkeypatch):
    out, other = tmp_path / "out", tmp_path / "other"
    export(Dataset.open(folder), other, format="parquet")
    out.mkdir()
    asked, flock = threading.Event(), disk.fcntl.flock

    def telling(handle, operation):
        if threading.current_thread() is not threading.main_thread() and os.path.samestat(
            os.fstat(handle), (out / ".lock").stat()
        ):
            asked.set()
        flock(handle, operation)

    monkeypatch.setattr(disk.fcntl, "flock", telling)
    waiting = threading.Thread(target=lambda: export(Dataset.open(folder), out, format="text-label"))
    with disk.locked(out):
        waiting.start()
        assert asked.wait(30)
        whole = [item for item in other.iterdir() if item.name != ".lock"]
        disk.replace_together(out, {item.name: lambda path, item=item: shutil.copy(item, path) for item in whole})
    waiting.join(30)
    result = verify(out)
    assert result.ok, [one.sentence for one in result.checks if not one.ok]
    assert not (out / "data.parquet").exists()


@pytest.mark.parametrize("there", [True, False])
def test_exports_into_one_folder_at_once_leave_one_that_is_whole_and_listed(folder, tmp_path, there):
    formats = ["text-label", "csv", "parquet", "messages", "alpaca", "openai"]
    out = tmp_path / "out"
    if there:
        export(Dataset.open(folder), out, format="text")
    together = threading.Barrier(len(formats))

    def one(form):
        dataset = Dataset.open(folder)
        together.wait(30)
        return export(dataset, out, format=form)

    with ThreadPoolExecutor(len(formats)) as pool:
        made = list(pool.map(one, formats))
    assert len(made) == len(formats)
    result = verify(out)
    assert result.ok, [one.sentence for one in result.checks if not one.ok]
    assert len([item for item in out.iterdir() if item.name != ".lock"]) == 5
    entries = manifest(folder)["exports"]
    assert [entry["path"] for entry in entries] == [str(out)]
    assert entries[0]["files"]["provenance.json"] == sha256((out / "provenance.json").read_bytes()).hexdigest()
    assert sum(step["verb"] == "export" for step in manifest(folder)["steps"]) == len(formats) + there


def test_an_export_that_fails_does_not_take_the_folder_from_one_that_waits(folder, tmp_path):
    """The one that fails had made the folder and takes it away again; a lock on a file that has gone excludes nobody."""
    for turn in range(5):
        out = tmp_path / f"out{turn}"
        together = threading.Barrier(4)

        def one(form, out=out, together=together):
            dataset = Dataset.open(folder)
            together.wait(30)
            try:
                export(dataset, out, format=form)
            except ValueError as error:
                assert "no row is left" in str(error)  # noqa: PT017 - the only error that may come

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(one, ["preference", "text-label", "preference", "csv"]))
        assert verify(out).ok
