"""A server that is slow, full, broken or not there: every call is settled, and nothing is sent that need not be."""

import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from vetset.curate.errors import UsageError
from vetset.curate.messages import Said
from vetset.evaluate.models.calling import answer_all
from vetset.evaluate.models.journal import Journal
from vetset.evaluate.models.openai_client import Limits, OpenAIModel
from vetset.evaluate.models.protocol import Request
from vetset.tests.evaluate.fault_server import Faults, completion, serving
from vetset.tests.evaluate.loops import run

QUICK = Limits(pause=0.01)


def requests(count):
    return [Request((Said("user", f"question {number}"),)) for number in range(count)]


def texts(count):
    return [f"re: question {number}" for number in range(count)]


def failing(status, message="a word", headers=None, **fields):
    return lambda body: (status, headers or {}, {"error": {"message": message, **fields}})


def test_every_call_is_answered_whatever_befalls_it_on_the_way(tmp_path):
    faults = Faults(latency=0.002, busy=0.05, error=0.05, drop=0.05, cut=0.05, seed=3)
    with serving(faults) as server, Journal(tmp_path / "journal.jsonl") as journal:
        model = OpenAIModel("tiny", server.url, limits=QUICK)
        answers = answer_all(model, requests(400), journal=journal)
        assert [answer.text for answer in answers] == texts(400)
        assert {answer.served_by for answer in answers} == {"served"}
        assert all(
            answer.prompt_tokens == 2 and answer.completion_tokens == 2 and answer.seconds > 0 for answer in answers
        )
        assert server.told[500] > 5
        assert server.told[429] > 5
        assert sum(server.seen.values()) > server.told.total() - server.told[500]  # some were dropped without a word
        assert max(server.paid.values()) > 1  # a reply that was cut is paid for and asked again
        assert journal.unsettled() == []
        before = sum(server.seen.values())
        assert answer_all(model, requests(400), journal=journal) == answers
        assert sum(server.seen.values()) == before


def test_as_many_calls_are_under_way_as_the_server_bears():
    with serving(Faults(latency=0.01, cap=8)) as server:
        answers = answer_all(OpenAIModel("tiny", server.url, limits=QUICK), requests(600))
    assert [answer.text for answer in answers] == texts(600)
    assert server.peak == 8
    assert server.told[429] < 200  # a client that does not learn is turned away for each of 56 calls a round: thousands


def test_no_more_calls_are_under_way_than_are_allowed():
    with serving(Faults(latency=0.005)) as server:
        answer_all(OpenAIModel("tiny", server.url, limits=Limits(concurrency=5)), requests(60))
    assert server.peak == 5


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_obeyed_by_all_calls_in_both_of_its_forms(form):
    first = []

    def reply(body):
        first.append(1)
        if len(first) > 1:
            return 200, {}, completion("x")
        at = datetime.now(UTC).replace(microsecond=0)
        date = {
            "Date": format_datetime(at, usegmt=True),
            "Retry-After": format_datetime(at + timedelta(seconds=1), usegmt=True),
        }
        return 429, date if form == "date" else {"Retry-After": "1"}, {"error": {"message": "slow down"}}

    with serving(reply=reply) as server:
        answers = answer_all(OpenAIModel("tiny", server.url, limits=Limits(concurrency=1)), requests(3))
    assert [answer.text for answer in answers] == ["re: x"] * 3
    assert server.at[1] - server.at[0] > 0.95
    assert server.at[-1] - server.at[1] < 0.8


@pytest.mark.parametrize("at_once", ["0", "Mon, 01 Jan 2024 00:00:00 GMT"])
def test_a_server_that_is_busy_and_says_to_come_back_at_once_is_not_stormed(at_once):
    begun = []

    def reply(body):
        begun.append(time.monotonic())
        if begun[-1] - begun[0] < 0.5:
            return 429, {"Retry-After": at_once}, {"error": {"message": "slow down"}}
        return 200, {}, completion(body["messages"][-1]["content"])

    with serving(reply=reply) as server:
        answers = answer_all(OpenAIModel("tiny", server.url, limits=Limits(pause=0.05)), requests(16))
    assert [answer.text for answer in answers] == texts(16)
    assert server.told[429] < 16 * 15


