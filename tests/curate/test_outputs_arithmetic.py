"""outputs.arithmetic: sums that no reading makes right."""

import json
import re
import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate import text
from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.outputs import arithmetic
from vetset.curate.outputs.arithmetic import find_arithmetic, unfounded, wrong_sums
from vetset.curate.outputs.sums import Unreadable, holds, tokens, work_out


def rows_of(*answers):
    return frame(
        [{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": one}]} for one in answers]
    )


def found_in(*answers):
    rows = rows_of(*answers)
    return rows, find_arithmetic(rows, text.turns(rows))


WRONG = {
    "She has 16 - 3 - 4 = 10 eggs.": "16 - 3 - 4 = 10",
    "48/2 = <<48/2=25>>25 clips": "48/2=25",
    "So 14*20=140 minutes": "14*20 = 140",
    "It costs $4.20 + $9.45 + $1.35 = $14.99 in all": "$4.20 + $9.45 + $1.35 = $14.99",
    "That is 1,248 × 10 = 11,480.": "1,248 * 10 = 11,480",
    "20% of it: 20% * 50 = 12": "20% * 50 = 12",
    "13 marbles + 4 marbles + 16 marbles = 45 marbles": "13 + 4 + 16 = 45",
    "so 7818 x 86175 = 674667340.": "7818 x 86175 = 674667340",
    "所以 3 + 4 ＝ 8。": "3 + 4 = 8",
    "$\\frac{6}{3} + 1 = 4$": None,
    "2^10 = 1000 bytes": "2^10 = 1000",
    "We have boxes. 68 * 47 = 3296.": "68 * 47 = 3296",
    "It is done! 68 + 47 = 116.": "68 + 47 = 116",
    "There are 12 (one of each). $4 + $5 = $10": "$4 + $5 = $10",
    "5 + 3 = 8. 2 + 2 = 5.": "2 + 2 = 5",
    "1. 3 + 4 = 8": "3 + 4 = 8",
}
RIGHT = (
    "10/3 = 3.33, 10/3=3.3 and 10 / 3 = 3, or 20/3 = 7",
    "5 + 3 = 8 - 2 = 6",
    "25/50 = 50% and 25/50*100 = 50%; 200 + 10% = 220",
    "1.000 + 500 = 1.500 and 1,5 + 1,5 = 3 but 1,000 * 2 = 2,000",
    "5 * 25 cents = $1.25; 2 hours * 60 = 120 minutes; 3 hours = 180 minutes",
    "0.33 * 3 = 1 and 16.67 * 3 = 50.00",
    "x + 3 + 4 = 12, 2x - 5 = 16, f(3) = 4, 10x-5 = 75",
    "half of 10 + 3 = 8; the sum of 3 and 4 + 5 = 12",
    "17 / 5 = 3 R 2; 7 = 2 (mod 5); 3 + 4 = 1 mod 6",
    "a = 5 - 3 == 2; i += 1; if x - 1 >= 3: y = x * 2",
    "5! = 120, 3:30 + 0:45 = 4:15, 1 1/2 + 1 = 2 1/2",
    "3 * 2 million = 6 million; 2 dozen + 3 = 27",
    "Step 1 - 20 * 3 = 60",
    "See No. 5 + 3 = 9, approx. 5 + 3 = 9, 3! + 4 = 10, n! 4 + 3 = 8",
    "It is 3.5 + 1. 5 + 3 = 8. 2 + 2 = 4! 1 + 1 = 2",
    "1/2 + 1/4 = 3/4; 14 / 1/4 = 56; 2(3 + 4) = 14; (3 + 4) = 7",
    "days 1-2 = 96 - 70",
    "the 15 pages x 2/3 = 10 pages",
    "There are 25 classmates + his 1 teacher + 1 himself = 27 people",
    "¾ x 3/3 = 9/12",
    "5 km + 3 km = 8km, 5 × 3 = 15, 8 ÷ 2 = 4, 5 − 3 = 2",
    "1 000 000 + 500 000 = 1 500 000",
    "🙂 = 🙂, كم = ٣",
    "https://a.b/?q=1-2&r=3",
    "= = = 5 == 5 = ",
    "9" * 5000 + " + 1 = 3",
)


@pytest.mark.parametrize(("answer", "shown"), WRONG.items())
def test_a_sum_that_does_not_compute_is_found(answer, shown):
    wrong = [claim.written for claim in wrong_sums(answer)]
    assert len(wrong) == 1
    assert shown is None or " ".join(wrong[0].split()) == " ".join(shown.split())


@pytest.mark.parametrize("answer", RIGHT)
def test_a_sum_that_some_reading_makes_right_or_that_is_no_whole_sum_is_left_alone(answer):
    assert list(wrong_sums(answer)) == []


def test_the_note_counts_what_fails_and_rows_without_sums_are_passed_over():
    rows, found = found_in("1 + 1 = 3. Then 2 + 2 = 5.", "1 + 1 = 2", "no sum", "")
    assert found["id"].to_list() == rows["id"][:1].to_list()
    assert found["note"][0] == "'1 + 1 = 3' does not compute, and 1 more."
    assert found.schema == SCHEMA


def test_a_final_answer_that_nobody_worked_out_is_a_weaker_finding():
    assert unfounded("5*20 = 100\n100+20 = 120\n#### 140") == "140"
    assert unfounded("3.5*0.14 = $0.49\n#### 49") is None  # cents
    assert unfounded("so it took three days, as 8*2 = 16\n#### 3") is None
    assert unfounded("7/2 = 3.5\nA: 4") is None
    assert unfounded("#### 12") is None
    _, found = found_in("5*20 = 100\n100+20 = 120\n#### 140")
    assert found["score"].to_list() == [0.4]


def test_sums_are_worked_out_exactly_and_bounded():
    assert work_out(tokens("-2^2 + (3 - 1)*4")) == 4
    assert holds("0.1 + 0.2", "0.3")
    for side in ("9^99", "1/0", "((1)", "1 2", "(" * 50 + "1" + ")" * 50, "1+" * 60 + "1", "1;2"):
        with pytest.raises(Unreadable):
            work_out(tokens(side))


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=6), st.integers(1, 500))
def test_any_true_sum_holds_and_none_that_is_off_by_a_whole_number(numbers, off):
    written, total = " + ".join(map(str, numbers)), sum(numbers)
    assert list(wrong_sums(f"We get {written} = {total} in all")) == []
    # What is left when the head is taken for a list number or a dash may be right by chance.
    suffixes = {sum(numbers[k:]) for k in range(1, len(numbers) - 1)} | {numbers[-1]}
    if total + off not in suffixes:
        assert len(list(wrong_sums(f"We get {written} = {total + off} in all"))) == 1


