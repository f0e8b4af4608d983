import codecs
import gzip
import io
import json
import tempfile

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.errors import DataError, UsageError
from vetset.curate.reading.encodings import TextFile, _recut, _whole_lines, is_utf8, known_encoding, sniff_encoding
from vetset.curate.reading.sources import find_sources

TEXTS = "text,label\nça va,ja\nمرحبا,نعم\n你好 🌍,no\n"


def read(path, encoding="utf-8"):
    text = TextFile(path, path.name, encoding)
    return text.whole(), text.notes


def records(path, **options):
    (source,), _ = find_sources([path], **options)
    return b"".join(chunk.data for chunk in source.chunks()).decode(), source.notes


def test_utf8_passes_through_byte_for_byte(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(TEXTS.encode())
    assert read(path) == (TEXTS.encode(), [])


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
    ],
)
def test_every_unicode_form_gives_the_same_records(tmp_path, mark, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes(mark + TEXTS.encode(encoding))
    data, notes = records(path)
    assert data == '{"text":"ça va","label":"ja"}\n{"text":"مرحبا","label":"نعم"}\n{"text":"你好 🌍","label":"no"}\n'
    assert any(encoding in note for note in notes) == (encoding != "utf-8")


def test_a_file_in_latin1_is_read_and_the_lines_are_counted(tmp_path):
    path = tmp_path / "tickets.csv"
    path.write_bytes("text,label\ncafé,a\nplain,b\nnaïve,a\nüber,b\n".encode("latin-1"))
    data, notes = records(path)
    assert "café" in data
    assert "über" in data
    assert [note for note in notes if "3 lines are not UTF-8; read as Windows-1252" in note]


def test_in_a_mixed_file_only_the_lines_that_are_not_utf8_are_read_as_windows_1252(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"t":"é你"}\n'.encode() + '{"t":"“é”"}\n'.encode("cp1252") + '{"t":"é🌍"}\n'.encode())
    data, notes = records(path)
    assert data == '{"t":"é你"}\n{"t":"“é”"}\n{"t":"é🌍"}\n'
    assert notes == [f"{path}: 1 line is not UTF-8; read as Windows-1252 (give the encoding if the text looks wrong)"]


def test_notes_do_not_repeat_when_a_source_is_read_twice(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"t":"é"}\n'.encode("cp1252"))
    (source,), _ = find_sources([path])
    for _ in range(2):
        list(source.chunks())
    assert len(source.notes) == 1


def test_bytes_that_windows_1252_lacks_are_latin1(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"caf\xe9 \x81\n")
    assert read(path)[0] == "café \x81\n".encode()


def test_a_given_encoding_is_used(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\nпривет,да\n".encode("cp1251"))
    data, notes = records(path, encoding="cp1251")
    assert "привет" in data
    assert notes == [f"{path}: read as cp1251"]


def test_bytes_that_the_given_encoding_lacks_stay_visible_and_are_said(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\n你好,a\n".encode("gbk") + b"x\xff\xff,b\n")
    data, notes = records(path, encoding="gbk")
    assert "你好" in data
    assert r"\\xff" in data
    assert any("not gbk" in note for note in notes)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text,label\ncafé,a\nplain,b\n"),
        ("a.jsonl", '{"text":"café","label":"a"}\n{"text":"plain","label":"b"}\n'),
        ("a.json", '[{"text":"café","label":"a"},\n{"text":"plain","label":"b"}]'),
    ],
)
def test_a_given_encoding_is_not_guessed_over_and_no_record_is_lost(tmp_path, encoding, name, content):
    path = tmp_path / name
    path.write_bytes(content.encode("latin-1"))
    data, notes = records(path, encoding=encoding)
    assert [json.loads(line)["text"] for line in data.splitlines()] == [r"caf\xe9", "plain"]
    assert any(r"stands in the text as \x and two digits" in note for note in notes)
    assert not any("Windows-1252" in note for note in notes)


def test_the_lines_that_a_given_utf8_does_not_fit_are_counted(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\ncafé,a\nplain,b\nnaïve,a\n".encode("latin-1"))
    assert (
        f"{path}: 2 lines are not UTF-8, as was given; each bad byte stands in the text as \\x and two digits"
        in (records(path, encoding="utf8")[1])
    )


def test_a_given_encoding_that_the_files_mark_denies_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(codecs.BOM_UTF16_LE + TEXTS.encode("utf-16-le"))
    with pytest.raises(
        UsageError, match=r"a\.csv begins with the mark of utf-16-le, not of utf-8; leave --encoding out"
    ):
        records(path, encoding="utf-8")


def test_the_mark_decides_the_byte_order_of_a_given_utf16(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(codecs.BOM_UTF16_BE + TEXTS.encode("utf-16-be"))
    assert "ça va" in records(path, encoding="utf-16")[0]


def test_half_a_surrogate_pair_in_utf16_does_not_stop_the_reading(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(codecs.BOM_UTF16_LE + "text,label\n".encode("utf-16-le") + b"\x00\xd8,\x00x\x00\n\x00")
    assert r"\\x00\\xd8" in records(path)[0]


@pytest.mark.parametrize("name", ["rot13", "hex", "nonsense", "undefined"])
def test_an_unknown_encoding_is_wrong_use(name):
    with pytest.raises(UsageError, match="no text encoding"):
        known_encoding(name)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lone_carriage_returns_end_lines_where_there_are_no_line_feeds(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\rone,a\rtwo,b\r".encode(encoding))
    data, _ = records(path)
    assert data == '{"text":"one","label":"a"}\n{"text":"two","label":"b"}\n'


def test_random_bytes_are_no_text_and_neither_are_nuls_in_a_file_of_unknown_kind():
    noise = bytes((i * 7919 + (i >> 3) * 31) % 256 for i in range(5000))
    assert sniff_encoding(noise) is None
    assert sniff_encoding(noise, is_text=True) is None
    assert sniff_encoding(b"abc\x00def " * 50) is None
    assert sniff_encoding(b"a long enough line of text\x00 with one flaw\n", is_text=True) == "utf-8"


def test_a_compressed_file_that_is_cut_off_is_named(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(
        gzip.compress(b'{"text": "some words"}\n' * 90_000 + bytes(range(256)).hex().encode() * 9000)[:-900]
    )
    (source,), _ = find_sources([path])
    with pytest.raises(DataError, match=r"a\.jsonl\.gz is damaged or cut off"):
        list(source.chunks())


def test_zstd_frames_one_after_another_are_one_file(tmp_path):
    path = tmp_path / "a.jsonl.zst"
    with path.open("wb") as file:
        for record in (b'{"text":"a"}\n', b'{"text":"b"}\n'):
            sink = pa.BufferOutputStream()
            with pa.CompressedOutputStream(sink, "zstd") as packed:
                packed.write(record)
            file.write(sink.getvalue())
    assert records(path)[0] == '{"text":"a"}\n{"text":"b"}\n'


@given(st.binary(max_size=200))
def test_is_utf8_agrees_with_python(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        assert not is_utf8(data)
    else:
        assert is_utf8(data)


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), min_size=1, max_size=20))
def test_blocks_cut_only_at_line_feeds_and_lose_nothing(lines):
    data = "\n".join(lines).encode()
    pieces = [data[start : start + 5] for start in range(0, len(data), 5)]
    for blocks in (list(_whole_lines(io.BytesIO(data), 8)), list(_recut(iter(pieces), 8))):
        assert b"".join(blocks) == data
        assert all(block.endswith(b"\n") for block in blocks[:-1])


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.integers(4, 12), st.booleans())
def test_pieces_cut_long_lines_between_characters_and_lose_nothing(text, size, on_disk):
    data = text.encode()
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        for pieces in (
            list(_whole_lines(file if on_disk else io.BytesIO(data), size, size)),
            list(_recut((character.encode() for character in text), size, size)),
        ):
            assert "".join(piece.decode() for piece in pieces) == text
            assert all(len(piece) <= 2 * size + 8 for piece in pieces)
