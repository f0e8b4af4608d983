"""outputs.ignores: answers to another row's input, or to none."""

import json
import random

import pytest

pytest.importorskip("numba")

from vetset.curate import text
from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.outputs import ignores
from vetset.curate.outputs.exchanges import exchanges
from vetset.curate.outputs.ignores import find_ignoring


def rows_of(pairs):
    return frame(
        [
            {
                "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": told}],
                "file": "a.jsonl",
                "line": line,
            }
            for line, (asked, told) in enumerate(pairs, 1)
        ]
    )


def found_in(rows):
    return find_ignoring(rows, exchanges(text.turns(rows)))


def invented(count, seed=0):
    """Questions about invented names, and answers that name them."""
    rng = random.Random(seed)
    names = [
        ["".join(rng.choice("bdfgklmnprst") + rng.choice("aeiou") for _ in range(4)) for _ in range(6)]
        for _ in range(count)
    ]
    return [
        (f"Where does the road from {a} to {b} meet the {c} of {d}, and who built it for {e}?",
         f"The road from {a} to {b} meets the {c} behind the hill of {d}. It was built for {e} by old {f}.")
        for a, b, c, d, e, f in names
    ]  # fmt: skip


def test_a_clean_set_has_none():
    assert found_in(rows_of(invented(200))).is_empty()


def test_a_run_that_is_off_by_one_is_found_from_end_to_end():
    pairs = invented(200)
    told = [answer for _, answer in pairs]
    told[50:90] = [told[89], *told[50:89]]
    rows = rows_of([(asked, answer) for (asked, _), answer in zip(pairs, told, strict=True)])
    found = found_in(rows)
    places = {rows["id"].to_list().index(one) for one in found["id"]}
    assert set(range(51, 90)) <= places <= set(range(50, 90))
    one = found.row(5, named=True)
    at = rows["id"].to_list().index(one["id"])
    assert rows["id"].to_list().index(one["peer"]) == at - 1
    assert "fits the input of the row before" in one["note"]
    assert f"line {at})" in one["note"]  # lines count from 1
    assert found["cluster"].drop_nulls().n_unique() >= 1


def test_a_whole_file_that_is_off_by_one_is_found_although_no_row_is_right():
    pairs = invented(120)
    rows = rows_of([(asked, pairs[(at + 1) % 120][1]) for at, (asked, _) in enumerate(pairs)])
    assert len(found_in(rows)) >= 118


def test_two_answers_that_changed_places_are_found_wherever_they_stand():
    pairs = invented(200)
    told = [answer for _, answer in pairs]
    told[10], told[150] = told[150], told[10]
    rows = rows_of([(asked, answer) for (asked, _), answer in zip(pairs, told, strict=True)])
    found = found_in(rows)
    assert [rows["id"].to_list().index(one) for one in found["id"]] == [10, 150]
    assert found["peer"].to_list() == [rows["id"][150], rows["id"][10]]


def test_one_answer_that_shares_no_word_with_its_question_is_no_finding_since_most_such_answers_are_right():
    pairs = invented(200)
    pairs[70] = (
        f"{pairs[70][0]} {invented(1, seed=9)[0][0]}",
        "Our shop opens at nine, and parking is free behind the bakery; "
        "bring quinces, gravel, tulips, rope, lanterns, a kettle, biscuits, stamps, twine.",
    )
    assert found_in(rows_of(pairs)).is_empty()


def test_one_answer_under_unlike_questions_is_found_and_under_like_ones_is_not():
    pairs = invented(200)
    canned = "We have looked into your case and everything is in order; a letter follows by mail."
    questions = (
        "Why did the scanner stop when I sold 14 tickets?",
        "My invoice R-20563 names another customer.",
        "Does parking behind bakeries cost money on Sundays?",
    )
    for at, question in zip((20, 80, 140), questions, strict=True):
        pairs[at] = (question, canned)
    rows = rows_of(pairs)
    assert {rows["id"].to_list().index(one) for one in found_in(rows)["id"]} == {20, 80, 140}
    for at in (20, 80, 140):
        pairs[at] = (
            f"Could you please tell me the present state of my case number {at}, and whether it is in order?",
            canned,
        )
    rows = rows_of(pairs)
    assert found_in(rows).is_empty()


