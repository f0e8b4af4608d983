"""How many calls pass at once, and how long one waits after a fault."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.evaluate.models.pacing import DOWN, Gate, Rate
from vetset.evaluate.models.retrying import LONGEST, asked_to_wait, fault_of, pause
from vetset.tests.evaluate.loops import run


def test_a_burst_of_refusals_lowers_the_limit_once():
    async def burst():
        gate = Gate(64)
        bursts = [await gate.enter() for _ in range(16)]
        for number in bursts:
            gate.refused(number)
            gate.leave()
        assert gate.limit == pytest.approx(16 * DOWN)
        gate.refused(await gate.enter())
        assert gate.limit == pytest.approx(16 * DOWN * DOWN)

    run(burst())


def test_the_limit_doubles_with_each_round_until_a_refusal_and_rises_by_one_a_round_after_it():
    async def rounds():
        gate = Gate(1000)
        gate.limit = 10.0
        for expected in (20, 40):
            calls = [await gate.enter() for _ in range(int(gate.limit))]
            for _ in calls:
                gate.answered()
            for _ in calls:
                gate.leave()
            assert int(gate.limit) == expected
        gate.refused(await gate.enter())
        gate.leave()
        low = gate.limit
        calls = [await gate.enter() for _ in range(int(low))]
        for _ in calls:
            gate.answered()
        assert low + 0.9 < gate.limit < low + 1.1

    run(rounds())


def test_a_limit_that_nobody_fills_does_not_grow():
    async def one_at_a_time():
        gate = Gate(64)
        for _ in range(100):
            await gate.enter()
            gate.answered()
            gate.leave()
        assert gate.limit == 16

    run(one_at_a_time())


@given(st.lists(st.sampled_from(["enter", "answered", "refused"]), max_size=60), st.integers(1, 20))
def test_never_more_pass_than_the_most_and_the_last_one_always_may(steps, most):
    async def walk():
        gate, inside = Gate(most), []
        for step in steps:
            if step == "enter" and gate.active < int(gate.limit):
                inside.append(await gate.enter())
            elif inside and step != "enter":
                burst = inside.pop()
                gate.leave()
                gate.answered() if step == "answered" else gate.refused(burst)
            assert 1 <= gate.limit <= most
            assert gate.active == len(inside) <= most

    run(walk())


def test_a_rate_lets_three_seconds_worth_pass_and_then_its_share():
    async def take():
        loop, rate = asyncio.get_running_loop(), Rate(6000)  # 100 a second
        started = loop.time()
        for _ in range(300):
            await rate.take()
        assert loop.time() - started < 0.1
        await rate.take(20)
        assert loop.time() - started < 0.1
        await rate.take()
        assert 0.15 < loop.time() - started < 0.5
        rate.give_back(300)
        await rate.take(100)
        assert loop.time() - started < 0.6

    run(take())


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_pause_is_never_longer_than_its_bound(tries, drawn):
    assert 0 <= pause(tries, 0.5, lambda: drawn) <= min(LONGEST, 0.5 * 2 ** min(tries - 1, 100))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "Mon, 23 Nov 2026 11:00:30 GMT"}, 0.0),
        ({"Retry-After": "Mon, 23 Nov 2026 12:00:30 GMT", "Date": "Mon, 23 Nov 2026 12:00:28 GMT"}, 2.0),
        ({"Retry-After": "9", "retry-after-ms": "250"}, 0.25),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers, seconds):
    assert asked_to_wait(headers, datetime(2026, 11, 23, 12, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    ("status", "kind"),
    [(408, "passing"), (409, "passing"), (500, "passing"), (503, "passing"), (529, "passing"), (429, "busy"), (401, "stop"),
     (403, "stop"), (404, "stop"), (400, "final"), (413, "final"), (422, "final"), (302, "stop")],
)  # fmt: skip
def test_every_status_has_its_consequence(status, kind):
    assert fault_of(status, {}, b"", answered=False).kind == kind


def test_what_a_server_says_is_masked_and_cut_and_harmless_to_a_terminal():
    body = (
        b'{"error": {"message": "\\u001b[31mno key sk-proj-abcdefgh12345678abcd for ann@example.com '
        + b"x" * 999
        + b'"}}'
    )
    why = fault_of(400, {}, body, answered=False, secret="no key").why
    assert "\x1b" not in why
    assert "sk-proj" not in why
    assert "ann@" not in why
    assert "no key" not in why
    assert len(why) < 300
