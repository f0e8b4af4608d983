"""Answers to many requests: what is known is not asked, what is asked is kept."""

import time

import pytest
from vetset.curate.errors import UsageError
from vetset.curate.messages import Said
from vetset.evaluate.models.calling import answer_all
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.models.journal import Journal
from vetset.evaluate.models.protocol import Answer, Parameters, Request


def requests(count, **fields):
    return [Request((Said("user", f"question {number}"),), **fields) for number in range(count)]


def echo(name="echo"):
    return CannedModel(lambda request: f"re: {request.messages[-1].content} #{request.sample}", name=name)


def test_an_unchanged_rerun_asks_nothing_and_more_rows_ask_only_theirs(tmp_path):
    path = tmp_path / "journal.jsonl"
    first = answer_all(echo(), requests(20), journal=path)
    again = echo()
    assert answer_all(again, requests(20), journal=path) == first
    assert again.asked == []
    more = answer_all(again, requests(25), journal=path)
    assert more[:20] == first
    assert again.asked == requests(25)[20:]
    assert [answer.text for answer in more] == [f"re: question {number} #0" for number in range(25)]


def test_another_model_or_another_temperature_is_asked_anew(tmp_path):
    path = tmp_path / "journal.jsonl"
    answer_all(echo(), requests(3), journal=path)
    other = echo("other")
    answer_all(other, requests(3), journal=path)
    answer_all(other, requests(3, parameters=Parameters(temperature=1.0)), journal=path)
    assert len(other.asked) == 6


def test_requests_that_are_the_same_are_asked_once_and_samples_are_not_the_same():
    model = echo()
    asked = [*requests(2), *requests(2), *requests(2, sample=1)]
    told = []
    answers = answer_all(model, asked, told=lambda place, answer: told.append((place, answer.text)))
    assert [answer.text for answer in answers] == [
        *["re: question 0 #0", "re: question 1 #0"] * 2, "re: question 0 #1", "re: question 1 #1",
    ]  # fmt: skip
    assert [place for place, _ in told] == [0, 1, 4, 5]
    assert len(model.asked) == 4


def test_a_failure_is_an_answer_now_and_asked_again_later(tmp_path):
    path = tmp_path / "journal.jsonl"
    given = {"question 0": Answer(finish="error", error="the server was away"), "question 1": "yes"}
    flaky = CannedModel(lambda request: given[request.messages[-1].content])
    assert [answer.finish for answer in answer_all(flaky, requests(2), journal=path)] == ["error", "stop"]
    later = CannedModel(lambda request: "now")
    assert [answer.text for answer in answer_all(later, requests(2), journal=path)] == ["now", "yes"]
    assert len(later.asked) == 1


def test_what_was_answered_before_a_crash_is_kept(tmp_path):
    def crash(request):
        if request.messages[-1].content == "question 7":
            raise RuntimeError("out of memory")
        return "fine"

    path = tmp_path / "journal.jsonl"
    with pytest.raises(RuntimeError):
        answer_all(CannedModel(crash), requests(10), journal=path)
    model = CannedModel(lambda request: "fine")
    assert [answer.text for answer in answer_all(model, requests(10), journal=path)] == ["fine"] * 10
    assert len(model.asked) == 3


def test_a_budget_is_asked_before_each_call_and_what_it_refuses_says_why():
    model, left = echo(), [2]

    def reserve(place, request):
        left[0] -= 1
        return None if left[0] >= 0 else "the budget of 2 calls is spent."

    answers = answer_all(model, requests(4), before=reserve)
    assert [answer.error for answer in answers] == [None, None, *["the budget of 2 calls is spent."] * 2]
    assert len(model.asked) == 2


def test_a_model_that_passes_a_request_over_leaves_an_error_in_its_place(tmp_path):
    class Forgetful(CannedModel):
        def answer(self, requests, done):
            super().answer(requests[:1], done)
            done(0, Answer(text="a second answer"))

    answers = answer_all(Forgetful({"*": "yes"}, name="forgetful"), requests(2), journal=tmp_path / "journal.jsonl")
    assert [(answer.text, answer.error) for answer in answers] == [("yes", None), (None, "forgetful gave no answer.")]


def test_an_opened_journal_stays_open_and_several_runs_share_it(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        answer_all(echo(), requests(2), journal=journal)
        model = echo()
        answer_all(model, requests(3), journal=journal)
        assert len(model.asked) == 1
        journal.write_answer("more", Answer(text="yes"))


def test_nothing_is_asked_for_no_requests(tmp_path):
    assert answer_all(echo(), [], journal=tmp_path / "journal.jsonl") == []
    with pytest.raises(UsageError, match="1 ids for 2 requests"):
        answer_all(echo(), requests(2), ids=["a"])


@pytest.mark.parametrize("rows", [1_000, 10_000])
def test_a_row_costs_less_than_a_tenth_of_a_millisecond_with_the_journal_on_disk(tmp_path, rows):
    asked = [Request((Said("user", f"question {number} " + "word " * 80),)) for number in range(rows)]
    model = CannedModel(lambda request: "an answer " * 20)
    started = time.process_time()
    answer_all(model, asked, journal=tmp_path / "journal.jsonl")
    assert (time.process_time() - started) / rows < 0.0001
    assert len(model.asked) == rows
