"""Rows that an eval set took are never dealt out again."""

import json
import shutil

import pytest
from vetset.curate import DataError, Dataset, read, split
from vetset.evaluate.evalsets.building import build


@pytest.fixture
def dataset(tmp_path):
    """A set of 400 rows of four labels, 60 of which an eval set took."""
    words = ["card", "loan", "fee", "limit"]
    lines = [
        {"text": f"{words[i % 4]} question {i} about {i * 7919 % 1000}", "label": words[i % 4]} for i in range(400)
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    read([tmp_path / "a.jsonl"], tmp_path / "a.vet")
    build(Dataset.open(tmp_path / "a.vet"), tmp_path / "a.evalset", rows=60)
    return Dataset.open(tmp_path / "a.vet")


def of_split(dataset, name):
    rows = Dataset.open(dataset.folder).rows
    return set(rows.filter(rows["split"] == name)["id"])


def test_a_split_leaves_them_where_they_are(dataset):
    before = of_split(dataset, "eval")
    result = split(dataset, inflation=False)
    assert len(before) == result.aside == 60
    assert of_split(dataset, "eval") == before
    assert not before & (of_split(dataset, "train") | of_split(dataset, "validation") | of_split(dataset, "test"))
    assert sum(result.result.sizes.values()) + result.aside + result.dropped == 400


def test_where_the_split_is_lost_the_eval_set_says_which_they_are(dataset):
    before = of_split(dataset, "eval")
    (dataset.folder / "splits.parquet").unlink()
    split(Dataset.open(dataset.folder), inflation=False)
    assert of_split(dataset, "eval") == before


def test_where_nothing_says_which_they_are_no_split_is_made(dataset, tmp_path):
    (dataset.folder / "splits.parquet").unlink()
    shutil.rmtree(tmp_path / "a.evalset")
    with pytest.raises(DataError, match="would be trained on"):
        split(Dataset.open(dataset.folder), inflation=False)


def test_sources_that_are_read_again_keep_them_out_of_train(dataset, tmp_path):
    before = of_split(dataset, "eval")
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write(json.dumps({"text": "one question more about a passport", "label": "card"}) + "\n")
    read([tmp_path / "a.jsonl"], dataset.folder)
    split(Dataset.open(dataset.folder), inflation=False)
    assert of_split(dataset, "eval") == before
