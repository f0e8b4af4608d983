import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.errors import UsageError
from vetset.curate.reading import delimited
from vetset.curate.reading.delimited import Dialect
from vetset.curate.reading.dialects import guess_dialect
from vetset.curate.reading.sources import find_sources


@pytest.fixture
def read(tmp_path):
    """Write a file, read it, and return records, their lines, rejects and the source."""

    def reader(content, name="a.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (source,), _ = find_sources([path], **options)
        chunks = list(source.chunks())
        records = [json.loads(line) for chunk in chunks for line in chunk.data.splitlines()]
        lines = [line for chunk in chunks for line in chunk.lines]
        assert len(records) == len(lines)
        return records, lines, [reject for chunk in chunks for reject in chunk.rejects], source

    return reader


def test_values_stay_as_they_are_written(read):
    records, *_ = read("id,date,n,x\n1.2E+18,2020/3/9,007,NaN\n")
    assert records == [{"id": "1.2E+18", "date": "2020/3/9", "n": "007", "x": "NaN"}]


def test_quoted_line_feeds_and_tabs_in_tsv_stay_in_their_field(read):
    records, lines, rejects, source = read('text\tlabel\n"one\ntwo\tthree"\ta\n\nfour\tb\n', "a.tsv")
    assert records == [{"text": "one\ntwo\tthree", "label": "a"}, {"text": "four", "label": "b"}]
    assert lines == [2, 5]
    assert (rejects, source.container, source.notes) == ([], "tsv", [])


def test_in_unquoted_tsv_a_quote_is_text_and_that_is_said(read):
    records, lines, rejects, source = read('text\tlabel\n"well said\ta\nplain\tb\n5" pipe\tb\nend" of it\ta\n', "a.tsv")
    assert [record["text"] for record in records] == ['"well said', "plain", '5" pipe', 'end" of it']
    assert (lines, rejects) == ([2, 3, 4, 5], [])
    assert any("quotes are read as text" in note for note in source.notes)


def test_stray_quotes_that_would_join_whole_rows_without_an_error_are_text(read):
    # Read as enclosing, these quotes make one row of three, and every row has two fields.
    records, _, _, source = read('text\tlabel\n"good one\tpos\nbad\tneg\nthe end"\tneg\n', "a.tsv")
    assert len(records) == 3
    assert any("would join" in note for note in source.notes)


def test_one_broken_quote_does_not_turn_a_quoted_file_into_an_unquoted_one(read):
    body = "".join(f'"row {i}, with a comma",x\n' for i in range(50))
    records, lines, rejects, _ = read(f'text,label\n{body}"broken" here,x\n{body}')
    assert len(records) == 100
    assert [(reject.line, reject.text) for reject in rejects] == [(52, '"broken" here,x')]
    assert lines[-1] == 102


@pytest.mark.parametrize("size", [207_857, 3_000_000])
def test_a_field_beyond_the_limit_of_csv_is_read(read, size):
    records, *_ = read(f'text,label\n"{"x" * size}",a\nshort,b\n')
    assert [len(record["text"]) for record in records] == [size, 5]


@pytest.mark.slow
def test_a_line_of_fifty_megabytes_is_one_record(read):
    records, lines, *_ = read(b"text,label\n" + b"y" * 50_000_000 + b",a\nlast,b\n")
    assert len(records[0]["text"]) == 50_000_000
    assert lines == [2, 3]


def test_nameless_and_repeated_columns_get_names_of_their_own(read):
    records, _, _, source = read("id,name,,name\n1,a,b,c\n")
    assert records == [{"id": "1", "name": "a", "column_3": "b", "name_2": "c"}]
    assert any("column_3" in note for note in source.notes)
    assert any("name_2" in note for note in source.notes)


def test_made_up_names_never_collide_with_given_ones(read):
    records, *_ = read("name,name_2,name,\n1,2,3,4\n")
    assert records == [{"name": "1", "name_2": "2", "name_3": "3", "column_4": "4"}]


@pytest.mark.parametrize(
    "content",
    [
        "ham\tsee you at five\nspam\twin a prize\nham\tok\nham\tfine\nspam\tfree\nham\tno\n",
        "3\tsee you at five\n4\twin a prize\n5\tok\n6\tfine\n7\tfree\n8\tno\n",
        "this is a long sentence that nobody would give to a column as a name\tx\na\ty\nb\tx\nc\tz\nd\tb\ne\td\n",
    ],
)
def test_a_file_without_a_header_keeps_its_first_row_and_says_so(read, content):
    records, lines, _, source = read(content, "a.tsv")
    assert len(records) == 6
    assert list(records[0]) == ["column_1", "column_2"]
    assert lines[0] == 1
    assert any("no header" in note for note in source.notes)


@pytest.mark.parametrize(
    "content",
    [
        "text,label\nhello,0\nhello,1\n",
        "Ticket Body,Team\nhello,a\nhello,a\n",
        "text,label\na,b\ntext,label\nc,d\n",
        ",text,stars\n0,good,5\n1,bad,1\n",
        "0,1\ngood,5\nbad,1\n",
        "text,label\n",
    ],
)
def test_a_header_is_never_taken_for_a_row(read, content):
    records, lines, _, source = read(content)
    assert len(records) == content.count("\n") - 1
    assert lines == list(range(2, len(records) + 2))
    assert not any("no header" in note for note in source.notes)


def test_a_header_can_be_set_either_way(read):
    assert len(read("a,b\nc,d\n", header=False)[0]) == 2
    assert read("1,2\n3,4\n", header=True)[0] == [{"1": "3", "2": "4"}]


def test_crlf_is_no_part_of_a_value_and_a_stray_carriage_return_is(read):
    records, lines, *_ = read('text,label\r\none,a\r\n"two\r\nlines",b\r\nstray\rreturn,c\r\n')
    assert [record["text"] for record in records] == ["one", "two\r\nlines", "stray\rreturn"]
    assert [record["label"] for record in records] == ["a", "b", "c"]
    assert lines == [2, 3, 5]


def test_nul_bytes_stay_in_the_text(read):
    records, *_ = read(b"text,label\nfirst line of words\x00 and more words,a\nsecond line without,b\n")
    assert records[0]["text"] == "first line of words\x00 and more words"


def test_rows_with_too_many_or_too_few_fields_are_rejects_with_both_counts_and_their_text(read):
    records, lines, rejects, _ = read('a,b,c\n1,2,3\n1,2\n"x\ny",2,3,4\n5,6,7\n')
    assert len(records) == 2
    assert lines == [2, 6]
    assert rejects == [
        (3, "it has 2 fields where 3 columns are named", "1,2"),
        (4, "it has 4 fields where 3 columns are named", '"x\ny",2,3,4'),
    ]


def test_a_quote_that_never_closes_takes_its_own_line_only(read):
    records, lines, rejects, _ = read('text,label\n"ok, then",a\n"never closed,b\nthree,c\nfour,d\n')
    assert [record["text"] for record in records] == ["ok, then", "three", "four"]
    assert lines == [2, 4, 5]
    assert [(reject.line, reject.text) for reject in rejects] == [(3, '"never closed,b')]
    assert "never closes" in rejects[0].reason


def test_a_quote_that_never_closes_within_the_limit_is_given_up_early(read, monkeypatch):
    monkeypatch.setattr(delimited, "LIMIT", 1000)
    monkeypatch.setattr("vetset.curate.reading.dialects.LIMIT", 1000)
    body = "".join(f'"row, {i}",x\n' for i in range(100))
    rest = "".join(f"row {i},x\n" for i in range(500))
    records, _, rejects, _ = read(f'text,label\n{body}"never closed,b\n{rest}')
    assert len(records) == 600
    assert [reject.line for reject in rejects] == [102]


@pytest.mark.parametrize(("delimiter", "name"), [(";", "delimited (;)"), ("|", "delimited (|)"), ("\t", "tsv")])
def test_other_delimiters_are_found_in_a_csv_and_said(read, delimiter, name):
    content = f"text{delimiter}label\nwell, yes, or no{delimiter}a\nno{delimiter}b\n"
    records, _, _, source = read(content)
    assert records[0] == {"text": "well, yes, or no", "label": "a"}
    assert source.container == name
    assert any("divided by" in note for note in source.notes)


def test_a_delimiter_can_be_given_by_character_or_word(read):
    assert read("a^b\n1^2\n", delimiter="^")[0] == [{"a": "1", "b": "2"}]
    assert read("text\tlabel\nx\ty\n", "a.txt", delimiter="tab")[0] == [{"text": "x", "label": "y"}]
    with pytest.raises(UsageError, match="can't be a delimiter"):
        read("a,b\n", delimiter=",,")


def test_a_column_of_prose_with_commas_in_it_is_a_reject_not_a_guess(read):
    records, _, rejects, _ = read("text\nplain words\nwith, a comma\n")
    assert records == [{"text": "plain words"}]
    assert len(rejects) == 1


def test_a_delimiter_at_the_end_of_rows_adds_no_column(read):
    assert read("a,b,\n1,2,\n3,4,\n")[0] == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    records, _, rejects, source = read("a,b\n1,2,\n3,4,\n")
    assert records == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert rejects == []
    assert any("end in a delimiter" in note for note in source.notes)


def test_row_names_as_r_writes_them_get_a_column(read):
    records, *_ = read("text,label\n1,x,a\n2,y,b\n3,z,a\n")
    assert records[0] == {"column_1": "1", "text": "x", "label": "a"}


def test_blank_lines_are_no_records_and_keep_their_numbers(read):
    records, lines, rejects, _ = read("\ntext,label\n\none,a\n   \n\ntwo,b\n\n")
    assert (len(records), lines, rejects) == (2, [4, 7], [])


def test_one_column_and_one_row(read):
    assert read("text\nhello\n")[0] == [{"text": "hello"}]
    assert read('text\n"a\nb"\nc\n')[0] == [{"text": "a\nb"}, {"text": "c"}]


def test_a_tab_separated_txt_is_a_table_and_prose_is_not(read):
    assert read("ham\thi there\nspam\tbuy now\nham\tok\nham\tyes\n", "a.txt")[3].container == "tsv"
    assert read("one line\nanother, with a comma\n", "a.txt")[3].container == "text lines"


def test_lines_are_right_over_chunk_borders(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f'"row\n{i}",x\n' for i in range(2000)))
    monkeypatch.setattr(delimited, "SIZE", 1000)
    monkeypatch.setattr("vetset.curate.reading.encodings.SIZE", 1000)
    monkeypatch.setattr(delimited, "_PIECE", 100)
    (source,), _ = find_sources([path])
    chunks = list(source.chunks())
    assert len(chunks) > 10
    assert [line for chunk in chunks for line in chunk.lines] == list(range(2, 4002, 2))


