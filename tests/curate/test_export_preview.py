"""What an export would write, told before: the same numbers that it then writes, and how they differ from the last export."""

import json
import subprocess
import sys
from dataclasses import asdict

import polars as pl
import pytest
from vetset.curate.dataset import Dataset, frame
from vetset.curate.decisions.decision import Decision
from vetset.curate.decisions.ledger import Ledger
from vetset.curate.errors import UsageError
from vetset.curate.exports.exporting import export
from vetset.curate.findings import SCHEMA
from vetset.curate.reading.mapping import Given
from vetset.curate.reading.reader import read
from vetset.curate.review import aside
from vetset.curate.review.export_preview import place_beside, preview, usual_place

SAID = [
    {"messages": [{"role": "user", "content": f"question {n} é"}, {"role": "assistant", "content": f"answer {n}"}],
     "split": None if n == 9 else "test" if n > 6 else "train"} for n in range(10)
]  # fmt: skip


@pytest.fixture
def dataset(make_set, tmp_path):
    """Ten exchanges: one dropped, one relabelled, one edited and relabelled, one held back, one in no split."""
    rows = frame(SAID)
    ids = rows["id"]
    found = {"id": ids[5], "rule": "leakage.exact", "score": 1.0, "cluster": None, "peer": None, "note": "n",
             "suggest": "drop", "value": None}  # fmt: skip
    folder = make_set(tmp_path / "s.vet", rows, pl.DataFrame([found], schema=SCHEMA))
    edited = json.dumps([{"role": "user", "content": "q"}, {"role": "assistant", "content": "edited"}])
    with Ledger.open(folder) as ledger:
        ledger.decide(
            [Decision(ids[0], "drop"), Decision(ids[1], "relabel", "new answer"), Decision(ids[2], "edit", edited),
             Decision(ids[3], "keep")], reviewer="ann",
        )  # fmt: skip
        ledger.decide([Decision(ids[2], "relabel", "newer answer")], reviewer="ann")
    return Dataset.open(folder)


def same(dataset, folder, **options):
    told = preview(dataset, **options)
    done = export(Dataset.open(dataset.folder), folder, **options)
    assert told.counts == done.counts
    assert [(f["name"], f["split"], f["rows"]) for f in told.files] == [(f.name, f.split, f.rows) for f in done.files]
    assert told.losses == done.losses
    assert told.notes == done.notes
    assert sum(told.changes.values()) == told.counts["written"]
    return told


def test_the_numbers_are_those_that_an_export_then_writes(dataset, tmp_path):
    told = same(dataset, tmp_path / "out")
    assert told.counts == {"read": 10, "rejects": 0, "written": 7, "dropped": 1, "held": 1, "unsplit": 1, "left_out": 0,
                           "kept_blocking": 0}  # fmt: skip
    assert told.changes == {"as_read": 5, "relabelled": 1, "edited": 1}
    assert told.gates == [{"rule": "leakage.exact", "rows": 1}]
    assert (told.blocked, told.stops, told.last) == (1, None, None)


def test_rows_that_block_are_kept_or_stop_everything_on_request(dataset, tmp_path):
    assert same(dataset, tmp_path / "out", held="keep").counts["kept_blocking"] == 1
    assert "1 rows have findings that block" in (preview(dataset, held="refuse").stops or "")


@pytest.mark.parametrize("format", ["prompt-completion", "openai", "alpaca", "parquet", "csv"])
def test_every_format_is_told_with_its_losses(dataset, tmp_path, format):
    same(dataset, tmp_path / "out", format=format)


def test_a_format_without_a_place_for_any_row_writes_nothing_and_says_so(dataset):
    told = preview(dataset, format="preference")
    assert told.files == []
    assert "no row is left to write" in (told.stops or "")


def test_an_empty_set_writes_nothing(make_set, tmp_path):
    folder = make_set(tmp_path / "e.vet", frame([]))
    told = preview(Dataset.open(folder))
    assert told.counts["read"] == 0
    assert told.stops is not None
    assert "The rows were never checked, so no finding holds a row back." in told.notes


def test_counting_writes_nothing(dataset, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    preview(dataset)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.name for path in after.keys() ^ before.keys()} <= {"decisions.db-wal", "decisions.db-shm"}


