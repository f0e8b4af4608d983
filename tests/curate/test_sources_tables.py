"""Parquet, Arrow and saved data sets as sources."""

import datetime as dt
import decimal
import gzip
import hashlib
import json

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from vetset.curate.errors import DataError
from vetset.curate.reading import tables
from vetset.curate.reading.sources import find_sources
from vetset.tests.curate.source_records import parts


def table():
    return pa.table(
        {
            "text": ["a", "é\n🌍", None],
            "big": pa.array([2**63 - 1, -(2**63), None]),
            "unsigned": pa.array([2**64 - 1, 0, 1], pa.uint64()),
            "when": pa.array([dt.datetime(2020, 3, 9, 1, 2, 3, 4), None, None], pa.timestamp("us", "UTC")),
            "day": [dt.date(2020, 3, 9), None, None],
            "price": [decimal.Decimal("1.10"), None, None],
            "number": [0.1, float("nan"), 1e300],
            "turns": [[{"role": "user", "content": "hi"}], [], None],
            "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
        }
    )


def write_table(path):
    match path.name:
        case "a.parquet":
            pa.parquet.write_table(table(), path)
        case "a.feather":
            pa.feather.write_feather(table(), path)
        case "a.parquet.gz":
            sink = pa.BufferOutputStream()
            pa.parquet.write_table(table(), sink)
            path.write_bytes(gzip.compress(sink.getvalue()))
        case _:
            make = pa.ipc.new_stream if path.name == "stream.arrow" else pa.ipc.new_file
            with make(str(path), table().schema) as writer:
                writer.write_table(table(), max_chunksize=2)


@pytest.mark.parametrize("name", ["a.parquet", "a.parquet.gz", "a.feather", "stream.arrow", "file.arrow", "no_ending"])
def test_tables_give_sensible_json(tmp_path, name):
    write_table(tmp_path / name)
    (source,), _ = find_sources([tmp_path / name])
    raw, lines, rejects = parts(source)
    first, second, third = map(json.loads, raw)
    assert (list(lines), rejects, source.container) == ([1, 2, 3], [], "parquet" if "parquet" in name else "arrow")
    assert (first["text"], second["text"], third["text"]) == ("a", "é\n🌍", None)
    assert (first["big"], second["big"], first["unsigned"]) == (2**63 - 1, -(2**63), 2**64 - 1)
    assert first["when"].replace("T", " ").startswith("2020-03-09 01:02:03.000004")
    assert (first["day"], first["price"], first["number"], second["number"]) == ("2020-03-09", "1.10", 0.1, None)
    assert (first["turns"], second["turns"], third["turns"]) == ([{"role": "user", "content": "hi"}], [], None)
    assert first["kind"] == "x"


def test_a_table_that_was_compressed_as_a_whole_is_held_up_to_a_limit(tmp_path, monkeypatch):
    write_table(tmp_path / "a.parquet.gz")
    monkeypatch.setattr(tables, "WHOLE", 100)
    with pytest.raises(DataError, match=r"a\.parquet\.gz is a table of more than .* decompress it"):
        find_sources([tmp_path / "a.parquet.gz"])


def test_bytes_in_a_table_are_base64_and_said(tmp_path):
    pa.parquet.write_table(pa.table({"image": [b"\xff\x00", None], "n": [1, 2]}), tmp_path / "a.parquet")
    (source,), _ = find_sources([tmp_path / "a.parquet"])
    assert [json.loads(raw) for raw in parts(source)[0]] == [{"image": "/wA=", "n": 1}, {"image": None, "n": 2}]
    assert any("'image'" in note and "base64" in note for note in source.notes)


def test_columns_of_one_name_are_told_apart(tmp_path):
    pa.parquet.write_table(
        pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "a.parquet"
    )
    (source,), _ = find_sources([tmp_path / "a.parquet"])
    assert parts(source)[0] == [b'{"a":1,"a_2":2}']


def test_an_empty_table_has_no_records(tmp_path):
    pa.parquet.write_table(table().slice(0, 0), tmp_path / "a.parquet")
    (source,), _ = find_sources([tmp_path / "a.parquet"])
    assert list(source.chunks()) == []


def test_a_damaged_table_is_named(tmp_path):
    write_table(tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"a\.parquet is damaged or cut off"):
        find_sources([tmp_path / "a.parquet"])


def test_a_saved_data_set_gives_a_source_a_split_with_class_names(saved):
    sources, skipped = find_sources([saved / "both"])
    assert [source.container for source in sources] == ["datasets folder"] * 2
    found = [json.loads(raw) for source in sources for raw in parts(source)[0]]
    assert found == [
        {"text": "a", "label": "pos", "_split": "train"},
        {"text": "b", "label": "neg", "_split": "train"},
        {"text": "c", "label": None, "_split": "train"},
        {"text": "d", "label": "pos", "_split": "test"},
    ]
    assert skipped == []
    assert any("class names" in note for note in sources[0].notes)


def test_shards_of_a_saved_data_set_are_one_source_and_keep_their_order(saved):
    (source,), _ = find_sources([saved / "one"])
    raw, lines, _ = parts(source)
    assert [json.loads(record)["text"] for record in raw] == ["a", "b", "c"]
    assert lines == [1, 2, 3]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((saved / "one").iterdir())))
    assert source.sha256 == digest.hexdigest()


def test_a_saved_data_set_inside_a_folder_is_found(saved):
    sources, _ = find_sources([saved])
    assert {source.container for source in sources} == {"datasets folder"}
    assert len(sources) == 3
