"""What other runs have paid for may be taken over: by the same key, or under another name of the same model."""

import os
import stat

import pytest
from vetset.curate.calls import Answer, Parameters, Request
from vetset.curate.distill.spending import Spent
from vetset.curate.errors import DataError, UsageError
from vetset.curate.messages import Said
from vetset.evaluate.models.calling import answer_all
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.models.journal import Journal
from vetset.evaluate.models.journal_lines import Line, write_line
from vetset.evaluate.models.reuse import OWN, Known, elsewhere, open_known, read_answers


class Served(CannedModel):
    """A model behind an address."""

    def __init__(self, url="http://a/v1"):
        super().__init__(
            lambda request: Answer(text=f"re: {request.messages[-1].content}", prompt_tokens=5, completion_tokens=2)
        )
        self.url = url

    def identity(self):
        return {"kind": "openai", "url": self.url, "model": "tiny"}


def requests(count, **fields):
    return [Request((Said("user", f"question {number}"),), **fields) for number in range(count)]


def test_answers_of_another_journal_are_taken_over_for_nothing_and_kept(tmp_path):
    answer_all(Served(), requests(5), journal=tmp_path / "old.jsonl")
    model = Served()
    with Journal(tmp_path / "new.jsonl") as journal:
        told = []
        answers = answer_all(
            model, requests(8), journal=journal, known=open_known([tmp_path / "old.jsonl"]),
            told=lambda place, answer: told.append(place),
        )  # fmt: skip
        assert [answer.text for answer in answers] == [f"re: question {number}" for number in range(8)]
        assert model.asked == requests(8)[5:]
        assert told == [5, 6, 7]
        assert journal.settled == Spent(3, 15, 6)
    (tmp_path / "old.jsonl").unlink()
    with Journal(tmp_path / "new.jsonl") as journal:  # the run is whole by itself, and still has paid for three alone
        assert answer_all(model, requests(8), journal=journal) == answers
        assert journal.settled == journal.former().settled == Spent(3, 15, 6)
    assert len(model.asked) == 3


def test_another_address_of_the_same_model_counts_where_it_is_said_to_and_not_otherwise(tmp_path):
    answer_all(Served("http://b/v1"), requests(3), journal=tmp_path / "old.jsonl")
    other = elsewhere(Served().identity(), "http://b/v1")
    model = Served()
    answer_all(model, requests(3), journal=tmp_path / "new.jsonl", known=open_known([tmp_path / "old.jsonl"]))
    assert len(model.asked) == 3
    with Journal(tmp_path / "newer.jsonl") as journal:
        known = open_known([tmp_path / "old.jsonl"], same_as=[other])
        answer_all(model, requests(3), journal=journal, known=known)
        assert len(model.asked) == 3
        assert journal.settled == Spent()
    answer_all(
        model, requests(3), journal=tmp_path / "old.jsonl", known=Known({}, [other])
    )  # its own, by its other name
    assert len(model.asked) == 3
    assert f'"taken":"{OWN}"' in (tmp_path / "old.jsonl").read_text()


def test_what_is_read_otherwise_is_not_asked_again_and_what_is_asked_otherwise_is(tmp_path):
    model = Served()
    asked = requests(6)
    lengths = [len(answer.text) for answer in answer_all(model, asked, journal=tmp_path / "calls.jsonl")]
    words = [
        answer.text.split() for answer in answer_all(model, asked, journal=tmp_path / "calls.jsonl")
    ]  # another parser
    assert len(words) == len(lengths) == len(model.asked) == 6
    warmer = requests(6, parameters=Parameters(temperature=0.7))
    answer_all(model, warmer, journal=tmp_path / "new.jsonl", known=open_known([tmp_path / "calls.jsonl"]))
    assert len(model.asked) == 12


def test_a_known_answer_of_no_use_is_asked_anew_and_not_taken_over_again(tmp_path):
    answer_all(Served(), requests(2), journal=tmp_path / "old.jsonl")
    known = open_known([tmp_path / "old.jsonl"])
    model = Served()
    answer_all(model, requests(2), journal=tmp_path / "new.jsonl", known=known)
    answer_all(model, requests(2), journal=tmp_path / "new.jsonl", known=known, again=lambda place, answer: place == 1)
    assert model.asked == requests(2)[1:]


def test_without_a_journal_known_answers_count_too(tmp_path):
    answer_all(Served(), requests(2), journal=tmp_path / "old.jsonl")
    model = Served()
    assert len(answer_all(model, requests(2), known=open_known([tmp_path / "old.jsonl"]))) == 2
    assert model.asked == []


def test_a_journal_that_is_reused_is_only_read(tmp_path):
    path = tmp_path / "old.jsonl"
    with Journal(path) as journal:
        journal.write_answer("a", Answer(text="1"))
        journal.write_answer("a", Answer(text="2"))
        journal.write_answer("a", Answer(text="3"), anew=True)
        journal.write_answer("b", Answer(finish="error", error="no"))
        assert read_answers(path) == journal.answers == {"a": Answer(text="3")}  # another process may be at work on it
    path.write_bytes(path.read_bytes() + b"\n" + write_line(Line(answered="c", answer=Answer(text="4")))[:-9])
    before, names = path.read_bytes(), os.listdir(tmp_path)
    path.chmod(stat.S_IRUSR)
    assert set(open_known([path]).answers) == {"a"}
    assert (path.read_bytes(), os.listdir(tmp_path)) == (before, names)


def test_the_first_journal_that_knows_a_call_has_the_word(tmp_path):
    for name, text in (("one", "1"), ("two", "2")):
        with Journal(tmp_path / name) as journal:
            journal.write_answer("a", Answer(text=text))
            journal.write_answer(name, Answer(text=text))
    known = open_known([tmp_path / "two", tmp_path / "one"])
    assert {key: taken.answer.text for key, taken in known.answers.items()} == {"a": "2", "two": "2", "one": "1"}
    assert known.answers["one"].origin == str(tmp_path / "one")


def test_a_file_that_is_missing_or_no_journal_is_told_and_nothing_is_made(tmp_path):
    with pytest.raises(UsageError, match=r"missing\.jsonl can't be read"):
        open_known([tmp_path / "missing.jsonl"])
    assert os.listdir(tmp_path) == []
    for text in (b"", b'{"id": 1}\n', b"\xff\x00"):
        (tmp_path / "rows.jsonl").write_bytes(text)
        with pytest.raises(UsageError, match=r"rows\.jsonl is no journal"):
            open_known([tmp_path / "rows.jsonl"])
    (tmp_path / "newer.jsonl").write_bytes(write_line(Line(journal="vetset journal 2")))
    with pytest.raises(DataError, match="update vetset"):
        open_known([tmp_path / "newer.jsonl"])
    with pytest.raises(UsageError, match="this teacher is no server"):
        elsewhere({"kind": "canned"}, "http://b/v1")
