"""A client that is killed at any moment before a server that fails: nothing lost or doubled, nothing paid twice unlisted."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from vetset.curate.messages import Said
from vetset.evaluate.models.calling import answer_all
from vetset.evaluate.models.journal import Journal
from vetset.evaluate.models.journal_lines import read_line
from vetset.evaluate.models.keys import keys
from vetset.evaluate.models.openai_client import Limits, OpenAIModel
from vetset.evaluate.models.protocol import Request
from vetset.tests.evaluate.fault_server import Faults, serving

ROWS, AT_ONCE, KILLS = 400, 16, 8

CLIENT = """
import os, sys
from vetset.tests.evaluate.test_openai_kill import run
run(sys.argv[1], sys.argv[2], told=lambda place, answer: os.write(1, b"%d\\n" % place))
"""


def requests():
    return [Request((Said("user", f"question {number}"),)) for number in range(ROWS)]


def run(url, path, told=None):
    model = OpenAIModel("tiny", url, limits=Limits(concurrency=AT_ONCE, pause=0.01))
    return answer_all(model, requests(), journal=path, told=told)


def killed(server, path, answers):
    """Start a client, kill it after the server has made so many more answers; return the places that it acknowledged."""
    made = sum(server.paid.values()) + answers
    with subprocess.Popen([sys.executable, "-c", CLIENT, server.url, path], stdout=subprocess.PIPE) as client:
        until = time.monotonic() + 60
        while sum(server.paid.values()) < made and client.poll() is None and time.monotonic() < until:
            time.sleep(0.001)
        os.kill(client.pid, signal.SIGKILL)
        told = client.stdout.read().split(b"\n")[:-1]
    assert client.returncode == -signal.SIGKILL
    return {int(place) for place in told}


@pytest.mark.slow
def test_kills_lose_nothing_and_pay_again_at_most_what_was_in_flight_and_listed(tmp_path):
    path, draw = tmp_path / "journal.jsonl", random.Random(5)
    faults = Faults(
        latency=0.01, busy=0.02, error=0.03, drop=0.02, seed=1
    )  # and no cut replies: those the server sells twice
    acknowledged = set()
    with serving(faults, keep=False) as server:
        names = list(keys(OpenAIModel("tiny", server.url).identity(), requests()))
        for _ in range(KILLS):
            acknowledged |= killed(server, path, draw.randrange(1, 45))
            with Journal(path) as journal:
                assert {names[place] for place in acknowledged} <= set(journal.answers)
        answers = run(server.url, path)
        seen = sum(server.seen.values())
        assert run(server.url, path) == answers
        assert sum(server.seen.values()) == seen

    assert [answer.text for answer in answers] == [f"re: question {number}" for number in range(ROWS)]
    assert len(acknowledged) > 30
    with Journal(path) as journal:
        unsettled = Counter(call.key for call in journal.unsettled())
        assert journal.damaged == 0
    again = {names[number]: server.paid[f"question {number}"] - 1 for number in range(ROWS)}
    assert min(again.values()) == 0
    assert 0 < sum(again.values()) <= KILLS * AT_ONCE  # or the kills hit nobody in flight, and this test nothing
    assert all(count <= unsettled[name] for name, count in again.items())
    lines = [read_line(line).line for line in path.read_bytes().split(b"\n")]
    written = Counter(line.answered for line in lines if line is not None and line.answered is not None)
    assert written == dict.fromkeys(names, 1)
