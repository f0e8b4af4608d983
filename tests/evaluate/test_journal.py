"""The journal: what was acknowledged stands, whatever happens to the file."""

import json
import multiprocessing
import os
import resource
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.distill.spending import Spent
from vetset.curate.errors import DataError, UsageError
from vetset.curate.messages import Said
from vetset.evaluate.models.journal import Journal
from vetset.evaluate.models.journal_lines import Line, read_line, write_line
from vetset.evaluate.models.keys import keys
from vetset.evaluate.models.protocol import Answer, Parameters, Request


def request(text="2 + 2?", **fields):
    return Request((Said("user", text),), **fields)


def key(request, identity=None):
    return next(keys(identity or {"kind": "canned"}, [request]))


def test_the_key_of_a_request_stays_what_it_was_in_earlier_versions():
    asked = Request(
        (Said("system", "Be brief."), Said("user", "Grüße?")),
        parameters=Parameters(temperature=0.7, stop=("\n",)),
        sample=2,
    )
    assert (
        key(asked, {"model": "m", "adapter": None})
        == "d77cc095c7b72760cdacfd8022c19fcac6bbdc92dad8ebaea95e4c5ae0967828"
    )


def test_all_that_changes_an_answer_changes_the_key_and_nothing_else_does():
    base = key(request())
    others = [
        request("2 + 3?"),
        request(sample=1),
        request(tools="[]"),
        *(
            request(parameters=Parameters(**change))
            for change in (
                {"temperature": 1}, {"top_p": 0.9}, {"max_tokens": 5}, {"stop": ("a",)}, {"seed": 0}, {"schema": "{}"},
                {"top_logprobs": 1},
            )
        ),
        Request((Said("system", "2 + 2?"),)),
        Request((Said("user", "2 + 2?"), Said("user", ""))),
    ]  # fmt: skip
    assert len({base, *map(key, others)}) == len(others) + 1
    assert key(request(), {"kind": "another"}) != base
    assert key(request(parameters=Parameters(temperature=0))) == base
    assert key(request(parameters=Parameters(temperature=1, top_p=1))) == key(
        request(parameters=Parameters(temperature=1.0, top_p=1.0))
    )
    assert key(request(), {"a": 1, "b": {"c": 2, "d": 3}}) == key(request(), {"b": {"d": 3, "c": 2}, "a": 1})


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(0, 10**6),
    st.sampled_from(["stop", "length", "error"]),
)
def test_a_line_is_read_as_it_was_written(text, tokens, finish):
    line = Line(answered="ab", by="1", answer=Answer(text=text, finish=finish, completion_tokens=tokens, seconds=0.25))
    written = write_line(line)
    assert b"\n" not in written
    assert read_line(written) == ("whole", line)
    assert json.loads(written)["answer"].get("text") == text


@given(st.data())
def test_no_part_of_a_line_and_no_line_with_another_byte_is_taken_for_one(data):
    written = write_line(Line(answered="ab", by="1", answer=Answer(text='{"x":"y"}')))
    cut = data.draw(st.integers(0, len(written) - 1))
    assert read_line(written[:cut]).line is None
    at = data.draw(st.integers(0, len(written) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != written[at]))
    assert read_line(written[:at] + bytes([byte]) + written[at + 1 :]).line is None


def test_answers_are_known_to_the_next_who_opens_it_and_failures_are_not(tmp_path):
    with Journal(tmp_path / "a" / "journal.jsonl") as journal:
        journal.write_answer("good", Answer(text="4", prompt_tokens=3))
        journal.write_answer("bad", Answer(finish="error", error="no server"))
        journal.write_answer("good", Answer(text="5"))
    with Journal(journal.path) as again:
        assert again.answers == {"good": Answer(text="4", prompt_tokens=3)} == journal.answers
        assert again.note is None
        again.write_answer("bad", Answer(text="at last"))
    assert Journal(journal.path).answers["bad"].text == "at last"


