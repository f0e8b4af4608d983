"""The life of one row, and that nothing secret is shown of it."""

import json

import polars as pl
import pytest
from vetset.curate import Dataset, Given, decide_rows, export, read
from vetset.curate.dataset import parquet
from vetset.curate.errors import UsageError
from vetset.curate.exports.life import why
from vetset.curate.findings import report


@pytest.fixture
def dataset(tmp_path):
    records = [
        {
            "text": f"call me at ann{i}@example.com",
            "label": "ab"[i % 2],
            "user": "bob@example.com",
            "note": "cc@example.com",
            "n": i,
        }
        for i in range(4)
    ]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, records)) + "\n")
    return read([tmp_path / "train.jsonl"], tmp_path / "a.vet", columns=Given(group="user")).dataset


def test_a_life_begins_at_its_source_line(dataset):
    row = dataset.rows.row(2, named=True)
    life = why(dataset, row["id"])
    assert life.origin["line"] == 3
    assert life.origin["path"].endswith("train.jsonl")
    assert len(life.origin["sha256"]) == 64
    assert life.official_split == "train"
    assert (life.findings, life.decisions, life.standing, life.exports) == ([], [], [], [])


def test_nothing_secret_is_shown_whichever_column_holds_it(dataset):
    row_id = dataset.rows["id"][0]
    found = pl.DataFrame(
        {
            "id": [row_id],
            "score": [1.0],
            "note": ["it says ann0@example.com"],
            "suggest": ["edit"],
            "value": ["x@example.com"],
        }
    )
    dataset.save({"findings.parquet": parquet(report(found, "quality.test"))})
    life = why(dataset, row_id)
    assert "example.com" not in json.dumps(life.summary())
    assert life.row["messages"] == [{"role": "user", "content": "call me at [mail address]"}]
    assert life.row["group"] == "[mail address]"
    assert life.findings[0]["note"] == "it says [mail address]"


def test_nothing_secret_is_shown_of_what_two_rows_differ_in_or_of_decisions(dataset):
    row_id, peer = dataset.rows["id"][:2]
    found = pl.DataFrame(
        {"id": [row_id], "score": [1.0], "note": [""], "suggest": ["review"], "value": [None], "peer": [peer]},
        schema_overrides={"value": pl.String},
    )
    dataset.save({"findings.parquet": parquet(report(found, "duplicates.near"))})
    decide_rows(
        dataset, [row_id], "relabel", value="ask ann0@example.com", reason="so says dan@example.com", reviewer="r"
    )
    life = why(Dataset.open(dataset.folder), row_id)
    shown = json.dumps(life.summary())
    assert len(life.pairs) == len(life.standing) == 1
    assert "ann0" not in shown
    assert "example" not in shown


def test_the_beginning_of_an_id_is_enough_and_looking_writes_nothing(dataset):
    before = {path.name: path.stat().st_mtime_ns for path in dataset.folder.iterdir()}
    row_id = dataset.rows["id"][1]
    assert why(dataset, row_id[:12]).row["id"] == row_id
    assert {path.name for path in dataset.folder.iterdir()} - before.keys() <= {
        "decisions.db",
        "decisions.db-wal",
        "decisions.db-shm",
    }


def test_an_id_that_is_not_there_is_refused(dataset):
    with pytest.raises(UsageError):
        why(dataset, "no such id")


def test_the_exports_are_found_from_any_folder_and_when_set_and_export_moved_together(tmp_path, monkeypatch):
    (tmp_path / "desk").mkdir()
    monkeypatch.chdir(tmp_path / "desk")
    rows = "".join(f'{{"text": "text {i}", "label": "{"ab"[i % 2]}"}}\n' for i in range(4))
    (tmp_path / "desk" / "train.jsonl").write_text(rows)
    read(["train.jsonl"], "a.vet")
    export(Dataset.open("a.vet"), "out", format="text-label")
    row = Dataset.open("a.vet").rows["id"][2]
    here = why(Dataset.open("a.vet"), row).exports
    assert [(e["export"], e["fate"], e["record"]) for e in here] == [("out", "written", 3)]
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    there = why(Dataset.open("../desk/a.vet"), row).exports
    assert [(e["export"], e["fate"]) for e in there] == [(str(tmp_path / "desk" / "out"), "written")]
    (tmp_path / "desk").rename(tmp_path / "moved")
    moved = why(Dataset.open("../moved/a.vet"), row).exports
    assert [(e["export"], e["fate"]) for e in moved] == [(str(tmp_path / "moved" / "out"), "written")]
    (tmp_path / "moved" / "a.vet").rename(tmp_path / "b.vet")
    lost = why(Dataset.open(tmp_path / "b.vet"), row).exports
    assert lost == [{"export": str(tmp_path / "desk" / "out"), "fate": "not found where it was"}]
    (tmp_path / "moved" / "out").rename(tmp_path / "else" / "out")
    assert why(Dataset.open(tmp_path / "b.vet"), row).exports == lost


def test_an_export_of_another_set_in_the_same_place_is_not_taken_for_the_one_that_was_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "".join(f"text {i},{name}\n" for i in range(4)))
        read([f"{name}.csv"], f"{name}.vet")
    export(Dataset.open("a.vet"), "out", format="text-label")
    export(Dataset.open("b.vet"), "out", format="text-label")
    assert why(Dataset.open("b.vet"), Dataset.open("b.vet").rows["id"][0]).exports[0]["fate"] == "written"
    lost = why(Dataset.open("a.vet"), Dataset.open("a.vet").rows["id"][0]).exports
    assert lost == [{"export": "out", "fate": "not found where it was"}]


def test_a_set_of_before_tells_of_an_export_beside_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"text {i},l\n" for i in range(4)))
    read(["a.csv"], "a.vet")
    export(Dataset.open("a.vet"), "out", format="text-label")
    manifest = json.loads((tmp_path / "a.vet/manifest.json").read_text())
    for entry in manifest["exports"]:  # the path as it was given, and nothing else
        del entry["from_set"]
        entry["path"] = "out"
    (tmp_path / "a.vet/manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    dataset = Dataset.open("../a.vet")
    assert why(dataset, dataset.rows["id"][0]).exports[0]["export"] == str(tmp_path / "out")