@given(st.text("0123456789+-*/=x().,$%<> ^", max_size=300))
def test_no_text_of_signs_breaks_it_or_takes_long(line):
    start = time.process_time()
    list(wrong_sums(line))
    assert time.process_time() - start < 2


def test_long_lines_of_signs_take_linear_time():
    start = time.process_time()
    for piece in ("1+", "(1", "1 = ", "<<1=", "$ ", "1 apple ", "a " * 3):
        list(wrong_sums(piece * 20_000))
    assert time.process_time() - start < 10


def test_empty_one_row_and_any_order_give_the_same():
    empty = frame([])
    assert find_arithmetic(empty, text.turns(empty)).schema == SCHEMA
    rows = rows_of("1 + 1 = 3", "2 + 2 = 4", "2 * 3 = 7")
    back = rows.reverse()
    one, other = find_arithmetic(rows, text.turns(rows)), find_arithmetic(back, text.turns(back))
    assert one.sort("id").equals(other.sort("id"))
    assert len(one) == 2


def test_gold_solutions_hold_but_for_the_few_that_people_got_wrong(shared):
    """Each of the 22 sums was read: all are wrong in the source (14*20=140, $4200+$3000 = $8600, 70 + 40 = 100 ...)."""
    alarms = []
    for split in ("train", "test"):
        lines = (shared / "math_contamination" / "gsm8k" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        _, found = found_in(*(json.loads(line)["answer"] for line in lines))
        alarms += found["score"].to_list()
    assert alarms.count(0.9) == 22
    assert alarms.count(0.4) == 4


def test_wrong_solutions_of_models_are_found_far_oftener_than_right_ones(shared):
    lines = (shared / "model_solutions" / "example_model_solutions.jsonl").read_text(encoding="utf-8").splitlines()
    models = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
    given_ = [json.loads(line)[model] for line in lines for model in models]
    rows, found = found_in(*(one["solution"] for one in given_))
    told = rows.select("id", right=pl.Series([one["is_correct"] for one in given_])).join(
        found.select("id", score="score"), on="id", how="left"
    )
    share = {right: of["score"].is_not_null().mean() for (right,), of in told.group_by("right")}
    assert share[False] > 5 * share[True]
    assert share[True] < 0.01


def test_the_quick_looks_say_what_the_regular_expressions_say():
    random = np.random.default_rng(0)
    words = ["of", "and", "sold", "x", "xs", "steps", "'s", "Of", "ſ", "日", "_of"]
    pieces = [*words, "1", " ", " ", "  ", "\t", "+", "=", "(", ":", ".", "€", "$"]
    for _ in range(3000):
        before = "".join(random.choice(pieces, random.integers(1, 6)))
        assert arithmetic._is_open(before) == (arithmetic._OPEN.search(before) is not None), before
    numbers = ["72", "7", "2", "72.5", "172", "1,72", "72,000", ".72", "0 72", "72 000", " ", "x", "=", ".", ","]
    for _ in range(3000):
        text = "".join(random.choice(numbers, random.integers(1, 5)))
        joined = arithmetic._THOUSANDS.sub(lambda number: number[0].replace(" ", ""), text)
        known = [arithmetic._value(number) for number in re.findall(r"\d[\d,]*(?:\.\d+)?|\.\d+", joined)]
        if arithmetic._stands("72", text):
            assert 72.0 in known, text