def test_one_answer_under_questions_of_one_subject_is_right_and_a_refusal_is_left_to_its_own_rule():
    names = "olives rockets bread tides chess glass coffee maps silk paper clocks tea ships wine snow roads"
    forms = (
        "Name three things about {}.",
        "Explain to a child how {} works.",
        "Why do people like {}?",
        "Tell us of {}.",
    )
    pairs = [
        (
            f"{forms[at % 4].format(subject)} I teach class {at}.",
            f"People who care for {subject} learn it in {at} weeks and more.",
        )
        for at, subject in enumerate(names.split() * 20)
    ]
    for told, subject in (
        ("For olives you want brine, stones and presses above all.", "olives"),
        ("Three things matter: fuel, nozzle and guidance.", "rockets"),
    ):
        for at, form in zip((20, 80, 140), forms, strict=False):
            pairs[at] = f"{form.format(subject)} My neighbour {at} asked.", told
        assert found_in(rows_of(pairs)).is_empty()
    pairs = invented(200)
    asked = ("Why did the scanner stop when I sold 14 tickets?", "My invoice R-20563 names another customer, why?",
             "Does parking behind bakeries cost money on Sundays?")  # fmt: skip
    for at, question in zip((20, 80, 140), asked, strict=True):
        pairs[at] = question, "Sorry, I am unable to assist with that request of yours today."
    assert found_in(rows_of(pairs)).is_empty()


def test_sets_in_which_answers_share_nothing_with_inputs_are_left_alone():
    rng = random.Random(1)
    poems = [
        ("Write me something nice for today.", " ".join(f"w{rng.randrange(9_000)}" for _ in range(40)))
        for _ in range(100)
    ]
    classes = [(asked, "refund" if at % 2 else "delay") for at, (asked, _) in enumerate(invented(100))]
    assert found_in(rows_of(poems)).is_empty()
    assert found_in(rows_of(classes)).is_empty()


def test_rows_in_any_order_give_the_same_findings():
    pairs = invented(120)
    told = [answer for _, answer in pairs]
    told[50:90] = [told[89], *told[50:89]]
    rows = rows_of([(asked, answer) for (asked, _), answer in zip(pairs, told, strict=True)])
    mixed = rows.sample(fraction=1, shuffle=True, seed=3)
    columns = ["id", "score", "peer", "note"]
    assert found_in(rows).select(columns).sort("id").equals(found_in(mixed).select(columns).sort("id"))
    assert found_in(rows).equals(found_in(rows))


def test_no_row_and_few_rows_have_none():
    for pairs in ([], invented(1), [("你好吗 😀", "مرحبا")] * 19):
        found = found_in(rows_of(pairs))
        assert found.is_empty()
        assert found.schema == SCHEMA


def load(shared, name):
    source = json.loads((shared / "llm_formats" / f"{name}_demo.json").read_text(encoding="utf-8"))
    return [("\n".join(filter(None, (one["instruction"], one["input"]))), one["output"]) for one in source]


@pytest.mark.parametrize("name", ["alpaca_en", "alpaca_zh"])
def test_real_sets_are_clean_and_a_planted_shift_in_them_is_found(shared, name):
    pairs = load(shared, name)
    assert found_in(rows_of(pairs)).is_empty()
    told = [answer for _, answer in pairs]
    told[100:160] = [told[159], *told[100:159]]
    rows = rows_of([(asked, answer) for (asked, _), answer in zip(pairs, told, strict=True)])
    places = {rows["id"].to_list().index(one) for one in found_in(rows)["id"]}
    assert places <= set(range(100, 160))
    assert len(places) > 40


def test_of_a_large_set_stretches_are_read_and_the_check_says_so(monkeypatch):
    monkeypatch.setattr(ignores, "_MOST", 200)  # 100,000 takes seconds
    pairs = invented(1_000)
    told = [answer for _, answer in pairs]
    rows = rows_of([(asked, answer) for (asked, _), answer in zip(pairs, [told[-1], *told[:-1]], strict=True)])
    notes = []
    found = find_ignoring(rows, exchanges(text.turns(rows)), notes=notes)
    assert 100 <= found.height <= 200
    assert notes == ["outputs.ignores read 200 of 1,000 answers, in 10 stretches; a join that is off shows"]
