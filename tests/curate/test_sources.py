import datetime as dt
import decimal
import gzip
import hashlib
import json
import os
import subprocess
import sys
import time
import zlib

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.errors import DataError, UsageError
from vetset.curate.reading import encodings, json_documents, json_lines, json_scan, tables
from vetset.curate.reading.encodings import TextFile
from vetset.curate.reading.hub import HubData
from vetset.curate.reading.sources import find_sources

RECORDS = [{"text": "hello", "n": 1}, {"text": "مرحبا 你好 🌍", "n": None}, {"text": 'a "b"\n', "n": [1.5, {}]}]


def lines_of(records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def parts(source):
    """Return raw records, their lines and the rejects."""
    chunks = list(source.chunks())
    for chunk in chunks:
        assert chunk.data.count(b"\n") == len(chunk.lines)
        assert b"\n\n" not in chunk.data
    raw = [line for chunk in chunks for line in chunk.data.splitlines()]
    return raw, [n for chunk in chunks for n in chunk.lines], [reject for chunk in chunks for reject in chunk.rejects]


@pytest.fixture
def read(tmp_path):
    def reader(name, content, **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (source,), _ = find_sources([path], **options)
        raw, lines, rejects = parts(source)
        return [json.loads(record) for record in raw], lines, rejects, source

    return reader


# ---- JSON lines ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.txt", "a.ndjson", "a", "a.csv", "a.sol"])
def test_json_lines_are_known_under_any_ending(read, name):
    records, lines, _, source = read(name, lines_of(RECORDS))
    assert (records, list(lines), source.container) == (RECORDS, [1, 2, 3], "jsonl")


def test_json_lines_pass_through_as_they_are(read):
    raw = b'{"a": 1.0e5,  "b":"\\ud800", "c":NaN}\n{"a":"2020/3/9"}\n'
    _, _, _, source = read("a.jsonl", raw)
    assert b"".join(chunk.data for chunk in source.chunks()) == raw


def test_a_broken_line_stays_in_the_bytes_for_the_reader_to_tell(read, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a":1}\n{"a":\n{"a":3}\n')
    (source,), _ = find_sources([tmp_path / "a.jsonl"])
    assert parts(source)[0] == [b'{"a":1}', b'{"a":', b'{"a":3}']


def test_a_broken_first_line_does_not_make_a_document_of_lines(tmp_path):
    (tmp_path / "a.json").write_text('{"a": \n{"a":2}\n{"a":3}\n')
    (source,), _ = find_sources([tmp_path / "a.json"])
    assert (source.container, len(parts(source)[0])) == ("jsonl", 3)


def test_lines_of_python_dicts_stay_lines_each_for_itself(read, tmp_path):
    (tmp_path / "a.json").write_text("{'text': 'a'}\n{'text': 'b'}\n")
    (source,), _ = find_sources([tmp_path / "a.json"])
    assert (source.container, len(parts(source)[0])) == ("jsonl", 2)


def test_blank_lines_are_left_out_and_line_numbers_stay_true(read):
    records, lines, *_ = read("a.jsonl", '\n{"a":1}\r\n  \r\n\r\n{"a":2}\n\t\n{"a":3}')
    assert [record["a"] for record in records] == [1, 2, 3]
    assert list(lines) == [2, 5, 7]


def test_lines_without_blanks_are_a_range(read):
    _, _, _, source = read("a.jsonl", lines_of(RECORDS))
    assert all(isinstance(chunk.lines, range) for chunk in source.chunks())


def test_a_line_of_fifty_megabytes_is_one_record(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"a":"' + b"x" * 50_000_000 + b'"}\n{"a":2}\n')
    (source,), _ = find_sources([tmp_path / "a.jsonl"])
    chunks = list(source.chunks())
    assert source.container == "jsonl"
    assert [n for chunk in chunks for n in chunk.lines] == [1, 2]


@given(
    st.lists(st.sampled_from(["", " ", "\t", '{"a":1}', '{"é":"你"}', "broken", " 1"]), max_size=30),
    st.sampled_from([1, 8, 999]),
)
def test_chunks_of_any_size_hold_every_line_that_is_not_blank(tmp_path_factory, lines, size):
    path = tmp_path_factory.getbasetemp() / "lines.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    text = TextFile(path, "lines.jsonl", "utf-8")
    text.blocks = lambda: text._blocks(size)
    chunks = list(json_lines.json_lines(text))
    found = [line for chunk in chunks for line in chunk.data.decode().splitlines()]
    numbers = [n for chunk in chunks for n in chunk.lines]
    assert list(zip(numbers, found, strict=True)) == [(n, line) for n, line in enumerate(lines, 1) if line.strip()]


# ---- JSON documents ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_an_array_gives_its_elements_with_their_lines(read, indent):
    records, lines, rejects, source = read("a.json", json.dumps(RECORDS, indent=indent))
    assert (records, rejects, source.container) == (RECORDS, [], "json array")
    text = json.dumps(RECORDS, indent=indent)
    assert lines[1] == (1 if indent is None else text[: text.index("{", text.index('"n": 1'))].count("\n") + 1)


def test_elements_of_an_array_keep_numbers_escapes_and_key_order(read):
    _, _, _, source = read("a.json", '[\n{"b": 1.50, "a": 1E+18,\n "c": "\\u00e9\\/"}\n]')
    assert b"".join(chunk.data for chunk in source.chunks()) == b'{"b":1.50,"a":1E+18,"c":"\\u00e9\\/"}\n'


def test_a_broken_array_gives_what_stands_before_the_break(read):
    records, lines, rejects, _ = read("a.json", '[\n {"a": 1},\n {"a": 2},\n {"a": oops},\n {"a": 4}\n]')
    assert records == [{"a": 1}, {"a": 2}]
    assert lines == [2, 3]
    ((line, reason, text),) = rejects
    assert line == 4
    assert "line 4, column 8" in reason
    assert text.startswith('{"a": oops}')


def test_an_array_that_is_cut_off_says_so(read):
    records, _, rejects, _ = read("a.json", '[{"a": 1},\n{"a": 2}')
    assert len(records) == 2
    assert "never closed" in rejects[0].reason


def test_nan_and_half_surrogates_in_an_array_reach_the_reader(read):
    records, _, rejects, source = read("a.json", '[{"a": NaN,\n "b": 1.50}, {"a": "\\ud83d"}, {"a": -Infinity}]')
    assert (len(records), rejects) == (3, [])
    raw = parts(source)[0]
    assert b"NaN" in raw[0]
    assert b"1.50" in raw[0]
    assert b"\\ud83d" in raw[1]


@pytest.mark.parametrize("content", ["[" * 100_000, '[{"b": 1}, ' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "]"])
def test_nesting_without_end_is_a_reject_and_no_crash(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    (source,), _ = find_sources([tmp_path / "a.json"])
    raw, _, rejects = parts(source)
    assert len(raw) == content.count('"b"')
    assert "nested too deeply" in rejects[0].reason


def test_a_line_feed_inside_a_string_rejects_its_element_only(read):
    records, _, rejects, _ = read("a.json", '[{"a": 1}, {"a": "x\ny"},\n{"a": 3}]')
    assert records == [{"a": 1}, {"a": 3}]
    assert [(reject.line, reject.text) for reject in rejects] == [(1, '{"a": "x\ny"}')]


def test_faults_in_every_record_are_read_in_a_time_that_grows_with_their_number(tmp_path):
    (tmp_path / "a.json").write_text(
        "[" + ",\n".join(f'{{"text": "line one\nline two {n}"}}' for n in range(20_000)) + "]"
    )
    (source,), _ = find_sources([tmp_path / "a.json"])
    started = time.process_time()
    _, _, rejects = parts(source)
    assert time.process_time() - started < 10  # it took a minute when each fault counted lines from the first
    assert (len(rejects), rejects[-1].line) == (20_000, 39_999)
    assert "control character at line 39999, column 19" in rejects[-1].reason


def test_an_object_of_records_gives_each_with_its_key_first(read):
    records, lines, _, source = read(
        "a.json", '{\n "7": {"q": "a"},\n "é\\"9": {"_key": "own", "q": "b"},\n "10": {}\n}'
    )
    assert records == [{"_key": "7", "q": "a"}, {"_key": "own", "q": "b"}, {"_key": "10"}]
    assert list(records[0]) == ["_key", "q"]
    assert (lines, source.container) == ([2, 3, 4], "json object of records")


def test_a_key_that_stands_twice_gives_two_records(read):
    records, lines, *_ = read("a.json", '{"7": {"q": 1},\n"8": {"q": 2},\n"7": {"q": 3}}')
    assert [(record["_key"], record["q"]) for record in records] == [("7", 1), ("8", 2), ("7", 3)]
    assert lines == [1, 2, 3]


def test_a_broken_object_of_records_gives_what_stands_before_the_break(read):
    records, _, rejects, _ = read("a.json", '{"1": {"q": 1},\n"2": {"q": 2},\n"3": {"q": ')
    assert [record["_key"] for record in records] == ["1", "2"]
    assert rejects[0].line == 3


def test_an_object_of_scalars_gives_key_and_value(read):
    records, *_ = read("a.json", '{"12": "yes", "13": "no", "14": null}')
    assert records == [{"_key": "12", "value": "yes"}, {"_key": "13", "value": "no"}, {"_key": "14", "value": None}]


def test_an_object_of_lists_gives_rows(read):
    records, lines, _, source = read("a.json", '{"text": ["a",\n"b"], "label": [0, 1.50]}')
    assert records == [{"text": "a", "label": 0}, {"text": "b", "label": 1.5}]
    assert (lines, source.container) == ([1, 2], "json object of lists")
    assert b"1.50" in parts(source)[0][1]


def test_lists_of_unequal_lengths_are_named(read):
    with pytest.raises(DataError, match="'text' has 2 values and 'label' has 1"):
        read("a.json", '{"text": ["a", "b"], "label": [0]}')


@pytest.mark.parametrize("key", ["data", "rows", "examples", "anything"])
def test_one_list_among_other_fields_is_read_and_said(read, key):
    records, lines, _, source = read("a.json", f'{{"version": "2",\n"{key}": [{{"a": 1}},\n{{"a": 2}}]}}')
    assert (records, lines) == ([{"a": 1}, {"a": 2}], [2, 3])
    assert any(f"'{key}'" in note and "'version'" in note for note in source.notes)


def test_lists_under_the_names_of_splits_keep_their_split(read):
    records, *_ = read("a.json", '{"train": [{"a": 1}, {"a": 2}], "test": [{"a": 3}]}')
    assert records == [{"_split": "train", "a": 1}, {"_split": "train", "a": 2}, {"_split": "test", "a": 3}]


def test_what_pandas_writes_is_turned_into_rows(read):
    records, *_ = read("a.json", '{"text": {"0": "a", "1": "b"}, "label": {"0": 0, "1": 1}}')
    assert records == [{"text": "a", "label": 0}, {"text": "b", "label": 1}]


@pytest.mark.parametrize(
    "record",
    [
        {"messages": [{"role": "user", "content": "hi"}], "tools": [{"name": "a"}, {"name": "b"}]},
        {"text": "hi", "label": "x"},
        {"prompt": "p", "meta": {"a": [1]}},
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_a_single_record_is_one_record(read, record, indent):
    assert read("a.json", json.dumps(record, indent=indent))[0] == [record]


def test_objects_over_several_lines_one_after_another_are_records(read):
    content = "\n".join(json.dumps(record, indent=1) for record in RECORDS)
    records, lines, rejects, _ = read("a.jsonl", content)
    assert (records, lines[0], rejects) == (RECORDS, 1, [])


def test_a_list_of_texts_is_read_by_name_and_passed_over_beside_data(tmp_path, read):
    assert read("names.json", '["a", "b"]')[0] == [{"text": "a"}, {"text": "b"}]
    (tmp_path / "train.csv").write_text("text,label\nx,a\n")
    sources, skipped = find_sources([tmp_path])
    assert [source.path.name for source in sources] == ["train.csv"]
    assert skipped == [f"{tmp_path / 'names.json'}: text beside data; name it to read it"]


@settings(max_examples=40)  # each example is a whole document
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_value_in_an_array_comes_through(value):
    data = json.dumps([{"v": value}, {"v": 2}], indent=1).encode()
    document = json_documents.inspect(data, "a.json")

    class Text:
        name = "a.json"

        def whole(self):
            return data

        def pieces(self):
            return iter([data])

    (chunk,) = json_documents.json_document(Text(), document)
    assert [repr(json.loads(line)) for line in chunk.data.splitlines()] == [repr({"v": value}), repr({"v": 2})]


broken_json = st.lists(
    st.sampled_from(
        [*'[]{},:"', "\n", " ", '{"a": 1}', '"é🌍"', "1.5e-3", "NaN", "nul", '{"b": "x\ny"}', "-Infinity", "\\u00e9"]
    )
).map("".join)


@settings(max_examples=300)
@given(broken_json, st.integers(1, 9))
def test_a_document_in_pieces_gives_what_it_gives_as_a_whole(inner, size):
    text = f"[{inner}"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert list(json_scan.scan_pieces(pieces, "a.json")) == list(json_scan.scan(text))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_long_array_is_read_step_by_step_to_the_same_records(shared, tmp_path, monkeypatch, compressed):
    names = ["llm_formats/glaive_toolcall_zh_demo.json", "llm_formats/alpaca_en_demo.json"]
    for name in names:
        path = shared / name
        if compressed:
            path = tmp_path / f"{path.name}.gz"
            path.write_bytes(gzip.compress((shared / name).read_bytes()))
        whole = parts(find_sources([path])[0][0])
        with monkeypatch.context() as patch:
            patch.setattr(json_documents, "_LONG", 1000)
            patch.setattr(encodings, "SIZE", 5000)
            assert parts(find_sources([path])[0][0]) == whole


def test_long_objects_one_after_another_are_records(monkeypatch, tmp_path):
    (tmp_path / "a.json").write_text("\n".join(json.dumps({"n": n}, indent=1) for n in range(99)))
    monkeypatch.setattr(json_documents, "WHOLE", 100)
    (source,), _ = find_sources([tmp_path / "a.json"])
    assert [json.loads(raw)["n"] for raw in parts(source)[0]] == list(range(99))


def test_a_long_text_that_begins_with_a_bracket_is_no_json(monkeypatch, tmp_path):
    (tmp_path / "log.txt").write_text("[Mon Oct 9] the server starts\n" * 50)
    monkeypatch.setattr(json_documents, "_LONG", 100)
    (source,), _ = find_sources([tmp_path / "log.txt"])
    assert (source.container, len(parts(source)[0])) == ("text lines", 50)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", '{"version": 1, "data": [' + '{"a": 1},' * 500 + "]}", "is one JSON object of more than"),
        ("a.json.gz", '{"a": "' + "x" * 9000 + '"}', r"once decompressed \(from 0 MB\).*write its records as JSON Lines"),
        ("a.md", "words " * 900, "is one document of more than"),
        ("a.md.gz", "words " * 900, "once decompressed"),
        ("a.json", "[" + '{"a": "' + "x" * 9000 + '"}]', "line 1: this one record is longer than"),
        ("a.json", '[{"a": oops' + "x" * 9000, "breaks here: expecting value at line 1, column 8, and more"),
        ("a.jsonl", '{"a": 1}\n{"a": "' + "x" * 9000 + '"}\n{"a": 1}\n', "has a line of more than"),
        ("a.csv", "text,label\n" + "x" * 9000 + ",a\n", "has a line of more than"),
    ],
)  # fmt: skip
def test_what_is_too_long_to_be_held_is_refused_by_name(monkeypatch, tmp_path, name, content, says):
    for module, limit in ((encodings, "WHOLE"), (json_documents, "WHOLE"), (json_documents, "_LONG")):
        monkeypatch.setattr(module, limit, 1000)
    for module, limit in (
        (encodings, "SIZE"),
        (encodings, "HEAD"),
        (encodings, "LINE"),
        (json_scan, "_RECORD"),
        (json_scan, "_REST"),
    ):
        monkeypatch.setattr(module, limit, 200)
    (tmp_path / name).write_bytes(gzip.compress(content.encode()) if name.endswith("gz") else content.encode())
    with pytest.raises(DataError, match=says) as refused:
        list(find_sources([tmp_path / name])[0][0].chunks())
    assert name in str(refused.value)


def test_many_tiny_values_are_not_held_either(monkeypatch, tmp_path):
    monkeypatch.setattr(json_documents, "_VALUES", 100)
    (tmp_path / "a.json").write_text('{"a": [' + "0," * 200 + "0]}")
    with pytest.raises(DataError, match=r"a\.json is one JSON object of more than 0 million values"):
        find_sources([tmp_path / "a.json"])
    (tmp_path / "b.json").write_text("[" + '{"a": 0},' * 200 + '{"a": 0}]')
    (source,), _ = find_sources([tmp_path / "b.json"])
    assert len(parts(source)[0]) == 201


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("head", ['[{"text": "', '{"text": "', "["])
def test_a_bomb_does_not_fill_the_memory(tmp_path, head):
    squeezer = zlib.compressobj(1, zlib.DEFLATED, 31)
    with (tmp_path / "bomb.json.gz").open("wb") as file:
        file.write(squeezer.compress(head.encode()))
        for _ in range(1500):
            file.write(squeezer.compress((b"[" if head == "[" else b"x") * (1 << 20)))
        file.write(squeezer.flush())
    code = (
        "import sys\nfrom vetset.curate.reading.sources import find_sources\n"
        "try:\n    list(find_sources(sys.argv[1:])[0][0].chunks())\nexcept ValueError as error:\n    print(error)\n"
        # ru_maxrss would begin at the peak of the process that started this one; this counts from exec.
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "bomb.json.gz"], capture_output=True, text=True, check=True
    )
    said, kilobytes = done.stdout.splitlines()
    assert "bomb.json.gz" in said
    assert int(kilobytes) < 1_500_000


# ---- tables --------------------------------------------------------------------------------------------------------


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


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    import datasets

    labels = datasets.ClassLabel(names=["neg", "pos"])
    features = datasets.Features({"text": datasets.Value("string"), "label": labels})
    train = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features)
    test = datasets.Dataset.from_dict({"text": ["d"], "label": [1]}, features=features)
    folder = tmp_path_factory.mktemp("saved")
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(folder / "both")
    train.save_to_disk(folder / "one", num_shards=2)
    return folder


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