def test_calls_under_way_rise_again_after_a_server_was_full_for_a_while():
    told, under_way = [], []

    def reply(body):
        told.append(1)
        if len(told) <= 40:
            return 429, {}, {"error": {"message": "slow down"}}
        under_way.append(servers[0].active)
        return 200, {}, completion(body["messages"][-1]["content"])

    with serving(Faults(latency=0.005), reply=reply) as server:
        servers = [server]
        answer_all(OpenAIModel("tiny", server.url, limits=Limits(concurrency=8, pause=0.001)), requests(300))
    assert under_way[0] <= 2
    assert max(under_way) >= 6


def test_a_server_that_wants_to_be_asked_tomorrow_is_not_waited_for():
    with (
        serving(Faults(busy=1.0, retry_after="86400")) as server,
        pytest.raises(UsageError, match="again in 86,400 seconds"),
    ):
        answer_all(OpenAIModel("tiny", server.url), requests(3))


@pytest.mark.parametrize(
    ("status", "fields", "sentence"),
    [
        (401, {}, "the key is not taken"),
        (403, {}, "the key may not do this"),
        (404, {}, "there is no such model or address"),
        (402, {}, "has to be paid for"),
        (429, {"code": "insufficient_quota"}, "status 429"),
    ],
)
def test_what_no_try_will_mend_stops_all_calls_with_one_sentence(status, fields, sentence):
    with serving(reply=failing(status, "said by the server", **fields)) as server:
        with pytest.raises(UsageError, match=sentence) as caught:
            answer_all(OpenAIModel("tiny", server.url), requests(500))
        assert "said by the server" in str(caught.value)
        assert "'tiny'" in str(caught.value)
        assert sum(server.seen.values()) <= 17


def test_a_request_that_will_never_do_is_tried_once_and_fails_alone():
    def reply(body):
        question = body["messages"][-1]["content"]
        if question in ("question 2", "question 4"):
            return (400 if question == "question 2" else 403), {}, {"error": {"message": "too long"}}
        return 200, {}, completion(question)

    with serving(reply=reply) as server:
        answers = answer_all(OpenAIModel("tiny", server.url, limits=Limits(concurrency=1)), requests(6))
    assert [answer.finish for answer in answers] == ["stop", "stop", "error", "stop", "error", "stop"]
    assert answers[2].error == f"{server.url} gave no answer (1 failure, the last: status 400, 'too long')."
    assert set(server.seen.values()) == {1}


def test_a_request_that_every_row_is_refused_stops_all():
    with (
        serving(reply=failing(400, "temperature must be 1")) as server,
        pytest.raises(UsageError, match="temperature must be 1"),
    ):
        answer_all(OpenAIModel("tiny", server.url, limits=Limits(concurrency=2)), requests(100))
    assert sum(server.seen.values()) <= 12


def test_a_call_that_always_fails_is_given_up_after_its_tries_and_the_others_go_on():
    def reply(body):
        question = body["messages"][-1]["content"]
        return (500, {}, b"<html>") if question == "question 3" else (200, {}, completion(question))

    with serving(reply=reply) as server:
        answers = answer_all(OpenAIModel("tiny", server.url, limits=Limits(tries=4, pause=0.01)), requests(6))
    assert [answer.text for answer in answers if answer.finish != "error"] == [
        text for text in texts(6) if text[-1] != "3"
    ]
    assert answers[3].error == f"{server.url} gave no answer (4 failures, the last: status 500)."
    assert server.seen["question 3"] == 4


