"""Reading into a set that stands already, or was cut off: what was decided is kept, what is half written is swept."""

import fcntl
import gzip
import resource
import threading

import pytest
from vetset.curate import (
    DataError,
    Dataset,
    Ledger,
    StaleError,
    UsageError,
    check,
    decide_rows,
    export,
    read,
    split,
)
from vetset.curate.reading import working_folder as working_folders
from vetset.curate.reading.working_folder import working_folder
from vetset.tests.curate.read_made import lines, tickets


def test_reading_twice_gives_the_same_bytes(tmp_path):
    (tmp_path / "a.jsonl").write_text(lines(*tickets(500)) + "{oops\n")
    for name in ("a", "b"):
        read([tmp_path / "a.jsonl"], tmp_path / f"{name}.vet")
    for file in ("rows.parquet", "rejects.jsonl"):
        assert (tmp_path / "a.vet" / file).read_bytes() == (tmp_path / "b.vet" / file).read_bytes()


def test_reading_again_keeps_decisions_and_takes_findings_and_splits_away(reads):
    result = reads(lines(*tickets(5)))
    folder = result.dataset.folder
    check(result.dataset)
    split(Dataset.open(folder), ratios=(0.6, 0.4), inflation=False)
    decide_rows(Dataset.open(folder), [result.dataset.rows["id"][0]], "drop", reviewer="ann")
    again = reads(lines(*tickets(6)[1:]))
    assert again.rows == 5
    with Ledger.open(folder) as ledger:
        assert ledger.head()["action"].to_list() == ["drop"]
    assert not (folder / "findings.parquet").exists()
    assert not (folder / "splits.parquet").exists()
    assert "vetset check" in again.notes[0]
    assert "vetset split" in again.notes[0]
    assert "1 of 1 decisions are stale" in again.notes[1]


def test_reading_the_same_file_again_keeps_findings_and_split(reads):
    folder = reads(lines(*tickets(5))).dataset.folder
    check(Dataset.open(folder))
    split(Dataset.open(folder), ratios=(0.6, 0.4), inflation=False)
    before = Dataset.open(folder)
    again = reads(lines(*tickets(5)))
    assert again.notes == []
    assert again.dataset.findings.equals(before.findings)
    assert again.dataset.rows.equals(before.rows)
    assert again.dataset.manifest["checked"] == before.manifest["checked"]


def test_a_set_of_other_files_that_holds_decisions_is_not_replaced(tmp_path):
    (tmp_path / "a.jsonl").write_text(lines(*tickets(5)))
    (tmp_path / "b.jsonl").write_text(lines(*tickets(3)))
    one = read([tmp_path / "a.jsonl"], tmp_path / "s.vet")
    decide_rows(one.dataset, [one.dataset.rows["id"][0]], "drop", reviewer="ann")
    with pytest.raises(UsageError, match="holds decisions"):
        read([tmp_path / "b.jsonl"], tmp_path / "s.vet")
    assert Dataset.open(tmp_path / "s.vet").rows.height == 5


def test_a_failed_read_leaves_the_old_set_alone(reads, tmp_path):
    reads(lines(*tickets(5)))
    before = {path.name: path.read_bytes() for path in (tmp_path / "a.vet").iterdir()}
    with pytest.raises(DataError, match="none of its 2 records became a row"):
        reads("{oops\n{oops\n")
    assert {path.name: path.read_bytes() for path in (tmp_path / "a.vet").iterdir()} == before
    assert not list(tmp_path.glob(".*reading*"))


def test_what_a_killed_read_left_is_swept_and_what_a_living_one_holds_is_not(tmp_path):
    source = tmp_path / "a.jsonl"
    source.write_text(lines(*tickets(3)))
    dead = tmp_path / ".a.vet.reading-killed"
    dead.mkdir()
    (dead / ".lock").touch()
    (dead / "rows.parquet").touch()
    with working_folder(tmp_path / "a.vet") as held:
        read([source], tmp_path / "a.vet")
        assert held.exists()
        assert not dead.exists()
    assert not held.exists()
    assert not list(tmp_path.glob(".*reading*"))


def test_an_error_while_chunks_are_made_ahead_comes_out(tmp_path):
    data = gzip.compress(lines(*({"text": f"text {i} " + "x" * 500, "label": "a"} for i in range(40_000))).encode(), 1)
    (tmp_path / "a.jsonl.gz").write_bytes(data[: len(data) // 2] + bytes(len(data) // 2))
    with pytest.raises(DataError, match="damaged or cut off"):
        read([tmp_path / "a.jsonl.gz"], tmp_path / "a.vet")
    assert not list(tmp_path.glob(".*reading*"))


def test_a_disk_that_is_full_at_the_end_of_the_rows_is_an_error_and_no_wait(tmp_path):
    source = tmp_path / "a.jsonl"
    source.write_text(lines(*tickets(3)))
    read([source], tmp_path / "a.vet")
    short = (tmp_path / "a.vet" / "rows.parquet").stat().st_size - 10  # the file's end comes when all rows are written
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    raised = []

    def again():
        try:
            read([source], tmp_path / "b.vet")
        except OSError as error:
            raised.append(error)

    thread = threading.Thread(target=again, daemon=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (short, before[1]))
    try:
        thread.start()
        thread.join(20)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not thread.is_alive()
    assert raised


def test_an_export_that_is_written_while_the_set_is_read_anew_stays_listed(tmp_path):
    source = tmp_path / "a.jsonl"
    source.write_text(lines(*tickets(6)))
    read([source], tmp_path / "a.vet")
    source.write_text(lines(*tickets(9)))
    written = []

    def meanwhile(done, total):
        if not written:
            written.append(export(Dataset.open(tmp_path / "a.vet"), tmp_path / "out"))

    read([source], tmp_path / "a.vet", progress=meanwhile)
    assert [entry["rows"] for entry in Dataset.open(tmp_path / "a.vet").manifest["exports"]] == [6]


def test_a_working_folder_is_held_from_its_first_moment(tmp_path, monkeypatch):
    really, held = fcntl.flock, []

    def flock(handle, operation):
        if operation == fcntl.LOCK_EX:  # the folder stands, and its reader does not hold the lock yet
            held.extend(map(working_folders._is_held, tmp_path.glob(".*reading*")))
        really(handle, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with working_folder(tmp_path / "a.vet"):
        assert held == [True]
        assert all(map(working_folders._is_held, tmp_path.glob(".*reading*")))


def test_what_a_killed_read_left_is_swept_whatever_the_set_is_called(tmp_path):
    dead = tmp_path / ".a[1].vet.reading-killed"
    dead.mkdir()
    (dead / ".lock").touch()
    with working_folder(tmp_path / "a[1].vet"):
        assert not dead.exists()


def test_findings_on_rows_that_came_in_the_meantime_are_not_left_beside_others(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_text(lines(*tickets(6, file=name), {"text": name, "label": ""}))
    read([tmp_path / "a.jsonl"], tmp_path / "s.vet")
    done = []

    def meanwhile(*_):
        if not done:
            done.append(read([tmp_path / "b.jsonl"], tmp_path / "s.vet"))
            check(done[0].dataset)

    with pytest.raises(StaleError, match="meantime"):
        read([tmp_path / "a.jsonl"], tmp_path / "s.vet", progress=meanwhile)
    now = Dataset.open(tmp_path / "s.vet")
    assert now.manifest["inputs"][0]["path"].endswith("b.jsonl")
    assert set(now.findings["id"]) <= set(now.rows["id"])
