"""The verb read on real files: nothing is lost, and guesses are said."""

import csv
import gzip
import json

import polars as pl
import pytest
from vetset.curate import (
    DataError,
    UsageError,
    read,
)
from vetset.curate.reading import convert, delimited
from vetset.curate.reading.raw_messages import NotARow
from vetset.tests.curate.read_made import lines, tickets


def texts(result):
    return result.dataset.rows["messages"].list.first().struct.field("content").to_list()


def extras(result):
    return [json.loads(extra) for extra in result.dataset.rows["extra"]]


def test_one_row_with_a_key_that_the_rest_lack_keeps_it(reads):
    records = tickets(50)
    records[33]["note"] = "only here"
    assert [extra for extra in extras(reads(lines(*records))) if extra] == [{"note": "only here"}]


def test_a_key_whose_type_changes_keeps_every_value(reads):
    values = [1, "1", None, True, 1.5, [1], {"a": 1}, "x"]
    result = reads(lines(*({"text": f"text {i}", "label": "a", "odd": value} for i, value in enumerate(values))))
    assert [extra["odd"] for extra in extras(result)] == values
    assert result.rejects == 0


def test_numbers_in_extra_are_unchanged_character_by_character(reads):
    line = '{"text":"a text","label":"a","id":1.2e+30,"n":123456789012345678901234567890,"f":1.10,"d":0.1000000000000000055}'
    result = reads(line + "\n" + lines(*tickets(3)))
    assert result.dataset.rows["extra"][0] == line.replace('"text":"a text","label":"a",', "")


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_ids_in_scientific_notation_stay_as_they_are_written(reads, name):
    content = '{"text":"a text","label":"a","user":1.23E+12}\n{"text":"b text","label":"b","user":1.23E+12}\n'
    if name == "a.csv":
        content = "text,label,user\na text,a,1.23E+12\nb text,b,1.23E+12\n"
    assert reads(content, name).dataset.rows["group"].to_list() == ["1.23E+12"] * 2


def test_nan_is_read_as_null_and_said(reads):
    result = reads(
        '{"text":"a text","label":"a","score":NaN}\n{"text":"b","label":"b","score":-Infinity}\n' + lines(*tickets(2))
    )
    assert [extra.get("score", 0) for extra in extras(result)] == [None, None, 0, 0]
    assert any("2 records hold NaN or Infinity" in note for note in result.sources[0].notes)


@pytest.mark.parametrize("part", ["text", "label", "other", "created"])
def test_a_lone_surrogate_is_a_reject_wherever_it_stands(reads, part):
    odd = {"text": "x", "label": "a", "created": "2020-01-01", part: "half \ud83d"}
    result = reads(lines(*tickets(3, created="2020-01-01"), odd))
    assert (result.rows, result.rejects) == (3, 1)
    reject = next(result.dataset.rejects())
    assert reject["line"] == 4
    assert "surrogate" in reject["reason"]
    assert reject["text"] == json.dumps(odd)


def test_a_depth_bomb_is_a_reject(reads):
    bomb = "[" * 100_000
    result = reads(
        lines(*tickets(30)) + bomb + "\n" + '{"text":"a","label":"a","x":' + bomb + "\n" + lines(*tickets(30))
    )
    assert (result.rows, result.rejects) == (60, 2)
    assert [reject["line"] for reject in result.dataset.rejects()] == [31, 32]


def test_a_record_that_names_a_key_twice_is_a_reject_with_both_values(reads):
    double = '{"text":"first","text":"second","label":"a"}'
    result = reads(lines(*tickets(20)) + double + "\n" + lines(*tickets(5)))
    assert (result.rows, result.rejects) == (25, 1)
    assert next(result.dataset.rejects()) == {
        "file": result.sources[0].name, "line": 21, "reason": "it names the key 'text' twice", "text": double,
    }  # fmt: skip
    assert result.dataset.rows["line"].to_list() == [*range(1, 21), *range(22, 27)]


@pytest.mark.slow
def test_a_line_of_fifty_megabytes_is_a_row_or_a_reject_as_it_is(reads):
    long = "x" * 50_000_000
    result = reads(
        lines(*tickets(2)) + '{"text":"' + long + '","label":"a"}\n{"text":"' + long + "\n" + lines(*tickets(2))
    )
    assert (result.rows, result.rejects) == (5, 1)
    assert len(texts(result)[2]) == 50_000_000
    assert len(next(result.dataset.rejects())["text"]) == 50_000_009


