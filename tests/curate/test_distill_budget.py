"""A budget: no order of answers, faults and kills passes a cap, and nothing that fits is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.calls import Answer, Parameters, Request
from vetset.curate.distill.budget import REFUSED, Account, Budget, Former, Vain, refused
from vetset.curate.distill.spending import Spent, most_of, spent_on
from vetset.curate.distill.within import within
from vetset.curate.errors import UsageError
from vetset.curate.messages import Said


def request(text="Hi", **fields):
    return Request((Said("user", text),), **fields)


def requests(count, **fields):
    return [request(f"question {number}", **fields) for number in range(count)]


def answering(cost, *, asked=None, known=()):
    """Return a stand-in for ``answer_all``: every call takes so much, and what is known is not asked."""

    def ask_all(requests, *, before, told, unsent):
        answers = []
        for place, one in enumerate(requests):
            if one in known:
                answers.append(Answer(text="known"))
                continue
            why = before(place, one)
            if asked is not None and why is None:
                asked.append(one)
            answer = (
                Answer(finish="error", error=why)
                if why
                else Answer(text="x", prompt_tokens=cost.prompt, completion_tokens=cost.completion)
            )
            told(place, answer)
            answers.append(answer)
        return answers

    return ask_all


def all_reserved_first(cost, rounds=None):
    """Return a stand-in that sends all before any is answered, as many calls at once do."""

    def ask_all(requests, *, before, told, unsent):
        whys = [before(place, one) for place, one in enumerate(requests)]
        answer = Answer(text="x", prompt_tokens=cost.prompt, completion_tokens=cost.completion)
        answers = [Answer(finish="error", error=why) if why else answer for why in whys]
        for place, one in enumerate(answers):
            told(place, one)
        if rounds is not None:
            rounds.append(sum(why is None for why in whys))
        return answers

    return ask_all


@settings(deadline=None)
@given(st.text(max_size=300), st.integers(1, 500), st.none() | st.text(max_size=50))
def test_a_reservation_is_above_a_token_for_each_byte_of_all_that_is_sent(text, max_tokens, tools):
    most = most_of(request(text, tools=tools, parameters=Parameters(max_tokens=max_tokens)))
    assert most.prompt >= len(text.encode("utf-8", "surrogatepass")) + len((tools or "").encode()) + 100
    assert most.completion == max_tokens
    assert most.calls == 1


def test_what_the_server_does_not_tell_is_taken_as_the_most():
    most = Spent(1, 100, 50)
    assert spent_on(Answer(text="a"), most) == most
    assert spent_on(Answer(text="a", prompt_tokens=7, completion_tokens=0), most) == Spent(1, 7, 0)


MOST = Spent(1, 40, 20)
STEP = st.tuples(
    st.sampled_from(["reserve", "answer", "fail", "release", "lose"]),
    st.integers(0, 5),
    st.integers(1, 60),
    st.integers(1, 40),
)


@settings(deadline=None)
@given(
    st.lists(STEP, max_size=80),
    st.none() | st.integers(0, 800),
    st.none() | st.integers(0, 12),
    st.none() | st.floats(0, 3),
)
def test_settled_unknown_and_reserved_stay_under_every_cap_in_any_order_of_events(steps, tokens, calls, money):
    budget = Budget(tokens=tokens, calls=calls, money=money, input_price=0.001, output_price=0.007, currency="EUR")
    account = Account(budget)
    for step, name, prompt, completion in steps:
        most = Spent(1, prompt, completion)
        before = account.spent
        if step == "reserve":
            account.reserve(name, most)
        elif step == "answer" and name in account._under_way:
            held = account._under_way[name]
            account.settle(name, Answer(text="", prompt_tokens=held.prompt // 2, completion_tokens=held.completion))
        elif step == "fail":
            account.settle(name, Answer(finish="error", error="broke"))
            assert account.spent == before
        elif step == "release":
            account.release(name)
        elif step == "lose":
            account.lose_all()
            assert account.spent == before
            assert account.reserved == Spent()
        spent = account.spent
        assert tokens is None or spent.tokens <= tokens
        assert calls is None or spent.calls <= calls
        assert money is None or budget.cost(spent) <= money
        for part in (account.settled, account.unknown, account.reserved):
            assert min(part.calls, part.prompt, part.completion) >= 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), STEP), max_size=60), st.integers(0, 900), st.floats(0, 3))
def test_a_teacher_and_a_judge_stay_under_the_caps_together(steps, tokens, money):
    budget = Budget(tokens=tokens, money=money, input_price=0.001, output_price=0.007)
    accounts = {"a": Account(budget)}
    accounts["b"] = accounts["a"].beside(input_price=0.01, output_price=0.02, former=None)
    for which, (step, name, prompt, completion) in steps:
        account = accounts[which]
        if step == "reserve":
            account.reserve(name, Spent(1, prompt, completion))
        elif step == "answer":
            account.settle(name, Answer(text="", prompt_tokens=1, completion_tokens=1))
        elif step == "release":
            account.release(name)
        assert sum(one.spent.tokens for one in accounts.values()) <= tokens
        assert sum(one.budget.cost(one.spent) for one in accounts.values()) <= money
    report = accounts["b"].report()
    assert report["spent"] == accounts["a"].report()["spent"]
    assert report["spent"]["calls"] == sum(one.spent.calls for one in accounts.values())


def test_a_further_try_reserves_anew_and_the_earlier_one_stays_as_unknown():
    account = Account(Budget(tokens=150))
    assert account.reserve("a", MOST) is None
    assert account.reserve("a", MOST) is None
    assert (account.unknown, account.reserved) == (MOST, MOST)
    assert "of 150 tokens 30 are left, and this may take 60" in account.reserve("a", MOST)
    assert (account.unknown, account.reserved) == (MOST + MOST, Spent())
    account.settle("a", Answer(finish="error", error="not sent"))
    assert account.spent == MOST + MOST


def test_a_try_that_cannot_have_cost_anything_is_given_back():
    account = Account(Budget(calls=1))
    assert account.reserve("a", MOST) is None
    account.release("a")
    assert account.reserve("a", MOST) is None
    account.settle("a", Answer(text="x", prompt_tokens=5, completion_tokens=5))
    assert account.settled == Spent(1, 5, 5)
    assert account.reserve("b", MOST).startswith(REFUSED)


def test_each_cap_says_its_name_what_is_left_and_the_next_step():
    prices = {"input_price": 0.01, "output_price": 0.02, "currency": "USD"}
    assert Account(Budget(calls=0)).room_for(MOST) == (
        "not sent, to keep to the budget: of 0 calls 0 are left, and this may take 1; raise calls in [budget], and run it again."
    )
    assert "of 59 tokens 59 are left, and this may take 60; raise tokens in [budget] or lower max_tokens" in Account(
        Budget(tokens=59)
    ).room_for(MOST)
    assert "of 0.5 USD 0.5 USD are left, and this may cost 0.8 USD; raise money" in Account(
        Budget(money=0.5, **prices)
    ).room_for(MOST)
    now = [100.0]
    account = Account(Budget(seconds=60), clock=lambda: now[0])
    assert account.room_for(MOST) is None
    now[0] = 160.0
    assert "its 60 seconds are over; raise seconds" in account.room_for(MOST)


def test_a_cap_is_reached_exactly_where_the_sums_are_exact():
    account = Account(Budget(money=0.3, input_price=0.1, output_price=0.0))
    for number in range(3):  # 0.1 + 0.1 + 0.1 is more than 0.3 in floating point
        why = account.reserve(number, Spent(1, 1, 0))
        assert why is None or number == 2
    assert account.spent.prompt in (2, 3)
    assert account.budget.cost(account.spent) <= 0.3


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"tokens": -1}, r"\[budget\] tokens is -1; give a number from 0"),
        ({"money": float("nan")}, r"\[budget\] money is nan"),
        ({"seconds": float("inf")}, r"\[budget\] seconds is inf"),
        ({"money": 5}, r"money is capped, and the price of a model that is asked is not known"),
    ],
)
def test_caps_that_make_no_sense_are_refused(fields, sentence):
    with pytest.raises(UsageError, match=sentence):
        Budget(**fields)


def test_what_earlier_processes_spent_counts_and_their_open_calls_are_listed():
    former = Former(Spent(4, 400, 100), (Vain("ab", 1.5, 2, MOST), Vain("cd", None, 1, None)))
    account = Account(Budget(tokens=1000), former=former)
    assert account.settled == Spent(4, 400, 100)
    assert account.unknown == MOST + MOST
    assert account.room_for(Spent(1, 381, 0)) is not None
    assert account.room_for(Spent(1, 380, 0)) is None
    report = account.report()
    assert report["unknown_calls"] == [
        {"key": "ab", "at": 1.5, "tries": 2, "tokens_each": 60},
        {"key": "cd", "at": None, "tries": 1, "tokens_each": None},
    ]
    assert report["spent"] == {"calls": 6, "prompt_tokens": 480, "completion_tokens": 140, "money": None}
    assert report["caps"] == {"tokens": 1000}


def test_a_server_that_tells_more_than_was_reserved_is_counted_and_later_calls_reserve_more():
    account = Account(Budget())
    most = account.most_of(request())
    account.reserve("a", most)
    account.settle("a", Answer(text="x", prompt_tokens=most.prompt + 70, completion_tokens=1))
    assert account.beyond == 70
    assert account.most_of(request()).prompt == most.prompt + 70
    assert account.report()["beyond_reservation"] == 70


def test_all_calls_go_out_together_where_the_budget_is_ample():
    rounds = []
    answers = within(all_reserved_first(Spent(1, 9, 1), rounds), Account(Budget(tokens=10**7)), requests(200))
    assert rounds == [200]
    assert [answer.text for answer in answers] == ["x"] * 200


@settings(deadline=None)
@given(st.integers(0, 30_000), st.integers(1, 60), st.booleans(), st.integers(10, 400))
def test_a_call_is_refused_only_where_it_does_not_fit_with_nothing_under_way(tokens, count, together, completion):
    cost, asked = Spent(1, 20, completion // 2), requests(count, parameters=Parameters(max_tokens=completion))
    account = Account(Budget(tokens=tokens))
    ask_all = (all_reserved_first if together else answering)(cost)
    answers = within(ask_all, account, asked)
    sent = [answer for answer in answers if answer.finish != "error"]
    kept_back = [one for one, answer in zip(asked, answers, strict=True) if refused(answer)]
    assert len(sent) + len(kept_back) == count
    assert account.settled == cost.times(len(sent))
    assert account.reserved == account.unknown == Spent()
    assert account.spent.tokens <= tokens
    assert all(account.room_for(most_of(one)) is not None for one in kept_back)


def test_what_is_known_costs_nothing_however_little_is_left():
    known, asked = requests(5), []
    answers = within(answering(Spent(1, 9, 9), asked=asked, known=known), Account(Budget(calls=0)), requests(8))
    assert [answer.text for answer in answers[:5]] == ["known"] * 5
    assert all(map(refused, answers[5:]))
    assert asked == []


def test_a_long_call_that_does_not_fit_keeps_no_short_one_back():
    asked = [request("word " * 5000), *requests(20)]
    answers = within(all_reserved_first(Spent(1, 9, 9)), Account(Budget(tokens=3000)), asked)
    assert [refused(answer) for answer in answers] == [True, *[False] * 20]


def test_requests_that_are_the_same_take_one_reservation_when_they_are_asked_again():
    budget = Budget(tokens=most_of(request()).tokens)
    tight = all_reserved_first(most_of(request()))

    def once(requests, **hooks):  # as answer_all: what is the same is asked at its first place
        return tight(requests[:1], **hooks) * len(requests)

    assert not any(map(refused, within(once, Account(budget), [request()] * 3)))


def test_places_that_are_told_are_those_of_the_requests_given():
    told = []
    most = most_of(requests(1)[0])
    answers = within(
        all_reserved_first(Spent(1, most.prompt, most.completion // 2)),
        Account(Budget(tokens=most.tokens * 4)),
        requests(8),
        told=lambda place, answer: told.append((place, answer)),
    )
    assert sorted(place for place, _ in told) == list(range(8))
    assert all(answers[place] == answer for place, answer in told)
    assert 3 < sum(not refused(answer) for answer in answers) < 8


def test_calls_that_nobody_waits_for_any_more_are_unknown():
    def broken(requests, *, before, told, unsent):
        for place, one in enumerate(requests):
            before(place, one)
        unsent(0)
        told(1, Answer(text="x", prompt_tokens=1, completion_tokens=1))
        raise KeyboardInterrupt

    account = Account(Budget(tokens=10**6))
    with pytest.raises(KeyboardInterrupt):
        within(broken, account, requests(4))
    assert account.reserved == Spent()
    assert account.settled == Spent(1, 1, 1)
    assert account.unknown.calls == 2


def test_a_model_that_does_not_say_when_it_sends_keeps_to_its_time_in_portions():
    now = [0.0]

    def slow(requests, **hooks):
        found = all_reserved_first(Spent(1, 1, 1))(requests, **hooks)
        now[0] += 10
        return found

    answers = within(slow, Account(Budget(seconds=25), clock=lambda: now[0]), requests(50), at_once=10)
    assert sum(not refused(answer) for answer in answers) == 30
    assert within(slow, Account(Budget()), [], at_once=10) == []
