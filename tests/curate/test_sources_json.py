"""JSON lines, arrays and documents as sources: every record, its line, and what is no record."""

import gzip
import json
import subprocess
import sys
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.errors import DataError
from vetset.curate.reading import encodings, json_documents, json_lines, json_scan
from vetset.curate.reading.encodings import TextFile
from vetset.curate.reading.sources import find_sources
from vetset.tests.curate.source_records import RECORDS, lines_of, parts


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.txt", "a.ndjson", "a", "a.csv", "a.sol"])
def test_json_lines_are_known_under_any_ending(read_source, name):
    records, lines, _, source = read_source(name, lines_of(RECORDS))
    assert (records, list(lines), source.container) == (RECORDS, [1, 2, 3], "jsonl")


def test_json_lines_pass_through_as_they_are(read_source):
    raw = b'{"a": 1.0e5,  "b":"\\ud800", "c":NaN}\n{"a":"2020/3/9"}\n'
    _, _, _, source = read_source("a.jsonl", raw)
    assert b"".join(chunk.data for chunk in source.chunks()) == raw


def test_a_broken_line_stays_in_the_bytes_for_the_reader_to_tell(read_source, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a":1}\n{"a":\n{"a":3}\n')
    (source,), _ = find_sources([tmp_path / "a.jsonl"])
    assert parts(source)[0] == [b'{"a":1}', b'{"a":', b'{"a":3}']


def test_a_broken_first_line_does_not_make_a_document_of_lines(tmp_path):
    (tmp_path / "a.json").write_text('{"a": \n{"a":2}\n{"a":3}\n')
    (source,), _ = find_sources([tmp_path / "a.json"])
    assert (source.container, len(parts(source)[0])) == ("jsonl", 3)


def test_lines_of_python_dicts_stay_lines_each_for_itself(read_source, tmp_path):
    (tmp_path / "a.json").write_text("{'text': 'a'}\n{'text': 'b'}\n")
    (source,), _ = find_sources([tmp_path / "a.json"])
    assert (source.container, len(parts(source)[0])) == ("jsonl", 2)


def test_blank_lines_are_left_out_and_line_numbers_stay_true(read_source):
    records, lines, *_ = read_source("a.jsonl", '\n{"a":1}\r\n  \r\n\r\n{"a":2}\n\t\n{"a":3}')
    assert [record["a"] for record in records] == [1, 2, 3]
    assert list(lines) == [2, 5, 7]


def test_lines_without_blanks_are_a_range(read_source):
    _, _, _, source = read_source("a.jsonl", lines_of(RECORDS))
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
def test_an_array_gives_its_elements_with_their_lines(read_source, indent):
    records, lines, rejects, source = read_source("a.json", json.dumps(RECORDS, indent=indent))
    assert (records, rejects, source.container) == (RECORDS, [], "json array")
    text = json.dumps(RECORDS, indent=indent)
    assert lines[1] == (1 if indent is None else text[: text.index("{", text.index('"n": 1'))].count("\n") + 1)


def test_elements_of_an_array_keep_numbers_escapes_and_key_order(read_source):
    _, _, _, source = read_source("a.json", '[\n{"b": 1.50, "a": 1E+18,\n "c": "\\u00e9\\/"}\n]')
    assert b"".join(chunk.data for chunk in source.chunks()) == b'{"b":1.50,"a":1E+18,"c":"\\u00e9\\/"}\n'


def test_a_broken_array_gives_what_stands_before_the_break(read_source):
    records, lines, rejects, _ = read_source("a.json", '[\n {"a": 1},\n {"a": 2},\n {"a": oops},\n {"a": 4}\n]')
    assert records == [{"a": 1}, {"a": 2}]
    assert lines == [2, 3]
    ((line, reason, text),) = rejects
    assert line == 4
    assert "line 4, column 8" in reason
    assert text.startswith('{"a": oops}')


def test_an_array_that_is_cut_off_says_so(read_source):
    records, _, rejects, _ = read_source("a.json", '[{"a": 1},\n{"a": 2}')
    assert len(records) == 2
    assert "never closed" in rejects[0].reason


def test_nan_and_half_surrogates_in_an_array_reach_the_reader(read_source):
    records, _, rejects, source = read_source("a.json", '[{"a": NaN,\n "b": 1.50}, {"a": "\\ud83d"}, {"a": -Infinity}]')
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


def test_a_line_feed_inside_a_string_rejects_its_element_only(read_source):
    records, _, rejects, _ = read_source("a.json", '[{"a": 1}, {"a": "x\ny"},\n{"a": 3}]')
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


def test_an_object_of_records_gives_each_with_its_key_first(read_source):
    records, lines, _, source = read_source(
        "a.json", '{\n "7": {"q": "a"},\n "é\\"9": {"_key": "own", "q": "b"},\n "10": {}\n}'
    )
    assert records == [{"_key": "7", "q": "a"}, {"_key": "own", "q": "b"}, {"_key": "10"}]
    assert list(records[0]) == ["_key", "q"]
    assert (lines, source.container) == ([2, 3, 4], "json object of records")


def test_a_key_that_stands_twice_gives_two_records(read_source):
    records, lines, *_ = read_source("a.json", '{"7": {"q": 1},\n"8": {"q": 2},\n"7": {"q": 3}}')
    assert [(record["_key"], record["q"]) for record in records] == [("7", 1), ("8", 2), ("7", 3)]
    assert lines == [1, 2, 3]


def test_a_broken_object_of_records_gives_what_stands_before_the_break(read_source):
    records, _, rejects, _ = read_source("a.json", '{"1": {"q": 1},\n"2": {"q": 2},\n"3": {"q": ')
    assert [record["_key"] for record in records] == ["1", "2"]
    assert rejects[0].line == 3


def test_an_object_of_scalars_gives_key_and_value(read_source):
    records, *_ = read_source("a.json", '{"12": "yes", "13": "no", "14": null}')
    assert records == [{"_key": "12", "value": "yes"}, {"_key": "13", "value": "no"}, {"_key": "14", "value": None}]


def test_an_object_of_lists_gives_rows(read_source):
    records, lines, _, source = read_source("a.json", '{"text": ["a",\n"b"], "label": [0, 1.50]}')
    assert records == [{"text": "a", "label": 0}, {"text": "b", "label": 1.5}]
    assert (lines, source.container) == ([1, 2], "json object of lists")
    assert b"1.50" in parts(source)[0][1]


def test_lists_of_unequal_lengths_are_named(read_source):
    with pytest.raises(DataError, match="'text' has 2 values and 'label' has 1"):
        read_source("a.json", '{"text": ["a", "b"], "label": [0]}')


@pytest.mark.parametrize("key", ["data", "rows", "examples", "anything"])
def test_one_list_among_other_fields_is_read_and_said(read_source, key):
    records, lines, _, source = read_source("a.json", f'{{"version": "2",\n"{key}": [{{"a": 1}},\n{{"a": 2}}]}}')
    assert (records, lines) == ([{"a": 1}, {"a": 2}], [2, 3])
    assert any(f"'{key}'" in note and "'version'" in note for note in source.notes)


def test_lists_under_the_names_of_splits_keep_their_split(read_source):
    records, *_ = read_source("a.json", '{"train": [{"a": 1}, {"a": 2}], "test": [{"a": 3}]}')
    assert records == [{"_split": "train", "a": 1}, {"_split": "train", "a": 2}, {"_split": "test", "a": 3}]


def test_what_pandas_writes_is_turned_into_rows(read_source):
    records, *_ = read_source("a.json", '{"text": {"0": "a", "1": "b"}, "label": {"0": 0, "1": 1}}')
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
def test_a_single_record_is_one_record(read_source, record, indent):
    assert read_source("a.json", json.dumps(record, indent=indent))[0] == [record]


def test_objects_over_several_lines_one_after_another_are_records(read_source):
    content = "\n".join(json.dumps(record, indent=1) for record in RECORDS)
    records, lines, rejects, _ = read_source("a.jsonl", content)
    assert (records, lines[0], rejects) == (RECORDS, 1, [])


def test_a_list_of_texts_is_read_by_name_and_passed_over_beside_data(tmp_path, read_source):
    assert read_source("names.json", '["a", "b"]')[0] == [{"text": "a"}, {"text": "b"}]
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