def test_dates_are_times_and_what_is_no_date_is_kept_and_counted(reads):
    dates = ["2020/3/9", "2020/12/1", "soon", None] + ["2021-01-02T03:04:05+01:00"] * 30
    result = reads(lines(*({"text": f"text {i}", "label": "a", "date": date} for i, date in enumerate(dates))))
    times = result.dataset.rows["time"].dt.to_string("%F %T").to_list()
    assert times[:5] == ["2020-03-09 00:00:00", "2020-12-01 00:00:00", None, None, "2021-01-02 02:04:05"]
    assert [extra["date"] for extra in extras(result)] == dates
    assert any("1 values of 'date' are no date (first: 'soon')" in note for note in result.sources[0].notes)


def test_days_first_are_told_from_the_column(reads):
    dates = ["3/9/2020", "31/8/2020"]
    result = reads(lines(*({"text": f"text {i}", "label": "a", "date": date} for i, date in enumerate(dates))))
    assert result.dataset.rows["time"].dt.to_string("%F").to_list() == ["2020-09-03", "2020-08-31"]


def test_several_text_columns_are_one_text(reads):
    records = [
        {"title": "T", "body": "B", "label": "a"},
        {"title": "T", "body": None, "label": "b"},
        {"title": "only", "label": "a"},
    ]
    assert texts(reads(lines(*records), text="title,body", label="label")) == ["T\n\nB", "T", "only"]


def test_a_column_whose_name_holds_a_comma_is_read(reads):
    result = reads('"Ticket, text",label\nfirst one here,a\nsecond one here,b\n', "a.csv")
    assert texts(result) == ["first one here", "second one here"]


def test_nested_keys_and_patterns_of_them_become_columns(reads):
    records = tickets(4, meta={"url": "https://github.com/o/r/issues/1", "n": 1}) + tickets(1, meta={})
    result = reads(lines(*records), group="meta.url~github.com/([^/]+/[^/]+)", annotator="meta.n")
    assert result.dataset.rows["group"].to_list() == ["o/r"] * 4 + [None]
    assert result.dataset.rows["annotator"].to_list() == ["1"] * 4 + [None]
    assert extras(result)[0]["meta"]["url"].endswith("/1")


def test_a_column_whose_name_holds_a_dot_wins_over_a_nested_key(reads):
    records = tickets(4, **{"meta.url": "whole", "meta": {"url": "nested"}})
    assert reads(lines(*records), group="meta.url").dataset.rows["group"].to_list() == ["whole"] * 4


def test_licence_and_source_can_be_said_for_every_row(reads):
    rows = reads(lines(*tickets(2)), license="MIT", source="export of March").dataset.rows
    assert rows["license"].to_list() == ["MIT"] * 2
    assert rows["source"].to_list() == ["export of March"] * 2


@pytest.mark.parametrize("end", ["jsonl", "csv", "odd"])
def test_a_licence_said_for_all_rows_never_outranks_that_of_a_row(reads, end):
    named = ["CC-BY-4.0", None, "", "unheard of"]
    records = [{**ticket, "license": name} for ticket, name in zip(tickets(4), named, strict=True)]
    if end == "csv":
        data = "text,label,license\n" + "".join(f"{r['text']},{r['label']},{r['license'] or ''}\n" for r in records)
        read = reads(data.encode(), "a.csv", license="MIT")
    else:
        if end == "odd":  # the way of records that have other keys than the rest
            records = [{**record, f"only{number}": number} for number, record in enumerate(records)]
        read = reads(lines(*records), license="MIT")
    assert read.dataset.rows["license"].to_list() == ["CC-BY-4.0", "MIT", "MIT", "unheard of"]
    assert read.dataset.manifest["inputs"][0]["license"] is None  # no licence of the whole file


def test_rejects_keep_file_line_reason_and_text(reads):
    result = reads(lines(*tickets(20)) + "{broken\n\n" + lines(*tickets(5)) + '["a"]\n')
    assert [(reject["line"], reject["text"]) for reject in result.dataset.rejects()] == [(21, "{broken"), (28, '["a"]')]
    assert all(reject["file"] == result.sources[0].name and reject["reason"] for reject in result.dataset.rejects())
    assert result.rows + result.rejects == 27


