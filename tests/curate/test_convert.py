"""Lines to rows: the fast way, the patient way and a slow reader in plain Python agree, line by line."""

import errno
import json
import random
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vetset.curate import read
from vetset.curate.reading import writing
from vetset.curate.reading.convert import Converter
from vetset.curate.reading.mapping import Plan
from vetset.curate.reading.plain_chats import Lifted
from vetset.curate.reading.repeated_keys import repeated_key, suspects
from vetset.curate.reading.row_columns import Columns

PLAN = Plan("text-label", {"text": "text", "label": "label", "group": "meta.user"})
KNOWN = ["text", "label", "meta", "n"]


def converted(lines, plan=PLAN, known=KNOWN, *, compiled=False):
    data = b"\n".join(lines) + b"\n"
    columns, odd = Converter(plan, list(known), compiled).convert(data, range(1, len(lines) + 1))
    return columns, odd


def one_by_one(lines, plan=PLAN, known=KNOWN):
    columns, odd = Columns(), []
    for number, line in enumerate(lines, 1):
        converter = Converter(plan, list(known))
        left, numbers = converter._single_keys(line, [number], odd)
        if numbers:
            converter._patiently(left, numbers, columns, odd)
    return columns, odd


def told(columns, odd):
    """What a conversion says, without the order of keys in extra."""
    rows = zip(
        columns.lines, columns.digests, messages(columns), columns.tools, columns.rejected, columns.label,
        *columns.common.values(), strict=True,
    )  # fmt: skip
    extras = [sorted(json.loads(extra, object_pairs_hook=list)) for extra in columns.extra]
    told = sorted(zip(rows, extras, strict=True), key=lambda row: row[0][0])
    return told, sorted((item.line, item.reason, item.text) for item in odd)


def messages(columns):
    """The conversations as lists of dicts."""
    return columns.messages().to_pylist() if columns.lines else []


def reference(lines):
    """Line number to text for good lines, and the numbers of the others, by Python's own reader."""
    good, bad = {}, []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            record["text"].encode()
            good[number] = record["text"]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            bad.append(number)
    return good, bad


def record(i, **more):
    return json.dumps(
        {"text": f"text {i}", "label": "ab"[i % 2], "meta": {"user": f"u{i % 7}"}, "n": i, **more}
    ).encode()


BROKEN = [
    b'{"text": "cut off', b"{}", b"[]", b"null", b'{"label": "a"}', b'{"text": {"a": 1}}', b"\xc3\xa9", b"{}}", b'"text"',
    b'{"text": "a"} {"text": "b"}', b'{"text":', b'"half"}', b'{"text": "\\ud83d"}', b"[" * 5000,
    b'{"text": "x", "n": ' + b"[" * 5000 + b"}", b'{"text": [1]}', b'{"text": "a",}', b"{'text': 'a'}",
    b'{"text": "a" "label": "b"}',
]  # fmt: skip


def test_ten_thousand_lines_with_errors_anywhere_keep_their_numbers_and_contents():
    chance = random.Random(5)
    lines = [record(i) if chance.random() > 0.01 else chance.choice(BROKEN) for i in range(10_000)]
    columns, odd = converted(lines)
    good, bad = reference(lines)
    assert dict(zip(columns.lines, (said[0]["content"] for said in messages(columns)), strict=True)) == good
    assert [item.line for item in odd] == bad
    assert all(item.text == lines[item.line - 1].decode(errors="backslashreplace") for item in odd)
    assert columns.lines == sorted(columns.lines)


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize("place", [0, 1, 57, 99])
def test_one_odd_line_never_harms_its_neighbours(broken, place):
    lines = [record(i) for i in range(100)]
    lines[place] = broken
    columns, odd = converted(lines)
    assert [item.line for item in odd] == [place + 1]
    assert len(messages(columns)) == len(columns.digests) == len(columns.extra) == 99
    assert place + 1 not in columns.lines


