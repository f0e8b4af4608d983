"""A budget before a server that fails, is slow, or outlives the client: what the server made is never above the cap."""

import random
import subprocess
import sys
import time
from functools import partial

import pytest
from vetset.curate.calls import Parameters, Request
from vetset.curate.distill.budget import Account, Budget, refused
from vetset.curate.distill.spending import Spent, most_of
from vetset.curate.distill.within import within
from vetset.curate.errors import UsageError
from vetset.curate.messages import Said
from vetset.evaluate.models.calling import answer_all
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.models.journal import Journal
from vetset.evaluate.models.openai_client import Limits, OpenAIModel
from vetset.tests.evaluate.fault_server import Faults, completion, serving

EACH = 4  # tokens of prompt and answer that the fault server tells of a call
ROWS, AT_ONCE, KILLS = 300, 16, 6
CAP = 36_000
CLIENT = """
import sys
from vetset.tests.evaluate.test_budget_wire import run_within
run_within(sys.argv[1], sys.argv[2])
"""


def requests(count, **fields):
    return [Request((Said("user", f"question {number}"),), **fields) for number in range(count)]


def model(url, **limits):
    return OpenAIModel("tiny", url, limits=Limits(**{"pause": 0.01, **limits}))


def run_within(url, path):
    """Ask on a budget that holds over all processes; returns the answers and the account."""
    with Journal(path) as journal:
        account = Account(Budget(tokens=CAP), former=journal.former())
        asked = partial(answer_all, model(url, concurrency=AT_ONCE), journal=journal)
        return within(asked, account, requests(ROWS)), account


def test_every_row_is_resolved_where_a_few_calls_in_a_hundred_fail_in_every_way(tmp_path):
    faults = Faults(latency=0.002, error=0.02, busy=0.01, drop=0.01, cut=0.01, seed=2)
    with serving(faults, keep=False) as server, Journal(tmp_path / "calls.jsonl") as journal:
        account = Account(Budget(tokens=10**7))
        answers = within(partial(answer_all, model(server.url), journal=journal), account, requests(1500))
        paid = sum(server.paid.values())
    assert [answer.text for answer in answers] == [f"re: question {number}" for number in range(1500)]
    assert account.settled == Spent(1500, 3000, 3000)
    assert account.reserved == Spent()
    # A try that broke off may have been paid for, and one that was turned away can't have been.
    assert paid - 1500 <= account.unknown.calls == sum(server.seen.values()) - 1500 - server.told[429]
    with Journal(tmp_path / "calls.jsonl") as journal:
        former = journal.former()
        assert (former.settled, former.unknown) == (account.settled, account.unknown)


@pytest.mark.parametrize("seed", range(3))
def test_no_fault_lets_the_server_make_more_than_the_cap(seed):
    faults = Faults(latency=0.001, error=0.05, busy=0.05, drop=0.05, cut=0.05, seed=seed)
    tight = Parameters(max_tokens=2)  # so that the cap is met by what is settled and not by reservations alone
    asked = requests(200, parameters=tight)
    cap = most_of(asked[0]).tokens * 12
    with serving(faults, keep=False) as server:
        account = Account(Budget(tokens=cap))
        answers = within(partial(answer_all, model(server.url)), account, asked)
        made = sum(server.paid.values())
    assert made * EACH <= (account.settled + account.unknown).tokens <= cap
    assert sum(map(refused, answers)) + sum(answer.finish == "stop" for answer in answers) == 200
    assert 12 < account.settled.calls < 200


def test_after_its_seconds_nothing_is_sent_and_what_is_under_way_is_waited_for():
    with serving(Faults(latency=0.05), keep=False) as server:
        account = Account(Budget(seconds=0.5))
        answers = within(partial(answer_all, model(server.url, concurrency=4)), account, requests(400))
        assert server.at[-1] - server.at[0] < 0.6
    sent = [answer for answer in answers if not refused(answer)]
    assert len(sent) == account.settled.calls == sum(server.seen.values()) < 60
    assert all(answer.finish == "stop" for answer in sent)