def test_reading_is_the_same_every_time(read):
    content = 'text,label\n"a,b",x\nbroken"\n"never,y\nlast,z\n'
    first, second = read(content), read(content)
    assert first[:3] == second[:3]


CELL = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)


@given(
    st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_csv_writes_is_read_back(rows, delimiter, end):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(
        [("a", "b", "c"), *rows]
    )
    data = buffer.getvalue().encode()
    chunks = list(delimited.delimited(lambda: iter([data]), Dialect(delimiter, ("a", "b", "c"))))
    assert [tuple(json.loads(line).values()) for chunk in chunks for line in chunk.data.split(b"\n")[:-1]] == rows
    assert not any(chunk.rejects for chunk in chunks)


@given(st.text(st.sampled_from('a",\n\r\t x'), max_size=60))
def test_any_text_at_all_gives_records_and_rejects_and_no_error(content):
    data = content.encode()
    dialect, _ = guess_dialect(lambda: iter([data]), data, "a.csv")
    chunks = list(delimited.delimited(lambda: iter([data]), dialect))
    numbers = [n for chunk in chunks for n in [*chunk.lines, *(reject.line for reject in chunk.rejects)]]
    assert len(numbers) == len(set(numbers))
    assert all(1 <= number <= content.count("\n") + 1 for number in numbers)
    assert whole(chunks) == whole(in_small_pieces(data, dialect))


def whole(chunks):
    """Return what chunks hold, however it was divided."""
    return (
        b"".join(c.data for c in chunks),
        [n for c in chunks for n in c.lines],
        [r for c in chunks for r in c.rejects],
    )


def in_small_pieces(data, dialect):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "SIZE", 9)
        patch.setattr(delimited, "_PIECE", 3)
        return list(delimited.delimited(lambda: iter(list(io.BytesIO(data))), dialect))


def test_real_chat_files_have_their_exact_rows(shared):
    sources, _ = find_sources([shared / "support_chat"])
    rows = 0
    for source in sources:
        with source.path.open(encoding="utf-8", newline="") as file:
            expected = list(csv.DictReader(file, delimiter="\t"))
        found = [json.loads(line) for chunk in source.chunks() for line in chunk.data.splitlines()]
        assert found == expected
        rows += len(found)
    assert rows == 58_190


@pytest.mark.parametrize(("folder", "rows"), [("bank_intents", 13_083), ("arabic_sentiment", 10_547)])
def test_real_csv_files_have_their_exact_rows(shared, folder, rows):
    sources, _ = find_sources([shared / folder])
    assert sum(len(chunk.lines) for source in sources for chunk in source.chunks()) == rows
    assert not any(chunk.rejects for source in sources for chunk in source.chunks())