def test_two_records_on_a_line_and_one_on_two_lines_do_not_shift_the_rest():
    lines = [record(0), b'{"text": "a"} {"text": "b"}', b'{"text":', b'"c"}', record(4)]
    columns, odd = converted(lines)
    assert columns.lines == [1, 5]
    assert [item.line for item in odd] == [2, 3, 4]


def test_a_record_over_two_lines_that_both_begin_and_end_with_braces_is_no_record():
    lines = [b'{"text": "a", "meta":', b'{"user": "u"}}', b'{"text": "b"}{"text": "c"}', record(3)]
    columns, odd = converted(lines)
    assert columns.lines == [4]
    assert [item.line for item in odd] == [1, 2, 3]


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**25), 10**25), st.text(max_size=5), st.just("NaN"), st.floats(allow_nan=True),
    st.lists(st.text(max_size=3), max_size=2), st.dictionaries(st.sampled_from(["user", "x"]), st.text(max_size=3), max_size=2),
)  # fmt: skip
RECORDS = st.dictionaries(st.sampled_from(["text", "label", "meta", "n", "new", "m.n"]), VALUES, max_size=5).map(
    lambda item: json.dumps(item).encode()
)
LINES = st.lists(
    st.one_of(RECORDS, RECORDS, st.sampled_from(BROKEN), st.integers(0, 50).map(record)), min_size=1, max_size=60
)


@settings(max_examples=150, deadline=None)
@given(LINES)
def test_the_fast_way_says_what_the_patient_way_says(lines):
    assert told(*converted(lines)) == told(*one_by_one(lines))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES)
def test_rows_and_rejects_are_the_records(tmp_path, lines):
    (tmp_path / "a.jsonl").write_bytes(b"\n".join([record(1), *lines]) + b"\n")
    result = read([tmp_path / "a.jsonl"], tmp_path / "a.vet")
    assert result.rows + result.rejects == len(lines) + 1
    rejected = {reject["line"]: reject["text"] for reject in result.dataset.rejects()}
    assert set(rejected) | set(result.dataset.rows["line"]) == set(range(1, len(lines) + 2))
    assert all(text == lines[line - 2].decode() for line, text in rejected.items())


def test_numbers_in_extra_keep_every_character():
    numbers = b'{"big": 123456789012345678901234567890, "small": 1e-400, "wide": 1.10, "exp": 1E5, "zero": -0.0}'
    columns, odd = converted(
        [b'{"text": "a", "n": ' + numbers + b"}", b'{"text": "b", "n": NaN, "meta": ' + numbers + b"}"]
    )
    assert not odd
    assert numbers in columns.extra[0]
    assert numbers in columns.extra[1]


def test_nan_becomes_null_outside_of_strings_only():
    converter = Converter(PLAN, list(KNOWN))
    lines = [b'{"text": "NaN and \\"Infinity", "n": [NaN, -Infinity, Infinity, 1.50]}', record(2)] * 50
    columns, odd = converter.convert(b"\n".join(lines) + b"\n", range(1, 101))
    assert not odd
    assert messages(columns)[0][0]["content"] == 'NaN and "Infinity'
    assert columns.extra[0] == b'{"n":[null, null, null, 1.50]}'
    assert converter.nan_records == 50


def test_a_rejected_line_with_nan_keeps_its_text():
    lines = [b'{"text": [1], "n": NaN}', record(1)]
    _, odd = converted(lines)
    assert odd[0].text == '{"text": [1], "n": NaN}'


def test_a_long_unfinished_string_costs_no_more_than_its_length():
    line = b'{"text": "NaN' + b'\\"' * 500_000
    columns, odd = converted([line])
    assert not columns.lines
    assert len(odd[0].text) == len(line)


def test_a_key_that_comes_after_the_sample_is_learnt_and_kept():
    converter = Converter(PLAN, list(KNOWN))
    lines = [record(i, late=f"v{i}") for i in range(3000)]
    columns, odd = converter.convert(b"\n".join(lines) + b"\n", range(1, 3001))
    assert not odd
    assert "late" in converter.known
    assert [json.loads(extra)["late"] for extra in columns.extra] == [f"v{i}" for i in range(3000)]


