"""A set, or an export, where a file of data is asked for: its parts are never taken for data."""

import json

import pytest
from vetset.curate import Dataset, UsageError, check, decide_rows, export, read, split
from vetset.curate.dataset import is_set


def write(path, texts):
    path.write_text("".join(json.dumps({"text": text, "label": "a"}) + "\n" for text in texts))
    return path


@pytest.fixture
def dataset(tmp_path):
    dataset = read([write(tmp_path / "a.jsonl", [f"ticket number {i}" for i in range(30)])], tmp_path / "s.vet").dataset
    check(dataset, select=["quality.empty", "duplicates.exact"])
    return Dataset.open(dataset.folder)


@pytest.fixture
def held_out(tmp_path):
    """An eval set of which two rows stand in the set, one of them dropped here and one in its train split."""
    file = write(
        tmp_path / "eval.jsonl", ["ticket number 4", "ticket number 5", *(f"never seen {i}" for i in range(8))]
    )
    held_out = read([file], tmp_path / "eval.vet").dataset
    decide_rows(held_out, [held_out.rows["id"][0]], "drop", reviewer="ann")
    split(Dataset.open(held_out.folder), ratios=(0.5, 0.5), by=(), inflation=False)
    return Dataset.open(held_out.folder)


def test_a_set_is_no_source_and_the_sentence_names_one(dataset, tmp_path):
    for given in (dataset.folder, f"{dataset.folder}/"):
        with pytest.raises(UsageError, match="is a set and no data") as raised:
            read([given], tmp_path / "b.vet")
    assert f"'{tmp_path / 'a.jsonl'}'" in str(raised.value)
    assert f"`vetset export {dataset.folder} -o DIR`" in str(raised.value)
    assert not (tmp_path / "b.vet").exists()


def test_a_set_without_the_ending_is_one_too(dataset, tmp_path):
    renamed = dataset.folder.rename(tmp_path / "tickets")
    with pytest.raises(UsageError, match="is a set and no data"):
        read([renamed], tmp_path / "b.vet")


def test_a_damaged_set_is_no_data_either(dataset, tmp_path):
    (dataset.folder / "manifest.json").write_text("{")
    with pytest.raises(UsageError, match="is a set and no data: read its source"):
        read([dataset.folder], tmp_path / "b.vet")


def test_a_folder_with_a_manifest_of_another_tool_is_read(tmp_path):
    (tmp_path / "data").mkdir()
    write(tmp_path / "data/train.jsonl", ["one", "two"])
    (tmp_path / "data/manifest.json").write_text('{"format": 2, "files": []}')
    assert not is_set(tmp_path / "data")
    assert read([tmp_path / "data"], tmp_path / "b.vet").rows >= 2


@pytest.mark.parametrize("name", ["s.vet", "tickets"])
def test_a_set_among_the_files_of_a_folder_is_passed_over_and_said(dataset, tmp_path, name):
    folder = tmp_path / "data"
    folder.mkdir()
    dataset.folder.rename(folder / name)
    write(folder / "more.jsonl", ["one", "two"])
    for given in (folder, f"{folder}/*"):
        result = read([given], tmp_path / "b.vet")
        assert result.rows == 2
        assert result.skipped == [f"{folder / name}: a set of vetset"]


@pytest.mark.parametrize("form", ["text-label", "parquet", "csv"])
def test_of_an_export_only_the_data_is_read(dataset, tmp_path, form):
    split(dataset, ratios=(0.5, 0.5), by=(), inflation=False)
    decide_rows(Dataset.open(dataset.folder), [dataset.rows["id"][0]], "drop", reviewer="ann")
    export(Dataset.open(dataset.folder), tmp_path / "out", format=form)
    assert {"lineage.parquet", "decisions.jsonl", "provenance.json"} < {
        path.name for path in (tmp_path / "out").iterdir()
    }
    result = read([tmp_path / "out"], tmp_path / "b.vet")
    assert result.rows == 29
    assert sorted(source.name.rpartition("/")[2].partition(".")[0] for source in result.sources) == ["test", "train"]
    assert {line.rpartition("/")[2] for line in result.skipped} == {
        "README.md: text beside data", "decisions.jsonl: the decisions of an export",
        "lineage.parquet: the lineage of an export", "provenance.json: metadata", ".lock: hidden",
    }  # fmt: skip


def test_a_set_that_a_set_is_held_against_gives_all_of_its_rows_and_says_so(dataset, held_out):
    result = check(dataset, select=["leakage.exact"], against=[held_out.folder])
    assert result.counts()["leakage.exact"]["rows"] == 2
    assert any(note.startswith(f"{held_out.folder} is a set: all of its 10 rows count") for note in result.notes)
    again = check(Dataset.open(dataset.folder), select=["leakage.exact"])
    assert again.counts()["leakage.exact"]["rows"] == 2


def test_eval_sets_and_eval_files_go_together(dataset, held_out, tmp_path):
    more = write(tmp_path / "more.jsonl", ["ticket number 9"])
    result = check(dataset, select=["leakage.exact"], against=[more, held_out.folder])
    assert result.counts()["leakage.exact"]["rows"] == 3


def test_a_set_is_not_held_against_itself(dataset):
    with pytest.raises(UsageError, match="is the set that is to be checked"):
        check(dataset, select=["leakage.exact"], against=[dataset.folder])


def test_what_is_in_the_way_of_opening_the_eval_set_is_said(dataset, held_out):
    (held_out.folder / "rows.parquet").unlink()
    with pytest.raises(Exception, match=r"eval\.vet/rows\.parquet can't be read"):
        check(dataset, select=["leakage.exact"], against=[held_out.folder])