# ---- texts, folders, globs, names ----------------------------------------------------------------------------------


def test_a_txt_is_a_record_a_line_and_other_text_a_record_a_file(read, tmp_path):
    assert read("a.txt", "one\r\n\n  two \n")[:2] == ([{"text": "one"}, {"text": "  two "}], [1, 3])
    records, lines, _, source = read("code.sol", "contract A {\n}\n")
    assert records == [{"text": "contract A {\n}\n", "_folder": tmp_path.name, "_file": "code.sol"}]
    assert (lines, source.container) == ([1], "text document")


def test_a_folder_is_read_by_name_and_says_what_it_passes_over(tmp_path):
    for name in (
        "b.jsonl",
        "a.csv",
        ".hidden.csv",
        "deep/c.tsv",
        "README.md",
        "LICENSE",
        "notes.md",
        "empty.csv",
        "x.bin",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b'{"text":"x"}\n' if name == "b.jsonl" else b"text\tlabel\nx\ty\n")
    (tmp_path / "a.csv").write_text("text,label\nx,y\n")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "x.bin").write_bytes(bytes(range(256)))
    (tmp_path / ".git").mkdir()
    (tmp_path / "old.vet").mkdir()
    sources, skipped = find_sources([tmp_path])
    assert [source.name for source in sources] == [str(tmp_path / name) for name in ("a.csv", "b.jsonl", "deep/c.tsv")]
    assert sorted(entry.removeprefix(f"{tmp_path}/") for entry in skipped) == [
        ".git: hidden",
        ".hidden.csv: hidden",
        "LICENSE: text beside data",
        "README.md: text beside data",
        "empty.csv: is empty",
        "notes.md: text beside data; name it to read it",
        "old.vet: a set of vetset",
        "x.bin: is a binary file, neither text nor a table that vetset knows",
    ]