def test_keys_that_are_data_do_not_widen_the_table():
    converter = Converter(PLAN, list(KNOWN))
    lines = [record(i, **{f"key{i}": i}) for i in range(500)]
    columns, _ = converter.convert(b"\n".join(lines) + b"\n", range(1, 501))
    assert converter.known == KNOWN
    assert all(f"key{i}" in json.loads(extra) for i, extra in enumerate(columns.extra))


def test_a_missing_text_is_a_reject_on_both_ways_also_when_it_is_nested():
    plan = Plan("text", {"text": "meta.user"})
    lines = [record(i) for i in range(40)]
    lines[20] = b'{"text": "a", "meta": {}, "n": 1}'
    columns, odd = converted(lines, plan)
    assert [(item.line, item.reason) for item in odd] == [(21, "it has no 'meta.user'")]
    assert told(columns, odd) == told(*one_by_one(lines, plan))


def test_repeated_keys_are_seen_at_any_depth_and_broken_lines_have_none():
    assert repeated_key(b'{"a": 1, "a": 1}') == "a"
    assert repeated_key(b'{"a": [{"b": 1, "\\u0062": 2}]}') == "b"
    assert repeated_key(b'{"a": {"b": 1}, "b": 2}') is None
    assert repeated_key(b'{"a": 1, "a"') is None
    assert repeated_key(b"[" * 100_000) is None


def test_suspects_are_all_lines_that_name_a_key_twice_in_one_object_and_few_others():
    lines = [record(i, deep=[{"a": {"a": 1}}, {"a": 2}, {"b": "\\\\", "c": 1}], n_b=[[], {}]) for i in range(300)]
    doubled = {
        5: b'{"text": "a", "text": "b"}',
        50: b'{"text": "a", "meta": {"x": {}, "y": 1, "x": 2}}',
        51: b'{"text": "a", "meta": [{"x": 1}, {"x": [{}, {"z":1}], "q": 1, "x" : 2}]}',
        150: b'{"text": "}{", "\\u0074ext": "b"}',
        299: b'{"a long name of a key": 1, "x": {"a long name of a key": 2}, "a long name of a key": 3}',
    }
    for row, line in doubled.items():
        lines[row] = line
    lines[20] = b'{"text": "a'  # a line that never closes must not shift the others
    lines[21] = b"}}}{"
    assert suspects(b"\n".join(lines)) == list(doubled)


KEYS = st.tuples(st.sampled_from(["a", "b", "abcdefghi", "\\u0061"]), st.sampled_from([":", ": ", " :"]))
PAIRS = st.recursive(
    st.sampled_from(["1", '"a"', '"{"', '"\\\\"', '"\\""', "null"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ",".join(items) + "]"),
        st.lists(st.tuples(KEYS, inner), max_size=3)
        .map(lambda items: "{" + ", ".join(f'"{key}"{colon}{value}' for (key, colon), value in items) + "}"),
    ), max_leaves=8,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PAIRS, min_size=1, max_size=6))
def test_no_line_that_names_a_key_twice_is_left_unsuspected(lines):
    data = [line.encode() for line in lines]
    assert {row for row, line in enumerate(data) if repeated_key(line)} <= set(suspects(b"\n".join(data)))