@pytest.mark.parametrize("kept", range(0, 120, 7))
def test_a_torn_tail_is_passed_over_and_spoils_nothing_that_follows(tmp_path, kept):
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.write_answer("one", Answer(text="1"))
        begun = path.stat().st_size
        journal.write_answer("two", Answer(text="2" * 100))
    os.truncate(path, begun + kept)
    with Journal(path) as again:
        assert set(again.answers) == {"one"}
        assert (again.note is not None and "cut off by a kill" in again.note) == again.torn == (kept > 1)
        again.write_answer("three", Answer(text="3"))
    with Journal(path) as third:
        assert set(third.answers) == {"one", "three"}
        assert third.note is None


def test_a_call_that_was_sent_and_never_answered_is_told_until_somebody_answers_it(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write_asked("one")
    with Journal(journal.path) as again:
        assert "1 call was sent and never answered" in again.note
        again.write_asked("one")
        again.write_answer("one", Answer(text="1"))
    with Journal(journal.path) as third:
        assert third.note is None


def test_a_try_that_never_left_settles_itself_and_no_try_before_it(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        for key in ("lost", "lost", "free"):
            journal.write_asked(key)
        journal.write_unsent("lost")
        journal.write_unsent("free")
        assert [(call.key, call.tries) for call in journal.unsettled()] == [("lost", 1)]
    with Journal(journal.path) as again:
        assert [(call.key, call.tries) for call in again.unsettled()] == [("lost", 1)]
        assert again.sent_in_vain({"free", "of another model"}) is None
        assert "1 call was sent" in again.sent_in_vain({"lost"})


def test_damaged_lines_in_the_middle_are_counted_and_told_and_cost_only_themselves(tmp_path):
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        for number in range(5):
            journal.write_answer(str(number), Answer(text=f"answer {number}"))
    lines = path.read_bytes().split(b"\n")
    lines[3] = lines[3].replace(b"answer 1", b"answer 7")
    lines[5] = b"\0" * 50
    path.write_bytes(b"\n".join(lines))
    with Journal(path) as again:
        assert set(again.answers) == {"0", "2", "4"}
        assert again.damaged == 2
        assert again.note == f"{path}: 2 lines can't be read and are passed over; what stood there is asked again."


@pytest.mark.parametrize("text", [b"a,b\n1,2\n", b'{"id": 1}\n', b'{"id": 1}', b"\0\0\0"])
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(tmp_path, text):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(text)
    with pytest.raises(UsageError, match=r"rows\.jsonl is no journal"):
        Journal(path)
    assert path.read_bytes() == text


def test_a_journal_that_was_killed_at_birth_or_never_written_to_is_a_journal(tmp_path):
    for text in (b"", b'\n{"jour'):
        (tmp_path / "journal.jsonl").write_bytes(text)
        with Journal(tmp_path / "journal.jsonl") as journal:
            journal.write_answer("a", Answer(text="b"))
        assert set(Journal(journal.path).answers) == {"a"}


def test_a_journal_of_a_newer_version_is_refused(tmp_path):
    (tmp_path / "journal.jsonl").write_bytes(write_line(Line(journal="vetset journal 2")))
    with pytest.raises(DataError, match="update vetset"):
        Journal(tmp_path / "journal.jsonl")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(UsageError, match="can't be written"):
        Journal(tmp_path)


def test_a_full_disk_is_told_and_what_was_acknowledged_before_stands(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write_answer("a", Answer(text="1"))
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size + 40, before[1]))
        try:
            with pytest.raises(UsageError, match=r"can't be written any more .*every answer up to here is kept"):
                journal.write_answer("b", Answer(text="2"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert "b" not in journal.answers
        journal.write_answer("c", Answer(text="3"))
    with Journal(journal.path) as again:
        assert set(again.answers) == {"a", "c"}


def test_a_disk_that_takes_no_flush_is_told_with_the_file():
    journal = Journal("/dev/null", flush=60)  # takes every write, and fails at every flush
    with pytest.raises(UsageError, match=r"/dev/null can't be brought to the disk"):
        journal.flush()
    journal.write_answer("a", Answer(text="1"))
    with pytest.raises(UsageError, match=r"/dev/null can't be"):
        journal.close()
    journal.close()


def test_what_was_sent_and_never_answered_is_listed_also_when_another_run_has_answered_it_since(tmp_path):
    path = tmp_path / "journal.jsonl"
    with Journal(path) as first:
        for name in ("a", "b", "b", "c"):
            first.write_asked(name)
        first.write_answer("a", Answer(text="1"))
        first.write_answer("c", Answer(finish="error", error="refused"))
        assert [call.key for call in first.unsettled()] == ["b"]
    with Journal(path) as second:
        second.write_asked("b")
        second.write_answer("b", Answer(text="2"))
        assert [(call.key, call.tries, call.by) for call in second.unsettled()] == [("b", 2, first.by)]
        assert abs(second.unsettled()[0].at - time.time()) < 60


def test_what_answers_took_and_tries_in_vain_can_have_taken_is_known_to_the_next_who_opens_it(tmp_path):
    most, took = Spent(1, 100, 50), {"prompt_tokens": 9, "completion_tokens": 4}
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write_asked("first", most)
        journal.write_answer("first", Answer(text="1", **took))
        journal.write_asked("silent", most)  # its server tells no usage
        journal.write_answer("silent", Answer(text="2"))
        for _ in range(3):
            journal.write_asked("third time", most)
        journal.write_answer("third time", Answer(text="3", **took))
        journal.write_asked("given up", most)
        journal.write_answer("given up", Answer(finish="error", error="it broke off"))
        journal.write_asked("turned away", most)
        journal.write_unsent("turned away")
        journal.write_asked("anew", most)
        journal.write_answer("anew", Answer(text="4", **took))
        journal.write_asked("anew", most)
        journal.write_answer("anew", Answer(text="5", **took), anew=True)
        journal.write_answer("elsewhere", Answer(text="6", **took), taken="old.jsonl")
        journal.write_asked("open", most)
        journal.write_asked("open", most)
        journal.write_asked("of an older version")
        here = journal.former()
    with Journal(journal.path) as again:
        former = again.former()
    assert former == here
    assert former.settled == Spent(5, 9 * 4 + 100, 4 * 4 + 50)
    vain = {one.key: (one.tries, one.most, one.at is None) for one in former.vain}
    assert vain == {
        "third time": (2, most, True),
        "given up": (1, most, True),
        "open": (2, most, False),
        "of an older version": (1, None, False),
    }
    assert former.unknown == most.times(5)


def _write(path, name, count, barrier):
    with Journal(path) as journal:
        barrier.wait()
        for number in range(count):
            journal.write_answer(f"{name}{number}", Answer(text=name * (number % 50) * 100))


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    path, count = tmp_path / "journal.jsonl", 300
    spawn = multiprocessing.get_context("fork")
    barrier = spawn.Barrier(3)
    writers = [spawn.Process(target=_write, args=(path, name, count, barrier)) for name in "abc"]
    for writer in writers:
        writer.start()
    with Journal(path) as looked_at:
        while any(writer.is_alive() for writer in writers):
            looked_at.read()
            writers[0].join(0.01)
        for writer in writers:
            writer.join()
            assert writer.exitcode == 0
        looked_at.read()
        assert len(looked_at.answers) == 3 * count
        assert looked_at.damaged == 0
    with Journal(path) as again:
        assert again.answers == looked_at.answers


def test_ten_thousand_answers_are_known_within_a_fraction_of_a_second(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        for number in range(10_000):
            name = f"{number:064}"
            journal.write_asked(name)
            journal.write_answer(name, Answer(text="a word " * 50, prompt_tokens=9, completion_tokens=50, seconds=1.25))
    started = time.process_time()
    again = Journal(journal.path)
    assert time.process_time() - started < 1.5  # 0.05 on a quiet machine
    assert len(again.answers) == 10_000
    again.close()
