"""Tokens, money and time before a call is sent, and how near they come to what it takes."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.calls import Answer, Parameters, Request
from vetset.curate.distill.estimate import BYTES_A_TOKEN, estimate_calls, probe_places
from vetset.curate.messages import Said

WORDS = (
    "my",
    "parcel",
    "has",
    "not",
    "arrived",
    "and",
    "the",
    "label",
    "on",
    "box",
    "was",
    "torn",
    "number",
    "everybody",
)


def planned(count, seed, *, forms=2):
    """Return calls of a distillation: a long system turn, examples of several lengths, a few forms."""
    draw = random.Random(seed)
    made = []
    for number in range(count):
        form = number % forms
        said = " ".join(draw.choice(WORDS) for _ in range(int(draw.lognormvariate(3.5, 0.7)) + 3))
        made.append(
            Request(
                (Said("system", "You write support tickets. " * (3 + 9 * form)), Said("user", f"{said} #{number}")),
                parameters=Parameters(max_tokens=(120, 400)[form]),
            )
        )
    return made


def answered(request, seed):
    """Return what a teacher would tell: a token for some 4.4 bytes and a few a message; answers of every length."""
    draw = random.Random(f"{seed}{request.messages[-1].content}")
    size = sum(len(said.content) for said in request.messages)
    cap = request.parameters.max_tokens
    tokens = min(cap, int(draw.lognormvariate(np.log(cap / 5), 0.6)) + 1)
    return Answer(
        text="x", prompt_tokens=round(size / 4.4 * draw.uniform(0.93, 1.07)) + 11, completion_tokens=tokens,
        seconds=0.2 + tokens * 0.01,
    )  # fmt: skip


@pytest.mark.parametrize("count", [8, 12, 16])
def test_from_a_probe_of_a_dozen_answers_the_tokens_of_all_are_known_within_a_fifth(count):
    off, completion_off, inside = [], [], []
    for seed in range(40):
        asked = planned(300, seed)
        answers = [answered(one, seed) for one in asked]
        probe = [(asked[place], answers[place]) for place in probe_places(asked, count, seed=seed)]
        found = estimate_calls(asked, known=probe)
        prompt = sum(answer.prompt_tokens for answer in answers)
        completion = sum(answer.completion_tokens for answer in answers)
        off.append(abs(found.tokens.value / (prompt + completion) - 1))
        completion_off.append(abs(found.completion.value / completion - 1))
        inside.append(found.tokens.low <= prompt + completion <= found.tokens.high)
        assert found.tokens.basis == "measured"
        assert 3.5 < found.bytes_a_token < 4.5
    assert np.quantile(off, 0.95) < 0.2
    assert np.median(off) < 0.07
    assert np.median(completion_off) < 0.2
    assert np.mean(inside) > 0.8


def test_without_a_probe_a_range_is_told_that_holds_what_it_takes():
    asked = planned(300, 1)
    answers = [answered(one, 1) for one in asked]
    found = estimate_calls(asked)
    assert found.tokens.basis == found.seconds.basis == "guessed"
    assert found.bytes_a_token is None
    assert found.prompt.low < sum(answer.prompt_tokens for answer in answers) < found.prompt.high
    assert found.completion.low < sum(answer.completion_tokens for answer in answers) < found.completion.high


def test_probes_are_of_every_form_and_length():
    asked = planned(400, 3)
    places = probe_places(asked, 12, seed=1)
    assert places == probe_places(asked, 12, seed=1) == sorted(set(places))
    assert len(places) == 12
    assert {asked[place].parameters.max_tokens for place in places} == {120, 400}
    sizes = sorted(len(asked[place].messages[1].content) for place in places)
    assert sizes[-1] > 2 * sizes[0]
    assert probe_places(asked[:5], 12) == [0, 1, 2, 3, 4]
    assert probe_places([], 12) == []


def test_money_is_tokens_times_price_and_a_sample_stands_for_all():
    asked = planned(50, 2)
    known = [(one, answered(one, 2)) for one in asked[:20]]
    prices = {"input_price": 0.001, "output_price": 0.004}
    found = estimate_calls(asked, known=known, calls=500, **prices)
    assert found.calls.value == 500
    assert found.prompt.value == pytest.approx(10 * estimate_calls(asked, known=known).prompt.value)
    assert found.money.value == pytest.approx(found.prompt.value * 0.001 + found.completion.value * 0.004)
    assert found.money.low < found.money.value < found.money.high
    assert estimate_calls(asked, input_price=0.001).money is None


def test_time_follows_the_calls_under_way_and_the_rates_that_bind():
    asked = planned(600, 4)
    known = [(one, answered(one, 4)) for one in asked[:16]]
    one = estimate_calls(asked, known=known).seconds.value
    assert estimate_calls(asked, known=known, concurrency=10).seconds.value == pytest.approx(one / 10)
    assert estimate_calls(asked, known=known, concurrency=10**6).seconds.value == pytest.approx(one / 600)
    bound = estimate_calls(asked, known=known, concurrency=1000, requests_per_minute=60)
    assert bound.seconds.value == bound.seconds.low == 600
    tokens = estimate_calls(asked, known=known, concurrency=1000, tokens_per_minute=1000)
    assert tokens.seconds.value == pytest.approx(60 * tokens.tokens.value / 1000)
    given = estimate_calls(asked, seconds_a_call=2.0, concurrency=4).seconds
    assert (given.value, given.basis) == (300, "given")


def test_answers_that_failed_or_tell_no_usage_measure_nothing():
    asked = planned(30, 5)
    failed = [(one, Answer(finish="error", error="no", prompt_tokens=10**6)) for one in asked]
    silent = [(one, Answer(text="x")) for one in asked]
    assert estimate_calls(asked, known=failed).known == 0
    assert estimate_calls(asked, known=failed).tokens == estimate_calls(asked).tokens
    assert estimate_calls(asked, known=silent).tokens == estimate_calls(asked).tokens
    assert estimate_calls(asked, known=silent).tokens.basis == "guessed"


def test_an_answer_is_never_longer_than_its_cap():
    asked = [Request((Said("user", "Hi"),), parameters=Parameters(max_tokens=10))] * 5
    long = Request((Said("user", "Hi"),), parameters=Parameters(max_tokens=900))
    known = [(long, Answer(text="x", prompt_tokens=8, completion_tokens=700))] * 6
    assert estimate_calls(asked, known=known).completion.value == 50


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=80), st.integers(1, 999)), max_size=12),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 999), st.floats(0, 99)), max_size=12),
)
def test_every_figure_stands_between_its_bounds(texts, told):
    asked = [Request((Said("user", text),), parameters=Parameters(max_tokens=cap)) for text, cap in texts]
    known = [
        (one, Answer(text="", prompt_tokens=prompt, completion_tokens=completion, seconds=seconds))
        for one, (prompt, completion, seconds) in zip(asked, told, strict=False)
    ]
    found = estimate_calls(asked, known=known, input_price=1e-6, output_price=2e-6)
    for figure in (found.prompt, found.completion, found.tokens, found.money, found.seconds):
        assert 0 <= figure.low <= figure.value * (1 + 1e-9) + 1e-9
        assert figure.value <= figure.high * (1 + 1e-9) + 1e-9
    assert found.summary()["tokens"]["value"] == pytest.approx(found.prompt.value + found.completion.value)


def test_nothing_takes_nothing():
    found = estimate_calls([])
    assert (found.calls.value, found.tokens.value, found.seconds.value) == (0, 0, 0)
    assert estimate_calls([Request((Said("user", "x" * 400),))]).prompt.value == pytest.approx(400 / BYTES_A_TOKEN + 6)
