"""Verify finds what was changed after an export, and never raises."""

import json
import shutil

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.dataset import Dataset, frame, parquet
from vetset.curate.errors import UsageError
from vetset.curate.exports.exporting import export
from vetset.curate.exports.provenance import seal, verify


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An export of three splits, for copying."""
    folder = tmp_path_factory.mktemp("verify")
    records = [{"messages": f"q{i} é", "label": "l", "split": ("train", "dev", "test")[i % 3]} for i in range(9)]
    (folder / "a.vet").mkdir()
    rows = frame(records)
    inputs = [{"path": "memory", "sha256": "0", "rows": 9, "rejects": 0}]
    Dataset(folder / "a.vet").save({"rows.parquet": parquet(rows)}, inputs=inputs, rows=9, rejects=0)
    export(Dataset.open(folder / "a.vet"), folder / "out", format="text-label")
    return folder / "out"


@pytest.fixture
def out(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "out")


def wrong(folder):
    return {check.what for check in verify(folder).checks if not check.ok}


def test_an_untouched_export_is_all_right_and_says_so_the_same_way_twice(whole):
    result = verify(whole)
    assert result.ok
    assert result == verify(whole)
    assert len(result.checks) > 20
    assert json.loads(json.dumps(result.summary()))["ok"] is True


@pytest.mark.parametrize("name", ["train.jsonl", "README.md", "decisions.jsonl", "lineage.parquet", "provenance.json"])
def test_a_changed_byte_is_found_in_any_file(out, name):
    data = bytearray((out / name).read_bytes()) or bytearray(b" ")
    data[len(data) // 2] ^= 1
    (out / name).write_bytes(data)
    assert name in wrong(out) or "provenance.json" in wrong(out)


@pytest.mark.parametrize("name", ["train.jsonl", "README.md", "decisions.jsonl", "lineage.parquet", "provenance.json"])
def test_a_missing_file_is_found(out, name):
    (out / name).unlink()
    assert name in wrong(out)


def test_a_file_that_no_export_wrote_is_found(out):
    (out / "train-2.jsonl").write_text('{"text":"x"}\n')
    assert wrong(out) == {"files"}


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["counts"].update(written=8),
        lambda d: d["counts"].update(read=10),
        lambda d: d["counts"].update(read=10, dropped=1),
        lambda d: d["files"][0].update(rows=4),
        lambda d: d["files"][0].update(ids_sha256="0" * 64),
        lambda d: d["files"].pop(),
        lambda d: d["inputs"][0].update(rows=8),
        lambda d: d["decisions"].update(lines=1),
        lambda d: d["losses"].append({"kind": "row", "rows": 1}),
    ],
)
def test_a_changed_count_is_found_even_under_a_new_seal(out, change):
    document = json.loads((out / "provenance.json").read_bytes())
    change(document)
    (out / "provenance.json").write_bytes(seal(document))
    assert wrong(out)
    assert "provenance.json" not in wrong(out)


def test_a_changed_setting_is_found_by_the_seal(out):
    text = (out / "provenance.json").read_text(encoding="utf-8")
    (out / "provenance.json").write_text(text.replace('"seed": 0', '"seed": 1'), encoding="utf-8")
    assert wrong(out) == {"provenance.json"}


def test_names_in_an_account_do_not_lead_out_of_the_folder(out):
    document = json.loads((out / "provenance.json").read_bytes())
    document["files"][0]["name"] = "../../a.vet/rows.parquet"
    (out / "provenance.json").write_bytes(seal(document))
    found = [check.sentence for check in verify(out).checks if not check.ok]
    assert any("is not the name of a file in the folder" in sentence for sentence in found)


@pytest.mark.parametrize("where", ["nothing", "file"])
def test_what_is_no_folder_is_wrong_use(tmp_path, where):
    path = tmp_path / "x"
    if where == "file":
        path.write_text("x")
    with pytest.raises(UsageError, match="no such folder"):
        verify(path)


def test_what_is_no_export_is_said_to_be_none(tmp_path):
    path = tmp_path / "x"
    path.mkdir()
    result = verify(path)
    assert not result.ok
    assert len(result.checks) == 1


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
names = st.sampled_from(["name", "rows", "x"])
scraps = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
entries = st.sampled_from(["files", "counts", "beside", "inputs", "losses", "rules", "decisions", "seal"])


@settings(max_examples=60, deadline=None)
@given(changes=st.dictionaries(entries, scraps, min_size=1, max_size=3))
def test_weird_accounts_never_raise(whole, changes):
    document = json.loads((whole / "provenance.json").read_bytes())
    odd = whole.parent / "odd"
    odd.mkdir(exist_ok=True)
    for item in whole.iterdir():
        if not (odd / item.name).exists():
            shutil.copy(item, odd / item.name)
    (odd / "provenance.json").write_text(json.dumps({**document, **changes}), encoding="utf-8")
    if any(changes[key] != document[key] for key in changes):
        assert not verify(odd).ok


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[" * 100_000, b"null", b'{"files": [1], "counts": {}}', b"{}"])
def test_weird_bytes_never_raise(out, data):
    (out / "provenance.json").write_bytes(data)
    assert not verify(out).ok
    (out / "lineage.parquet").write_bytes(data)
    assert not verify(out).ok


def test_a_lineage_of_other_columns_is_not_ok(out):
    pl.DataFrame({"id": [1]}).write_parquet(out / "lineage.parquet")
    assert "lineage.parquet" in wrong(out)