def test_calls_that_a_full_server_turns_away_cost_nothing(tmp_path):
    with serving(Faults(latency=0.01, cap=3), keep=False) as server, Journal(tmp_path / "calls.jsonl") as journal:
        account = Account(Budget(calls=60))
        answers = within(partial(answer_all, model(server.url), journal=journal), account, requests(60))
        assert server.told[429] > 0
        assert journal.former().vain == ()
    assert not any(map(refused, answers))
    assert (account.settled.calls, account.unknown.calls) == (60, 0)


def test_a_key_that_is_not_taken_costs_nothing_and_a_server_that_broke_off_may_have(tmp_path):
    for status, unknown in ((401, 0), (500, 3)):
        reply = (status, {}, {"error": {"message": "no"}})
        with serving(reply=lambda body, reply=reply: reply, keep=False) as server:
            account = Account(Budget())
            path = tmp_path / f"{status}.jsonl"
            with Journal(path) as journal:
                try:
                    asked = partial(answer_all, model(server.url, concurrency=1, tries=3), journal=journal)
                    (answer,) = within(asked, account, requests(1))
                    assert answer.finish == "error"
                except UsageError:
                    assert status == 401
            assert account.unknown.calls == unknown
            with Journal(path) as journal:
                assert journal.former().unknown == account.unknown


def test_what_the_budget_forbids_stands_in_no_journal(tmp_path):
    with serving(keep=False) as server, Journal(tmp_path / "calls.jsonl") as journal:
        asked = partial(answer_all, model(server.url), journal=journal)
        assert all(map(refused, within(asked, Account(Budget(calls=0)), requests(500))))
        journal.flush()
        assert journal.path.stat().st_size < 100


def test_a_local_model_is_kept_to_the_budget_too(tmp_path):
    canned = CannedModel(lambda request: "ok")  # it tells no usage: each counts at its most
    most = most_of(requests(1)[0]).tokens
    account = Account(Budget(tokens=most * 7 + most // 2))
    answers = within(partial(answer_all, canned, journal=tmp_path / "calls.jsonl"), account, requests(10))
    assert [refused(answer) for answer in answers] == [False] * 7 + [True] * 3
    assert len(canned.asked) == 7


def test_a_server_with_a_long_system_turn_of_its_own_is_learned(tmp_path):
    def reply(body):
        found = completion("x")
        found["usage"]["prompt_tokens"] = 1000
        return 200, {}, found

    with serving(reply=reply, keep=False) as server:
        account = Account(Budget(tokens=50_000))
        within(partial(answer_all, model(server.url, concurrency=1)), account, requests(100))
    first = 1000 - most_of(requests(1)[0]).prompt
    assert account.beyond == first  # the first call alone was reserved too little
    assert account.settled.tokens <= 50_000


def killed(server, path, answers):
    """Start a client, and kill it after the server has made so many more answers."""
    made = sum(server.paid.values()) + answers
    with subprocess.Popen([sys.executable, "-c", CLIENT, server.url, path]) as client:
        until = time.monotonic() + 60
        while sum(server.paid.values()) < made and client.poll() is None and time.monotonic() < until:
            time.sleep(0.001)
        client.kill()  # it may have come to the end of its budget meanwhile
    until = time.monotonic() + 10
    while server.active and time.monotonic() < until:  # what the dead one had sent is made
        time.sleep(0.001)


@pytest.mark.slow
def test_a_cap_holds_over_processes_that_were_killed(tmp_path):
    path, draw = tmp_path / "calls.jsonl", random.Random(7)
    with serving(Faults(latency=0.01, error=0.03, drop=0.03, cut=0.03, seed=4), keep=False) as server:
        for _ in range(KILLS):
            killed(server, path, draw.randrange(1, 40))
            with Journal(path) as journal:
                former = journal.former()
            assert sum(server.paid.values()) * EACH <= (former.settled + former.unknown).tokens <= CAP
        answers, account = run_within(server.url, path)
        assert sum(server.paid.values()) * EACH <= account.spent.tokens <= CAP
    assert account.former.unknown.calls > 0
    assert any(map(refused, answers))
    assert len(account.report()["unknown_calls"]) == len(account.former.vain) > 0