def test_rows_and_lines_stay_together_over_many_blocks(tmp_path):
    good = [json.dumps({"text": f"line {i} " + "x" * (i % 90), "label": "a"}) for i in range(1, 20_001)]
    bad = {7, 4_096, 4_097, 9_999, 19_999, *range(12_000, 12_040)}
    (tmp_path / "a.jsonl").write_text("".join(("{oops" if i in bad else line) + "\n" for i, line in enumerate(good, 1)))
    result = read([tmp_path / "a.jsonl"], tmp_path / "a.vet")
    assert {reject["line"] for reject in result.dataset.rejects()} == bad
    said = result.dataset.rows.select(
        pl.col("messages").list.first().struct.field("content").str.extract(r"line (\d+)").cast(pl.Int64), "line"
    )
    assert said["content"].equals(said["line"], check_names=False)


def test_ids_are_the_same_in_every_container_and_under_more_columns(tmp_path):
    records = tickets(5) + tickets(2)
    frame = pl.DataFrame(records)
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ipc(tmp_path / "a.arrow")
    (tmp_path / "a.json").write_text(json.dumps(records, indent=1))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines(*records).encode()))
    (tmp_path / "more.jsonl").write_text(lines(*(record | {"new": i, "user": "u"} for i, record in enumerate(records))))
    made = [read([tmp_path / name], tmp_path / "a.vet").dataset.rows["id"].to_list()
            for name in ("a.csv", "a.parquet", "a.arrow", "a.json", "a.jsonl.gz", "more.jsonl")]  # fmt: skip
    assert all(ids == made[0] for ids in made)
    assert made[0][5][-2:] == made[0][6][-2:] == "-1"
    assert len(set(made[0])) == 7