def test_what_differs_from_the_last_export_is_told(dataset, tmp_path):
    ids = dataset.rows["id"]
    export(dataset, tmp_path / "out")
    last = preview(Dataset.open(dataset.folder)).last
    assert last is not None
    assert (last.added, last.gone, last.changed, last.moved) == (0, 0, 0, 0)
    with Ledger.open(dataset.folder) as ledger:
        ledger.undo([1], reviewer="ann")  # the drop: added
        ledger.decide([Decision(ids[3], "drop"), Decision(ids[4], "relabel", "other")], reviewer="ben")
    told = preview(Dataset.open(dataset.folder), format="csv")
    last = told.last
    assert last is not None
    assert (last.added, last.gone, last.changed, last.moved) == (1, 1, 1, 0)
    assert last.ids == {"added": [ids[0]], "gone": [ids[3]], "changed": [ids[4]], "moved": []}
    assert last.format == "messages"


def test_an_export_that_is_gone_is_told_in_a_sentence(dataset, tmp_path):
    export(dataset, tmp_path / "out")
    (tmp_path / "out" / "provenance.json").unlink()
    told = preview(Dataset.open(dataset.folder))
    assert told.last is None
    assert "is not where it was" in (told.last_lost or "")


def test_another_process_counts_and_writes_the_same(dataset, tmp_path):
    told = {
        "folder": str(dataset.folder),
        "format": "messages",
        "held": "hold",
        "extra": False,
        "config": None,
        "out": None,
    }
    found = aside.ask("review.export_preview", told)
    assert found == json.loads(json.dumps(asdict(preview(dataset))))
    done = aside.ask("review.export_preview", told | {"out": str(tmp_path / "out")})
    assert done["counts"] == found["counts"]
    assert (tmp_path / "out" / "provenance.json").is_file()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="which no export wrote"):
        aside.ask("review.export_preview", told | {"out": str(tmp_path / "mine")})


def test_a_page_writes_beside_the_set_only(tmp_path):
    folder = tmp_path / "s.vet"
    folder.mkdir()
    assert usual_place(folder) == tmp_path / "s-vetted"
    assert place_beside(folder, " s-vetted ") == (tmp_path / "s-vetted").resolve()
    assert place_beside(folder, str(tmp_path / "a" / "b")) == (tmp_path / "a" / "b").resolve()
    for bad in ("", ".", "..", "../elsewhere", "/etc", "s.vet", "s.vet/out", "other.vet", "a\0b"):
        with pytest.raises(UsageError):
            place_beside(folder, bad)
    (tmp_path / "link").symlink_to("/")
    with pytest.raises(UsageError, match="outside"):
        place_beside(folder, "link/tmp")


@pytest.mark.slow
def test_a_real_set_is_told_as_it_is_written(shared, tmp_path):
    dataset = read([shared / "bank_intents"], tmp_path / "b.vet", columns=Given(label="category")).dataset
    ids = dataset.rows["id"]
    with Ledger.open(dataset.folder) as ledger:
        ledger.decide([Decision(row, "drop") for row in ids[:500]], reviewer="ann")
        ledger.decide([Decision(row, "relabel", "card_arrival") for row in ids[400:900]], reviewer="ben")
    told = same(dataset, tmp_path / "out", format="text-label")
    assert told.counts["dropped"] == 400
    assert told.changes["relabelled"] == 500


def test_a_disk_that_is_full_is_told_and_nothing_half_written_stays(make_set, tmp_path):
    words = " ".join(f"w{n}" for n in range(40))
    folder = make_set(tmp_path / "f.vet", frame([{"messages": f"{n} {words}", "label": "a"} for n in range(2_000)]))
    told = {"folder": str(folder), "format": "messages", "held": "hold", "extra": False, "config": None,
            "out": str(tmp_path / "out")}  # fmt: skip
    asks = f"""from vetset.curate.review import aside
try:
    aside.ask('review.export_preview', {told!r})
except ValueError as error:
    print(error)"""
    # No file of more than 128 KiB can be written: what a full disk does, at a known place.
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 128; exec "$0" -c "$1"', sys.executable, asks],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "nothing was exported" in done.stdout
    assert not (tmp_path / "out").exists()
    assert Dataset.open(folder).manifest.get("exports", []) == []
