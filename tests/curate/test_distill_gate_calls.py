"""Calls of the gates' own that bring no answer say nothing of a row; what stands beside a made row is looked at, too."""

from dataclasses import replace

import polars as pl
import pytest
from vetset.curate.calls import Answer
from vetset.curate.dataset import frame
from vetset.curate.distill.budget import REFUSED, WAITS
from vetset.curate.distill.draft import Draft, Made
from vetset.curate.distill.gates.gate import Vote
from vetset.curate.distill.gates.order import judge_batch
from vetset.curate.distill.gates.wanted import Gates
from vetset.curate.distill.lineage import Teacher, Verdict
from vetset.curate.distill.outcome import BUDGET, CALL, Outcome
from vetset.curate.distill.planning import CellPlan
from vetset.curate.distill.rounds import run_rounds
from vetset.curate.distill.rows import Origin, Parents, drafts_as_rows
from vetset.curate.distill.seeds import Seeds
from vetset.curate.distill.shown import private_in
from vetset.curate.messages import Said
from vetset.tests.curate.test_distill_gates import GOOD, PLACES, batch_of, judged, worst

REFUSAL = Answer(finish="error", error=f"{REFUSED}of 10 calls 0 are left.")
WAITING = Answer(finish="error", error=f"{WAITS}read it back first.")
GONE = Answer(finish="error", error="the server said 500 to a@firma-nord.com")
VOTE, OTHER = Answer(text='{"label": "card"}'), Answer(text='{"label": "transfer"}')
LINES = [(f"{GOOD[0]} since {place}", "card") for place in PLACES[:3]]
KEY = "sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2"


@pytest.mark.parametrize(
    ("answers", "gate"),
    [
        ([REFUSAL, REFUSAL, REFUSAL], BUDGET), ([VOTE, VOTE, REFUSAL], BUDGET), ([OTHER, OTHER, GONE], CALL),
        ([GONE, WAITING, VOTE], BUDGET), ([VOTE, VOTE, Answer(text="?")], None),
    ],
)  # fmt: skip
def test_a_vote_that_never_came_is_no_vote_that_could_not_be_read(answers, gate):
    found, _ = judged([GOOD], {"label_votes": {"votes": 3}, "label_model": "off"}, ask=lambda requests: answers)
    assert worst(found) == ({} if gate is None else {0: (gate, "failed")})
    assert all("firma-nord" not in note for note in found["note"])


def test_a_row_whose_judge_never_answered_is_not_seen_by_the_gates_behind():
    votes = [[Vote(0.9, "a", calibrated=True)], [Vote(None, "a", error=REFUSAL.error)], [Vote(None, "a")]]
    found, _ = judged(LINES, {"duplicates": "off"}, judge=lambda made: votes)
    assert worst(found) == {1: (BUDGET, "failed"), 2: ("distill.judge", "review")}
    last = found.group_by("id", maintain_order=True).last()
    assert last["gate"].to_list() == ["label_model", BUDGET, "label_model"]
    assert found.filter(pl.col("verdict") == "failed")["note"].to_list() == [REFUSAL.error]


def test_one_vote_of_a_judge_that_failed_keeps_its_row_from_being_judged_by_the_others():
    votes = [[Vote(0.1, "a", calibrated=True), Vote(None, "b", error="gone")]]
    found, _ = judged([GOOD], judge=lambda made: votes)
    assert worst(found) == {0: (CALL, "failed")}


def test_rows_whose_label_is_shares_are_not_put_to_the_vote():
    asked = []
    lines = [(text, '{"card":0.75,"transfer":0.25}') for text, _ in LINES]
    judged(lines, {"label_votes": {"votes": 3}, "label_model": "off"}, ask=asked.extend)
    assert asked == []


def made_by(verdicts):
    def step(draft, replies):
        return Made((Said("user", draft.id),), label="card")

    plan = CellPlan({}, 1, 3, [()])
    return run_rounds([plan], step, lambda requests: [], lambda made, kept: [verdicts], is_refused=lambda _: False)


def test_a_draft_that_a_gate_could_not_judge_failed_and_keeps_what_the_others_said():
    passed, doubt = Verdict("length", "pass"), Verdict("distill.verify", "review", note="odd")
    refused = Verdict(BUDGET, "failed", note="no call is left")
    [one] = made_by([passed, doubt, refused])
    assert (one.fate, one.gate, one.why) == ("failed", BUDGET, "no call is left")
    assert one.verdicts == (passed, doubt)
    assert one.made is not None


def test_a_draft_for_which_a_call_failed_is_replaced_and_one_of_a_spent_budget_ends_the_run():
    assert [one.fate for one in made_by([Verdict(CALL, "failed", note="gone")])] == ["failed"] * 3
    assert [one.fate for one in made_by([Verdict(BUDGET, "failed", note="none left")])] == ["failed"]


# what stands beside a row: rationale, quote


def beside(rows, *extras):
    """What the engine makes of drafts whose teacher gave these beside the text."""
    origin = Origin("r", "rationale", "tiny", Teacher("tiny"), {}, None, "2026-11-01", "0")
    outcomes = [
        Outcome(Draft({}, at, ()), "accepted", made=Made((Said("user", text),), label=label, extra=extra))
        for at, ((text, label), extra) in enumerate(zip(rows, extras, strict=True))
    ]
    return drafts_as_rows(outcomes, origin, Parents({}, {}), split="train")


def found_beside(*extras, held=None):
    made = beside(LINES[: len(extras)], *extras)
    found = judge_batch(replace(batch_of([], held=held), made=made), Gates.model_validate({"duplicates": "off"}))
    bad = found.filter(pl.col("verdict") != "pass")
    return dict(zip(bad["id"], bad["gate"], strict=True)), made["id"].to_list(), found


def test_a_key_in_a_rationale_is_found_and_not_shown():
    extras = {"rationale": f"The key is {KEY}, so it is the card."}, {"votes": {"ann@firma-nord.com": 2}}, {"n": 3}
    told, ids, found = found_beside(*extras)
    assert told == {ids[0]: "privacy.secret", ids[1]: "privacy.email"}
    assert not any(KEY in note or "firma-nord" in note for note in found["note"])


def test_an_eval_row_in_a_quote_is_found_and_names_of_fields_are_no_text():
    held = "Which currencies do you exchange on a Sunday morning in spring"
    told, ids, _ = found_beside({"quote": held}, {"quote": "It is about my card."}, held=[held, "quote"])
    assert list(told) == ids[:1]
    assert told[ids[0]].startswith("leakage.")


# what is sent


def test_it_is_counted_how_many_of_the_rows_that_are_shown_are_private():
    said = [
        "my card",
        "write to ann@firma-nord.com or bob@firma-nord.com",
        f"use {KEY}",
        "an\u200bn@firma-nord.com",
        "ok",
    ]
    rows = frame([{"messages": one} for one in said])
    told = private_in(Seeds(rows, {}, rows))
    assert told is not None
    assert told.startswith(
        "3 of 5 rows that the teacher may be shown hold personal data or secrets (1 secret, 3 mail addresses)"
    )
    assert KEY not in told
    assert private_in(Seeds(rows.head(1), {}, rows)) is None