def test_a_server_that_has_died_is_given_up_and_what_it_answered_is_kept(tmp_path):
    left = [20]

    def reply(body):
        left[0] -= 1
        return (200, {}, completion("x")) if left[0] >= 0 else (502, {}, b"")

    path = tmp_path / "journal.jsonl"
    with serving(reply=reply) as server:
        model = OpenAIModel("tiny", server.url, limits=Limits(concurrency=4, tries=3, pause=0.01))
        with pytest.raises(UsageError, match=r"10 calls failed one after another.*20 answers came before"):
            answer_all(model, requests(200), journal=path)
    assert len(Journal(path).answers) == 20


def test_nobody_there_is_said_within_seconds():
    with pytest.raises(UsageError, match=r"can't be asked for 'tiny': no connection"):
        answer_all(OpenAIModel("tiny", "http://127.0.0.1:9/v1", limits=QUICK), requests(50))


def test_a_call_that_found_nobody_was_never_sent_and_one_whose_answer_was_lost_may_have_been_paid(tmp_path):
    path = tmp_path / "journal.jsonl"
    with pytest.raises(UsageError, match="no connection"):
        answer_all(OpenAIModel("tiny", "http://127.0.0.1:9/v1", limits=QUICK), requests(5), journal=path)
    assert b"asked" in path.read_bytes()
    assert Journal(path).note is None
    with serving(Faults(drop=1.0)) as server, pytest.raises(UsageError, match="one after another"):
        answer_all(OpenAIModel("tiny", server.url, limits=QUICK), requests(50), journal=path)
    assert "may have been paid for" in Journal(path).note


def test_a_reply_that_does_not_end_is_waited_for_until_the_deadline():
    with serving(Faults(latency=60)) as server:
        started = time.monotonic()
        answers = answer_all(OpenAIModel("tiny", server.url, limits=Limits(deadline=1, tries=1)), requests(1))
    assert time.monotonic() - started < 10
    assert answers[0].error == f"{server.url} gave no answer (1 failure, the last: no reply before the deadline)."