CHAT = Plan("messages", {"messages": "messages", "tools": "tools", "label": "label", "group": "user"})
CHAT_KNOWN = ["messages", "tools", "label", "user", "n"]
SAID = st.text(alphabet='ab"\\/{}[]:, \n\té你😀\x7f', max_size=6)
MESSAGES = st.lists(
    st.one_of(
        st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "us\ner", "tool"]), "content": SAID}),
        st.fixed_dictionaries({"role": st.just("user"), "content": st.none()}, optional={"name": SAID}),
        st.fixed_dictionaries({"content": SAID, "role": st.just("user")}),
    ),
    max_size=4,
)  # fmt: skip
CHATS = st.builds(
    lambda record, spaced, ascii_only: json.dumps(
        record, ensure_ascii=ascii_only, separators=(", ", ": ") if spaced else (",", ":")
    ).encode(),
    st.one_of(
        st.fixed_dictionaries(
            {"messages": MESSAGES},
            optional={"user": SAID, "n": VALUES, "label": SAID, "tools": st.just([{"name": "f"}]), "new": VALUES},
        ),
        st.fixed_dictionaries({"n": st.builds(lambda said: {"messages": said}, MESSAGES), "messages": MESSAGES}),
        st.fixed_dictionaries({"n": st.builds(lambda said: {"messages": said}, MESSAGES)}),
    ),
    st.booleans(),
    st.booleans(),
)
ODD_CHATS = [
    b'{"messages": [{"content": "\\ud83d\\ude00\\u0000\\u001F\\u000a", "role": "\\u0075ser"}, {"role":"b","content":""}]}',
    b'{"messages": [{"role": "user", "content": "\\ud83d"}]}', b'{"messages": [{"role": "user", "content": "\\ude00\\ud83d"}]}',
    b'{"messages": [{"role": "user", "content": "\\ud83d\\u0041"}]}', b'{"messages": [{"role": "user", "content": "\\u12g4"}]}',
    b'{"messages": [{"content": "a", "content": "b"}]}', b'{"messages": [{"role": "user"}]}', b'{"messages": []}',
    b'{"messages":[{"role" : "user" ,"content" : "a" } , {"role":"b","content":"\\"\\\\\\""} ] , "n" : 1 }',
    b'{"messages": [{"role": "user", "content": "a"},]}', b'{"messages": [{"role": "user", "content": "a"} {}]}',
    b'{"n": {"a": 1, "b": {"a": 1, "a": 2}}, "messages": [{"role": "user", "content": "a"}]}',
    b'{"n": [{"a": 1}, {"a": 1}], "messages": [{"role": "user", "content": "a"}]}',
    b'{"\\u006e": 1, "n": 2, "messages": [{"role": "user", "content": "a"}]}',
    b'{"messages": [{"role": "user", "content": "a"}], "n": "\\', b'{"messages": [{"role": "user", "content": "a\\',
    b'{"messages": [{"role": "user", "content": "a"}]} {"n": 1}', b'{"messages": [{"role": "user", "content": "a"}], "n": 1}}',
    b'\t{"messages": [{"role": "user", "content": "a"}]}', b' {"messages": [{"role": "user", "content": "a"}]}',
    b'{"n":\t1, "messages": [{"role": "user", "content": "a"}]}', b"[]", b"x",
    b'{"messages": [{"role": "user", "content": "a"}], "messages": [{"role": "user", "content": "b"}]}',
    b'{"messages": [{"role": "user", "content": "a", "content": "b"}]}', b'{"messages": [{"role": "user", "content": "\\x"}]}',
    b'{"messages": [{"role": "user", "content": "tab\there"}]}', b'{"messages": [{"role": "user", "content": "a"}]',
    b'{"messages": [{"role": "user", "content": "a"}]]}', b'{"messages": [{"role": "user", "content": "\\u00e9\\/"}]}',
    b'{"messages": "' + b"\x7f" * 16 + b'"}', b'{"messages": [{"role": "user", "content": "' + b"\x7f" * 16 + b'"}]}',
    b'{"messages": "\\u007f' + b"\x7f" * 15 + b'", "n": {"messages": [{"role": "user", "content": "a"}]}}',
    b'{"n": NaN, "messages": [{"role": "user", "content": "a"}]}', b'{"messages": [{"role": "user", "content": "a\\\\"}]}',
    b'{"n": 1, "n": 2, "messages": [{"role": "user", "content": "a"}]}',
    b'{"messages": [{"role": "user", "role": "system", "content": "a"}]}',
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(CHATS, CHATS, CHATS, st.sampled_from(ODD_CHATS)), min_size=1, max_size=30))
def test_lifted_conversations_say_what_the_patient_way_says(lines):
    patient = told(*one_by_one(lines, CHAT, CHAT_KNOWN))
    assert told(*converted(lines, CHAT, CHAT_KNOWN)) == patient
    assert told(*converted(lines, CHAT, CHAT_KNOWN, compiled=True)) == patient


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("line", [*ODD_CHATS, b'{"messages": [{"content": "a", "content": "b", "role": "user"}]}'])
def test_odd_conversations_are_told_from_plain_ones(line, compiled):
    assert told(*converted([line], CHAT, CHAT_KNOWN, compiled=compiled)) == told(*one_by_one([line], CHAT, CHAT_KNOWN))


