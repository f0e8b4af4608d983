"""A server that bears so many calls at once is kept busy and not stormed; each call goes out once a try."""

import asyncio
import threading
import time

import pytest
from vetset.curate.calls import Request
from vetset.curate.messages import Said
from vetset.evaluate.models.calling import answer_all
from vetset.evaluate.models.openai_client import Limits, OpenAIModel
from vetset.evaluate.models.openai_transport import Unanswered, connect
from vetset.tests.evaluate.fault_server import Faults, completion, serving
from vetset.tests.evaluate.loops import run


def requests(count):
    return [Request((Said("user", f"question {number}"),)) for number in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize(("cap", "most"), [(8, 64), (20, 256), (50, 64), (50, 256)])
def test_the_calls_under_way_come_within_a_fifth_of_what_the_server_bears(cap, most):
    count, ended, seen = cap * 30, threading.Event(), []

    def watch(server):
        started = time.monotonic()
        while not ended.wait(0.02):
            seen.append((time.monotonic() - started, server.active))

    with serving(Faults(latency=0.2, cap=cap), keep=False) as server:
        watcher = threading.Thread(target=watch, args=(server,))
        watcher.start()
        try:
            answers = answer_all(OpenAIModel("tiny", server.url, limits=Limits(concurrency=most)), requests(count))
        finally:
            ended.set()
            watcher.join()
        assert server.peak <= cap
        assert server.told[429] < max(count * 0.2, 4 * most)
    assert all(answer.finish == "stop" for answer in answers)
    under_way = [active for at, active in seen if 2 < at < 0.85 * seen[-1][0]]  # the last calls come to their end
    assert sum(under_way) / len(under_way) > 0.8 * cap


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 529])
def test_a_fault_that_passes_is_met_by_another_try_after_a_pause_by_chance(status):
    first = []

    def reply(body):
        question = body["messages"][-1]["content"]
        if question not in first:
            first.append(question)
            return status, {}, {"error": {"message": "later"}}
        return 200, {}, completion(question)

    with serving(reply=reply, keep=False) as server:
        answers = answer_all(OpenAIModel("tiny", server.url, limits=Limits(pause=0.2)), requests(12))
        assert set(server.seen.values()) == {2}
        again = sorted(server.at)[12:]
    assert [answer.text for answer in answers] == [f"re: question {number}" for number in range(12)]
    assert 0.02 < again[-1] - again[0] < 2  # not all at one moment


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, None])
def test_the_transport_itself_never_asks_twice(status):
    def reply(body):
        return status, {"Retry-After": "0"}, {"error": {"message": "no"}}

    faults = Faults(drop=1.0) if status is None else Faults()
    with serving(faults, reply=None if status is None else reply, keep=False) as server:

        async def once():
            async with connect(f"{server.url}/chat/completions", key=None, most=1, deadline=5) as connection:
                body = b'{"messages": [{"content": "x"}]}'
                if status is not None:
                    return (await connection.post(body)).status
                with pytest.raises(Unanswered, match="the connection broke"):
                    await connection.post(body)
                await asyncio.sleep(0)
                return None

        assert run(once()) == status
        assert server.seen == {"x": 1}
