"""The life of one row, and that nothing secret is shown of it."""

import json

import polars as pl
import pytest
from vetset.curate import Given, read
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
    assert (life.findings, life.decisions, life.standing, life.exports) == ([], [], None, [])


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