def test_files_of_many_kinds_in_one_folder_are_read_each_its_own_way(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "train.jsonl").write_text(lines(*tickets(4)))
    with (folder / "test.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["utterance", "intent"], ["hello there", "greet"], ["bye for now", "leave"]])
    (folder / "chat.json").write_text(json.dumps([{"messages": [{"role": "user", "content": "q"}]}]))
    (folder / "answers.json").write_text(json.dumps({"a1": "yes", "a2": "no"}))
    (folder / "README.md").write_text("# data")
    result = read([folder], tmp_path / "a.vet")
    assert [(source.name.rpartition("/")[2], source.plan.shape, source.rows) for source in result.sources] == [
        ("chat.json", "messages", 1), ("test.csv", "text-label", 2), ("train.jsonl", "text-label", 4),
    ]  # fmt: skip
    assert result.dataset.rows["split"].to_list() == [None, "test", "test", *["train"] * 4]
    assert any("answers.json: none of the columns" in skipped for skipped in result.skipped)


def test_a_file_without_a_text_is_an_error_where_it_was_named(tmp_path):
    (tmp_path / "answers.json").write_text(json.dumps({"a1": "yes", "a2": "no"}))
    with pytest.raises(DataError, match="say which it is with --text COLUMN"):
        read([tmp_path / "answers.json"], tmp_path / "a.vet")
    assert not (tmp_path / "a.vet").exists()


def test_a_folder_of_lists_beside_texts_names_a_text_that_could_be_read(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "paths.csv").write_text("path,version\n" + "contracts/a.sol,0.4\n" * 3)
    (folder / "a.sol").write_text("contract A {}")
    with pytest.raises(DataError, match=r"with --text COLUMN, or name the texts beside it, such as .*a\.sol\.$"):
        read([folder], tmp_path / "a.vet")


def test_any_script_goes_in_and_comes_out(reads):
    said = ["مرحبا بالعالم", "你好，世界", "😀 👩‍👩‍👧 done", "e\u0301 \u200b zero", "a\u2028b c", "\x7f and \x00 nul"]
    assert texts(reads(lines(*({"text": text, "label": "ä"} for text in said)))) == said


def test_progress_ends_at_all_of_it(tmp_path):
    told = []
    (tmp_path / "a.csv").write_text("text,label\n" + "a text here,a\n" * 100)
    read([tmp_path / "a.csv"], tmp_path / "a.vet", progress=lambda done, total: told.append((done, total)))
    size = (tmp_path / "a.csv").stat().st_size
    assert told[-1] == (size, size)
    assert told == sorted(told)


def test_progress_is_told_while_one_long_file_is_read(tmp_path):
    told = []
    (tmp_path / "a.csv").write_text("text,label\n" + f"{'a text here ' * 80},a\n" * 20_000)
    read([tmp_path / "a.csv"], tmp_path / "a.vet", progress=lambda done, total: told.append(done / total))
    assert len([share for share in told if share < 0.9]) >= 2


def test_a_column_that_is_not_there_is_refused_before_anything_is_written(reads, tmp_path):
    with pytest.raises(UsageError, match=r"a\.jsonl has no column 'body' \(--text\)"):
        reads(lines(*tickets(2)), text="body")
    assert not (tmp_path / "a.vet").exists()


def test_one_row_is_a_set(reads):
    assert reads('{"text": "only one"}').rows == 1


def test_the_summary_is_json_and_tells_every_guess(reads):
    summary = json.loads(json.dumps(reads(lines(*tickets(30))).summary()))
    assert (summary["rows"], summary["rejects"]) == (30, 0)
    assert summary["sources"][0]["columns"] == {"text": "text", "label": "label"}
    assert len(summary["sources"][0]["reasons"]) == 3


@pytest.mark.slow
def test_the_fast_ways_give_the_rows_of_the_patient_way_on_real_data(shared, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise NotARow

    sets = sorted(path for path in shared.iterdir() if path.is_dir() and path.name != "smart_contracts")
    sets.append(sorted(shared.glob("smart_contracts/dataset/*/*.sol"))[0])
    fast = [read([path], tmp_path / f"fast-{path.name}.vet") for path in sets]
    monkeypatch.setattr(convert, "lift", lambda *_: None)
    monkeypatch.setattr(convert.Converter, "_takes_cells", False)
    monkeypatch.setattr(convert.Converter, "_fast", refuse)
    monkeypatch.setattr(delimited, "whole_rows", lambda *_, **__: None)
    for path, quick in zip(sets, fast, strict=True):
        patient = read([path], tmp_path / f"patient-{path.name}.vet")
        assert quick.dataset.rows.drop("extra").equals(patient.dataset.rows.drop("extra")), path.name
        assert extras(quick) == extras(patient), path.name
        assert list(quick.dataset.rejects()) == list(patient.dataset.rejects()), path.name


def test_a_key_named_twice_after_the_sample_is_a_reject(reads):
    plain = lines(*({"messages": [{"role": "user", "content": f"hello {i}"}], "n": i} for i in range(9000)))
    double = [
        '{"messages": [{"role": "user", "content": "a"}], "n": 1, "n": 2}',
        '{"messages": [{"role": "user", "content": "a"}], "messages": [{"role": "user", "content": "b"}], "n": 1}',
        '{"messages": [{"role": "user", "content": "a", "content": "b"}], "n": 1}',
        '{"messages": [{"role": "user", "content": "a", "tool_calls": [{"x": 1, "x": 2}]}], "n": 1}',
    ]
    result = reads(plain + "\n".join(double) + "\n" + plain)
    assert (result.rows, result.rejects) == (18_000, 4)
    assert [(reject["line"], reject["text"]) for reject in result.dataset.rejects()] == list(enumerate(double, 9001))
    assert result.dataset.rows["line"].is_sorted()


def test_plain_and_other_chats_between_each_other_keep_their_order(reads):
    said = [
        [{"role": "user", "content": f"q {i}"}, {"role": "assistant", "content": "é\n"}]
        if i % 3
        else [{"role": "user", "content": f"q {i}", "name": "ann"}]
        for i in range(3000)
    ]
    result = reads(lines(*({"messages": messages} for messages in said)))
    assert texts(result) == [messages[0]["content"] for messages in said]
    assert result.dataset.rows["line"].to_list() == list(range(1, 3001))


@pytest.mark.parametrize("white", ["\t", "\r"])
def test_a_key_named_twice_is_a_reject_also_between_tabs(reads, white):
    doubled = f'{{"text": "two",{white}"label": "a",{white}"label": "b"}}\n'
    result = reads(lines(*tickets(3)) + doubled + f'{{"text":{white}"one",{white}"label": "a"}}\n')
    assert (result.rows, result.rejects) == (4, 1)
    assert "'label' twice" in next(result.dataset.rejects())["reason"]


def test_a_number_of_five_thousand_digits_is_a_number_like_any_other(reads):
    long = "1" * 5_000
    broken = reads(f'[{{"text": "one", "n": 1}},\n{{"text": "two", "n": {long}}},\n{{"text": "thr', "a.json")
    assert (broken.rows, broken.rejects) == (2, 1)
    assert f'"n":{long}' in broken.dataset.rows["extra"][1]
    twice = reads(lines(*tickets(3)) + f'{{"text": "a", "label": "a", "label": "b", "n": {long}}}\n')
    assert (twice.rows, twice.rejects) == (3, 1)