@pytest.mark.parametrize("compiled", [False, True])
def test_plain_conversations_are_lifted(compiled):
    said = [{"role": "user", "content": 'a "quote" \\ and\nmore'}, {"role": "assistant", "content": "你好"}]
    lines = [json.dumps({"n": i, "messages": said}, ensure_ascii=False).encode() for i in range(50)]
    columns, odd = converted(lines, CHAT, CHAT_KNOWN, compiled=compiled)
    assert isinstance(columns.said[0], Lifted)
    assert [[(one["role"], one["content"]) for one in row] for row in messages(columns)] == [
        [(one["role"], one["content"]) for one in said]
    ] * 50
    assert not odd


@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_fault_beside_lifted_conversations_stays_with_its_line(row):
    lines = [b'{"messages": [{"role": "user", "content": "%d"}], "n": 1}' % i for i in range(3)]
    lines[row] = b'{"messages": [{"role": "user", "content": "x"}], "n": 1, "n": 2}'
    columns, odd = converted(lines, CHAT, CHAT_KNOWN, compiled=True)
    assert [item.line for item in odd] == [row + 1]
    assert sorted(columns.lines) == [line for line in (1, 2, 3) if line != row + 1]


def test_a_large_file_is_read_to_the_same_bytes_as_a_small_one(tmp_path, monkeypatch):
    said = [[{"role": "user", "content": f"{i} \u00e9\n"}, {"content": "😀", "role": "assistant"}] for i in range(300)]
    calls = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    records = [{"messages": [*one, calls] if i % 7 == 0 else one, "n": i} for i, one in enumerate(said)]
    file = tmp_path / "chats.jsonl"
    file.write_text(
        "".join(json.dumps(record, ensure_ascii=i % 2 == 0) + "\n" for i, record in enumerate(records)),
        encoding="utf-8",
    )
    for large, out in ((1 << 60, "small.vet"), (0, "large.vet")):
        monkeypatch.setattr(writing, "_LARGE", large)
        assert read([file], tmp_path / out).rows == len(records)
    assert (tmp_path / "large.vet/rows.parquet").read_bytes() == (tmp_path / "small.vet/rows.parquet").read_bytes()


def test_what_cannot_be_written_ends_the_reading_at_once(tmp_path):
    """A full disk was told when the last byte of the source had been read."""

    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    def read_on():
        with writing._parquet_writer(tmp_path / "rows.parquet") as write:
            for number in range(1_000):
                write(full)
                put.append(number)

    put = []
    with pytest.raises(OSError, match="No space"):
        read_on()
    assert len(put) < 1_000


def test_reading_imports_no_pandas(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"messages": [{"role": "user", "content": "a"}]}\n' * 3)
    (tmp_path / "a.csv").write_text('text,label\n"a ""b""",c\nd,e\n')
    script = f"import sys; from vetset.curate import read; read([{str(tmp_path)!r}], {str(tmp_path / 'a.vet')!r})"
    done = subprocess.run(
        [sys.executable, "-c", script + "; print('pandas' in sys.modules)"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "False\n", done.stderr
