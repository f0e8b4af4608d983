"""Numbers in answers: how they are read, which one counts, and the labels of GSM8K's published solutions computed anew."""

import json
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.scorers.case import Case
from vetset.evaluate.scorers.numbers import find_number, read_number, score_number, tolerance, written

MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", 42),
        ("it is 18.", 18),
        ("-7", -7), ("−7", -7), ("x=-3", -3), ("(-3)", -3), ("+4", 4),
        ("5-3", 3), ("3 - 5", 5), ("3–5", 5),
        ("$-5", -5), ("-$5", -5), ("$ 5", 5), ("￥５００", 500), ("12 €", 12),
        ("1,234", 1234), ("1,234,567.89", "1234567.89"), ("1'234'567", 1234567), ("1\u202f234", 1234), ("1,23,456", 123456),
        ("1.234.567", 1234567), ("1.234,56", "1234.56"), ("1,5", "1.5"), ("1.5.", "1.5"), (".5", "0.5"),
        ("3/4", "3/4"), ("1 1/2", "3/2"), ("½", "1/2"), ("1½", "3/2"), (r"\frac{3}{4}", "3/4"), (r"-\dfrac{1}{2}", "-1/2"),
        ("50%", 50), ("1e3", 1000), ("3.0e-2", "0.03"), ("٣٫٥", "3.5"), ("१२", 12),
        ("1,2,3", None), ("10,20,30", None), ("1.23,4", None), ("12,34.5", None), ("1,2,345", None), ("12,34,567.8", "1234567.8"),
        ("1.234.567,89", "1234567.89"), ("1, 2, 3", 3),
        ("v1.2.3", None), ("a1", None), ("none", None), ("", None), ("10/0", None), ("9" * 500, None), ("1e999999999", None),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_is_written(text, number):
    assert find_number(text) == (None if number is None else Fraction(number))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("First 3, then 4 and 5.", 5),
        ("#### 7\nchecked in 3 steps", 7),
        (r"so \boxed{12} of 30", 12),
        (r"\boxed{1{,}000}", 1000),
        (r"\boxed{x = \frac{3}{4}}", "3/4"),
        ("The final answer to this question is **12** apples. There were 30.", 12),
        ("Answer:\n\n**7**\n\nsince 3 + 4", 7),
        ("**Answer:** 42\n\nFound in step 3.", 42),
        ("A: 26", 26),
        ("The answer is 5 + 3 = 8 eggs", 8),
        ("The answer is 8 since x = 3.", 8),
        ("The answer is 8, x = 3", 8),
        ("The answer is 12 - 4 since x = 3", 12),
        ("The answer is 5 eggs + 3 eggs = 8 eggs", 8),
        ("The answer is $5 x 3 = $15", 15),
        (r"The answer is 2 \times (3 + 4) = 14", 14),
        ("The answer is x = 5", 5),
        ("The answer is x^2 = 9", 9),
        ("The answer is 4. No, wait: the answer is 5, not 6", 5),
        ("答案是 15 个，共 3 步", 15),
        ("The answer is not known, but 4 fits", 4),
        ("- 5 eggs\n- 6 eggs", 6),
    ],
)
def test_the_number_that_is_marked_counts_before_the_last_one(text, number):
    assert find_number(text) == Fraction(number)


def test_equality_is_exact_and_a_tolerance_is_said():
    assert score_number([Case("0.30000000000000004", "0.3")])[0].score == 0
    assert score_number([Case("18.00", "$18")])[0].score == 1
    assert score_number([Case("3.005", "3")], allowed=tolerance("0.01"))[0].score == 1
    assert score_number([Case("3.02", "3")], allowed=tolerance("0.01"))[0].score == 0
    assert score_number([Case("-101", "-100")], allowed=tolerance("1%"))[0].score == 1
    assert score_number([Case("1/3", "0.333")], allowed=tolerance("0.001"))[0].prediction == "1/3"
    for wrong in ("x", "-1", "1%%", "%"):
        with pytest.raises(UsageError, match="tolerance"):
            tolerance(wrong)


def test_a_cut_answer_counts_by_its_mark_alone():
    found = score_number(
        [Case("6 * 7 is 42, and then", "42", "length"), Case("The answer is 42, as 6", "42", "length")]
    )
    assert [(one.score, one.status) for one in found] == [(None, "truncated"), (1.0, "ok")]


def test_a_refusal_that_names_a_number_gives_none_unless_it_is_marked():
    cases = [
        Case("I'm sorry, but I can't help with question 42.", "42"),
        Case("I'm sorry, but I can't help with question 7.\n#### 42", "42"),
        Case("42", "42", "filtered"),
        Case("It took 42 steps", "42"),
    ]
    assert [(one.score, one.status) for one in score_number(cases)] == [
        (None, "refused"), (1.0, "ok"), (None, "refused"), (1.0, "ok")
    ]  # fmt: skip


def test_what_is_no_answer_keeps_its_own_status_and_a_reference_without_a_number_is_an_error():
    cases = [
        Case("no idea", "1"),
        Case(None, "1", "error"),
        Case("Lo siento, pero no puedo ayudarte.", "1"),
        Case("1", "1"),
    ]
    assert [one.status for one in score_number(cases)] == ["unparsed", "error", "refused", "ok"]
    with pytest.raises(DataError, match=r"row 'r3'.*'twelve'.*holds no number"):
        score_number([Case("12", "twelve", id="r3")])


@given(st.fractions(max_denominator=10**6))
def test_a_number_that_is_written_is_read_back(number):
    assert read_number(written(number)) == number


@given(st.integers(-(10**12), 10**12), st.sampled_from([",", "'", "\u202f"]))
def test_thousands_are_read_back(number, sign):
    assert find_number(f"{number:,}".replace(",", sign)) == number


def test_all_labels_of_the_published_solutions_are_computed_anew(shared):
    with (shared / "model_solutions" / "example_model_solutions.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    accuracy = {}
    for model in MODELS:
        cases = [Case(row[model]["solution"], row["ground_truth"]) for row in rows]
        found = [one.score == 1 for one in score_number(cases)]
        assert found == [row[model]["is_correct"] for row in rows]
        accuracy[model] = round(100 * sum(found) / len(found), 3)
    assert accuracy == dict(zip(MODELS, (21.683, 39.045, 34.723, 56.255), strict=True))


def test_ten_thousand_short_answers_cost_little_and_no_answer_makes_it_slow():
    cases = [Case(f"The answer is {number:,}.", str(number)) for number in range(10_000)]
    began = time.process_time()
    assert all(one.score == 1 for one in score_number(cases))
    assert time.process_time() - began < 3
    hostile = (
        "1" * 200_000,
        "1," * 50_000,
        "answer " * 20_000,
        "answer is a a a a" * 5_000,
        r"\frac{" * 20_000,
        "- $" * 50_000,
        "1/" * 50_000,
        "The answer is " + "1 a" * 50_000 + "=",
        "The answer is " + "1+" * 50_000 + "z = 3",
    )
    began = time.process_time()
    for text in hostile:
        find_number(text)
    assert time.process_time() - began < 8