def test_a_folder_of_documents_only_is_read_as_documents(tmp_path):
    for name in ("x/a.sol", "x/README.md", "y/b.sol"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("contract\n")
    sources, _ = find_sources([tmp_path])
    assert [json.loads(parts(source)[0][0])["_folder"] for source in sources] == ["x", "y"]


def test_globs_reach_every_depth_and_relative_names_stay_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "deep/er/b.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text,label\nx,y\n")
    assert [source.name for source in find_sources(["**/*.csv"])[0]] == ["a.csv", "deep/er/b.csv"]
    assert [source.name for source in find_sources(["a.csv"])[0]] == ["a.csv"]


def test_a_file_whose_name_is_not_utf8_is_read(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("words")
    (source,), _ = find_sources([tmp_path])
    assert source.name.endswith("caf\\xe9.md")
    assert json.loads(parts(source)[0][0])["_file"] == "caf\\xe9.md"


def test_a_file_given_twice_is_read_once(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\nx,y\n")
    sources, skipped = find_sources([tmp_path / "a.csv", tmp_path])
    assert len(sources) == 1
    assert skipped == [f"{tmp_path / 'a.csv'}: given twice"]


def test_what_is_not_there_is_wrong_use(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for path in ("none.csv", "no/such/file", "data/train", "*.csv", "x y/z", "", "x" * 300, "x\0y"):
        with pytest.raises(UsageError):
            find_sources([path])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "empty"),
        ("a.jsonl", b" \n\n", "empty"),
        ("a.jsonl", b"\xef\xbb\xbf\n", "white space"),
        ("a.gz", gzip.compress(b"", mtime=0), "empty"),
        ("a.dat", bytes(range(256)) * 4, "binary"),
        ("a.csv", bytes(range(256)) * 4, "binary"),
        ("a.xlsx", b"PK\x03\x04\x14\x00\x06\x00", "save the table as CSV"),
        ("a.csv.gz", b"\x1f\x8bnonsense", "damaged"),
    ],
)
def test_a_named_file_without_data_is_bad_data(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        find_sources([tmp_path / name])


def test_an_empty_folder_has_no_sources(tmp_path):
    assert find_sources([tmp_path]) == ([], [])


def test_size_and_digest_are_those_of_the_bytes_on_disk(tmp_path):
    content = gzip.compress(lines_of(RECORDS).encode())
    (tmp_path / "a.jsonl.gz").write_bytes(content)
    (source,), _ = find_sources([tmp_path / "a.jsonl.gz"])
    assert (source.size, source.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_hub_name_is_announced_before_anything_is_fetched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (source,), _ = find_sources(["owner/name"])
    assert (source.container, source.size) == ("hub", 0)
    assert "fetched from the Hugging Face hub" in source.notes[0]


def test_a_hub_name_without_a_network_is_wrong_use_in_one_sentence(tmp_path):
    code = (
        "from vetset.curate.reading.sources import find_sources\nfrom vetset.curate.errors import UsageError\n"
        "(source,), _ = find_sources(['nobody/nothing'])\n"
        "try:\n    list(source.chunks())\nexcept UsageError as error:\n    print(error)"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "neither a path here nor in the cache" in done.stdout
    assert "unset it" in done.stdout
    assert done.stdout.count("\n") == 1


def test_a_hub_that_does_not_answer_is_said_within_seconds_and_without_warnings(tmp_path):
    code = (
        "import time\nfrom vetset.curate.reading.hub import HubData\n"
        "started = time.monotonic()\n"
        "try:\n    list(HubData('nobody/nothing').chunks())\nexcept ValueError as error:\n    print(error)\n"
        "print(time.monotonic() - started)"
    )
    environment = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    said, seconds = done.stdout.splitlines()
    assert "neither a path here nor could it be fetched" in said
    assert "give a file, or set HF_HUB_OFFLINE=1" in said
    assert float(seconds) < 20  # datasets itself gives up after 25 to 30
    assert "Retrying" not in done.stderr


def test_what_the_hub_gave_is_read_split_by_split_from_its_cache(saved):
    import datasets

    both = datasets.load_from_disk(saved / "both")
    data = HubData("owner/name", dict(both))
    chunks = list(data.chunks())
    assert [json.loads(raw)["_split"] for chunk in chunks for raw in chunk.data.splitlines()] == ["train"] * 3 + [
        "test"
    ]
    assert [json.loads(raw)["label"] for chunk in chunks for raw in chunk.data.splitlines()] == [
        "pos",
        "neg",
        None,
        "pos",
    ]
    assert [n for chunk in chunks for n in chunk.lines] == [1, 2, 3, 4]
    assert all(path.suffix == ".arrow" for path in data.files())


# ---- real data -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "records"),
    [
        ("smart_contracts/dataset/**/*.sol", 143),
        ("smart_contracts/dataset", 143),
        ("smart_contracts/versions.csv", 143),
        ("smart_contracts/vulnerabilities.json", 143),
        ("pubmedqa/ori_pqal.json", 1_000),
        ("pubmedqa/test_ground_truth.json", 500),
        ("toolformer_neardup/Toolformer/toolformer-dedupe-only-dataset.json", 7_673),
        ("toolformer_neardup/Toolformer/toolformer-similarity-0.9-dataset.json", 5_959),
        ("toolformer_neardup/Toolformer/toolformer-similarity-0.6-dataset.json", 2_396),
        ("llm_formats/alpaca_en_demo.json", 999),
        ("llm_formats/dpo_zh_demo.json", 300),
        ("github_docs_issues", 1_161),
        ("math_contamination", 10_111),
        ("model_solutions", 1_319),
    ],
)
def test_real_files_have_their_exact_records(shared, given, records):
    sources, _ = find_sources([shared / given])
    found = [parts(source) for source in sources]
    assert sum(len(raw) for raw, _, _ in found) == records
    assert not any(rejects for _, _, rejects in found)


def test_real_json_comes_out_equal_to_what_the_json_module_reads(shared):
    for name in ("llm_formats/glaive_toolcall_zh_demo.json", "pubmedqa/ori_pqal.json"):
        (source,), _ = find_sources([shared / name])
        expected = json.loads((shared / name).read_text(encoding="utf-8"))
        if isinstance(expected, dict):
            expected = [{"_key": key, **record} for key, record in expected.items()]
        assert [json.loads(raw) for raw in parts(source)[0]] == expected


def test_real_parquet_comes_out_equal_to_what_pyarrow_reads(shared):
    for path in sorted(shared.glob("labels/*/*.parquet")):
        (source,), _ = find_sources([path])
        expected = pa.parquet.read_table(path).to_pylist()
        assert [json.loads(raw) for raw in parts(source)[0]] == expected


@pytest.mark.parametrize("form", ["gz", "zst", "utf-16"])
@pytest.mark.parametrize(
    "name",
    [
        "support_chat/airline/dev.tsv",
        "model_solutions/example_model_solutions.jsonl",
        "llm_formats/alpaca_zh_demo.json",
    ],
)
def test_real_files_are_the_same_compressed_or_in_utf16(shared, tmp_path, name, form):
    data = (shared / name).read_bytes()
    (plain,), _ = find_sources([shared / name])
    path = tmp_path / (name.rpartition("/")[2] + ("" if form == "utf-16" else f".{form}"))
    if form == "gz":
        path.write_bytes(gzip.compress(data))
    elif form == "zst":
        with pa.CompressedOutputStream(str(path), "zstd") as packed:
            packed.write(data)
    else:
        path.write_bytes(data.decode().encode("utf-16"))
    (other,), _ = find_sources([path])
    assert other.container == plain.container
    first, second = parts(plain), parts(other)
    assert first[0] == second[0]
    assert list(first[1]) == list(second[1])
