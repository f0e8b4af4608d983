"""Batch files: what the journal lacks goes out once, and every answer that comes back is kept."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.calls import Answer, Parameters, Request
from vetset.curate.distill.budget import Account, Budget, refused, unasked
from vetset.curate.distill.spending import most_of
from vetset.curate.errors import UsageError
from vetset.curate.messages import Said
from vetset.evaluate.models.batch_files import read_batch, withdraw_batch, write_batch
from vetset.evaluate.models.calling import answer_all
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.models.journal import Journal
from vetset.evaluate.models.keys import keys
from vetset.tests.evaluate.fault_server import completion

IDENTITY = {"kind": "openai", "url": "https://api.example/v1", "model": "tiny"}


class Teacher(CannedModel):
    """A model of that identity, which says what it is asked."""

    def __init__(self):
        super().__init__(lambda request: f"live: {request.messages[-1].content}")

    def identity(self):
        return IDENTITY


def requests(count, **fields):
    return [Request((Said("user", f"question {number}"),), **fields) for number in range(count)]


def write(path, journal, asked, **options):
    return write_batch(path, IDENTITY, "tiny", asked, journal, **options)


def lines(*paths):
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def provided(path, asked, *, fail=()):
    """Answer a batch as a provider does: out of order, the failures in a file of their own."""
    output, errors = path.with_name("output.jsonl"), path.with_name("errors.jsonl")
    with output.open("w") as good, errors.open("w") as bad:
        for line in reversed(asked):
            question = line["body"]["messages"][-1]["content"]
            status, body = 200, completion(question)
            if question in fail:
                status, body = 400, {"error": {"message": "too long", "code": "context_length_exceeded"}}
            response = {"status_code": status, "request_id": "r", "body": body}
            reply = {"id": "b", "custom_id": line["custom_id"], "response": response, "error": None}
            (good if status == 200 else bad).write(json.dumps(reply) + "\n")
    return [output, errors]


def test_a_batch_there_and_back_is_as_if_every_call_had_been_asked_one_by_one(tmp_path):
    asked = requests(30, parameters=Parameters(max_tokens=9, schema='{"type": "object"}'))
    with Journal(tmp_path / "calls.jsonl") as journal:
        answer_all(Teacher(), asked[:4], journal=journal)
        written = write(tmp_path / "batch.jsonl", journal, [*asked, asked[7]])
        assert (written.calls, written.known, written.waiting, written.refused) == (26, 4, 0, ())
        sent = lines(*written.files)
        assert [line["custom_id"] for line in sent] == list(keys(IDENTITY, asked[4:]))
        assert {(line["method"], line["url"]) for line in sent} == {("POST", "/v1/chat/completions")}
        assert sent[0]["body"]["messages"] == [{"role": "user", "content": "question 4"}]
        assert sent[0]["body"]["max_tokens"] == 9
        assert sent[0]["body"]["response_format"]["type"] == "json_schema"
    with Journal(tmp_path / "calls.jsonl") as journal:  # another process
        found = read_batch(provided(tmp_path / "batch.jsonl", sent, fail=("question 9",)), journal)
        assert (found.answers, found.failed, found.known, found.waiting) == (25, 1, 0, 0)
        assert found.why == {"status 400, 'too long'": 1}
        assert found.note == "25 new answers; 1 failed (status 400, 'too long'), which a later run asks again."
        teacher = Teacher()
        answers = answer_all(teacher, asked, journal=journal)
        assert teacher.asked == [asked[9]]
        assert [answer.text for answer in answers[3:6]] == ["live: question 3", "re: question 4", "re: question 5"]
        assert answers[5].seconds is None


def test_reading_again_adds_nothing(tmp_path):
    with Journal(tmp_path / "calls.jsonl") as journal:
        written = write(tmp_path / "batch.jsonl", journal, requests(9))
        files = provided(tmp_path / "batch.jsonl", lines(*written.files), fail=("question 1", "question 2"))
        read_batch(files, journal)
        before = journal.path.read_bytes()
        again = read_batch(files, journal)
        assert (again.answers, again.known, again.failed) == (0, 7, 2)
        assert journal.path.read_bytes() == before


def test_what_cannot_be_kept_is_counted_and_told_and_spoils_nothing(tmp_path):
    with Journal(tmp_path / "calls.jsonl") as journal:
        written = write(tmp_path / "batch.jsonl", journal, requests(6))
        output, errors = provided(tmp_path / "batch.jsonl", lines(*written.files))
        good = output.read_text().splitlines()
        other = json.loads(good[0])
        other["response"]["body"]["choices"][0]["message"]["content"] = "something else"
        stranger = {**json.loads(good[1]), "custom_id": "ab" * 32}
        tool = {**json.loads(good[1]), "custom_id": "request-1"}
        expired = {
            "custom_id": json.loads(good[5])["custom_id"],
            "response": None,
            "error": {
                "code": "batch_expired",
                "message": "This request could not be executed before the window expired.",
            },
        }
        cut = good[4][:50]
        output.write_text(
            "\n".join([*good[:4], json.dumps(other), json.dumps(stranger), "", json.dumps(tool), cut, "\x00\x01", "[]"])
        )
        errors.write_text(json.dumps(expired) + "\n")
        found = read_batch([output, errors], journal)
        assert (found.answers, found.doubles, found.strangers, found.unknown) == (5, 1, 1, 1)
        assert (found.damaged, found.failed, found.waiting) == (3, 1, 1)
        assert found.examples["unknown"] == "output.jsonl line 8: 'request-1'"
        assert found.examples["double"] == "output.jsonl line 5"
        assert "1 still waiting" in found.note
        assert "could not be executed" in found.note
        assert journal.answers["ab" * 32].text == "re: question 4"
        output.write_text(good[4] + "\n")  # fetched again
        assert read_batch([output], journal).answers == 1


def test_a_server_that_failed_inside_a_reply_and_a_filter_are_told_apart(tmp_path):
    with Journal(tmp_path / "calls.jsonl") as journal:
        write(tmp_path / "batch.jsonl", journal, requests(4))
        first, second, third, fourth = keys(IDENTITY, requests(4))
        replies = [
            {"custom_id": first, "response": {"status_code": 200, "body": {"choices": []}}, "error": None},
            {"custom_id": second, "response": {"status_code": 400, "body": {"error": {"code": "content_filter"}}}},
            {"custom_id": third, "response": completion("bare")},
            {"custom_id": fourth, "response": {"status_code": 429, "body": None}, "error": None},
        ]
        (tmp_path / "output.jsonl").write_text("\n".join(map(json.dumps, replies)))
        found = read_batch([tmp_path / "output.jsonl"], journal)
        assert (found.answers, found.failed) == (2, 2)
        assert journal.answers[second] == Answer(finish="filtered")
        assert journal.answers[third].text == "re: bare"
        assert [one.key for one in journal.former().vain] == [first]  # the fourth was turned away
        assert fourth not in journal.in_batch()


def test_a_call_in_a_batch_is_asked_nowhere_else_until_it_is_read_back_or_withdrawn(tmp_path):
    with Journal(tmp_path / "calls.jsonl") as journal:
        written = write(tmp_path / "batch.jsonl", journal, requests(3))
        again = write(tmp_path / "more.jsonl", journal, requests(4))
        assert (again.calls, again.waiting) == (1, 3)
    with Journal(tmp_path / "calls.jsonl") as journal:
        assert journal.note is None  # it is no call that was cut off
        teacher = Teacher()
        answers = answer_all(teacher, requests(5), journal=journal)
        assert list(map(unasked, answers)) == [True] * 4 + [False]
        assert not any(map(refused, answers))
        assert len(teacher.asked) == 1
        assert withdraw_batch(written.files, journal) == 3
        assert withdraw_batch(written.files, journal) == 0
        answer_all(teacher, requests(5), journal=journal)
        assert len(teacher.asked) == 4


def test_calls_in_a_batch_count_at_the_most_they_can_take_until_they_are_settled(tmp_path):
    most = most_of(requests(1)[0])
    budget = Budget(tokens=most.tokens * 5)
    with Journal(tmp_path / "calls.jsonl") as journal:
        account = Account(budget)
        written = write(
            tmp_path / "batch.jsonl",
            journal,
            requests(9),
            before=lambda place, request: account.reserve(place, account.most_of(request)),
        )
        assert written.calls == 5
        assert written.most == most.times(5)
        assert len(written.refused) == 4
        assert refused(Answer(finish="error", error=written.refused[0]))
    with Journal(tmp_path / "calls.jsonl") as journal:
        account = Account(budget, former=journal.former())
        assert account.unknown == most.times(5)
        assert account.room_for(most) is not None
        read_batch(provided(tmp_path / "batch.jsonl", lines(*written.files), fail=("question 2",)), journal)
        account = Account(budget, former=journal.former())
        assert account.unknown == most  # status 400: some bill what they refuse for its words
        assert (account.settled.calls, account.settled.tokens) == (4, 4 * (2 + 2))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 400), max_size=25), st.integers(1, 8), st.integers(1, 3000))
def test_files_are_split_under_both_limits_and_hold_every_call_once(tmp_path_factory, lengths, most, size):
    folder = tmp_path_factory.mktemp("batch")
    asked = [Request((Said("user", "x" * length + str(number)),)) for number, length in enumerate(lengths)]
    with Journal(folder / "calls.jsonl") as journal:
        written = write(folder / "batch.jsonl", journal, asked, lines=most, size=size)
    assert [line["custom_id"] for line in lines(*written.files)] == list(keys(IDENTITY, asked))
    for file in written.files:
        text = file.read_bytes()
        assert text.count(b"\n") <= most
        assert len(text) <= size or text.count(b"\n") == 1
    if asked:
        assert [file.name for file in written.files[:2]] == ["batch.jsonl", "batch-2.jsonl"][: len(written.files)]


def test_a_file_that_stands_there_is_left_alone_and_nothing_is_said_to_be_asked(tmp_path):
    (tmp_path / "batch.jsonl").write_text("mine")
    with Journal(tmp_path / "calls.jsonl") as journal:
        with pytest.raises(UsageError, match=r"batch\.jsonl stands there already"):
            write(tmp_path / "batch.jsonl", journal, requests(2))
        assert journal.in_batch() == {}
        with pytest.raises(UsageError, match="can't be written"):
            write(tmp_path / "no" / "batch.jsonl", journal, requests(2))
        assert write(tmp_path / "none.jsonl", journal, []).files == ()
    assert (tmp_path / "batch.jsonl").read_text() == "mine"
    assert not (tmp_path / "none.jsonl").exists()


def test_the_wrong_file_is_told(tmp_path):
    with Journal(tmp_path / "calls.jsonl") as journal:
        written = write(tmp_path / "batch.jsonl", journal, requests(2))
        with pytest.raises(UsageError, match=r"batch\.jsonl is a batch as it is sent; give the output"):
            read_batch(written.files, journal)
        with pytest.raises(UsageError, match="can't be read"):
            read_batch([tmp_path / "missing.jsonl"], journal)
        with pytest.raises(UsageError, match="can't be read"):
            withdraw_batch([tmp_path / "missing.jsonl"], journal)


def test_a_cap_that_has_another_name_is_written_under_it_alone(tmp_path):
    with Journal(tmp_path / "calls.jsonl") as journal:
        written = write(tmp_path / "batch.jsonl", journal, requests(1), extra={"max_completion_tokens": 900})
    body = lines(*written.files)[0]["body"]
    assert body["max_completion_tokens"] == 900
    assert "max_tokens" not in body


def test_a_request_that_cannot_be_written_is_left_out_and_told(tmp_path):
    asked = [*requests(1), Request((Said("user", "x"),), tools="no JSON")]
    with Journal(tmp_path / "calls.jsonl") as journal:
        written = write(tmp_path / "batch.jsonl", journal, asked)
        assert written.calls == 1
        assert "the tools 'no JSON' are no JSON" in written.refused[0]