def test_a_redirect_is_not_followed_so_that_the_key_goes_nowhere_else(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-abcdefgh12345678")
    with serving() as other:
        moved = failing(307, headers={"Location": f"{other.url}/chat/completions"})
        with serving(reply=moved) as server, pytest.raises(UsageError, match=f"sends on to '{other.url}"):
            answer_all(OpenAIModel("tiny", server.url, key_env="MY_KEY"), requests(2))
    assert other.seen == {}


def test_the_key_is_sent_and_written_nowhere(tmp_path, monkeypatch):
    secret = "abcdefgh-12345678-qrstuvwx"
    monkeypatch.setenv("MY_KEY", secret)
    with serving() as server:
        model = OpenAIModel("tiny", server.url, key_env="MY_KEY")
        answer_all(model, requests(2), journal=tmp_path / "journal.jsonl")
        assert server.headers[0]["authorization"] == f"Bearer {secret}"
    assert secret not in (tmp_path / "journal.jsonl").read_text() + repr(model) + str(model.identity()) + model.note
    with (
        serving(reply=failing(401, f"wrong key: {secret}")) as server,
        pytest.raises(UsageError, match="wrong key") as caught,
    ):
        answer_all(OpenAIModel("tiny", server.url, key_env="MY_KEY"), requests(1))
    assert secret not in str(caught.value)


def test_the_cap_on_the_answer_is_called_as_the_server_wants_it():
    def reply(body):
        if "max_tokens" in body:
            return failing(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")(body)
        return 200, {}, completion(body["messages"][-1]["content"])

    with serving(reply=reply) as server:
        answers = answer_all(OpenAIModel("tiny", server.url), requests(40))
    assert [answer.text for answer in answers] == texts(40)
    assert server.bodies[-1]["max_completion_tokens"] == 256


def test_requests_and_tokens_a_minute_are_kept_to():
    with serving() as server:
        answer_all(OpenAIModel("tiny", server.url, limits=Limits(requests_per_minute=1200)), requests(80))
    # Three seconds' worth (60) at once, then one every 50 ms.
    assert 0.9 < server.at[79] - server.at[0] < 4
    assert server.at[55] - server.at[0] < 0.9
    with serving() as server:  # some 285 tokens are taken for a call, and all but 4 given back after
        answer_all(OpenAIModel("tiny", server.url, limits=Limits(concurrency=1, tokens_per_minute=3000)), requests(20))
    assert server.at[-1] - server.at[0] < 3


def test_a_budget_that_is_spent_sends_nothing_more(tmp_path):
    with serving() as server, Journal(tmp_path / "journal.jsonl") as journal:
        left = iter(range(5))
        model = OpenAIModel("tiny", server.url, limits=Limits(concurrency=3))
        answers = answer_all(
            model,
            requests(20),
            journal=journal,
            before=lambda place, request: None if next(left, None) is not None else "spent.",
        )
        assert sum(answer.finish == "stop" for answer in answers) == 5
        assert {answer.error for answer in answers} == {None, "spent."}
        assert sum(server.seen.values()) == 5


def test_calls_can_be_made_where_an_event_loop_runs_already():
    async def notebook():
        return answer_all(OpenAIModel("tiny", server.url), requests(3))

    with serving() as server:
        assert [answer.text for answer in run(notebook())] == texts(3)


INTERRUPTED = """
import asyncio, os, signal, threading
from vetset.curate.messages import Said
from vetset.evaluate.models.calling import answer_all
from vetset.evaluate.models.openai_client import Limits, OpenAIModel
from vetset.evaluate.models.protocol import Request
from vetset.tests.evaluate.fault_server import Faults, completion, serving

asked = []

def reply(body):
    asked.append(1)
    if len(asked) == 10:
        os.kill(os.getpid(), signal.SIGINT)
    return 200, {}, completion("x")

async def notebook():
    requests = [Request((Said("user", f"question {i}"),)) for i in range(400)]
    answer_all(OpenAIModel("tiny", server.url, limits=Limits(concurrency=2)), requests)

with serving(Faults(latency=0.005), reply=reply) as server:
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(notebook())
    except KeyboardInterrupt:
        print("interrupted", len(asked) < 100, [one.name for one in threading.enumerate() if one.name == "calls"])
"""


def test_an_interrupt_in_a_notebook_ends_the_calls():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.strip() == "interrupted True []", done.stderr


def test_an_error_of_whoever_is_told_ends_the_calls(tmp_path):
    def told(place, answer):
        raise KeyError(place)

    with serving(Faults(latency=0.01)) as server, pytest.raises(KeyError):
        answer_all(OpenAIModel("tiny", server.url), requests(200), told=told)
    assert sum(server.seen.values()) < 100


def test_a_long_question_goes_out_whole_and_one_that_cannot_be_written_fails_alone():
    long = "word " * 500_000
    asked = [Request((Said("user", long),)), Request((Said("user", "short"),), tools="no JSON"), *requests(1)]
    with serving() as server:
        first, second, third = answer_all(OpenAIModel("tiny", server.url), asked)
    assert first.text == f"re: {long}"
    assert second.error.startswith("the tools 'no JSON' are no JSON")
    assert third.text == "re: question 0"


def test_the_environments_proxy_is_asked_for_servers_elsewhere(monkeypatch):
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1").replace("://", "://ann:secret@"))
        answers = answer_all(OpenAIModel("tiny", "http://model.example/v1"), requests(3))
    assert [answer.text for answer in answers] == texts(3)
    assert proxy.headers[0]["host"] == "model.example"
    assert proxy.headers[0]["proxy-authorization"].startswith("Basic ")


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout",
         tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shake_hands():
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return  # the test is over
                with caller, suppress(OSError):  # an SSLError is one: who calls hangs up
                    context.wrap_socket(caller, server_side=True).close()

        thread = threading.Thread(target=shake_hands)
        thread.start()
        try:
            with pytest.raises(UsageError, match="certificate is not trusted"):
                answer_all(
                    OpenAIModel("tiny", f"https://localhost:{server.getsockname()[1]}/v1", limits=QUICK), requests(1)
                )
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
