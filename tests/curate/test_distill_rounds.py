"""Rounds: cells get their rows or are short, every draft ends in one fate, and asking for more asks only for more."""

from collections import Counter
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.calls import Answer, Request
from vetset.curate.distill.draft import Draft, Fault, Made
from vetset.curate.distill.lineage import Verdict
from vetset.curate.distill.outcome import BUDGET, CALL, SURPLUS, count_fates, count_gates
from vetset.curate.distill.planning import CellPlan
from vetset.curate.distill.rounds import run_rounds
from vetset.curate.messages import Said

REFUSED = Answer(finish="error", error="not sent, to keep to the budget")


def chance(*told):
    return int(sha256(repr(told).encode()).hexdigest()[:8], 16) / 16**8


def step(draft, replies):
    if not replies:
        return [Request((Said("user", f"{draft.id}"),), sample=draft.index)]
    text = replies[0][0].text
    return Fault("distill.schema", "no text") if text == "broken" else Made((Said("user", text),), label=draft.label)


class Teacher:
    def __init__(self, broken=0.0, failing=0.0, most=None):
        self.broken, self.failing, self.most, self.asked = broken, failing, most, Counter()

    def __call__(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        name = request.messages[0].content
        if self.most is not None and sum(self.asked.values()) >= self.most:
            return REFUSED
        self.asked[name] += 1
        if chance("fail", name) < self.failing:
            return Answer(finish="error", error="gone")
        return Answer(text="broken" if chance("broken", name) < self.broken else f"text of {name}")


def judge_by(share):
    def judge(made, kept):
        return [
            [Verdict("distill.judge", "reject", note="poor")] if chance("judge", one.draft.id) < share else []
            for one in made
        ]

    return judge


def plans(wanted, cells=3, attempts=4.0):
    return [
        CellPlan({"label": f"L{number}"}, wanted, int(wanted * attempts), [(f"row-{number}",)])
        for number in range(cells)
    ]


def run(cells, teacher, judge=None):
    return run_rounds(cells, step, teacher, judge or judge_by(0.0), is_refused=lambda answer: answer is REFUSED)


@given(
    wanted=st.integers(0, 12),
    cells=st.integers(1, 4),
    broken=st.floats(0, 1),
    failing=st.floats(0, 0.5),
    rejected=st.floats(0, 1),
    most=st.none() | st.integers(0, 60),
)
@settings(deadline=None, max_examples=150)
def test_every_draft_ends_in_one_fate_and_no_cell_has_more_than_it_wants(
    wanted, cells, broken, failing, rejected, most
):
    planned = plans(wanted, cells)
    outcomes = run(planned, Teacher(broken, failing, most), judge_by(rejected))
    counts = count_fates(outcomes)
    assert counts.pop("planned") == sum(counts.values()) == len(outcomes)
    assert len({one.draft.id for one in outcomes}) == len(outcomes)
    assert all((one.gate is None) == (one.fate == "accepted") for one in outcomes)
    for plan in planned:
        own = [one for one in outcomes if one.draft.cell == plan.cell]
        accepted = sum(one.fate == "accepted" for one in own)
        assert accepted <= plan.wanted
        assert len(own) <= plan.most
        if accepted < plan.wanted and not any(one.gate == BUDGET for one in outcomes):
            assert len(own) == plan.most


def test_a_cell_gets_as_many_rows_as_it_wants():
    outcomes = run(plans(20), Teacher(broken=0.3), judge_by(0.3))
    assert Counter(one.draft.label for one in outcomes if one.fate == "accepted") == {"L0": 20, "L1": 20, "L2": 20}


def test_ten_percent_more_rows_ask_for_no_more_than_these():
    first, more = Teacher(), Teacher()
    run(plans(100), first)
    run(plans(110), more)
    assert len(more.asked - first.asked) == 30
    assert not first.asked - more.asked


def test_more_rows_use_what_was_asked_before_even_where_some_were_rejected():
    first, more = Teacher(broken=0.2), Teacher(broken=0.2)
    run(plans(100), first)
    run(plans(110), more)
    assert not first.asked - more.asked
    assert len(more.asked - first.asked) < 60


def test_the_same_run_comes_to_the_same_outcomes():
    one, other = (run(plans(30), Teacher(0.3, 0.05), judge_by(0.2)) for _ in range(2))
    assert one == other


def test_a_good_row_of_a_full_cell_is_kept_for_a_run_that_wants_more():
    outcomes = run(plans(10, cells=1, attempts=30), Teacher(), judge_by(0.9))
    surplus = [one for one in outcomes if one.gate == SURPLUS]
    assert sum(one.fate == "accepted" for one in outcomes) == 10
    assert all(one.fate == "rejected" and one.made is not None for one in surplus)


def test_what_the_budget_kept_back_failed_and_ends_the_run():
    outcomes = run(plans(20), Teacher(most=25))
    counts = count_gates(outcomes)
    assert counts[BUDGET] == 35
    assert count_fates(outcomes)["accepted"] == 25


def test_a_call_that_failed_is_replaced_and_told():
    outcomes = run(plans(20), Teacher(failing=0.3))
    failed = [one for one in outcomes if one.gate == CALL]
    assert failed
    assert all(one.why == "gone" for one in failed)
    assert count_fates(outcomes)["accepted"] == 60


def test_a_draft_of_several_waves_keeps_no_other_waiting():
    waves = []

    def turns(draft, replies):
        if len(replies) < draft.index + 1:
            return [Request((Said("user", f"{draft.id} {len(replies)}"),))]
        return Made((Said("user", draft.id),))

    def ask(requests):
        waves.append(len(requests))
        return [Answer(text="on") for _ in requests]

    outcomes = run_rounds([CellPlan({}, 3, 9, [()])], turns, ask, judge_by(0), is_refused=lambda _: False)
    assert waves == [3, 2, 1]
    assert [len(one.calls) for one in outcomes] == [1, 2, 3]


def test_earlier_drafts_win_over_later_ones_whatever_their_cell():
    seen = []

    def judge(made, kept):
        seen.append([one.draft for one in made])
        return [[] for _ in made]

    run(plans(3, cells=2), Teacher(), judge)
    assert [(draft.index, draft.label) for draft in seen[0]] == [
        (0, "L0"), (0, "L1"), (1, "L0"), (1, "L1"), (2, "L0"), (2, "L1"),
    ]  # fmt: skip


def test_a_draft_is_named_by_what_it_is():
    assert Draft({"label": "a"}, 1, ("x",)).id == Draft({"label": "a"}, 1, ("x",)).id
    names = {
        Draft({"label": label}, index, parents).id for label in "ab" for index in range(3) for parents in ((), ("x",))
    }
    assert len(names) == 12
